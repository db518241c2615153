//! The example `booking_bot` in the page, as a new user would try it.

use std::process::{Command, Stdio};

use serde_json::json;
use snapengage::integration::{self, ChatEndedBy, SupportRequest};
use snapengage::{Receiver, Token, serve};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::Child;
use tokio::sync::mpsc;

use super::chromium::Chromium;
use super::looks::{assert_nothing_serious, folder};
use super::page::Page;
use super::simulated::{JANE, Simulated, TOKEN};
use super::{asked, assert_quiet, say, start, tab, visit};

/// A booking bot and a CRM, which end with the value, and a simulator that is told of both.
struct Shop {
    bot: Child,
    finished: mpsc::UnboundedReceiver<SupportRequest>,
    simulated: Simulated,
}

impl Shop {
    async fn open() -> Self {
        let (child, address) = booking_bot().await;
        let (told, finished) = mpsc::unbounded_channel();
        let crm = serve_crm(told).await;
        let options = ["--bot", &address, "--token", TOKEN, "--integration", &crm, "--agent", JANE];
        Self { bot: child, finished, simulated: Simulated::start(&options).await }
    }
}

/// Starts the example, which cargo has built next to the folder of the tests.
async fn booking_bot() -> (Child, String) {
    let test = std::env::current_exe().expect("the path of this test");
    let profile = test.ancestors().nth(2).expect("the folder of the profile");
    let name = format!("booking_bot{}", std::env::consts::EXE_SUFFIX);
    let mut command = Command::new(profile.join("examples").join(name));
    command.args(["--listen", "127.0.0.1:0"]).env("SNAPENGAGE_TOKEN", TOKEN);
    command.env_remove("RUST_LOG").stderr(Stdio::piped());
    let mut command = tokio::process::Command::from(command);
    let hint = "an example: `cargo test` builds them, `cargo test --test` does not";
    let mut bot = command.kill_on_drop(true).spawn().expect(hint);
    let mut lines = BufReader::new(bot.stderr.take().expect("a pipe")).lines();
    loop {
        let line = lines.next_line().await.expect("a line").expect("it runs");
        if let Some(address) = line.strip_prefix("listening on ") {
            let address = format!("{address}/bot");
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return (bot, address);
        }
    }
}

/// Serves what takes finished chats on a free port, and returns its address.
async fn serve_crm(told: mpsc::UnboundedSender<SupportRequest>) -> String {
    let crm = integration::from_fn(move |request| {
        let told = told.clone();
        async move {
            told.send(request).expect("the test listens");
            Ok(())
        }
    });
    let receiver = Receiver::builder().integration("/cases", Token::new(TOKEN), crm);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let receiver = receiver.build().expect("a receiver");
    tokio::spawn(serve(listener, receiver, std::future::pending()));
    format!("http://{address}/cases")
}

async fn is(page: &Page, state: &str) {
    let shown = "document.getElementById('visit-state').textContent";
    page.until(&format!("{shown} === {}", json!(state))).await;
}

/// Waits until the bot has said something so many times.
async fn bot_says(page: &Page, text: &str, times: usize) {
    let said = format!(
        "[...document.querySelectorAll('#log .bot .bubble')]
            .filter(({{ textContent }}) => textContent.includes({})).length === {times}",
        json!(text)
    );
    page.until(&said).await;
}

/// Books as a visitor, by buttons and in words.
async fn book(page: &Page, service: &str, day: &str, email: &str) {
    start(page, "Hello", "What shall it be?").await;
    page.click(".choices button", &format!("A {service}")).await;
    page.sees_in("#log", &format!("A {service}. On which day?")).await;
    say(page, day, &format!("{day} it is. Your email address?")).await;
    say(page, email, &format!("A {service} on {day}, for {email}. Right?")).await;
    page.click(".choices button", "Yes").await;
    page.sees_in("#log", &format!("Booked. A note is on its way to {email}.")).await;
    page.sees_in("#facts", &format!("service: {service}, day: {day}")).await;
}

/// The chat goes to Jane, who gives it back to the bot, and gets it once more.
async fn ask_for_somebody(page: &Page) {
    say(page, "Is there a human?", "One moment, please.").await;
    is(page, "waiting for an agent").await;
    page.click("#take", "").await;
    is(page, "with an agent").await;
    page.write("#agent-text", "Jane here. How can I help?").await;
    page.press("Enter").await;
    page.sees_in("#log .agent", "Jane here. How can I help?").await;
    say(page, "I need a haircut, too", "I need a haircut, too").await;

    bot_says(page, "Hello! I book you in.", 1).await;
    page.choose("transfer-to", r#"{"widget":"local"}"#).await;
    page.click("#transfer button", "Transfer").await;
    is(page, "with the bot").await;
    bot_says(page, "Hello! I book you in.", 2).await;
    page.click(".choices:last-child button:not(:disabled)", "Talk to somebody").await;
    is(page, "waiting for an agent").await;
    page.click("#take", "").await;
    is(page, "with an agent").await;
    // What was said last is seen, wherever the button was that was clicked.
    let is_at_end = "(({ scrollHeight, scrollTop, clientHeight }) =>
        scrollHeight - scrollTop - clientHeight < 40)(document.getElementById('log'))";
    page.until(is_at_end).await;
}

#[tokio::test]
async fn booking_is_chatted_handed_over_and_sent_on() {
    let mut shop = Shop::open().await;
    let browser = Chromium::launch();
    let page = tab(&browser, &shop.simulated).await;
    page.write("#start [name=name]", "Ann").await;
    book(&page, "shave", "2099-05-29", "ann@example.com").await;
    ask_for_somebody(&page).await;
    page.click("#close", "").await;
    is(&page, "closed").await;

    let request = shop.finished.recv().await.expect("a request");
    let case_id = visit(&page).await["case_id"].clone();
    assert_eq!(request.id.as_str(), case_id);
    assert_eq!(request.chat_ended_by, Some(ChatEndedBy::Agent));
    let lines: Vec<_> = request.transcripts.iter().map(|line| line.message.as_str()).collect();
    assert!(lines.contains(&"Jane here. How can I help?"), "{lines:?}");
    page.choose("wire-feed", "integration").await;
    page.until("document.querySelectorAll('#deliveries > li').length === 1").await;
    page.click("#deliveries .head", "").await;
    page.sees_in("#deliveries pre[aria-label*=request]", "Jane here. How can I help?").await;
    page.sees_in("#deliveries h3:nth-of-type(2)", "Answer 200").await;
    assert_told(&page).await;
    pictures(&page).await;
    assert_nothing_serious(&page, "a booking").await;
}

/// The bot was told of all that it had to be, and of nothing of Jane's.
async fn assert_told(page: &Page) {
    let sent = asked(page, "deliveries?feed=bot").await;
    let events = sent.as_array().expect("a list").iter().map(|each| {
        assert_eq!(each["response"]["status"], 200, "{each}");
        let body = each["request"]["body"].as_str().expect("a body");
        let body: serde_json::Value = serde_json::from_str(body).expect("JSON");
        let text = body["text"].as_str().unwrap_or_default();
        format!("{} {text}", body["event"].as_str().expect("an event"))
    });
    let expected = [
        "chatStarted Hello",
        "message A shave",
        "message 2099-05-29",
        "message ann@example.com",
        "message Yes",
        "message Is there a human?",
        "chatStarted ",
        "message Talk to somebody",
        "chatClosed ",
    ];
    assert_eq!(events.collect::<Vec<_>>(), expected);
    assert_quiet(page);
}

async fn pictures(page: &Page) {
    // A log that has become lower is not at its end any more.
    let to_end = "(() => { const log = document.getElementById('log');
        log.scrollTop = log.scrollHeight; })()";
    for scheme in ["light", "dark"] {
        page.colours(scheme).await;
        page.resize(1280, 860).await;
        page.eval(to_end).await;
        page.picture(&folder().join(format!("booking-1280-{scheme}.png"))).await;
        page.resize(390, 844).await;
        page.eval(to_end).await;
        for part in ["visitor", "agent", "wire"] {
            page.eval(&format!("document.getElementById('{part}').scrollIntoView()")).await;
            page.picture(&folder().join(format!("booking-{part}-390-{scheme}.png"))).await;
        }
        page.resize(1280, 860).await;
    }
}

#[tokio::test]
async fn two_visitors_book_in_two_tabs_at_once() {
    let mut shop = Shop::open().await;
    let browser = Chromium::launch();
    let one = tab(&browser, &shop.simulated).await;
    let other = tab(&browser, &shop.simulated).await;
    tokio::join!(
        book(&one, "shave", "2099-05-29", "ann@example.com"),
        book(&other, "haircut", "2099-06-01", "bob@example.com"),
    );
    for (page, mine, theirs) in [
        (&one, "ann@example.com", "bob@example.com"),
        (&other, "bob@example.com", "ann@example.com"),
    ] {
        let log = page.eval("document.getElementById('log').textContent").await.to_string();
        assert!(log.contains(mine) && !log.contains(theirs), "{log}");
        page.click(".choices:last-child button", "No, thanks").await;
        page.sees_in("#log", "See you!").await;
        is(page, "closed").await;
        let request = shop.finished.recv().await.expect("a request");
        assert_eq!(request.id.as_str(), visit(page).await["case_id"]);
        assert_quiet(page);
    }
}

/// A bot that is down is no end of the chat: it waits for an agent.
#[tokio::test]
async fn bot_that_has_gone_leaves_the_chat_to_an_agent() {
    let mut shop = Shop::open().await;
    let browser = Chromium::launch();
    let page = tab(&browser, &shop.simulated).await;
    start(&page, "Hello", "What shall it be?").await;
    shop.bot.kill().await.expect("it ran");
    say(&page, "A shave", "The bot failed").await;
    is(&page, "waiting for an agent").await;
    page.click("#take", "").await;
    is(&page, "with an agent").await;
    page.sees_in("#deliveries", "failed").await;
}

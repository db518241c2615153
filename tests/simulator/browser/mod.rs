//! The page and the script for developers' pages, in a real browser.

#[cfg(feature = "dialogue")]
mod booking;
mod chats;
mod chromium;
mod hostile;
mod hub;
#[cfg(feature = "hub")]
mod hub_page;
mod identity;
mod looks;
mod page;
mod simulated;
mod site;
mod tutorial;
mod widget;
mod wire;

use serde_json::Value;
use snapengage::bot::{Card, Cards, Message, Reply};

use self::chromium::Chromium;
use self::page::Page;
use self::simulated::Simulated;

/// Answers by what it is asked for.
pub(crate) fn barber(message: &Message) -> Reply {
    match message.text.as_str() {
        "Prices" => Reply::say("See https://example.com/prices for all of them.").cards(
            Cards::vertical()
                .card(
                    Card::new("Beard trim")
                        .excerpt("Fifteen minutes, with a hot towel.")
                        .link("https://example.com/beard"),
                )
                .card(
                    Card::new("Haircut")
                        .excerpt("Wash, cut and dry.")
                        .link("https://example.com/hair"),
                ),
        ),
        "Opening hours" => Reply::say("Monday to Saturday, 9 to 18.\nNever on Sundays. 💈")
            .goto("https://example.com/hours"),
        "Talk to somebody" => Reply::say("One moment, I will get somebody.").to_human(),
        "Bye" => Reply::say("See you!").bye(),
        _ => Reply::say("What is it about?")
            .button("Prices")
            .button("Opening hours")
            .button("Talk to somebody"),
    }
}

/// A simulator, a browser, and the page in it.
async fn opened(answer: fn(&Message) -> Reply) -> (Simulated, Chromium, Page) {
    let simulated = Simulated::with_bot(answer).await;
    let browser = Chromium::launch();
    let page = tab(&browser, &simulated).await;
    (simulated, browser, page)
}

/// The page in a tab of its own.
async fn tab(browser: &Chromium, simulated: &Simulated) -> Page {
    let page = browser.page().await;
    page.resize(1280, 900).await;
    connect(&page, &simulated.address).await;
    page
}

/// Opens the simulator's page, and waits until it is told of what happens.
async fn connect(page: &Page, address: &str) {
    page.open(address).await;
    page.until("document.getElementById('link').textContent === 'connected'").await;
}

/// Starts a chat as a visitor, and waits for what the bot says.
async fn start(page: &Page, text: &str, answer: &str) {
    page.write("#s-text", text).await;
    page.click("#start button", "Start chat").await;
    page.sees_in("#log", answer).await;
}

/// Says something as the visitor of the chat.
async fn say(page: &Page, text: &str, answer: &str) {
    page.write("#say-text", text).await;
    page.press("Enter").await;
    page.sees_in("#log", answer).await;
}

/// Asks the simulator, as the page does.
async fn asked(page: &Page, path: &str) -> Value {
    page.eval(&format!("fetch('/_/{path}').then((answer) => answer.json())")).await
}

/// The chat that the page shows, as the simulator has it.
async fn visit(page: &Page) -> Value {
    let case_id = page.eval("location.hash.slice(1)").await;
    asked(page, &format!("visits/{}", case_id.as_str().expect("a chat"))).await
}

/// No request has left the machine, and the browser has refused nothing.
#[track_caller]
fn assert_quiet(page: &Page) {
    let is_ours = |url: &String| {
        ["http://127.0.0.1:", "http://localhost:", "blob:", "about:", "data:"]
            .iter()
            .any(|ours| url.starts_with(ours))
    };
    let foreign: Vec<String> = page.requests().into_iter().filter(|url| !is_ours(url)).collect();
    assert_eq!(foreign, [""; 0]);
    assert_eq!(page.complaints(), [] as [Value; 0]);
}

//! The wire in the page.

use serde_json::json;
use snapengage::bot::{self, Message};
use snapengage::testing::{Script, TestChat};
use snapengage::{Receiver, Token};

use super::chromium::Chromium;
use super::simulated::{Simulated, TOKEN, serve_bot};
use super::{asked, assert_quiet, barber, opened, say, start, tab, visit};

#[tokio::test]
async fn wire_shows_request_and_answer_without_the_token() {
    let (_simulated, _browser, page) = opened(barber).await;
    start(&page, "Hello", "What is it about?").await;
    page.click("#deliveries .head", "").await;
    page.sees_in("#deliveries pre[aria-label*=request]", r#""event": "chatStarted""#).await;
    page.sees_in("#deliveries pre[aria-label*=answer]", r#""text": "What is it about?""#).await;
    page.click("#deliveries h3 button", "Raw").await;
    let raw = "document.querySelector('#deliveries pre[aria-label*=request]').textContent";
    let sent = asked(&page, "deliveries?feed=bot").await[0]["request"]["body"].clone();
    assert_eq!(page.eval(raw).await, sent);

    page.click("#deliveries .exchange summary", "Headers").await;
    page.sees_in("#deliveries", "<redacted>").await;
    page.eval(CLIPBOARD).await;
    page.click("#deliveries button", "Copy as curl").await;
    let copied = page.until("window.copied").await;
    let copied = copied.as_str().expect("a text");
    assert!(copied.contains(r#"-H "authorization: $SNAPENGAGE_TOKEN""#), "{copied}");
    assert!(
        !page.eval("document.documentElement.outerHTML").await.to_string().contains("my-token")
    );
    assert_quiet(&page);
}

#[tokio::test]
async fn wire_of_one_chat_or_of_all() {
    let (_simulated, _browser, page) = opened(barber).await;
    let shown = |number: usize| {
        format!("document.querySelectorAll('#deliveries > li').length === {number}")
    };
    start(&page, "Hello", "What is it about?").await;
    page.click("#new-chat", "").await;
    start(&page, "Good day", "What is it about?").await;
    page.until(&shown(1)).await;
    page.click("#wire-case", "").await;
    page.until(&shown(2)).await;
    page.choose("wire-feed", "get-contact").await;
    page.until(&shown(0)).await;
}

#[tokio::test]
async fn wire_says_that_the_customer_gets_an_email() {
    let simulated =
        Simulated::start(&["--integration", "http://127.0.0.1:9/", "--seed", "1"]).await;
    let browser = Chromium::launch();
    let page = tab(&browser, &simulated).await;
    let message = r#"{"widget":"local","email":"v@example.com","text":"Hello"}"#;
    let posts = async |path: &str, body: &str| {
        let post = format!("fetch('/_/{path}', {{ method: 'POST', body: '{body}' }})");
        assert_eq!(page.eval(&format!("{post}.then(({{ ok }}) => ok)")).await, true);
    };
    posts("faults", r#"{"feed":"integration","every":1,"do":"drop"}"#).await;
    posts("offline", message).await;
    posts("time/advance", r#"{"seconds":10000}"#).await;
    page.sees_in("#deliveries > li[data-n='25'] > p", "mailed to the customer").await;
    page.until("document.querySelectorAll('#deliveries > li').length === 25").await;
    page.until("document.querySelectorAll('#deliveries > li > p').length === 1").await;
}

#[tokio::test]
async fn request_that_is_looked_at_stays_open_when_it_is_answered() {
    let (_simulated, _browser, page) = opened(barber).await;
    let fault = json!({ "feed": "bot", "nth": 1, "do": "stall", "ms": 1000 }).to_string();
    let add = format!("fetch('/_/faults', {{ method: 'POST', body: {fault:?} }})");
    page.eval(&format!("{add}.then(() => true)")).await;
    page.write("#s-text", "Hello").await;
    page.click("#start button", "Start chat").await;
    page.sees_in("#deliveries", "under way").await;
    page.click("#deliveries .head", "").await;
    page.sees_in("#deliveries pre[aria-label*=answer]", "What is it about?").await;
    assert_quiet(&page);
}

#[tokio::test]
async fn delivery_that_is_looked_at_stays_open_as_time_advances() {
    let bot = serve_bot(barber).await;
    let nowhere = format!("{bot}/none");
    let options = ["--bot", &bot, "--token", TOKEN, "--integration", &nowhere];
    let simulated = Simulated::start(&options).await;
    let browser = Chromium::launch();
    let page = tab(&browser, &simulated).await;
    start(&page, "Hello", "What is it about?").await;
    page.click("#leave", "").await;
    let newest = |text: &str| {
        let pill = "document.querySelector('#deliveries .pill')?.textContent";
        format!("{pill} === {text:?}")
    };
    page.until(&newest("404")).await;
    page.click("#deliveries .head", "").await;
    page.click("header button", "Faults and time").await;
    page.choose("advance-unit", "3600").await;
    page.click("#advance button", "Advance").await;
    page.sees_in("#deliveries > li > p", "mailed to the customer").await;
    assert_eq!(page.eval("document.querySelectorAll('#deliveries [open]').length").await, 1);
    assert_quiet(&page);
}

/// A request that is copied can be sent as it is, whatever is in it.
#[tokio::test]
async fn copied_request_is_the_same_in_a_shell() {
    let (_simulated, _browser, page) = opened(barber).await;
    let text = "it's \"$HOME\" `id` \\ ünï 💈\n'; exit 1; '";
    start(&page, text, "What is it about?").await;
    page.eval(CLIPBOARD).await;
    page.click("#deliveries .head", "").await;
    page.click("#deliveries button", "Copy as curl").await;
    let copied = page.until("window.copied").await;
    let printed = copied.as_str().expect("a text").replacen("curl", "printf '%s\\n'", 1);
    let output = std::process::Command::new("sh").args(["-c", &printed]).output().expect("a shell");
    let output = String::from_utf8(output.stdout).expect("UTF-8");
    let sent = asked(&page, "deliveries?feed=bot").await[0]["request"]["body"].clone();
    assert!(output.contains(sent.as_str().expect("a body")), "{output}");
}

#[tokio::test]
async fn saved_chat_runs_as_a_script() {
    let (_simulated, _browser, page) = opened(barber).await;
    start(&page, "Hello\nthere", "What is it about?").await;
    page.click(".choices button", "Prices").await;
    page.sees_in("#log", "Beard trim").await;
    say(&page, "Opening hours", "Never on Sundays.").await;
    page.click("#leave", "").await;
    page.until("document.getElementById('visit-state').textContent === 'closed'").await;
    page.until("document.querySelectorAll('#deliveries > li').length === 4").await;

    let case_id = visit(&page).await["case_id"].as_str().expect("an id").to_owned();
    let (name, saved) = page.saved(page.click("#save-chat", "")).await;
    assert_eq!(name, format!("{case_id}.chat"));
    let script = Script::parse(&saved).expect("a script");
    let bot = bot::from_fn(|message: Message| async move { Ok(barber(&message)) });
    let receiver = Receiver::builder().bot("/bot", Token::new("my-token"), bot);
    let mut chat = TestChat::new(receiver.build().expect("a receiver"), "/bot", "my-token");
    script.run(&mut chat).await;
    assert!(saved.contains("visitor clicks: Prices"), "{saved}");
    assert_quiet(&page);
}

#[tokio::test]
async fn saved_sample_is_the_body_as_it_was_sent() {
    let (_simulated, _browser, page) = opened(barber).await;
    start(&page, "Hello = <b>", "What is it about?").await;
    page.click("#deliveries .head", "").await;
    let (name, saved) = page.saved(page.click("#deliveries button", "Save as sample")).await;
    assert_eq!(name, "bot-chat-started.json");
    assert_eq!(asked(&page, "deliveries?feed=bot").await[0]["request"]["body"], saved);
}

/// Every form of an event and of a reply.
#[tokio::test]
async fn script_has_every_line_of_the_form() {
    let (_simulated, _browser, page) = opened(barber).await;
    let failed = json!({ "operation": "HUMAN_TRANSFER", "error": "NO_AGENTS_AVAILABLE" });
    let happened = json!([
        {
            "event": "chatStarted", "text": "Hi", "email": "a@example.com", "tags": ["x"],
            "note": "[odd]",
        },
        { "event": "message", "from": "visitor", "text": "Yes", "id": "b-1", "context_id": "c" },
        { "event": "message", "from": "system", "text": "x" },
        { "event": "commandResult", "failedCommands": [failed] },
        { "event": "chatClosed" },
        { "event": "chatClosed" },
    ]);
    let replies = json!([
        {
            "content": [{
                "type": "message", "text": "One\ntwo",
                "display_responses": [{ "text": "Yes", "id": "b-1" }, { "text": "No" }],
            }],
            "context_id": "c",
        },
        {
            "content": [
                { "type": "command", "operation": "HUMAN_TRANSFER" },
                { "type": "command", "operation": "DANCE", "parameters": { "a": 1 } },
            ],
        },
        { "content": [{ "type": "odd" }] },
        { "content": [] },
    ]);
    let writes = format!(
        "import('/script.js').then(({{ chatScript }}) => chatScript({happened}.map((event, n) => ({{
            request: {{ body: JSON.stringify(event) }},
            response: {{
                status: n === 5 ? 503 : 200,
                body: JSON.stringify({replies}[n] ?? {{}}),
            }} }}))))"
    );
    let written = page.eval(&writes).await;
    let written = written.as_str().expect("a text");
    assert_eq!(written, EVERY_LINE);
    Script::parse(written).expect("a script");
}

/// What is copied is kept where a test can read it.
const CLIPBOARD: &str = "navigator.clipboard.writeText = (text) => {
    window.copied = text;
    return Promise.resolve();
}";

const EVERY_LINE: &str = r#"chat opens
  email: a@example.com
  note: "[odd]"
  tags: ["x"]
  text: Hi
bot: One
  | two
  [Yes](b-1)
  [No]
bot context: c
visitor clicks: [Yes](b-1)
bot does: HUMAN_TRANSFER
bot does: DANCE {"a":1}
event: message {"from":"system","text":"x"}
bot sends: {"type":"odd"}
transfer fails: NO_AGENTS_AVAILABLE
chat closes
same again
# no answer that could be read: 503
"#;

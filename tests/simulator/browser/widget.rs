//! The `SnapEngage` object on a developer's own page.

use serde_json::{Value, json};
use snapengage::bot::Message;
use snapengage::bot::Reply;

use super::chromium::Chromium;
use super::page::Page;
use super::simulated::Simulated;
use super::site::{page_with_snippet, serve_site};
use super::{asked, assert_quiet, barber, tab};

/// Where the box is.
const SHADOW: &str = "document.getElementById('snapengage-simulator').shadowRoot";

async fn visited(answer: fn(&Message) -> Reply, body: &str) -> (Simulated, Chromium, Page) {
    let simulated = Simulated::with_widgets(answer).await;
    let browser = Chromium::launch();
    let page = browser.page().await;
    page.resize(1280, 900).await;
    page.open(&serve_site(page_with_snippet(&simulated.address, body)).await).await;
    page.until("window.SnapEngage && document.getElementById('snapengage-simulator')").await;
    (simulated, browser, page)
}

/// Waits until a callback has been called with these arguments.
async fn fires(page: &Page, call: Value) {
    page.until(&format!(
        "fired.some((each) => JSON.stringify(each) === {})",
        json!(call.to_string())
    ))
    .await;
}

#[tokio::test]
async fn visitor_chats_on_the_developers_site() {
    let (_simulated, _browser, page) = visited(barber, "").await;
    page.click("button", "Chat with us").await;
    fires(&page, json!(["Open", "online"])).await;
    page.write("input[name=email]", "ann@example.com").await;
    page.write("textarea[name=text]", "Do you cut beards?").await;
    page.click("button", "Start chat").await;
    fires(&page, json!(["StartChat", "ann@example.com", "Do you cut beards?", "manual"])).await;
    fires(&page, json!(["ChatMessageReceived", "Helper", "What is it about?"])).await;

    page.click("button", "Prices").await;
    let clicked = json!({ "botName": "Helper", "buttonLabel": "Prices", "buttonValue": "Prices" });
    fires(&page, json!(["InlineButtonClicked", clicked])).await;
    page.sees("Beard trim").await;
    page.write("input[name=message]", "Opening hours").await;
    page.press("Enter").await;
    fires(&page, json!(["ChatMessageSent", "Opening hours"])).await;
    page.sees("Never on Sundays.").await;

    page.click("button[aria-label=Minimize]", "").await;
    fires(&page, json!(["Minimize", true, "manual", "chatManual"])).await;
    page.click("button[aria-label=Maximize]", "").await;
    fires(&page, json!(["Minimize", false, "manual", "chatManual"])).await;
    page.click("button", "End chat").await;
    fires(&page, json!(["ChatEnded", { "endedByUser": true }])).await;
    page.click("button[aria-label='4 of 5']", "").await;
    fires(&page, json!(["RatingPromptClicked", "Helper", "STAR", 4])).await;
    page.click("button", "Send").await;
    page.sees("Thank you.").await;
    page.click("button[aria-label=Close]", "").await;
    fires(&page, json!(["Close", "chat", "online"])).await;
    assert_quiet(&page);
}

#[tokio::test]
async fn remaining_callbacks_fire_with_their_arguments() {
    let (_simulated, _browser, page) = visited(barber, "").await;
    page.eval("SnapEngage.openProactiveChat(true, false, 'Can I help?', false)").await;
    fires(&page, json!(["OpenProactive", "Helper", "Can I help?"])).await;
    page.click("button[aria-label=Close]", "").await;
    fires(&page, json!(["Close", "proactive", "online"])).await;
    page.eval("SnapEngage.openProactiveChat(true, false, 'Can I help?', false)").await;
    page.write("input[name=message]", "Yes").await;
    page.press("Enter").await;
    fires(&page, json!(["StartChat", "", "Yes", "proactive"])).await;
    page.sees("What is it about?").await;
    page.eval("SnapEngage.endChat({ closeChatBox: true })").await;
    fires(&page, json!(["ChatEnded", { "endedByUser": true }])).await;

    page.click("button", "Chat with us").await;
    page.click("button", "Call me").await;
    page.write("input[name=phone]", "555-1234").await;
    page.press("Enter").await;
    fires(&page, json!(["StartCallme", "555-1234"])).await;
    page.click("button[aria-label=Close]", "").await;
    fires(&page, json!(["Close", "form", "online"])).await;
    page.click("button", "Chat with us").await;
    let chooses = format!(
        "(() => {{ const list = {SHADOW}.querySelector('select');
            if (!list) return false;
            list.value = 'other'; list.dispatchEvent(new Event('change')); return true; }})()"
    );
    page.until(&chooses).await;
    fires(&page, json!(["SwitchWidget", "other"])).await;
    assert_eq!(page.eval("SnapEngage.getWidgetId()").await, "other");
    assert_quiet(&page);
}

#[tokio::test]
async fn offline_message_is_sent_from_the_site() {
    let simulated = Simulated::start(&[]).await;
    let browser = Chromium::launch();
    let page = browser.page().await;
    page.open(&serve_site(page_with_snippet(&simulated.address, "")).await).await;
    page.click("button", "Leave a message").await;
    fires(&page, json!(["Open", "offline"])).await;
    page.write("input[name=email]", "ann@example.com").await;
    page.write("textarea[name=text]", "Call me back").await;
    page.click("button", "Send message").await;
    fires(&page, json!(["MessageSubmit", "ann@example.com", "Call me back"])).await;
    page.click("button[aria-label=Close]", "").await;
    fires(&page, json!(["Close", "form", "offline"])).await;
    assert_eq!(
        page.eval("new Promise((done) => SnapEngage.getAgentStatusAsync(done))").await,
        false
    );
}

#[tokio::test]
async fn every_method_is_there_and_does_its_work() {
    let (_simulated, _browser, page) = visited(barber, "").await;
    assert_eq!(page.eval("SnapABug === SnapEngage").await, true);
    let methods = format!("{METHODS:?}.filter((name) => typeof SnapEngage[name] !== 'function')");
    assert_eq!(page.eval(&methods).await, json!([]));
    assert_eq!(page.eval("typeof SnapEngageChat.reInitProactiveRules").await, "function");
    for name in DEPRECATED {
        page.eval(&format!("SnapEngage.{name}('local'); SnapEngage.{name}('local'); 0")).await;
    }
    let warnings = page.console("warning");
    assert_eq!(warnings.len(), DEPRECATED.len(), "{warnings:?}");

    assert_eq!(
        page.eval("new Promise((done) => SnapEngage.getAgentStatusAsync(done))").await,
        true
    );
    assert_eq!(page.eval("SnapEngage.switchWidget()").await, false);
    assert_eq!(page.eval("SnapEngage.sendTextToChat('nobody')").await, false);
    page.eval("SnapEngage.hideButton()").await;
    let button = &format!("{SHADOW}.querySelector('.launch').hidden");
    assert_eq!(page.eval(button).await, true);
    page.eval("SnapEngage.showButton()").await;
    assert_eq!(page.eval(button).await, false);
    page.eval(
        "SnapEngage.setUserEmail('jane@example.com', true); SnapEngage.setUserName('Jane');
         SnapEngage.setDescription('Hello!'); SnapEngage.setCustomField('Company', 'Barber & Co');
         SnapEngage.setLocale('ar'); SnapEngage.startLink()",
    )
    .await;
    let field = |name: &str| format!("{SHADOW}.querySelector('[name={name}]')?.value");
    for (name, value) in [
        ("email", "jane@example.com"),
        ("name", "Jane"),
        ("text", "Hello!"),
        ("Company", "Barber & Co"),
    ] {
        assert_eq!(page.until(&field(name)).await, value);
    }
    page.click("button", "Start chat").await;
    page.sees("What is it about?").await;
    assert_eq!(page.eval("SnapEngage.sendTextToChat('Unseen by the visitor')").await, true);
    assert_eq!(page.eval("SnapEngage.sendTextToChat('A coupon: TENOFF', 'visitor')").await, false);
    page.sees("A coupon: TENOFF").await;
    assert!(
        page.eval("document.cookie").await.as_str().expect("a text").contains("SnapABugUserEmail")
    );
    page.eval("SnapEngage.clearAllCookies()").await;
    assert_eq!(page.eval("document.cookie").await, "");
    page.eval("SnapEngage.setCallback('ChatMessageReceived', '')").await;
}

#[tokio::test]
async fn invitations_come_and_go_as_the_site_says() {
    let (_simulated, _browser, page) = visited(barber, "").await;
    let is_hidden = format!("{SHADOW}.querySelector('.box').hidden");
    let invites = |text: &str| format!("SnapEngage.openProactiveChat(false, false, '{text}')");
    page.eval("SnapEngage.allowProactiveChat(false)").await;
    page.eval(&invites("One")).await;
    assert_eq!(page.eval(&is_hidden).await, true);
    page.eval("SnapEngage.allowProactiveChat(true)").await;
    page.eval("SnapEngage.setProactiveAutoCloseDelay(0.001)").await;
    page.eval(&invites("Two")).await;
    fires(&page, json!(["OpenProactive", "Helper", "Two"])).await;
    page.until(&is_hidden).await;
    page.eval("SnapEngage.setProactiveAutoCloseDelay(0)").await;
    page.eval(&invites("Three")).await;
    assert_eq!(page.eval(&is_hidden).await, false);

    // Once it was closed there is none for a while: as long as the site says.
    page.eval("SnapEngage.setNoProactiveChatDelay(0.001)").await;
    page.click("button[aria-label=Close]", "").await;
    page.until("!document.cookie.includes('SnapABugNoProactive')").await;
    page.eval(&invites("Four")).await;
    page.sees("Four").await;
    page.eval("SnapEngage.setNoProactiveChatDelay(30)").await;
    page.click("button[aria-label=Close]", "").await;
    page.eval(&invites("Five")).await;
    assert_eq!(page.eval(&is_hidden).await, true);
    assert_quiet(&page);
}

#[tokio::test]
async fn chat_is_started_and_heard_as_the_site_says() {
    let (_simulated, _browser, page) = visited(barber, "").await;
    page.eval(
        "window.AudioContext = class { createOscillator() {
            window.beeps = true;
            return { connect() {}, start() {}, stop() {} };
        } }",
    )
    .await;
    page.eval("SnapEngage.switchWidget('other', () => { window.switched = true; })").await;
    page.until("window.switched").await;
    assert_eq!(page.eval("SnapEngage.getWidgetId()").await, "other");
    page.eval("SnapEngage.switchWidget('local')").await;
    page.eval("SnapEngage.setLocale('ar'); SnapEngage.allowChatSound(true)").await;
    assert_eq!(page.eval(&format!("{SHADOW}.querySelector('.box').dir")).await, "rtl");
    page.eval("SnapEngage.startChat('May I help?')").await;
    fires(&page, json!(["Open", "online"])).await;
    page.sees("May I help?").await;
    page.write("input[name=message]", "Hello").await;
    page.click("button", "Send").await;
    fires(&page, json!(["StartChat", "", "Hello", "manual"])).await;
    page.sees("What is it about?").await;
    page.until("window.beeps").await;
}

const METHODS: &[&str] = &[
    "setCallback",
    "allowChatSound",
    "allowProactiveChat",
    "clearAllCookies",
    "endChat",
    "getAgentStatusAsync",
    "getWidgetId",
    "hideButton",
    "showButton",
    "openProactiveChat",
    "sendTextToChat",
    "setCustomField",
    "setDescription",
    "setLocale",
    "setNoProactiveChatDelay",
    "setProactiveAutoCloseDelay",
    "setProactiveAutocloseDelay",
    "setUserEmail",
    "setUserName",
    "startChat",
    "startLink",
    "switchWidget",
];

const DEPRECATED: &[&str] = &[
    "allowPageChangeNotification",
    "allowScreenshot",
    "disableLightbox",
    "setButtonEffect",
    "setChatFormPosition",
    "setWidgetId",
];

#[tokio::test]
async fn chat_goes_on_on_the_next_page() {
    let (simulated, browser, page) = visited(barber, "").await;
    page.eval("SnapEngage.setDescription('Hello'); SnapEngage.startLink()").await;
    page.click("button", "Start chat").await;
    page.sees("What is it about?").await;
    page.open(page.eval("location.origin + '/next'").await.as_str().expect("a text")).await;
    page.sees("What is it about?").await;
    let other = tab(&browser, &simulated).await;
    other.click("#chat-list a", "").await;
    other.sees_in("#facts", "/next").await;
    page.write("input[name=message]", "Talk to somebody").await;
    page.press("Enter").await;
    other.click("#take", "").await;
    other.write("#agent-text", "Jane here").await;
    other.press("Enter").await;
    page.sees("Jane here").await;
    fires(&page, json!(["ChatMessageReceived", "Jane", "Jane here"])).await;
    other.click("#close", "").await;
    fires(&page, json!(["ChatEnded", { "endedByUser": false }])).await;
}

/// The site's variables, those of the visitor's identity, and its custom fields go with the chat.
#[tokio::test]
async fn variables_of_the_site_go_with_the_chat() {
    let script = "<script>
        var __hmacSignature = '0bb8', __hmacNonce = 'n-1', __hmacTimestamp = 1600347324661;
        var plan = 'gold', secret = 'not asked for';</script>";
    let (simulated, browser, page) = visited(barber, script).await;
    page.eval("SnapEngage.setCustomField('Company', 'Barber & Co')").await;
    page.eval("SnapEngage.setDescription('Hello'); SnapEngage.startLink()").await;
    page.click("button", "Start chat").await;
    page.sees("What is it about?").await;
    let other = tab(&browser, &simulated).await;
    let visit = asked(&other, "visits").await[0].clone();
    let variables = json!({
        "__hmacSignature": "0bb8", "__hmacNonce": "n-1", "__hmacTimestamp": "1600347324661",
        "Company": "Barber & Co", "plan": "gold",
    });
    assert_eq!(visit["variables"], variables);
    assert_eq!(visit["page_url"], page.eval("location.href").await);
    assert_eq!(page.eval("SnapEngage.callbacks.CHAT_ENDED").await, "ChatEnded");
}

/// A site's own mistake in a callback is the site's, and the chat goes on.
#[tokio::test]
async fn callback_that_throws_does_not_stop_the_chat() {
    let (_simulated, _browser, page) = visited(barber, "").await;
    page.eval("SnapEngage.setCallback('StartChat', () => { throw new Error('a mistake'); })").await;
    page.eval("SnapEngage.setCallback('NoSuchCallback', () => {})").await;
    page.eval("SnapEngage.setDescription('Hello'); SnapEngage.startLink()").await;
    page.click("button", "Start chat").await;
    page.sees("What is it about?").await;
    assert_eq!(page.console("error").len(), 1);
    assert_eq!(page.console("warning").len(), 1);
}

fn hostile(_: &Message) -> Reply {
    Reply::say(concat!(
        "<img src=x onerror='window.harmed = 1'><script>window.harmed = 2</script> ",
        "javascript:window.harmed=3"
    ))
    .button("<b onclick='window.harmed=4'>x</b>")
    .goto("javascript:window.harmed=5")
}

#[tokio::test]
async fn hostile_bot_does_nothing_to_the_site() {
    let (_simulated, _browser, page) = visited(hostile, "").await;
    page.eval("SnapEngage.setDescription('Hello'); SnapEngage.startLink()").await;
    page.click("button", "Start chat").await;
    page.sees("window.harmed=5").await;
    assert_eq!(page.eval("window.harmed ?? 0").await, 0);
    let strange = format!("{SHADOW}.querySelectorAll('a, img, script').length");
    assert_eq!(page.eval(&strange).await, 0);
    assert_eq!(page.eval("location.pathname").await, "/");
    assert_quiet(&page);
}

//! Chats in the page: the visitor's part and the agent's.

use serde_json::json;
use snapengage::client::Operation;

use super::chromium::Chromium;
use super::simulated::{JANE, Simulated, TOKEN, serve_bot};
use super::{asked, assert_quiet, barber, opened, say, start, tab, visit};

#[tokio::test]
async fn visitor_chats_by_buttons_cards_and_links() {
    let (_simulated, _browser, page) = opened(barber).await;
    start(&page, "Do you cut beards?", "What is it about?").await;
    page.click(".choices button", "Prices").await;
    page.sees_in("#log", "Fifteen minutes, with a hot towel.").await;

    let links = page
        .eval(
            "[...document.querySelectorAll('#log a')]
                .map(({ href, rel, target }) => [href, rel, target])",
        )
        .await;
    let link = |url: &str| json!([url, "noopener noreferrer", "_blank"]);
    assert_eq!(
        links,
        json!([
            link("https://example.com/prices"),
            link("https://example.com/beard"),
            link("https://example.com/hair"),
        ])
    );
    // What was asked before the visitor's last word is over.
    page.until("[...document.querySelectorAll('.choices button')].every((each) => each.disabled)")
        .await;

    say(&page, "Opening hours", "Never on Sundays. 💈").await;
    page.until("document.querySelector('#log a[href=\"https://example.com/hours\"]')").await;
    page.click("#leave", "").await;
    page.until("document.getElementById('visit-state').textContent === 'closed'").await;
    page.until("document.getElementById('say-text').disabled").await;
    assert_eq!(visit(&page).await["ended_by"], "visitor");
    assert_quiet(&page);
}

#[tokio::test]
async fn agent_takes_a_chat_answers_and_gives_it_back() {
    let (_simulated, _browser, page) = opened(barber).await;
    start(&page, "Hello", "What is it about?").await;
    page.until("document.getElementById('take').disabled").await;
    say(&page, "Talk to somebody", "One moment, I will get somebody.").await;
    page.click("#take", "").await;
    page.until("document.getElementById('visit-state').textContent === 'with an agent'").await;

    page.write("#agent-text", "Jane here, hello!").await;
    page.press("Enter").await;
    page.sees_in("#log", "Jane here, hello!").await;
    say(&page, "Hi Jane", "Hi Jane").await;
    page.write("#label input[name=name]", "topic").await;
    page.write("#label input[name=value]", "beards").await;
    page.click("#label button", "Add").await;
    page.sees_in("#facts", "topic: beards").await;

    page.choose("transfer-to", r#"{"widget":"local"}"#).await;
    page.click("#transfer button", "Transfer").await;
    page.until("document.getElementById('visit-state').textContent === 'with the bot'").await;
    say(&page, "Talk to somebody", "One moment").await;
    page.click("#take", "").await;
    page.click("#close", "").await;
    page.until("document.getElementById('visit-state').textContent === 'closed'").await;
    assert_eq!(visit(&page).await["ended_by"], "agent");
    assert_quiet(&page);
}

#[tokio::test]
async fn transfer_to_nobody_stays_with_the_bot() {
    let (_simulated, _browser, page) = opened(barber).await;
    start(&page, "Hello", "What is it about?").await;
    page.choose("agent-status", "offline").await;
    page.until("document.getElementById('agent-state').textContent === 'offline'").await;
    say(&page, "Talk to somebody", "NO_AGENTS_AVAILABLE").await;
    assert_eq!(visit(&page).await["state"], "bot");

    page.choose("agent-status", "online").await;
    page.until("document.getElementById('agent-state').textContent === 'online'").await;
    page.click("#levers summary", "Let a transfer fail").await;
    page.click("#fail button", "").await;
    say(&page, "Talk to somebody", "Talk to somebody").await;
    page.until("document.querySelectorAll('#deliveries > li').length >= 4").await;
    assert_eq!(visit(&page).await["state"], "bot");
}

#[tokio::test]
async fn every_tab_shows_every_chat() {
    let (simulated, browser, one) = opened(barber).await;
    let other = tab(&browser, &simulated).await;
    one.write("#start [name=name]", "Ann").await;
    start(&one, "Hello", "What is it about?").await;
    other.write("#start [name=name]", "Bob").await;
    start(&other, "Good day", "What is it about?").await;

    one.click("#chat-list a", "Bobbot").await;
    one.sees_in("#log", "Good day").await;
    say(&one, "Said in the other tab", "Said in the other tab").await;
    other.sees_in("#log", "Said in the other tab").await;
    assert_eq!(asked(&one, "visits").await.as_array().map(Vec::len), Some(2));
    for page in [one, other] {
        assert_quiet(&page);
    }
}

#[tokio::test]
async fn chat_has_an_address_of_its_own() {
    let (simulated, browser, page) = opened(barber).await;
    page.write("#start [name=name]", "Ann").await;
    start(&page, "Hello", "What is it about?").await;
    page.until("document.title === 'Ann · SnapEngage simulator'").await;
    let address = page.eval("location.href").await;
    let address = address.as_str().expect("an address");
    assert_eq!(page.eval("document.querySelector('#chat-list a').href").await, address);

    page.eval("history.back()").await;
    page.until("!document.getElementById('start').hidden").await;
    page.eval("history.forward()").await;
    page.until("!document.getElementById('chat').hidden").await;

    let other = browser.page().await;
    other.open(address).await;
    other.sees_in("#log", "What is it about?").await;
    assert_eq!(visit(&other).await["case_id"], visit(&page).await["case_id"]);
    // One that is not known is none, and is not come back to.
    let unknown = browser.page().await;
    unknown.open(&format!("{}/#none%", simulated.address)).await;
    unknown.until("!location.hash && !document.getElementById('start').hidden").await;
    assert_eq!(unknown.eval("history.length").await, other.eval("history.length").await);
    for page in [page, other, unknown] {
        assert_quiet(&page);
    }
}

#[tokio::test]
async fn page_works_without_a_mouse() {
    let (_simulated, _browser, page) = opened(barber).await;
    page.eval("document.getElementById('s-text').focus()").await;
    page.call("Input.insertText", json!({ "text": "Hello" })).await;
    let is_on =
        |text: &str| format!("document.activeElement.textContent.trim() === {}", json!(text));
    for _ in 0..6 {
        page.press("Tab").await;
        if page.eval(&is_on("Start chat")).await == true {
            break;
        }
    }
    page.press("Enter").await;
    page.sees_in("#log", "What is it about?").await;
    page.until("document.activeElement.id === 'say-text'").await;
    // The answers come before the field in the order of the page.
    page.eval("document.getElementById('log').focus()").await;
    page.press("Tab").await;
    page.until(&is_on("Prices")).await;
    page.press(" ").await;
    page.sees_in("#log", "Beard trim").await;
    page.until("document.activeElement.id === 'say-text'").await;
    let positive =
        "[...document.querySelectorAll('*')].filter(({ tabIndex }) => tabIndex > 0).length";
    assert_eq!(page.eval(positive).await, 0);
}

#[tokio::test]
async fn agent_and_wire_work_without_a_mouse() {
    let (_simulated, _browser, page) = opened(barber).await;
    let focus = async |selector: &str| {
        page.until(&format!("!document.querySelector({selector:?}).disabled")).await;
        page.eval(&format!("document.querySelector({selector:?}).focus()")).await;
    };
    start(&page, "Talk to somebody", "One moment").await;
    focus("#take").await;
    page.press("Enter").await;
    focus("#agent-text").await;
    page.call("Input.insertText", json!({ "text": "Jane here" })).await;
    // From the field to its button.
    page.press("Tab").await;
    page.press(" ").await;
    page.sees_in("#log", "Jane here").await;
    focus("#deliveries .head").await;
    page.press("Enter").await;
    page.sees_in("#deliveries", "Copy as curl").await;
    focus("#close").await;
    page.press(" ").await;
    page.until("document.getElementById('visit-state').textContent === 'closed'").await;
    focus("#chat-list a").await;
    page.press("Enter").await;
    assert_eq!(visit(&page).await["ended_by"], "agent");
    assert_quiet(&page);
}

#[tokio::test]
async fn email_survey_and_any_event_go_out() {
    let bot = serve_bot(barber).await;
    let cases = format!("{bot}/cases");
    let options = ["--bot", &bot, "--token", TOKEN, "--integration", &cases];
    let simulated = Simulated::start(&options).await;
    let browser = Chromium::launch();
    let page = tab(&browser, &simulated).await;
    start(&page, "Hello", "What is it about?").await;
    page.click("#chat summary", "Email").await;
    page.write("#email input", "ann@example.com").await;
    page.click("#email button", "").await;
    page.sees_in("#chat-list", "ann@example.com").await;
    page.click("#levers summary", "Send the bot any event").await;
    let event = json!({ "event": "message", "from": "visitor", "text": "Prices" });
    page.write("#event textarea", &event.to_string()).await;
    page.click("#event button", "").await;
    page.sees_in("#log", "Beard trim").await;
    page.click("#chat summary", "Survey").await;
    page.write("#survey [name=score]", "75").await;
    page.write("#survey [name=comment]", "Good").await;
    page.click("#survey button", "").await;
    page.until("!document.getElementById('waiting').textContent").await;
    page.click("#leave", "").await;
    page.sees_in("#deliveries", "integration").await;
    let sent = asked(&page, "deliveries?feed=integration&wait=5").await[0].clone();
    let sent = sent["request"]["body"].as_str().expect("a body").to_owned();
    let sent: serde_json::Value = serde_json::from_str(&sent).expect("JSON");
    assert_eq!(sent["requested_by"], "ann@example.com");
    assert_eq!((&sent["survey_score"], &sent["survey_comments"]), (&json!(75), &json!("Good")));
    assert_quiet(&page);
}

#[tokio::test]
async fn refusal_is_said_and_nothing_written_is_lost() {
    let (_simulated, _browser, page) = opened(barber).await;
    start(&page, "Hello", "What is it about?").await;
    let leaves = "fetch(`/_/visits/${location.hash.slice(1)}/leave`, { method: 'POST', body: '{}',
        headers: { 'Content-Type': 'application/json' } }).then(() => true)";
    page.write("#say-text", "Too late").await;
    // The chat ends between the page's last look and the message.
    page.eval("window.EventSource = class {}").await;
    page.eval(&format!(
        "(() => {{ {leaves}.then(() => document.getElementById('say').requestSubmit()); }})()"
    ))
    .await;
    page.until("document.querySelector('#notice:popover-open')").await;
    assert_eq!(page.eval("document.getElementById('say-text').value").await, "Too late");
}

#[tokio::test]
async fn offline_message_is_left_when_nobody_is_there() {
    let simulated = Simulated::start(&["--agent", JANE]).await;
    let browser = Chromium::launch();
    let page = tab(&browser, &simulated).await;
    page.choose("agent-status", "offline").await;
    page.sees_in("#widget-note", "Offline: only a message can be left.").await;
    page.write("#s-text", "Hello?").await;
    page.click("#start button", "Start chat").await;
    page.until("document.querySelector('#notice:popover-open')").await;
    page.write("#s-email", "ann@example.com").await;
    page.click("#start button", "Leave offline message").await;
    page.sees_in("#widget-note", "The message is sent").await;
}

#[tokio::test]
async fn page_is_back_when_the_simulator_is() {
    let (simulated, browser, page) = opened(barber).await;
    start(&page, "Hello", "What is it about?").await;
    let port = simulated.address.rsplit_once(':').expect("a port").1.to_owned();
    drop(simulated);
    page.sees_in("#link", "no connection").await;
    let address = format!("127.0.0.1:{port}");
    let _simulated = Simulated::listening(&address, &["--agent", JANE]).await;
    page.until("document.getElementById('link').textContent === 'connected'").await;
    // It knows nothing of the chat.
    page.until("!document.getElementById('start').hidden").await;
    page.until("document.querySelectorAll('#deliveries > li').length === 0").await;
    drop(browser);
}

#[tokio::test]
async fn faults_and_time_are_at_hand() {
    let (_simulated, _browser, page) = opened(barber).await;
    page.click("header button", "Faults and time").await;
    page.click("#fault button", "Add fault").await;
    page.sees_in("#fault-list", "bot · request 1 · status · status 503").await;
    let faults = json!([{ "feed": "bot", "nth": 1, "do": "status", "status": 503 }]);
    assert_eq!(asked(&page, "faults").await, faults);
    page.click("#faults-clear", "").await;
    let calls = "[...document.getElementById('f-on').options].map(({ value }) => value)
        .filter((value) => value.startsWith('call '))";
    let all = Operation::ALL.map(|call| format!("call {}", call.as_str()));
    assert_eq!(page.eval(calls).await, json!(all));
    page.until("!document.getElementById('fault-list').children.length").await;

    let before = asked(&page, "world").await["now"].as_i64().expect("a time");
    page.click("#advance button", "Advance").await;
    page.until(&format!(
        "fetch('/_/world').then((answer) => answer.json())
            .then(({{ now }}) => now - {before} >= 300000)"
    ))
    .await;
    page.press("Escape").await;
    page.click("header button", "Rules").await;
    page.sees_in("#rules", "chosen").await;
    page.sees_in("#rules", "documented").await;
    page.click("#rules-dialog .title button", "Close").await;
    page.until("!document.querySelector('dialog[open]')").await;
    assert_quiet(&page);
}

/// Offers of the form by target, and those that the simulator takes of all there are.
const FAULT_OFFERS: &str = "(async () => {
    const [on, does] = ['f-on', 'f-do'].map((id) => document.getElementById(id));
    const add = (rule) => fetch('/_/faults', { method: 'POST', body: JSON.stringify(rule) });
    const { message } = await (await add({ feed: 'bot', nth: 1, do: 'none' })).json();
    const deeds = message.split('one of ')[1].split(', ').map((each) => each.replaceAll('`', ''));
    const needs = { status: { status: 503 }, slow: { ms: 1 } };
    const rows = {};
    for (const { value } of on.options) {
        on.value = value;
        on.dispatchEvent(new Event('change', { bubbles: true }));
        const [kind, name] = value.split(' ');
        const taken = await Promise.all(deeds.map(async (deed) => {
            const rule = { [kind]: name, nth: 1, do: deed, ...needs[deed] };
            return (await add(rule)).ok ? [deed] : [];
        }));
        const offered = [...does.options].map((option) => option.value);
        rows[value] = { offered: offered.sort(), taken: taken.flat().sort() };
    }
    return rows;
})()";

#[tokio::test]
async fn form_offers_the_faults_that_can_befall_a_target() {
    let (_simulated, _browser, page) = opened(barber).await;
    let rows = page.eval(FAULT_OFFERS).await;
    let rows = rows.as_object().expect("an object");
    assert_eq!(rows.len(), Operation::ALL.len() + 5, "{rows:?}");
    for (target, row) in rows {
        assert_eq!(row["offered"], row["taken"], "{target}");
    }
    let offered = |target: &str| rows[target]["offered"].as_array().expect("a list").len();
    let counts = ["feed bot", "call logs", "call chat-say"].map(offered);
    assert_eq!(counts, [9, 10, 8]);
}

#[tokio::test]
async fn chosen_fault_stays_where_it_fits_the_new_target() {
    let (_simulated, _browser, page) = opened(barber).await;
    page.choose("f-do", "reset").await;
    page.choose("f-on", "call logs").await;
    page.until("document.getElementById('f-do').value === 'reset'").await;
    page.choose("f-do", "cyclic-link").await;
    page.choose("f-on", "feed bot").await;
    page.until("document.getElementById('f-do').value === 'status'").await;
    page.until("!document.querySelector('[data-for=status]').hidden").await;
}

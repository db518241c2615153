//! The developer's Hub page, in a frame of the agent's pane.

use serde_json::json;

use super::chromium::Chromium;
use super::page::Page;
use super::simulated::{JANE, Simulated, serve_bot};
use super::site::serve_site;
use super::{assert_quiet, barber, say, start, tab, visit};

/// Shows each event, and acts when it is told to by one of them.
const HUB: &str = r#"<!doctype html><title>Hub page</title><script>
  addEventListener('message', ({ data, origin }) => {
    const act = (type, data) => {
      const { conversationId, agentEmail: agent } = last;
      parent.postMessage({ type, conversationId, agent, data }, origin);
    };
    window.last = { ...window.last, ...data };
    if (data.type === 'conversation_started') {
      act('agent_message_received', { text: 'Said by the Hub page' });
    }
    if (data.type === 'visitor_message_received') {
      const [type, json] = data.data.message.text.split(' ');
      act(type, json ? JSON.parse(json) : undefined);
    }
  });
</script>"#;

async fn with_hub() -> (Simulated, Chromium, Page) {
    let hub = serve_site(HUB.to_owned()).await + "/hub";
    let bot = serve_bot(barber).await;
    let options = ["--bot", &bot, "--token", "my-token", "--hub", &hub, "--agent", JANE];
    let simulated = Simulated::start(&options).await;
    let browser = Chromium::launch();
    let page = tab(&browser, &simulated).await;
    start(&page, "Hello", "What is it about?").await;
    page.click("#hub summary", "Hub page").await;
    page.until("document.querySelector('#hub iframe')").await;
    (simulated, browser, page)
}

#[tokio::test]
async fn hub_page_hears_of_the_chat_and_acts_in_it() {
    let (_simulated, _browser, page) = with_hub().await;
    say(&page, "Talk to somebody", "One moment").await;
    page.click("#take", "").await;
    page.sees_in("#log", "Said by the Hub page").await;
    page.sees_in("#hub-log", r#"→ {"type":"conversation_started""#).await;
    page.sees_in("#hub-log", r#""agentEmail":"jane@example.com""#).await;

    say(&page, r#"label_added {"labelName":"topic","freeForm":true,"value":"hub"}"#, "label_added")
        .await;
    page.sees_in("#facts", "topic: hub").await;
    say(
        &page,
        r#"label_removed {"labelName":"topic","freeForm":true,"value":"hub"}"#,
        "label_removed",
    )
    .await;
    page.until("!document.getElementById('facts').textContent.includes('topic')").await;
    say(&page, r#"populate_text {"message":"Typed_by_the_Hub_page"}"#, "populate_text").await;
    page.until("document.getElementById('agent-text').value === 'Typed_by_the_Hub_page'").await;
    say(&page, "request_file", "asks for").await;
    page.sees_in("#hub-log", r#"→ {"type":"request_file""#).await;
    say(&page, r#"request_secure_data {"secure_data_type":"SSN"}"#, "SSN").await;
    page.sees_in("#hub-log", r#"→ {"type":"request_secure_data""#).await;
    say(&page, r#"transfer_request {"widgetId":"local"}"#, "transfer_request").await;
    page.until("document.getElementById('visit-state').textContent === 'with the bot'").await;
    say(&page, "Talk to somebody", "One moment").await;
    say(&page, "reclaim_transfer_request", "reclaim_transfer_request").await;
    page.until("document.getElementById('visit-state').textContent === 'with an agent'").await;
    say(&page, r#"ban_user {"type":"cookie"}"#, "ban_user").await;
    page.until("document.getElementById('visit-state').textContent === 'closed'").await;
    assert_eq!(visit(&page).await["banned"], "visitor");
    page.sees_in("#hub-log", r#"→ {"type":"ban_user""#).await;
    assert_quiet(&page);
}

/// A chat with the agent whose page it is.
async fn taken(page: &Page) {
    say(page, "Talk to somebody", "One moment").await;
    page.click("#take", "").await;
    page.sees_in("#log", "Said by the Hub page").await;
}

#[tokio::test]
async fn hub_page_hears_what_the_visitor_does() {
    let (_simulated, _browser, page) = with_hub().await;
    taken(&page).await;
    page.write("#say-text", "Hel").await;
    page.sees_in("#hub-log", r#"→ {"type":"visitor_typing""#).await;
    for (field, value) in [("name", "Ann"), ("phone", "555-1234"), ("email", "ann@example.com")] {
        page.write("#agent-text", &format!("/{field}={value}")).await;
        page.press("Enter").await;
        page.sees_in("#hub-log", &format!(r#"→ {{"type":"{field}_captured""#)).await;
        page.sees_in("#hub-log", &format!(r#""{field}":"{value}""#)).await;
    }
    page.click("#leave", "").await;
    let case_id = visit(&page).await["case_id"].clone();
    // It is of no agent.
    let closed =
        format!(r#"→ {{"type":"conversation_closed_by_visitor","conversationId":{case_id}}}"#);
    page.sees_in("#hub-log", &closed).await;
    assert_quiet(&page);
}

#[tokio::test]
async fn hub_page_ends_chats() {
    let (_simulated, _browser, page) = with_hub().await;
    taken(&page).await;
    say(&page, "conversation_closed_by_agent", "conversation_closed_by_agent").await;
    page.until("document.getElementById('visit-state').textContent === 'closed'").await;
    assert_eq!(visit(&page).await["ended_by"], "agent");
    page.click("#new-chat", "").await;
    start(&page, "Hello", "What is it about?").await;
    taken(&page).await;
    say(&page, r#"ban_user {"type":"IP"}"#, "ban_user").await;
    page.until("document.getElementById('visit-state').textContent === 'closed'").await;
    assert_eq!(visit(&page).await["banned"], "ip");
    assert_quiet(&page);
}

#[tokio::test]
async fn every_event_of_the_hub_can_be_posted() {
    let (_simulated, _browser, page) = with_hub().await;
    let types = page
        .eval("[...document.getElementById('hub-type').options].map(({ value }) => value)")
        .await;
    let types = types.as_array().expect("a list");
    assert_eq!(types.len(), 22);
    for each in types {
        page.choose("hub-type", each.as_str().expect("a text")).await;
        page.click("#hub-event button", "").await;
        page.sees_in("#hub-log", &format!(r#"→ {{"type":{each}"#)).await;
    }
}

/// Another window that knows how an action is written.
#[tokio::test]
async fn action_from_elsewhere_does_nothing() {
    let (_simulated, _browser, page) = with_hub().await;
    say(&page, "Talk to somebody", "One moment").await;
    page.click("#take", "").await;
    page.sees_in("#log", "Said by the Hub page").await;
    let case_id = visit(&page).await["case_id"].clone();
    let action = json!({
        "type": "conversation_closed_by_agent",
        "conversationId": case_id,
        "agent": "jane@example.com",
    });
    page.eval(&format!("window.postMessage({action}, '*')")).await;
    say(&page, "Still here?", "Still here?").await;
    assert_eq!(visit(&page).await["state"], "agent");
    assert!(
        !page
            .eval("document.getElementById('hub-log').textContent")
            .await
            .to_string()
            .contains("closed_by_agent")
    );
}

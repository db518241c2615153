//! Chats: from the visitor's first word into the logs.

use std::time::Duration;

use http::StatusCode;
use serde_json::json;
use snapengage::client::Operation;
use snapengage::integration::{ChatEndedBy, RequestKind, SourceId};
use snapengage::simulator::{SimulatedWidget, Simulator};

use crate::ask::*;

const LOGS: &str = "/api/v2/5406213/logs?widgetId=sales&start=2026-01-05&end=2026-01-05";

async fn poll(simulator: &Simulator, case: &str, query: &str) -> Answered {
    get(simulator, &format!("/api/v1/chat/poll/{case}{query}"), CHAT_KEY).await
}

/// The texts that are no codes.
fn texts(polled: &Answered) -> Vec<String> {
    let lines = polled.ok()["messageList"].as_array().expect("a list").clone();
    let said = lines.iter().filter(|line| line["type"] == "agent");
    said.map(|line| line["text"].as_str().expect("a text").to_owned()).collect()
}

#[tokio::test]
async fn chat_is_in_the_logs_when_it_has_ended() {
    let simulator = open_office();
    let case = start(&simulator, "&email=v@example.com&visitorMessage=Hello&locale=en").await;
    assert_eq!(get(&simulator, LOGS, TOKEN).await.ok()["cases"], json!([]));
    let jane = simulator.agent(JANE);
    jane.takes(&case).await.expect("a chat that waits");
    jane.says(&case, "Hi").await.expect("a chat of Jane's");
    let ended = chat(&simulator, "PUT", &format!("?caseId={case}&messageType=2")).await.ok();
    assert_eq!(ended, json!({ "caseId": case, "messageType": "2" }));

    let page = get(&simulator, LOGS, TOKEN).await.ok();
    let logged = &page["cases"][0];
    assert_eq!(logged["id"], case.as_str());
    assert_eq!(logged["requested_by"], "v@example.com");
    assert_eq!(logged["description"], "Hello");
    assert_eq!(logged["chat_agent_id"], "wc:jane@example.com");
    assert_eq!(logged["chat_responded"], true);
    assert_eq!(logged["chat_ended_by"], "visitor");
    assert_eq!(logged["ip_address"], "198.18.0.1");
    assert_eq!(logged["created_at_date"], 1_767_603_601_000_i64);
    assert_eq!(
        logged["transcripts"],
        json!([
            {
                "id": "", "alias": "", "message": "Hello", "date": 1_767_603_601_000_i64,
                "date_seconds": 1_767_603_601, "date_milliseconds": 0,
            },
            {
                "id": "wc:jane@example.com", "alias": "Jane", "message": "Hi",
                "date": 1_767_603_603_000_i64, "date_seconds": 1_767_603_603,
                "date_milliseconds": 0,
            },
        ])
    );
    assert_eq!(logged.get("sender"), None);
    assert_eq!(logged.get("widget_id"), None);
}

#[tokio::test]
async fn poll_of_an_ended_chat_returns_the_rest_and_then_404() {
    let simulator = open_office();
    let case = start(&simulator, "").await;
    let jane = simulator.agent(JANE);
    jane.takes(&case).await.expect("a chat that waits");
    let last = poll(&simulator, &case, "").await.ok()["messageList"]
        .as_array()
        .and_then(|lines| lines.last()?["index"].as_u64())
        .expect("a line");
    jane.says(&case, "Bye").await.expect("a chat of Jane's");
    jane.closes(&case).await.expect("a chat of Jane's");
    let next = format!("?index={}", last + 1);
    for _ in 0..2 {
        // The same index again has the same lines: the first answer may have been lost.
        assert_eq!(texts(&poll(&simulator, &case, &next).await), ["Bye "]);
    }
    let over = poll(&simulator, &case, &format!("?index={}", last + 2)).await;
    assert_eq!((over.status, &over.body[..]), (StatusCode::NOT_FOUND, &b""[..]));
    // Whoever names no index is at the end as well.
    assert_eq!(poll(&simulator, &case, "").await.status, StatusCode::NOT_FOUND);
    let ended_by = simulator.case(&case).and_then(|case| case.chat_ended_by);
    assert_eq!(ended_by, Some(ChatEndedBy::Agent));
}

#[tokio::test]
async fn ended_chat_takes_no_more_messages() {
    let simulator = open_office();
    let case = start(&simulator, "").await;
    let close = format!("?caseId={case}&messageType=2");
    for _ in 0..2 {
        assert_eq!(chat(&simulator, "PUT", &close).await.status, StatusCode::OK);
    }
    assert_eq!(simulator.accepted(Operation::CloseChat), 1);
    let say = format!("?caseId={case}&messageType=1&messageBody=Hi");
    let refused = chat(&simulator, "PUT", &say).await;
    assert_eq!((refused.status, &refused.body[..]), (StatusCode::NOT_FOUND, &b""[..]));
    assert_eq!(simulator.accepted(Operation::Say), 0);
}

#[tokio::test]
async fn form_of_a_post_is_read_and_that_of_a_put_is_not() {
    let simulator = open_office();
    let form = ("content-type", "application/x-www-form-urlencoded; charset=UTF-8");
    let body = "widgetId=sales&visitorMessage=50%25+off%3F";
    let started = send(&simulator, "POST", "/api/v1/chat", &[CHAT_KEY, form], body).await;
    let case = started.ok()["caseId"].as_str().expect("an id").to_owned();
    assert_eq!(simulator.accepted_texts(Operation::StartChat), ["50% off?"]);
    let body = format!("caseId={case}&messageType=1&messageBody=Hi");
    let refused = send(&simulator, "PUT", "/api/v1/chat", &[CHAT_KEY, form], body).await;
    refused.refused(400, "missing parameter `caseId`");
}

#[tokio::test]
async fn chat_cannot_start_while_nobody_is_online() {
    let simulator = open_office();
    simulator.agent(JANE).pause().await.expect("Jane");
    let refused = chat(&simulator, "POST", "?widgetId=sales&visitorMessage=Hello").await;
    refused.refused(400, "offline");
    let query = "?widgetId=sales&visitorMessage=Hello&email=v@example.com&isOffline=true";
    let left = chat(&simulator, "POST", query).await.ok();
    let case = left["caseId"].as_str().expect("an id");
    assert_eq!(poll(&simulator, case, "").await.status, StatusCode::NOT_FOUND);
    let logged = simulator.case(case).expect("a case");
    assert_eq!(logged.kind, Some(RequestKind::Offline));
    assert_eq!(logged.source_id, Some(SourceId::Offline));
    assert_eq!(get(&simulator, LOGS, TOKEN).await.ok()["cases"][0]["id"], case);
}

#[tokio::test]
async fn what_the_widget_requires_has_to_be_given() {
    let widget = SimulatedWidget::new("sales").email_required(true).message_required(true);
    let simulator = Simulator::builder().widget(widget).agent(JANE).build().expect("no mistakes");
    for (query, missing) in [
        ("&visitorMessage=Hello", "`email`"),
        ("&email=&visitorMessage=Hello", "`email`"),
        ("&email=v@example.com", "`visitorMessage`"),
    ] {
        let refused = chat(&simulator, "POST", &format!("?widgetId=sales{query}")).await;
        refused.refused(400, missing);
    }
    start(&simulator, "&email=v@example.com&visitorMessage=Hello").await;
}

#[tokio::test]
async fn survey_is_in_the_logs_five_minutes_later() {
    let simulator = open_office();
    let case = start(&simulator, "").await;
    chat(&simulator, "PUT", &format!("?caseId={case}&messageType=2")).await.ok();
    simulator.survey(&case, 80, Some("Quick")).await.expect("a chat");
    simulator.advance(Duration::from_secs(299)).await;
    assert_eq!(get(&simulator, LOGS, TOKEN).await.ok()["cases"][0].get("survey_score"), None);
    simulator.advance(Duration::from_secs(1)).await;
    let logged = get(&simulator, LOGS, TOKEN).await.ok()["cases"][0].clone();
    assert_eq!(
        (&logged["survey_score"], &logged["survey_comments"]),
        (&json!(80), &json!("Quick"))
    );
    let unknown = simulator.survey("nobody", 80, None).await.expect_err("no such chat");
    assert_eq!(unknown.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn levers_that_nobody_could_pull_are_refused() {
    let simulator = open_office();
    let case = start(&simulator, "").await;
    let (jane, nobody) = (simulator.agent(JANE), simulator.agent("nobody@example.com"));
    let refused = async |lever: &str| {
        let result = match lever {
            "unknown agent" => nobody.online().await,
            "unknown chat" => jane.takes("no such chat").await,
            "not hers" => jane.says(&case, "Hi").await,
            "paused" => {
                jane.pause().await.expect("Jane");
                jane.takes(&case).await
            }
            _ => {
                jane.online().await.expect("Jane");
                jane.takes(&case).await.expect("a chat that waits");
                jane.takes(&case).await
            }
        };
        result.expect_err(lever).status().as_u16()
    };
    assert_eq!(refused("unknown agent").await, 404);
    assert_eq!(refused("unknown chat").await, 404);
    assert_eq!(refused("not hers").await, 409);
    assert_eq!(refused("paused").await, 409);
    assert_eq!(refused("taken").await, 409);
}

#[tokio::test]
async fn agent_of_another_widget_does_not_take_the_chat() {
    let simulator = office().widget("support");
    let agent = snapengage::simulator::SimulatedAgent::new("bob@example.com").widgets(["support"]);
    let simulator = simulator.agent(agent).build().expect("no mistakes");
    let case = start(&simulator, "").await;
    let bob = simulator.agent("bob@example.com");
    assert_eq!(bob.takes(&case).await.expect_err("not his").status(), StatusCode::CONFLICT);
}

#[tokio::test]
async fn typed_index_and_flags_are_checked() {
    let simulator = open_office();
    let case = start(&simulator, "").await;
    poll(&simulator, &case, "?index=0&isTyping=true").await.ok();
    poll(&simulator, &case, "?index=-1").await.refused(400, "`index`");
    poll(&simulator, &case, "?isTyping=yes").await.refused(400, "`isTyping`");
    let three = chat(&simulator, "PUT", &format!("?caseId={case}&messageType=3")).await;
    three.refused(400, "`messageType`");
    let empty = chat(&simulator, "PUT", &format!("?caseId={case}&messageType=1")).await;
    empty.refused(400, "`messageBody`");
}

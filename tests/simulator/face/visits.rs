//! Visitors, by HTTP.

use serde_json::{Value, json};
use tokio::select;

use super::office::{chat, shop};
use super::served::Served;
use crate::ask::*;

fn texts(visit: &Value) -> Vec<(&str, &str)> {
    let lines = visit["lines"].as_array().expect("lines").iter();
    let texts = lines.map(|line| {
        (line["from"].as_str().expect("an author"), line["text"].as_str().unwrap_or_default())
    });
    texts.collect()
}

#[tokio::test]
async fn visitor_chats_with_the_bot() {
    let served = shop().await;
    let new = json!({
        "widget": "sales", "email": "ann@example.com", "name": "Ann", "text": "Hello",
        "page_url": "https://shop.example/", "variables": { "plan": "pro" },
    });
    let visit = served.post("/_/visits", &new).await.ok();
    let case = visit["case_id"].as_str().expect("an id");
    assert_eq!((&visit["widget"], &visit["state"]), (&json!("sales"), &json!("bot")));
    assert_eq!(texts(&visit), [("visitor", "Hello"), ("bot", "You said Hello.")]);
    let path = format!("/_/visits/{case}");
    let visit = served.post(&format!("{path}/say"), &json!({ "text": "prices" })).await.ok();
    let line = visit["lines"].as_array().expect("lines").last().expect("a line");
    assert_eq!(line["buttons"], json!([{ "text": "cheap" }, { "text": "dear" }]));
    assert_eq!(line["alias"], "Helper");
    let visit = served.post(&format!("{path}/click"), &json!({ "text": "dear" })).await.ok();
    assert_eq!(texts(&visit)[4..], [("visitor", "dear"), ("bot", "You said dear.")]);
    assert_eq!(served.get(&path).await.ok(), visit);

    let listed = served.get("/_/visits").await.ok();
    assert_eq!(listed[0]["case_id"], *case);
    assert!(listed[0].get("lines").is_none(), "{listed}");

    let visit = served.post(&format!("{path}/leave"), &json!({})).await.ok();
    assert_eq!((&visit["state"], &visit["ended_by"]), (&json!("closed"), &json!("visitor")));
    served.post(&format!("{path}/say"), &json!({ "text": "?" })).await.refused(409, "");
    served.post(&format!("{path}/leave"), &json!({})).await.refused(409, "");
    let survey = json!({ "score": 80, "comment": "Good" });
    served.post(&format!("{path}/survey"), &survey).await.ok();
}

#[tokio::test]
async fn newest_visit_is_the_first_of_the_list() {
    let served = shop().await;
    let (one, two) = (chat(&served, "one").await, chat(&served, "two").await);
    let listed = served.get("/_/visits").await.ok();
    let cases: Vec<_> = listed.as_array().expect("a list").iter().map(|v| &v["case_id"]).collect();
    assert_eq!(cases, [two.as_str(), one.as_str()]);
}

#[tokio::test]
async fn visits_that_cannot_be_are_refused() {
    let served = shop().await;
    served.post("/_/visits", &json!({ "widget": "none" })).await.refused(404, "widget");
    served.post("/_/visits", &json!({ "wigdet": "sales" })).await.refused(400, "`wigdet`");
    served.send("POST", "/_/visits", &[], "[").await.refused(400, "line 1");
    served.send("POST", "/_/visits", &[], "\u{0}").await.refused(400, "line 1");
    served.send("PUT", "/_/visits", &[], "").await.refused(405, "GET, POST");
    served.simulator.agent(JANE).offline().await.expect("Jane");
    served.post("/_/visits", &json!({ "widget": "support" })).await.refused(409, "");
    assert_eq!(served.get("/_/visits").await.ok(), json!([]));
}

#[tokio::test]
async fn unknown_chats_are_not_found() {
    let served = shop().await;
    served.get("/_/visits/none").await.refused(404, "chat");
    served.get("/_/visits/%ff").await.refused(400, "UTF-8");
    for (verb, body) in [
        ("say", json!({ "text": "?" })),
        ("click", json!({ "text": "?" })),
        ("email", json!({ "email": "ann@example.com" })),
        ("survey", json!({ "score": 1 })),
        ("leave", json!({})),
        ("event", json!({ "event": "message" })),
        ("fail-transfer", json!({ "error": "NO_AGENTS_AVAILABLE" })),
    ] {
        served.post(&format!("/_/visits/none/{verb}"), &body).await.refused(404, "chat");
        served.get(&format!("/_/visits/none/{verb}")).await.refused(405, "POST");
        let odd = served.post(&format!("/_/visits/none/{verb}"), &json!([])).await;
        odd.refused(400, "expected an object");
    }
    let case = chat(&served, "Hello").await;
    served.post(&format!("/_/visits/{case}/dance"), &json!({})).await.refused(404, "page");
}

#[tokio::test]
async fn bodies_that_make_no_sense_do_nothing() {
    let served = shop().await;
    let case = chat(&served, "Hello").await;
    let before = served.get(&format!("/_/visits/{case}")).await.ok();
    for (verb, body) in [
        ("say", "{}"),
        ("say", r#"{"text": 1}"#),
        ("say", r#"{"text": "a", "odd": 1}"#),
        ("click", r#"{"id": "secret words"}"#),
        ("email", "{}"),
        ("survey", r#"{"score": 101}"#),
        ("survey", r#"{"score": -1}"#),
        ("survey", r#"{"score": 1e9}"#),
        ("leave", r#"{"text": "secret words"}"#),
        ("event", "{}"),
        ("event", r#"{"event": 1}"#),
        ("fail-transfer", "{}"),
        ("say", "not JSON: secret words"),
    ] {
        let answered = served.send("POST", &format!("/_/visits/{case}/{verb}"), &[], body).await;
        answered.refused(400, "");
        assert!(!answered.json()["message"].to_string().contains("secret words"), "{answered:?}");
    }
    assert_eq!(served.get(&format!("/_/visits/{case}")).await.ok(), before);
}

#[tokio::test]
async fn transfer_fails_when_told() {
    let served = shop().await;
    let case = chat(&served, "Hello").await;
    let fails = json!({ "error": "TRANSFER_NOT_ALLOWED" });
    served.post(&format!("/_/visits/{case}/fail-transfer"), &fails).await.ok();
    let say = json!({ "text": "agent" });
    let visit = served.post(&format!("/_/visits/{case}/say"), &say).await.ok();
    assert_eq!(visit["state"], "bot");
    let visit = served.post(&format!("/_/visits/{case}/say"), &say).await.ok();
    assert_eq!(visit["state"], "queued");
}

#[tokio::test]
async fn any_event_is_sent_as_it_is() {
    let served = shop().await;
    let case = chat(&served, "Hello").await;
    let event = json!({ "event": "message", "from": "visitor", "text": "odd", "extra": [1] });
    served.post(&format!("/_/visits/{case}/event"), &event).await.ok();
    let sent = served.get(&format!("/_/deliveries?feed=bot&case={case}")).await.ok();
    let sent = sent.as_array().expect("a list").last().expect("one")["request"]["body"].clone();
    let sent: Value = serde_json::from_str(sent.as_str().expect("text")).expect("JSON");
    assert_eq!((&sent["text"], &sent["extra"]), (&json!("odd"), &json!([1])));
    assert_eq!(sent["case_id"], *case);
}

#[tokio::test]
async fn offline_message_is_a_case() {
    let served = shop().await;
    served.simulator.agent(JANE).offline().await.expect("Jane");
    let message = json!({ "widget": "support", "email": "ann@example.com", "text": "Help" });
    let case = served.post("/_/offline", &message).await.ok();
    assert!(served.simulator.case(case["case_id"].as_str().expect("an id")).is_some());
    served.post("/_/offline", &json!({ "widget": "support" })).await.refused(400, "");
    let nowhere = json!({ "widget": "none", "email": "ann@example.com", "text": "Help" });
    served.post("/_/offline", &nowhere).await.refused(404, "widget");
    served.get("/_/offline").await.refused(405, "POST");
}

#[tokio::test]
async fn change_of_a_visit_ends_the_wait() {
    let served = shop().await;
    let case = chat(&served, "Hello").await;
    let path = format!("/_/visits/{case}?wait=300");
    let mut waiting = Box::pin(served.get(&path));
    let mut said = 0;
    let visit = loop {
        let say = served.simulator.say(&case, "more");
        select! {
            visit = &mut waiting => break visit.ok(),
            done = say => done.expect("said"),
        }
        said += 1;
        tokio::task::yield_now().await;
    };
    assert!(said > 0 && texts(&visit).len() > 2);
    // What has happened in between is not waited for again.
    let visit = served.get(&format!("{path}&after=2")).await.ok();
    assert!(texts(&visit).len() > 2);
}

#[tokio::test]
async fn wait_ends_in_time_and_is_refused_if_it_is_none() {
    let served = shop().await;
    let case = chat(&served, "Hello").await;
    let visit = served.get(&format!("/_/visits/{case}?wait=0.01")).await.ok();
    assert_eq!(texts(&visit).len(), 2);
    for wait in ["-1", "soon", "NaN"] {
        let answered = served.get(&format!("/_/visits/{case}?wait={wait}")).await;
        answered.refused(400, "`wait`");
    }
    served.get("/_/visits/none?wait=300").await.refused(404, "");
}

#[tokio::test]
async fn wait_does_not_keep_the_server_up() {
    let served = shop().await;
    let case = chat(&served, "Hello").await;
    let path = format!("/_/visits/{case}?wait=300");
    let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", served.address);
    let mut stream = tokio::net::TcpStream::connect(served.address).await.expect("connected");
    tokio::io::AsyncWriteExt::write_all(&mut stream, request.as_bytes()).await.expect("sent");
    // Once the request is waited in, its connection is answered when the drain begins.
    served.stop().await;
    let mut answer = String::new();
    let _ = tokio::io::AsyncReadExt::read_to_string(&mut stream, &mut answer).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
}

#[tokio::test]
async fn reset_makes_all_as_at_the_start() {
    let served = shop().await;
    let case = chat(&served, "Hello").await;
    let first = served.get(&format!("/_/visits/{case}")).await.ok();
    served.post("/_/faults", &json!({ "call": "logs", "nth": 1, "do": "reset" })).await.ok();
    served.post("/_/reset", &json!({})).await.ok();
    assert_eq!(served.get("/_/visits").await.ok(), json!([]));
    assert_eq!(served.get("/_/faults").await.ok(), json!([]));
    assert_eq!(served.get("/_/deliveries").await.ok(), json!([]));
    // The same again, to the id and the time.
    assert_eq!(chat(&served, "Hello").await, case);
    assert_eq!(served.get(&format!("/_/visits/{case}")).await.ok(), first);
    served.post("/_/reset", &json!({ "seed": 2 })).await.ok();
    assert_ne!(chat(&served, "Hello").await, case);
    served.post("/_/reset", &json!({ "seed": -1 })).await.refused(400, "");
    served.get("/_/reset").await.refused(405, "POST");
}

#[tokio::test]
async fn what_visitors_write_is_text_and_stays_so() {
    let served: Served = shop().await;
    let text = "</script><b>\u{202e}\u{0}\u{2028}💈\"'&";
    let case = chat(&served, text).await;
    let answered = served.get(&format!("/_/visits/{case}")).await;
    assert_eq!(answered.header("content-type"), Some("application/json"));
    assert_eq!(answered.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(texts(&answered.ok())[0], ("visitor", text));
}

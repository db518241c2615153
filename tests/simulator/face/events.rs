//! The stream of events.

use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde_json::{Value, json};

use super::office::{chat, shop};
use super::served::Served;
use crate::ask::*;
use crate::stage::on_stage;

/// Stream of events, as a browser reads it.
struct Events {
    body: Incoming,
    read: String,
}

impl Events {
    async fn of(served: &Served) -> Self {
        let response = served.begin("GET", "/_/events", &[], "").await;
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let mut events = Self { body: response.into_body(), read: String::new() };
        // The first comment: it has begun.
        assert!(events.more().await);
        events
    }

    async fn more(&mut self) -> bool {
        let Some(frame) = self.body.frame().await else { return false };
        let data = frame.expect("no error").into_data().expect("data");
        self.read += str::from_utf8(&data).expect("UTF-8");
        true
    }

    /// Returns the next event; `None` at the end.
    async fn next(&mut self) -> Option<(String, Value)> {
        let (name, data) = self.next_raw().await?;
        Some((name, serde_json::from_str(&data).expect("JSON")))
    }

    /// Returns the next event, with its data as it came.
    async fn next_raw(&mut self) -> Option<(String, String)> {
        loop {
            if let Some((event, rest)) = self.read.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.read = rest;
                if event.starts_with(':') {
                    continue;
                }
                let (name, data) = event.split_once('\n').expect("two lines");
                let name = name.strip_prefix("event: ").expect("a name").to_owned();
                let data = data.strip_prefix("data: ").expect("data");
                return Some((name, data.to_owned()));
            }
            if !self.more().await {
                return None;
            }
        }
    }

    async fn until(&mut self, wanted: &str) -> Value {
        loop {
            let (name, data) = self.next().await.expect("an event");
            if name == wanted {
                return data;
            }
        }
    }
}

#[tokio::test]
async fn events_tell_what_changes_to_every_tab() {
    let served = shop().await;
    let mut tabs = [Events::of(&served).await, Events::of(&served).await];
    let case = chat(&served, "Hello").await;
    for tab in &mut tabs {
        let visit = tab.until("visit").await;
        assert_eq!(visit["case_id"], *case);
        assert!(visit.get("lines").is_none(), "{visit}");
        let delivery = tab.until("delivery").await;
        assert_eq!((&delivery["n"], &delivery["feed"]), (&json!(1), &json!("bot")));
        assert!(delivery.get("request").is_none(), "{delivery}");
    }
    let pause = json!({ "status": "pause" });
    served.post(&format!("/_/agents/{JANE}/status"), &pause).await.ok();
    for tab in &mut tabs {
        let agent = tab.until("agent").await;
        assert_eq!((&agent["email"], &agent["status"]), (&json!(JANE), &json!("pause")));
    }
    served.post("/_/faults", &json!({ "call": "logs", "nth": 1, "do": "reset" })).await.ok();
    served.post("/_/reset", &json!({})).await.ok();
    for tab in &mut tabs {
        tab.until("world").await;
        tab.until("reset").await;
    }
}

/// The names of an object's fields, in their order.
fn names(object: &str) -> Vec<String> {
    let mut names = Vec::new();
    let (mut depth, mut text, mut is_text, mut is_escaped) = (0, String::new(), false, false);
    for c in object.chars() {
        match c {
            '"' if !is_escaped => {
                is_text = !is_text;
                if is_text {
                    text.clear();
                }
            }
            _ if is_text => text.push(c),
            '{' | '[' => depth += 1,
            '}' | ']' => depth -= 1,
            ':' if depth == 1 => names.push(text.clone()),
            _ => {}
        }
        is_escaped = c == '\\' && !is_escaped;
    }
    names
}

#[tokio::test]
async fn fields_are_in_one_order_wherever_they_are() {
    let served = shop().await;
    let mut events = Events::of(&served).await;
    let new = json!({
        "widget": "sales", "text": "agent", "name": "Ann", "email": "ann@example.com",
        "page_url": "https://shop.example/", "variables": { "plan": "pro" },
    });
    let whole = served.post("/_/visits", &new).await;
    let case = whole.json()["case_id"].as_str().expect("an id").to_owned();
    let text = |answered: &Answered| String::from_utf8(answered.body.to_vec()).expect("UTF-8");
    let mut expected = names(&text(&served.get(&format!("/_/visits/{case}")).await));
    assert!(expected.len() > 8, "{expected:?}");
    assert_eq!(names(&text(&whole)), expected);
    expected.retain(|name| name != "lines");
    let list = text(&served.get("/_/visits").await);
    assert_eq!(names(list.trim_matches(['[', ']'])), expected);

    let list = text(&served.get("/_/deliveries").await);
    let mut delivery = names(list.trim_matches(['[', ']']));
    delivery.retain(|name| name != "request");
    let (mut is_visit, mut is_delivery) = (false, false);
    while !(is_visit && is_delivery) {
        let (name, data) = events.next_raw().await.expect("an event");
        match name.as_str() {
            "visit" => {
                assert_eq!(names(&data), expected);
                is_visit = true;
            }
            "delivery" => {
                assert_eq!(names(&data), delivery);
                is_delivery = true;
            }
            _ => {}
        }
    }
}

#[tokio::test]
async fn event_of_the_last_attempt_says_that_it_is_mailed() {
    let served = Served::new(on_stage()).await;
    let mut tab = Events::of(&served).await;
    served
        .post("/_/faults", &json!({ "feed": "integration", "every": 1, "do": "drop" }))
        .await
        .ok();
    let message = json!({ "widget": "sales", "email": "v@example.com", "text": "Hello" });
    served.post("/_/offline", &message).await.ok();
    served.post("/_/time/advance", &json!({ "seconds": 3 * 3600 })).await.ok();
    loop {
        let delivery = tab.until("delivery").await;
        let is_last = delivery["attempt"] == 25 && delivery.get("error").is_some();
        assert_eq!(delivery.get("mailed"), is_last.then_some(&json!(true)), "{delivery}");
        if is_last {
            return;
        }
    }
}

#[tokio::test]
async fn stream_ends_when_the_server_does() {
    let served = shop().await;
    let mut events = Events::of(&served).await;
    let stopping = tokio::spawn(served.stop());
    while events.next().await.is_some() {}
    stopping.await.expect("no panic");
}

#[tokio::test]
async fn stream_is_for_the_page_alone() {
    let served = shop().await;
    let foreign = [("origin", "https://attacker.example")];
    served.send("GET", "/_/events", &foreign, "").await.refused(403, "");
    served.send("GET", "/_/events", &[("sec-fetch-site", "cross-site")], "").await.refused(403, "");
    served.post("/_/events", &json!({})).await.refused(405, "GET");
}

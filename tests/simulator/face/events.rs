//! The stream of events.

use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde_json::{Value, json};

use super::office::{chat, shop};
use super::served::Served;
use crate::ask::*;

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
                return Some((name, serde_json::from_str(data).expect("JSON")));
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

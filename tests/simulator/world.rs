//! The state: what it is built from, its seed, its time.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use snapengage::client::{Operation, ResponseBody, Transport, TransportError};
use snapengage::integration::SupportRequest;
use snapengage::simulator::{SimulatedAgent, Simulator};

use crate::ask::*;

#[test]
fn every_mistake_is_told() {
    let error = Simulator::builder()
        .api_token("")
        .chat_key(" ")
        .widget("sales")
        .widget("sales")
        .agent(JANE)
        .agent("WC:jane@example.com".to_lowercase())
        .agent(SimulatedAgent::new("bob@example.com").widgets(["other"]))
        .user("user@example.com", "A")
        .user("USER@example.com", "B")
        .case("third", SupportRequest::new("c"))
        .case("sales", SupportRequest::new("c"))
        .file("a", "1")
        .file("a", "2")
        .build()
        .expect_err("mistakes");
    let expected = "the API token is empty\n\
        the chat key is empty\n\
        there is more than one widget \"sales\"\n\
        there is more than one agent \"jane@example.com\"\n\
        there is more than one user \"user@example.com\"\n\
        there is more than one case \"c\"\n\
        there is more than one file \"a\"\n\
        there is no widget \"other\"\n\
        there is no widget \"third\"";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn credentials_are_not_shown() {
    let builder = office().api_token("secret-1").provisioning_key("secret-2").chat_key("secret-3");
    let shown = format!("{builder:?}{:?}", office().build());
    assert!(!shown.contains("secret") && !shown.contains("local"), "{shown}");
}

#[tokio::test]
async fn credentials_are_those_that_were_set() {
    let simulator = office().api_token("t").org(7).build().expect("no mistakes");
    let path = "/api/v2/7/logs?start=2026-01-01&end=2026-01-01";
    get(&simulator, path, ("authorization", "t")).await.ok();
    get(&simulator, path, TOKEN).await.refused(401, "API token");
}

async fn story(seed: u64) -> Vec<u8> {
    let simulator = office().seed(seed).build().expect("no mistakes");
    let mut bytes = Vec::new();
    for _ in 0..2 {
        let case = start(&simulator, "&visitorMessage=Hello").await;
        let jane = simulator.agent(JANE);
        jane.takes(&case).await.expect("a chat that waits");
        jane.says(&case, "Hi").await.expect("a chat of Jane's");
        let path = format!("/api/v1/chat/poll/{case}");
        bytes.extend(get(&simulator, &path, CHAT_KEY).await.body);
        jane.closes(&case).await.expect("a chat of Jane's");
    }
    let logs = "/api/v2/5406213/logs?start=2026-01-05&end=2026-01-05";
    bytes.extend(get(&simulator, logs, TOKEN).await.body);
    bytes
}

#[tokio::test]
async fn same_seed_gives_the_same_bytes() {
    assert_eq!(story(1).await, story(1).await);
    assert_ne!(story(1).await, story(2).await);
}

#[tokio::test(start_paused = true)]
async fn without_a_seed_time_goes_with_the_clock() {
    let start = time("2026-03-01T00:00:00Z");
    let simulator = Simulator::builder().start(start).build().expect("no mistakes");
    let hour = Duration::from_secs(3600);
    tokio::time::advance(hour).await;
    simulator.advance(hour).await;
    let passed = simulator.now().saturating_duration_since(start);
    assert!(passed >= hour * 2 && passed < hour * 2 + Duration::from_secs(1), "{passed:?}");
    let seeded = Simulator::builder().seed(1).build().expect("no mistakes");
    tokio::time::advance(hour).await;
    assert_eq!(seeded.now(), time("2026-01-05T09:00:00Z"));
}

#[tokio::test]
async fn clones_share_one_state() {
    let simulator = open_office();
    let case = start(&simulator.clone(), "").await;
    assert_eq!(simulator.cases(), [case.as_str()]);
    assert_eq!(simulator.accepted(Operation::StartChat), 1);
}

#[tokio::test]
async fn it_is_a_transport() {
    async fn over(
        transport: &dyn Transport,
        request: Request<Bytes>,
    ) -> Result<http::Response<ResponseBody>, TransportError> {
        transport.send(request).await
    }
    let request = Request::get("https://www.snapengage.com/public/api/v2/chat/sales");
    let request = request.body(Bytes::new()).expect("a request");
    assert_eq!(over(&open_office(), request).await.expect("an answer").status(), 200);
}

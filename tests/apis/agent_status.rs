//! Agent Status API: every change is read, and none is lost.

use std::sync::Arc;
use std::time::Duration;

use http::Response;
use serde_json::json;
use snapengage::agent_status::{self, Handler, Status, StatusChange};
use snapengage::{Body, DecodeError, HandlerError, Receiver, Timestamp, async_trait};

use crate::promises::{Room, assert_is_never_read_cut_off, promises};
use crate::support::{
    FAILINGS, Failing, Seen, assert_feed_failed, assert_refused, assert_taken,
    assert_tells_no_secret, auth, body, log, post, record_log, sample, sample_json, with_secrets,
};

const PATH: &str = "/agent-status";
const AGENT: &str = "wc:agent@example.com";
const MINIMAL: &str = r#"{"agent_id":"wc:agent@example.com","status":"online"}"#;

#[async_trait]
impl Handler for Failing {
    async fn status_change(&self, _: StatusChange) -> Result<(), HandlerError> {
        self.run().await
    }
}

fn recorder(seen: &Seen<StatusChange>) -> impl Handler + use<> {
    let seen = seen.clone();
    agent_status::from_fn(move |change| {
        seen.push(change);
        async { Ok(()) }
    })
}

#[track_caller]
fn receiver(handler: impl Handler) -> Receiver {
    Receiver::builder().agent_status(PATH, auth(), handler).build().expect("no mistakes")
}

async fn answer(handler: impl Handler, body: impl Into<bytes::Bytes>) -> Response<Body> {
    receiver(handler).handle(post(PATH, body)).await
}

async fn received(body: impl Into<bytes::Bytes>) -> StatusChange {
    let seen = Seen::new();
    assert_taken(answer(recorder(&seen), body).await);
    seen.one()
}

/// The room, as its promises see it.
struct AgentStatus;

impl Room for AgentStatus {
    type Event = StatusChange;

    const NAME: &str = "agent status";
    const MINIMAL: &str = MINIMAL;

    fn minimal() -> Self::Event {
        StatusChange::new(AGENT, "online")
    }

    fn read(body: &[u8]) -> Result<Self::Event, DecodeError> {
        StatusChange::from_json(body)
    }

    async fn answer(body: Vec<u8>) -> Response<Body> {
        answer(recorder(&Seen::new()), body).await
    }

    async fn received(body: String) -> Self::Event {
        received(body).await
    }
}

promises! {
    AgentStatus:
        body_that_is_no_json_object_is_refused,
        value_that_is_no_json_is_refused,
        value_with_one_bad_character_is_read,
        something_after_the_object_is_refused,
        byte_order_mark_and_white_space_are_skipped,
        nesting_is_read_or_refused,
}

/// What all samples have in common.
fn change(status: Status) -> StatusChange {
    let mut change = StatusChange::new(AGENT, status);
    change.org = Some(5_406_213);
    change.timestamp = Timestamp::from_millis(1_551_461_879_355);
    change
}

#[tokio::test]
async fn documented_change_is_read() {
    let mut expected = change(Status::Pause);
    expected.sub_status = Some("Gone to lunch".to_owned());
    let received = received(sample("agent-status/pause.json")).await;
    assert_eq!(received, expected);
    assert_eq!(received.agent_id.email(), "agent@example.com");
}

#[tokio::test]
async fn other_documented_statuses_are_read() {
    assert_eq!(received(sample("agent-status/online.json")).await, change(Status::Online));
    assert_eq!(received(sample("agent-status/offline.json")).await, change(Status::Offline));
}

#[tokio::test]
async fn unknown_status_is_handed_over() {
    let mut expected = change(Status::from("training"));
    expected.sub_status = Some("Until noon".to_owned());
    assert_eq!(received(sample("agent-status/unknown-status.json")).await, expected);
}

#[tokio::test]
async fn organisation_and_prefix_may_be_absent() {
    let mut expected = StatusChange::new("agent@example.com", Status::Pause);
    expected.timestamp = Timestamp::from_millis(1_551_461_879_355);
    let received = received(sample("agent-status/without-org.json")).await;
    assert_eq!(received, expected);
    assert_eq!(received.agent_id.email(), "agent@example.com");
}

#[tokio::test]
async fn organisation_has_64_bits() {
    for org in [i64::MAX, i64::MIN, 4_294_967_296] {
        let request = json!({ "agent_id": AGENT, "status": "online", "org": org });
        assert_eq!(received(request.to_string()).await.org, Some(org));
    }
    let request = json!({ "agent_id": AGENT, "status": "online", "org": u64::MAX });
    let received = received(request.to_string()).await;
    assert_eq!(received.org, None);
    assert_eq!(received.extra["org"], json!(u64::MAX));
}

#[tokio::test]
async fn change_is_handed_to_a_shared_handler() {
    let seen = Seen::new();
    let shared: Arc<dyn Handler> = Arc::new(recorder(&seen));
    assert_taken(answer(Arc::clone(&shared), MINIMAL).await);
    assert_eq!(seen.one(), StatusChange::new(AGENT, "online"));
}

#[tokio::test(start_paused = true)]
async fn failing_handler_is_answered_for() {
    for failing in FAILINGS {
        assert_feed_failed(answer(failing, sample("agent-status/pause.json")).await, failing);
    }
}

#[tokio::test(start_paused = true)]
async fn handler_that_hangs_is_answered_for_after_its_deadline() {
    let started = tokio::time::Instant::now();
    answer(Failing::Hanging, MINIMAL).await;
    assert_eq!(started.elapsed().as_secs(), 30);

    let builder = Receiver::builder().agent_status(PATH, auth(), Failing::Hanging);
    let receiver = builder.feed_deadline(Duration::from_secs(3)).build().expect("no mistakes");
    let started = tokio::time::Instant::now();
    receiver.handle(post(PATH, MINIMAL)).await;
    assert_eq!(started.elapsed().as_secs(), 3);
}

#[tokio::test]
async fn change_that_cannot_be_read_is_refused() {
    for (body, message) in [
        ("{}", "missing field `agent_id` at line 1 column 2"),
        (r#"{"status":"pause"}"#, "missing field `agent_id` at line 1 column 18"),
        (r#"{"agent_id":"a"}"#, "missing field `status` at line 1 column 16"),
        (r#"{"agent_id":"","status":"pause"}"#, "missing field `agent_id` at line 1 column 32"),
        ("{\"agent_id\":\"a\",\n\"status\":null}", "missing field `status` at line 2 column 14"),
        (
            r#"{"agent_id":["a"],"status":"pause"}"#,
            "field `agent_id` is not of the documented type at line 1 column 17",
        ),
        (
            r#"{"agent_id":"a","status":{"SECRET":1}}"#,
            "field `status` is not of the documented type at line 1 column 38",
        ),
    ] {
        let response = answer(recorder(&Seen::new()), body).await;
        assert_refused(response, 400, &format!("agent status: {message}"));
    }
}

#[tokio::test]
async fn numeric_ids_and_numbers_as_text_are_read() {
    let request = r#"{"agent_id":7,"status":"pause","org":"5406213","timestamp":"1551461879355"}"#;
    let mut expected = change(Status::Pause);
    expected.agent_id = "7".into();
    assert_eq!(received(request).await, expected);
}

#[tokio::test]
async fn null_and_empty_are_absent() {
    for empty in [json!(null), json!("")] {
        let request = json!({
            "agent_id": AGENT, "status": "online",
            "org": empty, "sub_status": empty, "timestamp": empty,
        });
        assert_eq!(received(request.to_string()).await, StatusChange::new(AGENT, "online"));
    }
}

#[tokio::test]
async fn of_a_field_that_comes_twice_the_last_counts() {
    let request = r#"{"agent_id":"a","agent_id":"wc:agent@example.com","status":"pause",
        "status":"online","sub_status":"A","sub_status":["B"],"new":1,"new":2}"#;
    let mut expected = StatusChange::new(AGENT, "online");
    expected.extra = [
        ("sub_status".to_owned(), json!(["B"])),
        ("new".to_owned(), json!([1, 2])),
        ("agent_id (others)".to_owned(), json!(["a"])),
        ("status (others)".to_owned(), json!(["pause"])),
        ("sub_status (others)".to_owned(), json!(["A"])),
    ]
    .into();
    record_log();
    assert_eq!(received(request).await, expected);
    let log = log();
    assert!(log.contains(r#"fields="agent_id, status, sub_status""#), "{log}");
}

#[tokio::test]
async fn odd_values_cost_their_field_only_and_are_warned_about_by_name() {
    record_log();
    let request = json!({
        "agent_id": AGENT,
        "status": "pause",
        "org": "SECRET",
        "sub_status": { "SECRET": "SECRET" },
        "timestamp": 1e300,
        "SECRET": ["SECRET"],
    });
    let mut expected = StatusChange::new(AGENT, Status::Pause);
    expected.extra = [
        ("org".to_owned(), json!("SECRET")),
        ("sub_status".to_owned(), json!({ "SECRET": "SECRET" })),
        ("timestamp".to_owned(), json!(1e300)),
        ("SECRET".to_owned(), json!(["SECRET"])),
    ]
    .into();
    let received = received(request.to_string()).await;
    assert_eq!(received, expected);
    assert_eq!(serde_json::to_value(received).ok(), Some(request));

    let log = log();
    assert!(log.contains(r#"fields="org, sub_status, timestamp""#), "{log}");
    assert_tells_no_secret("log", &log);
}

#[tokio::test]
async fn ids_and_statuses_are_bounded() {
    let longer = "x".repeat(257);
    for (agent, status, field) in [("a", &*longer, "status"), (&longer, "online", "agent_id")] {
        let request = json!({ "agent_id": agent, "status": status }).to_string();
        let response = answer(recorder(&Seen::new()), request).await;
        assert_eq!(response.status(), 400);
        assert!(body(response).contains(&format!("field `{field}` is longer than 256 bytes")));
    }
    let long = &longer[1..];
    let read = received(json!({ "agent_id": long, "status": long }).to_string()).await;
    assert_eq!(read, StatusChange::new(long, long));
}

#[tokio::test]
async fn numbers_and_booleans_are_read_as_text() {
    for (value, text) in [(json!(1), "1"), (json!(-1.5), "-1.5"), (json!(true), "true")] {
        let request = json!({ "agent_id": AGENT, "status": value, "sub_status": value });
        let mut expected = StatusChange::new(AGENT, Status::from(text));
        expected.sub_status = Some(text.to_owned());
        assert_eq!(received(request.to_string()).await, expected);
    }
}

#[tokio::test]
async fn log_names_the_status_and_neither_the_agent_nor_why() {
    record_log();
    received(sample("agent-status/pause.json")).await;
    let log = log();
    assert!(log.contains(r#"api="agent-status""#), "{log}");
    assert!(log.contains(r#"event="pause""#), "{log}");
    assert!(!log.contains("agent@example.com"), "{log}");
    assert!(!log.contains("lunch"), "{log}");
}

#[tokio::test]
async fn refusals_and_the_log_repeat_nothing_of_the_request() {
    record_log();
    let receiver = receiver(agent_status::from_fn(|_| async { Ok(()) }));
    for request in with_secrets(&sample_json("agent-status/pause.json")) {
        let read = StatusChange::from_json(&request).ok();
        let response = receiver.handle(post(PATH, request.clone())).await;
        let logged = log();
        let request = String::from_utf8_lossy(&request);
        assert_eq!(response.status(), if read.is_some() { 200 } else { 400 }, "{request}");
        assert_tells_no_secret(&request, &body(response));
        if !read.is_some_and(|change| change.status.as_str().starts_with(['S', '9'])) {
            assert_tells_no_secret(&request, &logged);
        }
    }
}

#[test]
fn a_body_cut_off_anywhere_is_never_read() {
    assert_is_never_read_cut_off::<AgentStatus>("agent-status/pause.json");
}

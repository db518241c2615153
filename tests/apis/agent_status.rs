//! Agent Status API: every change is read, and none is lost.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Value, json};
use snapengage::agent_status::{Handler, Status, StatusChange};
use snapengage::{DecodeError, HandlerError, ReceiverBuilder, Timestamp, async_trait};

use crate::payloads::sample_json;
use crate::promises::{Feed, Json, Room, Takes, promises};
use crate::support::{Failing, Seen, assert_refused, assert_taken, auth, log, record_log, sample};

const AGENT: &str = "wc:agent@example.com";
const MINIMAL: &str = r#"{"agent_id":"wc:agent@example.com","status":"online"}"#;

#[async_trait]
impl Handler for Failing {
    async fn status_change(&self, _: StatusChange) -> Result<(), HandlerError> {
        self.run().await
    }
}

#[async_trait]
impl Handler for Seen<StatusChange> {
    async fn status_change(&self, change: StatusChange) -> Result<(), HandlerError> {
        self.push(change);
        Ok(())
    }
}

/// The room, as its promises see it.
struct AgentStatus;

impl Room for AgentStatus {
    type Event = StatusChange;

    const PATH: &str = "/agent-status";
    const MINIMAL: &str = MINIMAL;
}

impl<H: Handler> Takes<H> for AgentStatus {
    fn add(builder: ReceiverBuilder, handler: H) -> ReceiverBuilder {
        builder.agent_status(Self::PATH, auth(), handler)
    }
}

impl Json for AgentStatus {
    const NAME: &str = "agent status";
    const SAMPLES: &[&str] = &["agent-status/pause.json"];

    fn minimal() -> StatusChange {
        StatusChange::new(AGENT, "online")
    }

    fn read(body: &[u8]) -> Result<impl Serialize, DecodeError> {
        StatusChange::from_json(body)
    }

    fn written(change: &StatusChange) -> Value {
        serde_json::to_value(change).expect("JSON")
    }

    fn filled_with(value: &Value) -> Value {
        json!({
            "agent_id": AGENT, "status": "online",
            "org": value, "sub_status": value, "timestamp": value,
        })
    }

    fn odd() -> (Value, StatusChange, &'static str) {
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
        (request, expected, "org, sub_status, timestamp")
    }
}

impl Feed for AgentStatus {
    const REQUIRED: &[&str] = &["agent_id", "status"];
    const OPTIONAL: &[&str] = &[];

    fn extra(change: &mut StatusChange) -> &mut BTreeMap<String, Value> {
        &mut change.extra
    }

    fn logged(change: &StatusChange) -> Vec<&str> {
        vec![change.status.as_str()]
    }

    fn twice() -> (&'static str, StatusChange, &'static str) {
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
        (request, expected, "agent_id, status, sub_status")
    }

    fn confidential() -> Value {
        sample_json("agent-status/pause.json")
    }
}

promises! {
    AgentStatus:
        handler_that_hangs_is_answered_for_after_its_deadline,
        failing_handler_is_answered_for,
        body_that_is_no_json_object_is_refused,
        value_that_is_no_json_is_refused,
        value_with_one_bad_character_is_read,
        something_after_the_object_is_refused,
        byte_order_mark_and_white_space_are_skipped,
        nesting_is_read_or_refused,
        body_cut_off_anywhere_is_never_read,
        null_and_empty_are_absent,
        odd_values_cost_their_field_only_and_are_warned_about_by_name,
        of_a_field_that_comes_twice_the_last_counts,
        ids_and_names_are_bounded,
        refusals_and_the_log_repeat_nothing_of_the_request,
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
    let received = AgentStatus::received(sample("agent-status/pause.json")).await;
    assert_eq!(received, expected);
    assert_eq!(received.agent_id.email(), "agent@example.com");
}

#[tokio::test]
async fn other_documented_statuses_are_read() {
    assert_eq!(
        AgentStatus::received(sample("agent-status/online.json")).await,
        change(Status::Online)
    );
    assert_eq!(
        AgentStatus::received(sample("agent-status/offline.json")).await,
        change(Status::Offline)
    );
}

#[tokio::test]
async fn unknown_status_is_handed_over() {
    let mut expected = change(Status::from("training"));
    expected.sub_status = Some("Until noon".to_owned());
    assert_eq!(AgentStatus::received(sample("agent-status/unknown-status.json")).await, expected);
}

#[tokio::test]
async fn organisation_and_prefix_may_be_absent() {
    let mut expected = StatusChange::new("agent@example.com", Status::Pause);
    expected.timestamp = Timestamp::from_millis(1_551_461_879_355);
    let received = AgentStatus::received(sample("agent-status/without-org.json")).await;
    assert_eq!(received, expected);
    assert_eq!(received.agent_id.email(), "agent@example.com");
}

#[tokio::test]
async fn organisation_has_64_bits() {
    for org in [i64::MAX, i64::MIN, 4_294_967_296] {
        let request = json!({ "agent_id": AGENT, "status": "online", "org": org });
        assert_eq!(AgentStatus::received(request.to_string()).await.org, Some(org));
    }
    let request = json!({ "agent_id": AGENT, "status": "online", "org": u64::MAX });
    let received = AgentStatus::received(request.to_string()).await;
    assert_eq!(received.org, None);
    assert_eq!(received.extra["org"], json!(u64::MAX));
}

#[tokio::test]
async fn change_is_handed_to_a_shared_handler() {
    let seen = Seen::new();
    let shared: Arc<dyn Handler> = Arc::new(seen.clone());
    assert_taken(AgentStatus::answer(Arc::clone(&shared), MINIMAL).await);
    assert_eq!(seen.one(), StatusChange::new(AGENT, "online"));
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
        let response = AgentStatus::answer(Seen::new(), body).await;
        assert_refused(response, 400, &format!("agent status: {message}"));
    }
}

#[tokio::test]
async fn numeric_ids_and_numbers_as_text_are_read() {
    let request = r#"{"agent_id":7,"status":"pause","org":"5406213","timestamp":"1551461879355"}"#;
    let mut expected = change(Status::Pause);
    expected.agent_id = "7".into();
    assert_eq!(AgentStatus::received(request).await, expected);
}

#[tokio::test]
async fn numbers_and_booleans_are_read_as_text() {
    for (value, text) in [(json!(1), "1"), (json!(-1.5), "-1.5"), (json!(true), "true")] {
        let request = json!({ "agent_id": AGENT, "status": value, "sub_status": value });
        let mut expected = StatusChange::new(AGENT, Status::from(text));
        expected.sub_status = Some(text.to_owned());
        assert_eq!(AgentStatus::received(request.to_string()).await, expected);
    }
}

#[tokio::test]
async fn log_names_the_status_and_neither_the_agent_nor_why() {
    record_log();
    AgentStatus::received(sample("agent-status/pause.json")).await;
    let log = log();
    assert!(log.contains(r#"api="agent-status""#), "{log}");
    assert!(log.contains(r#"event="pause""#), "{log}");
    assert!(!log.contains("agent@example.com"), "{log}");
    assert!(!log.contains("lunch"), "{log}");
}

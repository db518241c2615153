//! Conversation Events API: every event is read, and none is lost.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Value, json};
use snapengage::conversation::{Event, EventKind, Handler, Label};
use snapengage::{AgentId, DecodeError, HandlerError, ReceiverBuilder, Timestamp, async_trait};

use crate::payloads::sample_json;
use crate::promises::{Feed, Json, Room, Takes, promises};
use crate::support::{Failing, Seen, assert_refused, assert_taken, auth, log, record_log, sample};

const WIDGET: &str = "beaa0150-5a54-4a58-96e1-cc7971239d75";
const CASE: &str = "2e3362fc-b537-4a16-bd0b-4b5d4108c53d";
const MINIMAL: &str = r#"{"event":"caseQueued","widget_id":"w","case_id":"c"}"#;

#[async_trait]
impl Handler for Failing {
    async fn event(&self, _: Event) -> Result<(), HandlerError> {
        self.run().await
    }
}

#[async_trait]
impl Handler for Seen<Event> {
    async fn event(&self, event: Event) -> Result<(), HandlerError> {
        self.push(event);
        Ok(())
    }
}

/// The room, as its promises see it.
struct Conversation;

impl Room for Conversation {
    type Event = Event;

    const PATH: &str = "/conversation-events";
    const MINIMAL: &str = MINIMAL;
}

impl<H: Handler> Takes<H> for Conversation {
    fn add(builder: ReceiverBuilder, handler: H) -> ReceiverBuilder {
        builder.conversation(Self::PATH, auth(), handler)
    }
}

impl Json for Conversation {
    const NAME: &str = "conversation event";
    const SAMPLES: &[&str] = &["conversation-events/case-labeled.json"];

    fn minimal() -> Event {
        Event::new("caseQueued", "w", "c")
    }

    fn read(body: &[u8]) -> Result<impl Serialize, DecodeError> {
        Event::from_json(body)
    }

    fn written(event: &Event) -> Value {
        serde_json::to_value(event).expect("JSON")
    }

    fn filled_with(value: &Value) -> Value {
        json!({
            "event": "caseQueued", "widget_id": "w", "case_id": "c",
            "widget_name": value, "agent_id": value, "agent_email": value, "agent_alias": value,
            "timestamp": value, "label": value, "survey_score": value, "survey_comment": value,
        })
    }

    fn odd() -> (Value, Event, &'static str) {
        let request = json!({
            "event": "caseLabeled",
            "widget_id": "w",
            "case_id": "c",
            "widget_name": ["SECRET"],
            "agent_id": { "SECRET": 1 },
            "agent_alias": "Charlie",
            "timestamp": -1,
            "label": { "name": [5], "value": "SECRET", "SECRET": null },
            "survey_score": 7.5,
            "survey_comment": [false],
            "SECRET": "SECRET",
        });
        let mut label = Label::new();
        label.value = some("SECRET");
        label.extra = [("name".to_owned(), json!([5])), ("SECRET".to_owned(), json!(null))].into();
        let mut expected = Event::new("caseLabeled", "w", "c");
        expected.agent_alias = some("Charlie");
        expected.label = Some(label);
        expected.extra = [
            ("widget_name".to_owned(), json!(["SECRET"])),
            ("agent_id".to_owned(), json!({ "SECRET": 1 })),
            ("timestamp".to_owned(), json!(-1)),
            ("survey_score".to_owned(), json!(7.5)),
            ("survey_comment".to_owned(), json!([false])),
            ("SECRET".to_owned(), json!("SECRET")),
        ]
        .into();
        let names = "widget_name, agent_id, timestamp, survey_score, survey_comment, name";
        (request, expected, names)
    }
}

impl Feed for Conversation {
    const REQUIRED: &[&str] = &["event", "widget_id", "case_id"];
    const OPTIONAL: &[&str] = &["agent_id"];

    fn extra(event: &mut Event) -> &mut BTreeMap<String, Value> {
        &mut event.extra
    }

    fn logged(event: &Event) -> Vec<&str> {
        vec![event.kind.as_str(), event.case_id.as_str()]
    }

    fn twice() -> (&'static str, Event, &'static str) {
        let request = r#"{"event":"caseClosed","event":"caseQueued","widget_id":"w","case_id":"c",
            "agent_alias":"A","agent_alias":"B","new":1,"new":2}"#;
        let mut expected = Event::new("caseQueued", "w", "c");
        expected.agent_alias = some("B");
        expected.extra = [
            ("new".to_owned(), json!([1, 2])),
            ("event (others)".to_owned(), json!(["caseClosed"])),
            ("agent_alias (others)".to_owned(), json!(["A"])),
        ]
        .into();
        (request, expected, "event, agent_alias")
    }

    fn confidential() -> Value {
        sample_json("conversation-events/case-labeled.json")
    }
}

promises! {
    Conversation:
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

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

/// What all samples have in common.
fn event(kind: EventKind) -> Event {
    let mut event = Event::new(kind, WIDGET, CASE);
    event.widget_name = some("Paddy's Irish Pub");
    event.timestamp = Timestamp::from_millis(1_551_461_879_355);
    event
}

/// What all samples have in common in which there is an agent.
fn event_of_agent(kind: EventKind) -> Event {
    let mut event = event(kind);
    event.agent_id = Some("wc:charlie@example.com".into());
    event.agent_email = some("charlie@example.com");
    event.agent_alias = some("Charlie Boy");
    event
}

#[tokio::test]
async fn documented_event_is_read() {
    let mut label = Label::new();
    label.name = some("chatType");
    label.value = some("new chat");
    let mut expected = event_of_agent(EventKind::CaseLabeled);
    expected.label = Some(label);
    expected.survey_score = Some(75);
    expected.survey_comment = some("really helpful");

    let received = Conversation::received(sample("conversation-events/case-labeled.json")).await;
    assert_eq!(received, expected);
    assert_eq!(received.agent_id.as_ref().map(AgentId::email), Some("charlie@example.com"));
}

#[tokio::test]
async fn events_of_an_agent_are_read() {
    for (path, kind) in [
        ("case-responded", EventKind::CaseResponded),
        ("case-closed", EventKind::CaseClosed),
        ("case-assigned", EventKind::CaseAssigned),
        ("case-broadcasted", EventKind::CaseBroadcasted),
        ("case-transferred", EventKind::CaseTransferred),
    ] {
        let received =
            Conversation::received(sample(&format!("conversation-events/{path}.json"))).await;
        assert_eq!(received, event_of_agent(kind));
    }
}

#[tokio::test]
async fn queued_case_has_no_agent() {
    let received = Conversation::received(sample("conversation-events/case-queued.json")).await;
    assert_eq!(received, event(EventKind::CaseQueued));
}

#[tokio::test]
async fn survey_is_read() {
    let mut expected = event_of_agent(EventKind::CaseSurveyed);
    expected.survey_score = Some(75);
    expected.survey_comment = some("really helpful");
    assert_eq!(
        Conversation::received(sample("conversation-events/case-surveyed.json")).await,
        expected
    );
}

#[tokio::test]
async fn unknown_event_is_handed_over_with_all_its_fields() {
    let mut expected = event_of_agent(EventKind::from("caseEscalated"));
    let escalation = json!({ "level": 2, "by": "wc:charlie@example.com" });
    expected.extra = [("escalation".to_owned(), escalation)].into();
    assert_eq!(
        Conversation::received(sample("conversation-events/unknown-event.json")).await,
        expected
    );
}

#[tokio::test]
async fn event_is_handed_to_a_shared_handler() {
    let seen = Seen::new();
    let shared: Arc<dyn Handler> = Arc::new(seen.clone());
    assert_taken(Conversation::answer(Arc::clone(&shared), MINIMAL).await);
    assert_eq!(seen.one(), Event::new("caseQueued", "w", "c"));
}

#[tokio::test]
async fn event_that_cannot_be_read_is_refused() {
    for (body, message) in [
        ("{}", "missing field `event` at line 1 column 2"),
        (r#"{"event":"","case_id":"c"}"#, "missing field `event` at line 1 column 26"),
        (r#"{"event":"caseClosed"}"#, "missing field `widget_id` at line 1 column 22"),
        (
            "{\"event\":\"caseClosed\",\n\"widget_id\":\"w\",\n\"case_id\":\"\"}",
            "missing field `case_id` at line 3 column 13",
        ),
        (
            r#"{"event":["caseClosed"],"widget_id":"w","case_id":"c"}"#,
            "field `event` is not of the documented type at line 1 column 23",
        ),
        (
            r#"{"event":"caseClosed","widget_id":{},"case_id":"c"}"#,
            "field `widget_id` is not of the documented type at line 1 column 36",
        ),
        (
            r#"{"event":"caseClosed","widget_id":"w","case_id":false}"#,
            "field `case_id` is not of the documented type at line 1 column 54",
        ),
    ] {
        let response = Conversation::answer(Seen::new(), body).await;
        assert_refused(response, 400, &format!("conversation event: {message}"));
    }
}

#[tokio::test]
async fn numeric_ids_and_numbers_as_text_are_read() {
    let request = r#"{"event":"caseSurveyed","widget_id":1,"case_id":2,"agent_id":3,
        "timestamp":"1551461879355","survey_score":"75"}"#;
    let mut expected = Event::new("caseSurveyed", "1", "2");
    expected.agent_id = Some("3".into());
    expected.timestamp = Timestamp::from_millis(1_551_461_879_355);
    expected.survey_score = Some(75);
    assert_eq!(Conversation::received(request).await, expected);
}

#[tokio::test]
async fn scores_are_read_as_they_are_and_never_rounded() {
    for (score, expected) in [
        (json!(0), Some(0)),
        (json!(100), Some(100)),
        (json!(75.0), Some(75)),
        (json!(256), Some(256)),
        (json!(-1), Some(-1)),
        (json!(i64::MAX), Some(i64::MAX)),
        (json!(u64::MAX), None),
        (json!(74.5), None),
        (json!("75 %"), None),
    ] {
        let request = json!({
            "event": "caseSurveyed", "widget_id": "w", "case_id": "c", "survey_score": score,
        });
        let received = Conversation::received(request.to_string()).await;
        assert_eq!(received.survey_score, expected, "{score}");
        let kept = expected.is_none().then_some(score);
        assert_eq!(received.extra.get("survey_score"), kept.as_ref());
    }
}

#[tokio::test]
async fn log_names_event_and_case_and_nothing_said() {
    record_log();
    Conversation::received(sample("conversation-events/case-labeled.json")).await;
    let log = log();
    for named in [r#"api="conversation-events""#, r#"event="caseLabeled""#, CASE] {
        assert!(log.contains(named), "{log}");
    }
    for said in ["charlie", "Charlie", "helpful", "Paddy"] {
        assert!(!log.contains(said), "{log}");
    }
}

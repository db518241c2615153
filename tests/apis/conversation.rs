//! Conversation Events API: every event is read, and none is lost.

use std::sync::Arc;
use std::time::Duration;

use http::Response;
use serde_json::json;
use snapengage::conversation::{self, Event, EventKind, Handler, Label};
use snapengage::{AgentId, Body, DecodeError, HandlerError, Receiver, Timestamp, async_trait};

use crate::promises::{Room, assert_is_never_read_cut_off, promises};
use crate::support::{
    FAILINGS, Failing, Seen, assert_feed_failed, assert_refused, assert_taken,
    assert_tells_no_secret, auth, body, log, post, record_log, sample, sample_json, with_secrets,
};

const PATH: &str = "/conversation-events";
const WIDGET: &str = "beaa0150-5a54-4a58-96e1-cc7971239d75";
const CASE: &str = "2e3362fc-b537-4a16-bd0b-4b5d4108c53d";
const MINIMAL: &str = r#"{"event":"caseQueued","widget_id":"w","case_id":"c"}"#;

#[async_trait]
impl Handler for Failing {
    async fn event(&self, _: Event) -> Result<(), HandlerError> {
        self.run().await
    }
}

fn recorder(seen: &Seen<Event>) -> impl Handler + use<> {
    let seen = seen.clone();
    conversation::from_fn(move |event| {
        seen.push(event);
        async { Ok(()) }
    })
}

#[track_caller]
fn receiver(handler: impl Handler) -> Receiver {
    Receiver::builder().conversation(PATH, auth(), handler).build().expect("no mistakes")
}

async fn answer(handler: impl Handler, body: impl Into<bytes::Bytes>) -> Response<Body> {
    receiver(handler).handle(post(PATH, body)).await
}

async fn received(body: impl Into<bytes::Bytes>) -> Event {
    let seen = Seen::new();
    assert_taken(answer(recorder(&seen), body).await);
    seen.one()
}

/// The room, as its promises see it.
struct Conversation;

impl Room for Conversation {
    type Event = Event;

    const NAME: &str = "conversation event";
    const MINIMAL: &str = MINIMAL;

    fn minimal() -> Self::Event {
        Event::new("caseQueued", "w", "c")
    }

    fn read(body: &[u8]) -> Result<Self::Event, DecodeError> {
        Event::from_json(body)
    }

    async fn answer(body: Vec<u8>) -> Response<Body> {
        answer(recorder(&Seen::new()), body).await
    }

    async fn received(body: String) -> Self::Event {
        received(body).await
    }
}

promises! {
    Conversation:
        body_that_is_no_json_object_is_refused,
        value_that_is_no_json_is_refused,
        value_with_one_bad_character_is_read,
        something_after_the_object_is_refused,
        byte_order_mark_and_white_space_are_skipped,
        nesting_is_read_or_refused,
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

    let received = received(sample("conversation-events/case-labeled.json")).await;
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
        let received = received(sample(&format!("conversation-events/{path}.json"))).await;
        assert_eq!(received, event_of_agent(kind));
    }
}

#[tokio::test]
async fn queued_case_has_no_agent() {
    let received = received(sample("conversation-events/case-queued.json")).await;
    assert_eq!(received, event(EventKind::CaseQueued));
}

#[tokio::test]
async fn survey_is_read() {
    let mut expected = event_of_agent(EventKind::CaseSurveyed);
    expected.survey_score = Some(75);
    expected.survey_comment = some("really helpful");
    assert_eq!(received(sample("conversation-events/case-surveyed.json")).await, expected);
}

#[tokio::test]
async fn unknown_event_is_handed_over_with_all_its_fields() {
    let mut expected = event_of_agent(EventKind::from("caseEscalated"));
    let escalation = json!({ "level": 2, "by": "wc:charlie@example.com" });
    expected.extra = [("escalation".to_owned(), escalation)].into();
    assert_eq!(received(sample("conversation-events/unknown-event.json")).await, expected);
}

#[tokio::test]
async fn event_is_handed_to_a_shared_handler() {
    let seen = Seen::new();
    let shared: Arc<dyn Handler> = Arc::new(recorder(&seen));
    assert_taken(answer(Arc::clone(&shared), MINIMAL).await);
    assert_eq!(seen.one(), Event::new("caseQueued", "w", "c"));
}

#[tokio::test(start_paused = true)]
async fn failing_handler_is_answered_for() {
    for failing in FAILINGS {
        let response = answer(failing, sample("conversation-events/case-labeled.json")).await;
        assert_feed_failed(response, failing);
    }
}

#[tokio::test(start_paused = true)]
async fn handler_that_hangs_is_answered_for_after_its_deadline() {
    let started = tokio::time::Instant::now();
    answer(Failing::Hanging, MINIMAL).await;
    assert_eq!(started.elapsed().as_secs(), 30);

    let builder = Receiver::builder().conversation(PATH, auth(), Failing::Hanging);
    let receiver = builder.feed_deadline(Duration::from_secs(3)).build().expect("no mistakes");
    let started = tokio::time::Instant::now();
    receiver.handle(post(PATH, MINIMAL)).await;
    assert_eq!(started.elapsed().as_secs(), 3);
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
        let response = answer(recorder(&Seen::new()), body).await;
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
    assert_eq!(received(request).await, expected);
}

#[tokio::test]
async fn null_and_empty_are_absent() {
    for empty in [json!(null), json!("")] {
        let request = json!({
            "event": "caseQueued", "widget_id": "w", "case_id": "c",
            "widget_name": empty, "agent_id": empty, "agent_email": empty, "agent_alias": empty,
            "timestamp": empty, "label": empty, "survey_score": empty, "survey_comment": empty,
        });
        assert_eq!(received(request.to_string()).await, Event::new("caseQueued", "w", "c"));
    }
}

#[tokio::test]
async fn of_a_field_that_comes_twice_the_last_counts() {
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
    assert_eq!(received(request).await, expected);
    assert_eq!(Event::from_json(&serde_json::to_vec(&expected).expect("JSON")), Ok(expected));
}

#[tokio::test]
async fn odd_values_cost_their_field_only_and_are_warned_about_by_name() {
    record_log();
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
    let received = received(request.to_string()).await;
    assert_eq!(received, expected);
    assert_eq!(serde_json::to_value(received).ok(), Some(request));

    let log = log();
    let fields = r#"fields="widget_name, agent_id, timestamp, survey_score, survey_comment, name""#;
    assert!(log.contains(fields), "{log}");
    assert_tells_no_secret("log", &log);
}

#[tokio::test]
async fn ids_and_names_are_bounded() {
    let (long, longer) = ("x".repeat(256), "x".repeat(1_000_000));
    let request = |kind: &str, agent: &str| json!({ "event": kind, "widget_id": "w", "case_id": "c", "agent_id": agent });
    let read = received(request(&long, &long).to_string()).await;
    assert_eq!(
        (read.kind.as_str(), read.agent_id.as_ref().map(AgentId::as_str)),
        (&*long, Some(&*long))
    );
    let read = received(request("caseClosed", &longer).to_string()).await;
    assert_eq!((read.agent_id, &read.extra["agent_id"]), (None, &json!(longer)));
    let response = answer(recorder(&Seen::new()), request(&longer, "a").to_string()).await;
    assert_eq!(response.status(), 400);
    assert!(body(response).contains("conversation event: field `event` is longer than 256 bytes"));
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
        let received = received(request.to_string()).await;
        assert_eq!(received.survey_score, expected, "{score}");
        let kept = expected.is_none().then_some(score);
        assert_eq!(received.extra.get("survey_score"), kept.as_ref());
    }
}

#[tokio::test]
async fn log_names_the_event_and_the_case_and_nothing_said_in_it() {
    record_log();
    received(sample("conversation-events/case-labeled.json")).await;
    let log = log();
    for named in [r#"api="conversation-events""#, r#"event="caseLabeled""#, CASE] {
        assert!(log.contains(named), "{log}");
    }
    for said in ["charlie", "Charlie", "helpful", "Paddy"] {
        assert!(!log.contains(said), "{log}");
    }
}

#[tokio::test]
async fn refusals_and_the_log_repeat_nothing_of_the_request() {
    record_log();
    let receiver = receiver(conversation::from_fn(|_| async { Ok(()) }));
    for request in with_secrets(&sample_json("conversation-events/case-labeled.json")) {
        let read = Event::from_json(&request).ok();
        let response = receiver.handle(post(PATH, request.clone())).await;
        let logged = log();
        let request = String::from_utf8_lossy(&request);
        assert_eq!(response.status(), if read.is_some() { 200 } else { 400 }, "{request}");
        assert_tells_no_secret(&request, &body(response));
        let is_logged = |event: &Event| {
            [event.kind.as_str(), event.case_id.as_str()]
                .iter()
                .any(|text| text.starts_with(['S', '9']))
        };
        if !read.as_ref().is_some_and(is_logged) {
            assert_tells_no_secret(&request, &logged);
        }
    }
}

#[test]
fn a_body_cut_off_anywhere_is_never_read() {
    assert_is_never_read_cut_off::<Conversation>("conversation-events/case-labeled.json");
}

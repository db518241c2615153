//! A case as events, with all that the specification has.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::server::SegmentServer;
use super::{all, case_of, chat, sample, segment, send};

const STARTED: &str = "Live Chat Conversation Started";
const SENT: &str = "Live Chat Message Sent";
const RECEIVED: &str = "Live Chat Message Received";
const ENDED: &str = "Live Chat Conversation Ended";

fn strings(values: &[&Value]) -> Vec<String> {
    values.iter().map(|value| value.as_str().expect("a text").to_owned()).collect()
}

fn keys(object: &Value) -> BTreeSet<String> {
    object.as_object().expect("an object").keys().cloned().collect()
}

/// The events without those that are no `track`.
fn tracked(events: Vec<Value>) -> Vec<Value> {
    events.into_iter().filter(|event| event["type"] == "track").collect()
}

#[tokio::test]
async fn four_of_four_events_have_every_property() {
    let server = SegmentServer::start().await;
    let case = case_of(sample("integration/chat.json"));
    send(&segment(&server.url).message_text(), &case).await;
    let events = tracked(server.events());
    let documented: Value =
        serde_json::from_slice(&sample("segment/live-chat-events.json")).expect("JSON");
    for documented in documented.as_array().expect("events") {
        let ours: Vec<_> =
            events.iter().filter(|event| event["event"] == documented["event"]).collect();
        assert!(!ours.is_empty(), "{}", documented["event"]);
        for event in ours {
            let (ours, theirs) = (&event["properties"], &documented["properties"]);
            assert_eq!(keys(ours), keys(theirs), "{}", documented["event"]);
            for name in keys(theirs) {
                assert_eq!(ours[&name].is_number(), theirs[&name].is_number(), "{name}");
            }
        }
    }
}

#[tokio::test]
async fn a_chat_is_one_batch_of_its_lines_and_their_times() {
    let server = SegmentServer::start().await;
    let case = case_of(sample("integration/chat.json"));
    send(&segment(&server.url).message_text(), &case).await;
    let [request] = &server.requests()[..] else { panic!("one request") };
    let events = request.events();
    let ids = strings(&all(&events, "messageId"));
    let user = events[0]["anonymousId"].clone();
    let library = json!({"name": "snapengage-rs", "version": env!("CARGO_PKG_VERSION")});
    let track = |event: &str, at: usize, time: &str, duration: u64, line: usize, text: &str| {
        json!({
            "type": "track", "event": event, "anonymousId": user, "messageId": ids[at],
            "timestamp": time, "context": {"library": library},
            "properties": {
                "agent_id": "jerome@snapengage.com", "agent_name": "test",
                "agent_username": "jerome@snapengage.com", "conversation_duration": duration,
                "conversation_id": "8b7c3b3b-f5d7-4e58-96d8", "message_body": text,
                "message_id": ids[line],
            },
        })
    };
    let first = "2014-10-03T20:14:31.154Z";
    let expected = json!([
        {
            "type": "identify", "anonymousId": user, "messageId": ids[0], "timestamp": first,
            "traits": {"email": "test@test.com"}, "context": {"library": library},
        },
        track(STARTED, 1, first, 0, 2, "Hola, "),
        track(SENT, 2, first, 0, 2, "Hola, "),
        track(RECEIVED, 3, "2014-10-03T20:14:31.456Z", 0, 3, "Good day"),
        track(SENT, 4, "2014-10-03T20:14:31.835Z", 0, 4, "Esto es una prueba."),
        track(ENDED, 5, "2014-10-03T20:14:46.154Z", 15, 4, "Esto es una prueba."),
    ]);
    assert_eq!(Value::from(events), expected);
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 6);
}

#[tokio::test]
async fn what_people_wrote_is_left_out_by_default() {
    let server = SegmentServer::start().await;
    send(&segment(&server.url), &case_of(sample("integration/chat.json"))).await;
    let events = tracked(server.events());
    assert_eq!(events.len(), 5);
    assert!(events.iter().all(|event| event["properties"].get("message_body").is_none()));
    let sent = String::from_utf8(server.requests()[0].body.to_vec()).expect("UTF-8");
    for private in ["Hola", "Good day", "Esto es", "Testing the", "67.174.108.196", "Boulder"] {
        assert!(!sent.contains(private), "{private}: {sent}");
    }
}

#[tokio::test]
async fn three_deliveries_are_one_event_each() {
    let server = SegmentServer::start().await;
    let segment = segment(&server.url);
    let case = case_of(sample("integration/chat.json"));
    for _ in 0..3 {
        send(&segment, &case).await;
    }
    let requests = server.requests();
    assert_eq!(requests.len(), 3);
    assert!(requests.iter().all(|request| request.body == requests[0].body));
    let events = server.events();
    let ids: BTreeSet<_> = strings(&all(&events, "messageId")).into_iter().collect();
    assert_eq!((events.len(), ids.len()), (18, 6));
}

/// Analyses in Segment are by these ids, so they are the same in every version.
#[tokio::test]
async fn ids_never_change() {
    let server = SegmentServer::start().await;
    send(&segment(&server.url), &case_of(sample("integration/chat.json"))).await;
    let events = server.events();
    let ids = [&events[0]["anonymousId"], &events[1]["messageId"], &events[2]["messageId"]];
    assert_eq!(
        strings(&ids),
        [
            "376b0070245ebcccd46762a3ab558ad1",
            "50f6c8f6e852c0d6a0da1422d377e524",
            "3321526693c34d9a96742bc70ef9be1f",
        ]
    );
}

#[tokio::test]
async fn a_case_that_comes_again_with_more_adds_what_is_new() {
    let server = SegmentServer::start().await;
    let segment = segment(&server.url);
    let line = |text: &str, seconds: i64| json!({"sender": "VISITOR", "message": text, "date_seconds": 1_412_367_271 + seconds});
    send(&segment, &chat(&json!([line("Hello", 0), line("ok", 20)]))).await;
    let first: BTreeSet<_> = strings(&all(&server.events(), "messageId")).into_iter().collect();
    // One comes in between, one at the end, and with translations.
    let mut hello = line("Hello", 0);
    hello["translations"] = json!({"de": "Hallo"});
    let agent = json!({"sender": "AGENT", "id": "wc:a@example.com", "alias": "A", "message": "Hi"});
    let more = json!([hello, agent, line("ok", 20), line("ok", 30)]);
    send(&segment, &chat(&more)).await;
    let ids = strings(&all(&server.events()[first.len()..], "messageId"));
    let new: Vec<_> = ids.iter().filter(|id| !first.contains(*id)).collect();
    assert_eq!((first.len(), ids.len(), new.len()), (4, 6, 2));
    let same = ids.iter().collect::<BTreeSet<_>>();
    assert_eq!(same.len(), ids.len(), "the same line twice is two events");
}

#[tokio::test]
async fn the_same_case_in_xml_has_the_same_ids() {
    let json = json!({"id": "c", "transcripts": [
        {"sender": "VISITOR", "id": "", "message": "Hi,", "date_seconds": 1_287_366_507,
         "date_milliseconds": 250},
        {"sender": "AGENT", "id": "a@example.com", "alias": "A", "message": "Hello"},
    ]});
    let xml = "<case><id>c</id><transcripts type=\"array\">\
        <transcript><date_seconds>1287366507</date_seconds><alias>visitor</alias>\
        <message>Hi,</message></transcript>\
        <transcript><id>a@example.com</id><alias>A</alias><message>Hello</message></transcript>\
        </transcripts></case>";
    let server = SegmentServer::start().await;
    let segment = segment(&server.url);
    send(&segment, &case_of(json.to_string())).await;
    send(&segment, &case_of(xml)).await;
    let [first, second] = &server.requests()[..] else { panic!("two requests") };
    assert_eq!(all(&first.events(), "messageId"), all(&second.events(), "messageId"));
    assert_eq!(all(&second.events(), "event"), [STARTED, SENT, RECEIVED, ENDED]);
}

#[tokio::test]
async fn lines_are_in_the_order_of_time_without_those_of_the_system() {
    let server = SegmentServer::start().await;
    let case = case_of(sample("integration/proactive.json"));
    send(&segment(&server.url).message_text(), &case).await;
    let events = server.events();
    assert_eq!(all(&events, "event"), [STARTED, RECEIVED, SENT, ENDED]);
    let texts: Vec<_> =
        events.iter().map(|event| event["properties"]["message_body"].clone()).collect();
    assert_eq!(texts, ["Yes, please", "May I help you?", "Yes, please", "Yes, please"]);
    let durations: Vec<_> =
        events.iter().map(|event| &event["properties"]["conversation_duration"]).collect();
    assert_eq!(durations, [0, 0, 8, 40]);
    assert_eq!(events[1]["properties"]["agent_name"], "Robbie");
}

#[tokio::test]
async fn a_line_without_a_time_or_an_author_is_an_event() {
    let server = SegmentServer::start().await;
    let lines = json!([
        {"message": "first"},
        {"message": "timed", "date_seconds": 1_412_367_280, "sender": "AGENT", "id": "wc:a@b.c"},
        {"message": "after", "sender": "SOMEBODY_NEW"},
        {"sender": 5},
    ]);
    send(&segment(&server.url).message_text(), &chat(&lines)).await;
    let events = server.events();
    assert_eq!(all(&events, "event"), [STARTED, SENT, RECEIVED, RECEIVED, RECEIVED, ENDED]);
    let times = ["2014-10-03T20:14:40.000Z"; 6];
    assert_eq!(all(&events, "timestamp"), times);
    assert_eq!(events[1]["properties"]["agent_username"], "a@b.c");
    assert_eq!(events[2]["properties"]["agent_id"], "wc:a@b.c");
    // Nobody is named by it.
    assert_eq!(
        keys(&events[3]["properties"]).iter().filter(|key| key.starts_with("agent")).count(),
        0
    );
    assert_eq!(events[4]["properties"]["message_body"], "");
}

#[tokio::test]
async fn what_has_no_time_at_all_has_no_timestamp() {
    let server = SegmentServer::start().await;
    send(&segment(&server.url), &chat(&json!([{"sender": "VISITOR", "message": "Hi"}]))).await;
    send(&segment(&server.url), &chat(&json!([]))).await;
    let events = server.events();
    assert_eq!(all(&events, "event"), [STARTED, SENT, ENDED, STARTED, ENDED]);
    assert!(events.iter().all(|event| event.get("timestamp").is_none()));
    let ended = &events[4];
    assert_eq!(
        keys(&ended["properties"]),
        ["conversation_id", "message_id"].map(Into::into).into()
    );
    assert_eq!(ended["properties"]["message_id"], ended["messageId"]);
}

#[tokio::test]
async fn the_agent_of_the_logs_is_the_agent_of_a_silent_chat() {
    let server = SegmentServer::start().await;
    let case = json!({"id": "c", "chat_agent_id": "wc:jane@example.com", "chat_agent_alias": "Jane",
        "transcripts": [{"sender": "VISITOR", "message": "Hello?"}]});
    send(&segment(&server.url), &case_of(case.to_string())).await;
    for event in server.events() {
        assert_eq!(event["properties"]["agent_id"], "wc:jane@example.com");
        assert_eq!(event["properties"]["agent_username"], "jane@example.com");
        assert_eq!(event["properties"]["agent_name"], "Jane");
    }
}

#[tokio::test]
async fn an_offline_message_is_no_chat() {
    let server = SegmentServer::start().await;
    send(&segment(&server.url), &case_of(sample("integration/offline.json"))).await;
    assert_eq!(server.count(), 0);
}

#[tokio::test]
async fn ends_of_time_are_no_overflow() {
    let server = SegmentServer::start().await;
    for (seconds, duration) in
        [(253_402_300_799_i64, i64::MAX), (0, i64::MIN), (i64::MAX, 1), (i64::MIN, 0)]
    {
        let case = json!({"id": "c", "created_at_seconds": seconds, "chat_duration": duration});
        send(&segment(&server.url), &case_of(case.to_string())).await;
    }
    let events = server.events();
    assert_eq!(events[1]["timestamp"], "9999-12-31T23:59:59.999Z");
    assert_eq!(events[3]["properties"]["conversation_duration"], 0);
}

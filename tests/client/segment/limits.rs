//! How large an event and a batch may be.

use serde_json::{Value, json};
use snapengage::integration::Handler;
use snapengage::segment::SegmentUser;

use super::server::SegmentServer;
use super::{chat, segment, send};

const EVENT: usize = 32_000;
const BATCH: usize = 500_000;

#[tokio::test]
async fn a_huge_case_is_split_and_nothing_of_it_is_lost() {
    let server = SegmentServer::start().await;
    let text = |at: usize| format!("{at} {}", "é\"".repeat(at % 700));
    let line =
        |at| json!({"sender": "VISITOR", "message": text(at), "date_seconds": 1_500_000_000 + at});
    let lines: Vec<_> = (0..3_000).map(line).collect();
    send(&segment(&server.url).message_text(), &chat(&json!(lines))).await;
    let requests = server.requests();
    assert!(requests.len() >= 5, "{}", requests.len());
    assert!(requests.iter().all(|request| request.body.len() <= BATCH));
    // As few as possible.
    let total: usize = requests.iter().map(|request| request.body.len()).sum();
    assert!(requests.len() <= total / (BATCH - EVENT) + 1);
    let events = server.events();
    assert_eq!(events.len(), 3_002);
    for (at, event) in events[1..3_001].iter().enumerate() {
        assert_eq!(event["properties"]["message_body"], text(at));
    }
}

#[tokio::test]
async fn a_long_text_is_cut_between_two_characters() {
    for unit in ["é", "💈", "\u{1}", "\"\\", "a", "\u{2028}", "e\u{301}"] {
        let server = SegmentServer::start().await;
        let text = unit.repeat(100_000);
        let lines = json!([{"sender": "VISITOR", "message": text}]);
        send(&segment(&server.url).message_text(), &chat(&lines)).await;
        let events = server.events();
        assert_eq!(events.len(), 3);
        for event in &events {
            let length = event.to_string().len();
            assert!((EVENT - 12..=EVENT).contains(&length), "{unit:?}: {length}");
            let sent = event["properties"]["message_body"].as_str().expect("a text");
            assert!(text.starts_with(sent) && !sent.is_empty());
        }
    }
}

#[tokio::test]
async fn long_names_leave_room_for_the_text() {
    let server = SegmentServer::start().await;
    let name = "Ж".repeat(50_000);
    let lines = json!([{"sender": "AGENT", "id": name, "alias": name, "message": "Hello"}]);
    send(&segment(&server.url).message_text(), &chat(&lines)).await;
    let events = server.events();
    assert_eq!(events[1]["properties"]["message_body"], "Hello");
    assert!(events.iter().all(|event| event.to_string().len() < 3_000));
}

#[tokio::test]
async fn ids_that_leave_no_room_are_a_permanent_failure() {
    let server = SegmentServer::start().await;
    let user = |_: &_| Some(SegmentUser::id("u".repeat(EVENT)));
    let segment = segment(&server.url).user(user).message_text();
    for lines in [json!([]), json!([{"sender": "VISITOR", "message": "secret words"}])] {
        let error = segment.support_request(chat(&lines)).await.expect_err("no room");
        assert!(error.is_permanent());
        let expected = "segment: the ids of the user leave no room for an event";
        assert_eq!(error.to_string(), expected);
    }
    assert_eq!(server.events(), [Value::Null; 0]);
}

//! Whose events they are.

use serde_json::{Value, json};
use snapengage::integration::SupportRequest;
use snapengage::segment::SegmentUser;

use super::server::SegmentServer;
use super::{case_of, segment, send};

fn case(id: &str, email: Option<&str>) -> SupportRequest {
    case_of(json!({"id": id, "requested_by": email}).to_string())
}

/// The ids and the email address of a case's events.
async fn sent(
    case: &SupportRequest,
    choose: impl Fn(&SupportRequest) -> Option<SegmentUser> + Send + Sync + 'static,
) -> (Value, Value, Value) {
    let server = SegmentServer::start().await;
    send(&segment(&server.url).user(choose), case).await;
    let events = server.events();
    let ids = |event: &Value| (event["userId"].clone(), event["anonymousId"].clone());
    assert!(events.iter().all(|event| ids(event) == ids(&events[0])), "{events:#?}");
    let identify = events.iter().find(|event| event["type"] == "identify");
    let email = identify.map_or(Value::Null, |event| event["traits"]["email"].clone());
    let (user, anonymous) = ids(&events[0]);
    (user, anonymous, email)
}

#[tokio::test]
async fn the_user_is_who_the_service_says() {
    let case = case("c", Some("v@example.com"));
    let known = sent(&case, |case| Some(SegmentUser::id(format!("u-{}", case.id)))).await;
    assert_eq!(known, (json!("u-c"), Value::Null, json!("v@example.com")));
    let both = SegmentUser::id("u").anonymous_id("a").email("other@example.com");
    let known = sent(&case, move |_| Some(both.clone())).await;
    assert_eq!(known, (json!("u"), json!("a"), json!("other@example.com")));
    let known = sent(&case, |_| Some(SegmentUser::anonymous("a"))).await;
    assert_eq!(known, (Value::Null, json!("a"), json!("v@example.com")));
}

#[tokio::test]
async fn chats_of_one_address_are_of_one_visitor() {
    let nobody = |_: &SupportRequest| None;
    let (user, first, email) = sent(&case("c-1", Some("v@example.com")), nobody).await;
    assert_eq!((user, email), (Value::Null, json!("v@example.com")));
    let (_, second, _) = sent(&case("c-2", Some(" V@Example.com ")), nobody).await;
    assert_eq!(first, second);
    let (_, third, _) = sent(&case("c-2", Some("w@example.com")), nobody).await;
    assert_ne!(first, third);
    assert!(!first.to_string().contains('@'));
}

#[tokio::test]
async fn unknown_visitors_are_not_all_one() {
    let long = "v".repeat(255) + "@example.com";
    let mut seen = Vec::new();
    for (at, email) in [
        None,
        Some("unknown"),
        Some("unknown@example.com"),
        Some("Unknown@Example.com"),
        Some(&*long),
    ]
    .into_iter()
    .enumerate()
    {
        let (user, anonymous, email) = sent(&case(&format!("c-{at}"), email), |_| None).await;
        assert_eq!((user, email), (Value::Null, Value::Null));
        assert!(!seen.contains(&anonymous));
        seen.push(anonymous);
    }
}

#[tokio::test]
async fn a_user_without_an_id_is_nobody() {
    let case = case("c", Some("v@example.com"));
    let (_, expected, _) = sent(&case, |_| None).await;
    for empty in
        [SegmentUser::id(""), SegmentUser::anonymous(" "), SegmentUser::id("\n").email("x@y.z")]
    {
        let (user, anonymous, email) = sent(&case, move |_| Some(empty.clone())).await;
        assert_eq!(
            (user, anonymous, email),
            (Value::Null, expected.clone(), json!("v@example.com"))
        );
    }
}

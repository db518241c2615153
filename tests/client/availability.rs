//! Availability of a widget, with a key and without.

use snapengage::client::Availability;

use crate::vendor::{KEY, Vendor, error};

#[tokio::test]
async fn booleans_are_read_as_such_and_as_text() {
    for (online, is_online) in
        [("true", true), ("\"true\"", true), ("\"false\"", false), ("null", false)]
    {
        let vendor = Vendor::answering(200, format!(r#"{{"online": {online}}}"#)).then(
            200,
            format!(r#"{{"statusCode": "1", "data": {{"online": {online}}}, "error": null}}"#),
        );
        let with_key = vendor.visitor_chats().availability("w").await.expect("an answer");
        let without = vendor.client().availability("w").await.expect("an answer");
        assert_eq!([with_key.is_online(), without.is_online()], [is_online; 2], "{online}");
        assert_eq!(with_key, without);
    }
}

#[tokio::test]
async fn the_key_is_sent_to_one_of_them_alone() {
    let vendor = Vendor::answering(200, r#"{"statusCode": 1, "data": {}}"#);
    vendor.client().availability("w").await.expect("an answer");
    let open = vendor.request();
    assert_eq!((open.header("x-api-key"), open.header("authorization")), ("", ""));
    assert_eq!(open.path(), ["public", "api", "v2", "chat", "w"]);
    vendor.visitor_chats().availability("w").await.expect("an answer");
    assert_eq!(vendor.request().header("x-api-key"), KEY);
}

#[tokio::test]
async fn an_error_inside_a_200_is_told_with_its_number() {
    for (body, code, excerpt) in [
        (
            r#"{"statusCode": 17, "error": {"message": "no such widget"}}"#,
            Some(17),
            "no such widget",
        ),
        (r#"{"statusCode": 1, "data": {"online": "true"}, "error": {}}"#, Some(1), ""),
        (r#"{"statusCode": "3"}"#, Some(3), r#"{"statusCode":"3"}"#),
        (r#"{"error": "broken"}"#, None, r#"{"error":"broken"}"#),
    ] {
        let vendor = Vendor::answering(200, body);
        let error = error(vendor.client().availability("w").await, &[]);
        assert_eq!(error.code(), code, "{body}");
        assert_eq!(error.status(), None, "{body}");
        if !excerpt.is_empty() {
            assert_eq!(error.excerpt(), Some(excerpt), "{body}");
        }
        let number =
            code.map_or("refused".to_owned(), |code| format!("refused with number {code}"));
        assert!(error.to_string().contains(&number), "{error}");
    }
}

#[tokio::test]
async fn an_answer_that_is_none_is_an_error() {
    for body in
        ["", "null", "[]", "<html>", r#"{"statusCode": 1}"#, r#"{"statusCode": 1, "data": "w"}"#]
    {
        let vendor = Vendor::answering(200, body);
        let error = error(vendor.client().availability("w").await, &[]);
        let text = error.to_string();
        assert!(text.starts_with("availability: the answer is not as documented"), "{text}");
        assert!(!error.may_have_been_done());
    }
}

#[tokio::test]
async fn an_unknown_widget_is_not_found() {
    let vendor = Vendor::answering(404, "");
    assert!(error(vendor.visitor_chats().availability("w").await, &[]).is_not_found());
    assert!(error(vendor.client().availability("w").await, &[]).is_not_found());
}

#[tokio::test]
async fn an_id_that_is_no_segment_is_not_sent() {
    let vendor = Vendor::answering(200, "{}");
    for id in ["", ".", ".."] {
        let error = error(vendor.visitor_chats().availability(id).await, &[]);
        assert_eq!(error.to_string(), "chat-availability: expected an id, found none");
        assert!(vendor.client().availability(id).await.is_err());
        assert!(vendor.visitor_chats().resume(id).next().await.is_err());
    }
    assert_eq!(vendor.requests().len(), 0);
    assert!(vendor.visitor_chats().availability("...").await.is_ok());
}

#[test]
fn booleans_are_written_as_text() {
    let mut availability = Availability::new();
    availability.online = Some(true);
    availability.email_required = Some(false);
    let written = serde_json::to_string(&availability).expect("JSON");
    assert_eq!(written, r#"{"online":"true","emailRequired":"false"}"#);
}

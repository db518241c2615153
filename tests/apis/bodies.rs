//! Bodies that somebody on the way has spoilt a little: what of them is read, and what the log
//! says.

use std::fs;
use std::path::Path;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{Request, Response};
use http_body_util::Full;
use serde_json::{Value, json};
use snapengage::integration::{self, SupportRequest};
use snapengage::{Body, Receiver, Token, agent_status, conversation};

use crate::payloads::parse;
use crate::secrets::assert_tells_no_secret;
use crate::support::{Seen, assert_taken, body, log, record_log};

/// `tests/field-cases/<name>`, as it is.
#[track_caller]
fn field_case(name: &str) -> Bytes {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/field-cases").join(name);
    match fs::read(path) {
        Ok(bytes) => bytes.into(),
        Err(error) => panic!("tests/field-cases/{name}: {error}"),
    }
}

/// What the handlers got, as JSON.
type Got = Seen<Value>;

fn receiver(got: &Got) -> Receiver {
    let token = || Token::new("my-token");
    let (requests, events, changes) = (got.clone(), got.clone(), got.clone());
    let note = |got: &Got, event: &dyn Fn() -> serde_json::Result<Value>| {
        got.push(event().expect("a model that is written"));
        std::future::ready(Ok(()))
    };
    let builder = Receiver::builder()
        .integration(
            "/integration",
            token(),
            integration::from_fn(move |request| {
                note(&requests, &|| serde_json::to_value(&request))
            }),
        )
        .conversation(
            "/conversation-events",
            token(),
            conversation::from_fn(move |event| note(&events, &|| serde_json::to_value(&event))),
        )
        .agent_status(
            "/agent-status",
            token(),
            agent_status::from_fn(move |change| note(&changes, &|| serde_json::to_value(&change))),
        );
    builder.build().expect("no mistakes")
}

async fn sent(got: &Got, path: &str, content_type: &str, body: impl Into<Bytes>) -> Response<Body> {
    let request = Request::post(path)
        .header(AUTHORIZATION, "my-token")
        .header(CONTENT_TYPE, content_type)
        .body(Full::new(body.into()))
        .expect("a valid request");
    receiver(got).handle(request).await
}

/// What the handler gets of a body that is answered 200.
async fn received(path: &str, content_type: &str, body: impl Into<Bytes>) -> Value {
    let got = Got::new();
    assert_taken(sent(&got, path, content_type, body).await);
    got.one()
}

async fn support_request(name: &str) -> Value {
    received("/integration", "", field_case(name)).await
}

#[tokio::test]
async fn half_an_emoji_is_replaced_and_the_rest_as_it_came() {
    let event = received("/conversation-events", "", field_case("half-emoji-comment.json")).await;
    let expected = json!({
        "widget_id": "beaa0150",
        "case_id": "half-emoji",
        "event": "caseSurveyed",
        "timestamp": 1_551_461_879_355_i64,
        "survey_score": 100,
        "survey_comment": "cut to thirty characters here \u{fffd}",
    });
    assert_eq!(event, expected);

    let expected = json!({
        "id": "half-emoji",
        "type": "chat",
        "description": "Hello",
        "transcripts": [{ "alias": "visitor", "message": "Hello", "sender": "VISITOR" }],
        "preview": { "title": "\u{fffd} launch", "lines": ["ok", "so long \u{fffd}"] },
    });
    assert_eq!(support_request("half-emoji-unknown-field.json").await, expected);

    let whole =
        json!({ "id": "whole-emoji", "type": "chat", "description": "all of it \u{1f680}" });
    assert_eq!(support_request("whole-emoji.json").await, whole);
}

#[tokio::test]
async fn log_names_the_fields_with_replacements_and_not_their_values() {
    record_log();
    let replaced = "characters that cannot be read became U+FFFD";
    for (body, fields) in [
        (&br#"{"id":"1","description":"SECRET \ud83d"}"#[..], r#""description""#),
        (br#"{"id":"1","SECRET\ud83d":1,"os":"SECRET\ud83d"}"#, r#""extra, os""#),
        (b"{\"id\":\"1\",\"labels\":[{\"name\":\"SECRET\xf6\"}]}", r#""labels""#),
        (b"<case><id>1</id><city>SECRET\xf6</city><os>a</os></case>", r#""city""#),
    ] {
        received("/integration", "", body.to_vec()).await;
        let log = log();
        assert!(log.contains(&format!("{replaced} fields={fields}")), "{log}");
        assert_tells_no_secret(fields, &log);
    }
    for body in ["{\"id\":\"1\",\"city\":\"\u{fffd}\"}", r#"{"id":"1","SECRET":1e999}"#] {
        received("/integration", "", body).await;
        assert!(!log().contains(replaced), "nothing was lost: {body}");
    }
}

#[tokio::test]
async fn charset_of_the_content_type_is_believed() {
    let expected = "Grüße aus Köln";
    for name in ["latin-1.json", "latin-1.xml"] {
        for charset in ["ISO-8859-1", "\"windows-1252\""] {
            let content_type = format!("text/plain; charset={charset}");
            let request = received("/integration", &content_type, field_case(name)).await;
            assert_eq!(request["description"], expected, "{name}, {charset}");
        }
        for content_type in ["", "text/xml", "text/xml; charset=utf-8", "a/b; charset=KOI8-R"] {
            let request = received("/integration", content_type, field_case(name)).await;
            assert_eq!(request["description"], "Gr\u{fffd}\u{fffd}e aus K\u{fffd}ln", "{name}");
        }
    }
}

#[tokio::test]
async fn xml_that_declares_its_charset_is_not_decoded_twice() {
    let document =
        b"<?xml version='1.0' encoding='ISO-8859-1'?><case><id>1</id><city>K\xf6ln</city></case>";
    for content_type in ["", "text/xml; charset=ISO-8859-1", "text/xml; charset=cp1252"] {
        let request = received("/integration", content_type, document.to_vec()).await;
        assert_eq!(request["city"], "Köln", "{content_type}");
    }
}

#[cfg(all(feature = "inbox", feature = "sqlite"))]
#[tokio::test]
async fn charset_of_the_content_type_outlives_it_in_an_inbox() {
    let folder = tempfile::tempdir().expect("a folder");
    let inbox = snapengage::inbox::Inbox::open(folder.path().join("inbox.db")).expect("an inbox");
    let (sender, mut cities) = tokio::sync::mpsc::unbounded_channel();
    let handler = integration::from_fn(move |request| {
        let sent = sender.send(request.city).map_err(Into::into);
        async { sent }
    });
    let receiver = Receiver::builder()
        .integration("/integration", Token::new("my-token"), inbox.feed(handler))
        .build()
        .expect("no mistakes");
    for (charset, id, city) in [("ISO-8859-1", "1", "Köln"), ("utf-8", "2", "K\u{fffd}ln")] {
        let mut body =
            format!("<?xml version='1.0' encoding='UTF-8'?><case><id>{id}</id>").into_bytes();
        body.extend_from_slice(b"<city>K\xf6ln</city></case>");
        let request = Request::post("/integration")
            .header(AUTHORIZATION, "my-token")
            .header(CONTENT_TYPE, format!("text/xml; charset={charset}"))
            .body(Full::new(Bytes::from(body)))
            .expect("a valid request");
        assert_taken(receiver.handle(request).await);
        let mut got = None;
        inbox.run(async { got = cities.recv().await.flatten() }).await;
        assert_eq!(got.as_deref(), Some(city), "{charset}");
    }
}

#[tokio::test]
async fn odd_content_type_costs_nothing() {
    let request = field_case("content-type-odd.http");
    let text = crate::support::requests::text(&request);
    let (head, body) = text.split_once("\r\n\r\n").expect("a head and a body");
    let content_type = head.lines().find_map(|line| line.strip_prefix("Content-Type: "));
    let content_type = content_type.expect("a content type");
    let event = received("/conversation-events", content_type, body.to_owned()).await;
    assert_eq!(event, parse(body.as_bytes()));
}

#[tokio::test]
async fn white_space_around_cdata_ids_and_numbers_is_layout() {
    let expected = json!({
        "id": "8b7c3b3b-f5d7-4e58-96d8",
        "url": "http://www.snapengage.com/viewcase?c=8b7c3b3b-f5d7-4e58-96d8",
        "requested_by": "test@test.com",
        "description": " two  spaces kept\nand a line ",
        "created_at_seconds": 1_287_366_498,
        "created_at_milliseconds": 623,
        "source_id": 2,
        "transcripts": [{
            "id": "agent@example.com",
            "date": "Mon Oct 18 01:48:27 UTC 2010",
            "date_seconds": 1_287_366_507,
            "alias": "Ann",
            "message": " plain text, as it is ",
        }],
    });
    assert_eq!(support_request("cdata-indented.xml").await, expected);
}

#[tokio::test]
async fn numbers_and_texts_marked_as_nothing_are_absent() {
    assert_eq!(support_request("nil.xml").await, json!({ "id": "nil", "chat_waittime": 12 }));
}

#[tokio::test]
async fn control_characters_in_xml_are_kept() {
    let expected = json!({
        "id": "control",
        "description": "slide\u{b}title",
        "city": "a\u{c}b",
        "os": "c\u{b}d",
    });
    assert_eq!(support_request("control-characters.xml").await, expected);
}

#[tokio::test]
async fn field_of_another_type_is_kept_in_extra() {
    let request = field_case("email-object.json");
    let read = SupportRequest::from_body(&request).expect("a support request");
    assert_eq!(read.requested_by, None);
    let address = json!({ "address": "test@example.com", "verified": false });
    assert_eq!(read.extra, [("requested_by".to_owned(), address)].into());
    assert_eq!(support_request("email-object.json").await, parse(&request));
}

#[tokio::test]
async fn java_date_with_gmt_is_read_and_its_text_kept() {
    let expected = json!({
        "id": "gmt",
        "transcripts": [{
            "date": "Mon Oct 18 01:48:27 GMT 2010",
            "date_seconds": 1_287_366_507,
            "message": "Hello",
        }],
    });
    assert_eq!(support_request("date-gmt.xml").await, expected);
}

#[tokio::test]
async fn every_form_of_a_date_is_read_in_every_place() {
    let at = snapengage::Timestamp::from_millis(1_287_366_507_000);
    for date in [
        "1287366507000",
        "2010-10-18T01:48:27Z",
        "2010-10-18T03:48:27+02:00",
        "Mon Oct 18 01:48:27 UTC 2010",
        "Mon Oct 18 03:48:27 GMT+02:00 2010",
        "Oct 18, 2010 1:48:27 AM",
        "Oct 18, 2010, 1:48:27\u{202f}AM",
    ] {
        let line = json!({ "date": date });
        for name in ["created_at_date", "created_at"] {
            let body = json!({ "id": "1", name: date, "transcripts": [line] }).to_string();
            let request = SupportRequest::from_body(body.as_bytes()).expect("a support request");
            assert_eq!(
                (request.created_at(), request.transcripts[0].sent_at()),
                (at, at),
                "{date}"
            );
            assert_eq!(serde_json::to_value(request).ok(), Some(parse(body.as_bytes())), "{date}");
        }
        let body = format!(
            "<case><id>1</id><created_at>{date}</created_at><transcripts><transcript>\
             <date>\n{date} </date></transcript></transcripts></case>"
        );
        let request = SupportRequest::from_body(body.as_bytes()).expect("a support request");
        assert_eq!((request.created_at(), request.transcripts[0].sent_at()), (at, at), "{date}");
        assert_eq!(request.extra["created_at"], date);

        let body = json!({ "agent_id": "a", "status": "online", "timestamp": date }).to_string();
        let change = agent_status::StatusChange::from_json(body.as_bytes()).expect("a change");
        assert_eq!(change.timestamp, at, "{date}");
    }
}

#[tokio::test]
async fn other_forms_of_a_value_are_read_or_kept() {
    for (sent, read) in [
        (
            json!({ "chat_duration": " +5 ", "latitude": "+1.5" }),
            json!({ "chat_duration": 5, "latitude": 1.5 }),
        ),
        (
            json!({ "proactive_chat": 1, "chat_responded": "0" }),
            json!({ "proactive_chat": true, "chat_responded": false }),
        ),
        (
            json!({ "proactive_chat": " TRUE ", "chat_responded": false }),
            json!({ "proactive_chat": true, "chat_responded": false }),
        ),
        (
            json!({ "zip": 80303, "description": 42, "city": false }),
            json!({ "zip": 80303, "description": "42", "city": "false" }),
        ),
        (
            json!({ "requester_details": { "zip": 80303, "phones": [5] } }),
            json!({ "requester_details": { "zip": "80303", "phones": ["5"] } }),
        ),
        (
            json!({ "type": 1, "chat_ended_by": true }),
            json!({ "type": "1", "chat_ended_by": "true" }),
        ),
        (
            json!({ "labels": [null, { "name": "a" }, null], "plugins": [null] }),
            json!({ "labels": [{ "name": "a" }] }),
        ),
    ] {
        let body = |mut fields: Value| {
            fields["id"] = "1".into();
            fields
        };
        assert_eq!(received("/integration", "", body(sent).to_string()).await, body(read));
    }
    for kept in [
        json!({ "proactive_chat": "yes", "chat_responded": 2 }),
        json!({ "latitude": "NaN", "longitude": "1e999", "chat_duration": "1.5" }),
        json!({ "transcripts": { "message": "a" }, "requester_details": [{ "name": "a" }] }),
        json!({ "labels": "a", "languages": [["a"]], "source_id": "chat" }),
    ] {
        let mut body = kept.clone();
        body["id"] = "1".into();
        let request = SupportRequest::from_body(body.to_string().as_bytes()).expect("a request");
        assert_eq!(json!(request.extra), kept);
    }
}

#[tokio::test]
async fn malformed_json_is_refused_with_its_place() {
    let response = sent(&Got::new(), "/agent-status", "", &b"{\"a\":\"\xf6\xf6\",}"[..]).await;
    assert_eq!(response.status(), 400);
    let expected = r#"{"code":400,"message":"agent status: trailing comma at line 1 column 11"}"#;
    assert_eq!(body(response), expected);
}

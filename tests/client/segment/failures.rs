//! Batches that are refused, and what is told of it.

use std::time::Duration;

use serde_json::json;
use snapengage::client::{Client, ClientBuilder, Secret};
use snapengage::integration::{Handler, SupportRequest};
use snapengage::segment::Segment;
use snapengage::{HandlerError, Receiver, Token};

use super::server::SegmentServer;
use super::{WRITE_KEY, case_of, key, post, segment, send};
use crate::faulty::{Faulty, Step, write};

/// What no error may have in it. The last is the key as it is sent.
const PRIVATE: [&str; 4] = [WRITE_KEY, "v@example.com", "secret words", "d3JpdGUta2V5LThmM2E6"];

fn private_case() -> SupportRequest {
    let line = json!({"sender": "VISITOR", "message": "secret words"});
    let case = json!({"id": "c", "requested_by": "v@example.com", "transcripts": [line]});
    case_of(case.to_string())
}

/// A client that tries once.
fn once(url: &str) -> ClientBuilder {
    Client::builder().base_url(url).attempts(1).proxy_from_env(false)
}

#[track_caller]
fn by(client: ClientBuilder) -> Segment {
    let client = client.build().expect("a client");
    Segment::with_client(client, key()).expect("a handler").message_text()
}

async fn refused(segment: &Segment) -> HandlerError {
    let error = segment.support_request(private_case()).await.expect_err("a failure");
    for private in PRIVATE {
        assert!(!format!("{error} {error:?}").contains(private), "{error:?}");
    }
    error
}

#[tokio::test]
async fn a_batch_has_the_write_key_as_its_user() {
    let server = SegmentServer::start().await;
    send(&segment(&server.url), &private_case()).await;
    let headers = &server.requests()[0].headers;
    assert_eq!(headers["authorization"], "Basic d3JpdGUta2V5LThmM2E6");
    assert_eq!(headers["content-type"], "application/json");
}

#[tokio::test]
async fn a_refusal_of_the_content_is_permanent_and_any_other_is_not() {
    let echo = format!("{{\"message\": \"{}\"}}", PRIVATE.join(" "));
    for (status, is_permanent) in [
        (400, true),
        (401, false),
        (403, false),
        (404, false),
        (408, false),
        (413, true),
        (415, true),
        (422, true),
        (429, false),
        (500, false),
        (503, false),
    ] {
        let server = SegmentServer::answering([(status, &*echo)]).await;
        let error = refused(&by(once(&server.url))).await;
        assert_eq!(error.is_permanent(), is_permanent, "{status}: {error}");
        let expected = format!("segment-batch: answered {status} ");
        assert!(error.to_string().starts_with(&expected), "{error}");
        assert!(error.to_string().contains(" (POST /v1/batch, 1 attempt"), "{error}");
    }
}

#[tokio::test]
async fn a_200_that_says_no_is_a_failure() {
    for answer in
        [r#"{"success": false}"#, r#"{"error": "invalid write key"}"#, "<html>log in</html>"]
    {
        let server = SegmentServer::answering([(200, answer)]).await;
        assert!(!refused(&by(once(&server.url))).await.is_permanent(), "{answer}");
    }
    for answer in ["", "ok", r#"{"success": true}"#] {
        let server = SegmentServer::answering([(200, answer)]).await;
        by(once(&server.url)).support_request(private_case()).await.expect("sent");
    }
}

#[tokio::test]
async fn a_batch_is_repeated_at_once_where_that_helps() {
    let server = SegmentServer::answering([(503, ""), (429, "")]).await;
    let client = once(&server.url).attempts(3).backoff(Duration::ZERO..=Duration::ZERO);
    send(&by(client), &private_case()).await;
    assert_eq!(server.count(), 3);
    assert_eq!(server.events().len(), 4);
}

#[tokio::test]
async fn no_answer_is_a_failure_in_time() {
    let silent = Faulty::always(&[Step::Read, Step::Hold]).await;
    let segment = by(once(&silent.url()).attempt_timeout(Duration::from_millis(100)));
    let error = refused(&segment).await;
    assert!(error.to_string().contains("no answer within 100ms"), "{error}");
    assert!(!error.is_permanent());

    let half = write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{");
    let cut = Faulty::always(&[Step::Read, half]).await;
    assert!(!refused(&by(once(&cut.url()))).await.is_permanent());
    let nobody = Faulty::always(&[]).await.url();
    assert!(!refused(&by(once(&nobody))).await.is_permanent());
}

/// A redirect is not followed: the key goes to one origin.
#[tokio::test]
async fn a_redirect_is_a_failure() {
    let target = SegmentServer::start().await;
    let answer = format!(
        "HTTP/1.1 307 Temporary Redirect\r\nLocation: {}/v1/batch\r\nContent-Length: 0\r\n\r\n",
        target.url
    );
    let moved = Faulty::always(&[Step::Read, write(answer)]).await;
    refused(&by(once(&moved.url()))).await;
    assert_eq!(target.count(), 0);
}

#[tokio::test]
async fn without_an_inbox_snapengage_is_asked_to_send_it_again() {
    let server = SegmentServer::answering([(503, ""), (400, "")]).await;
    let receiver = Receiver::builder()
        .integration("/integration", Token::new("my-token"), by(once(&server.url)))
        .build()
        .expect("a receiver");
    for status in [503, 422, 200] {
        let response = receiver.handle(post(r#"{"id": "c", "type": "chat"}"#)).await;
        assert_eq!(response.status(), status);
    }
}

#[tokio::test]
async fn a_write_key_that_nobody_can_send_is_refused_at_the_start() {
    for (key, problem) in [
        (Secret::new(""), "no credential: `default` is empty"),
        (
            Secret::from_env("NO_SUCH_WRITE_KEY"),
            "no credential: the environment variable `NO_SUCH_WRITE_KEY` is not set",
        ),
        (
            Secret::new("'write-key-8f3a'"),
            "credential `default`: is in quotes, expected the token alone",
        ),
    ] {
        let error = Segment::at("http://127.0.0.1:1", key).expect_err("no key");
        assert_eq!(error.to_string(), problem);
    }
    let error = Segment::at("api.segment.io", key()).expect_err("no address");
    assert!(error.to_string().starts_with("base address: expected"), "{error}");
}

#[test]
fn debug_does_not_show_the_write_key() {
    let shown = format!("{:?}", segment("http://127.0.0.1:1"));
    assert!(shown.contains("<redacted>") && !shown.contains(WRITE_KEY), "{shown}");
}

#[cfg(feature = "client-tls")]
#[test]
fn both_regions_are_reached_by_https() {
    Segment::new(key()).expect("a handler");
    Segment::at(Segment::EU, key()).expect("a handler");
    assert!(Segment::US.starts_with("https://") && Segment::EU.starts_with("https://"));
}

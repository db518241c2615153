//! Failures of a transport: what an error tells of them, and what it does not.

use std::error::Error;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::{LOCATION, RETRY_AFTER};
use http::{Request, Response};
use http_body::{Body, Frame};
use snapengage::async_trait;
use snapengage::client::{
    Client, ClientError, Operation, Presence, ResponseBody, Secret, Transport, TransportError,
};
use tokio::time::Instant;

use crate::calls::{Calls, is_change};
use crate::pages::april;
use crate::vendor::{Answered, Vendor, account, account_of, error};

const KEY: &str = "key-QkVGT1JF==";
const EMAIL: &str = "jane@example.com";

/// A transport that tells the address in its errors, as many libraries do.
#[derive(Debug, Clone, Copy)]
enum Telling {
    NotSent,
    Sent,
    InTheBody,
    Refusal,
}

#[async_trait]
impl Transport for Telling {
    async fn send(
        &self,
        request: Request<Bytes>,
    ) -> Result<Response<ResponseBody>, TransportError> {
        let mut text = format!("it broke for url ({})", request.uri());
        if request.uri().host() == Some("storage.example") {
            text += ", sIgn%2Bed and sIgn+ed";
        }
        match self {
            Self::NotSent => Err(TransportError::not_sent(text)),
            Self::Sent => Err(TransportError::new(text)),
            Self::Refusal => {
                let response = Response::builder().status(403).body(text.into());
                Ok(response.expect("a response"))
            }
            Self::InTheBody => Ok(Response::new(ResponseBody::new(Broken(text)))),
        }
    }
}

struct Broken(String);

impl Body for Broken {
    type Data = Bytes;
    type Error = String;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, String>>> {
        Poll::Ready(Some(Err(self.0.clone())))
    }
}

fn cause(error: &ClientError) -> String {
    error.source().expect("a cause").to_string()
}

#[tokio::test]
async fn an_address_in_a_cause_is_scrubbed() {
    for transport in [Telling::NotSent, Telling::Sent, Telling::InTheBody] {
        let client = Client::builder().transport(transport).attempts(1).build().expect("a client");
        let user = client.provisioning(Secret::new(KEY)).user(EMAIL).await.expect_err("no answer");
        let expected = "it broke for url (https://www.snapengage.com/api/v1/user.json\
                        ?api_key=<redacted>&email=<redacted>)";
        assert_eq!(cause(&user), expected, "{transport:?}");
        let account = client.account(Secret::new("token"), 1);
        let file = account.file("https://www.snapengage.com/secret-name?key=signed").expect("ours");
        let file = file.bytes().await.expect_err("no answer");
        let expected = "it broke for url (https://www.snapengage.com<redacted>)";
        assert_eq!(cause(&file), expected, "{transport:?}");
    }
}

/// A transport that is redirected to another address, and tells that one.
#[derive(Debug, Clone, Copy)]
struct Redirected(Telling);

#[async_trait]
impl Transport for Redirected {
    async fn send(
        &self,
        request: Request<Bytes>,
    ) -> Result<Response<ResponseBody>, TransportError> {
        if request.uri().path() != "/files/f" {
            return self.0.send(request).await;
        }
        let location = "https://storage.example/bucket/f?signature=sIgn%2Bed&short";
        let response = Response::builder().status(302).header(LOCATION, location);
        Ok(response.body("".into()).expect("a response"))
    }
}

#[tokio::test]
async fn where_a_redirect_leads_is_scrubbed() {
    for telling in [Telling::NotSent, Telling::Sent, Telling::InTheBody, Telling::Refusal] {
        let client = Client::builder().transport(Redirected(telling)).attempts(1).build();
        let account = client.expect("a client").account(Secret::new("token"), 1);
        let file = account.file("https://www.snapengage.com/files/f").expect("ours");
        let error = file.bytes().await.expect_err("no answer");
        let told = error.excerpt().map_or_else(|| cause(&error), str::to_owned);
        let expected = "it broke for url (https://storage.example<redacted>), \
                        <redacted> and <redacted>";
        assert_eq!(told, expected, "{telling:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_timeout_names_the_limit_that_was_reached() {
    let silent = Vendor::by(|_| Answered::Never);
    for (attempt, call, attempts, limit) in [(30, 60, 1, 30), (30, 10, 4, 10), (30, 60, 4, 60)] {
        let client = Client::builder().transport(silent.clone()).attempts(attempts);
        let client = client.attempt_timeout(Duration::from_secs(attempt));
        let client = client.call_deadline(Duration::from_secs(call)).build().expect("a client");
        let error = client.availability("w").await.expect_err("silence");
        assert!(error.is_timeout());
        assert!(error.to_string().contains(&format!("no answer within {limit}s")), "{error}");
    }
}

#[tokio::test]
async fn an_error_has_the_path_of_the_base_too() {
    let builder = Client::builder().base_url("https://proxy.example/some/path/").attempts(1);
    let (account, _) = account_of(builder, |_| 404.into());
    let error = account.set_agent_status(EMAIL, Presence::Pause).await.expect_err("no such path");
    let expected = "agent-status: answered 404 Not Found \
                    (POST /some/path/api/v2/agentstatus, 1 attempt)";
    assert_eq!(error.to_string(), expected);
}

#[tokio::test]
async fn a_long_page_is_told_by_its_start() {
    let page = format!("<html>{}", "sorry ".repeat(10_000));
    let vendor = Vendor::answering(404, page);
    let error = error(vendor.visitor_chats().availability("w").await, &[]);
    assert!(error.is_not_found());
    assert!(error.excerpt().expect("an excerpt").starts_with("<html>sorry sorry"), "{error}");
}

/// An answer that asks for a wait.
fn busy(status: u16, retry_after: &'static str) -> Answered {
    let response = Response::builder().status(status).header(RETRY_AFTER, retry_after);
    Answered::With(response.body("".into()).expect("a response"))
}

fn redirect(status: u16, location: &str) -> Answered {
    let response = Response::builder().status(status).header(LOCATION, location);
    Answered::With(response.body("".into()).expect("a response"))
}

#[tokio::test]
async fn a_change_whose_outcome_is_elsewhere_may_be_done() {
    for (status, is_done) in [(301, false), (302, false), (303, true), (307, false), (308, false)] {
        for call in Operation::ALL.into_iter().filter(|call| is_change(*call)) {
            let vendor = Vendor::by(move |_| redirect(status, "https://elsewhere.example/x"));
            let client = Client::builder().transport(vendor.clone()).build().expect("a client");
            let error = Calls::of(client).make(call).await.expect_err("a redirect");
            assert_eq!(error.may_have_been_done(), is_done, "{status} {error}");
            assert_eq!(vendor.requests().len(), 1, "{status} {error}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_past_the_deadline_is_left_to_the_caller() {
    for (status, after, expected) in
        [(429, "61", 61), (503, "3600", 3600), (429, "999999999", 86_400)]
    {
        let (account, vendor) = account(move |_| busy(status, after));
        let start = Instant::now();
        let error = account.set_agent_status("jane", Presence::Pause).await.expect_err("busy");
        assert_eq!((error.attempts(), start.elapsed()), (1, Duration::ZERO), "{error}");
        assert_eq!(vendor.requests().len(), 1);
        assert_eq!(error.is_rate_limited(), status == 429);
        assert_eq!(error.retry_after(), Some(Duration::from_secs(expected)));
        let until = error.retry_at().expect("a time").to_string();
        assert!(error.to_string().contains(&format!("to be tried again after {until}")), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_within_the_deadline_is_waited_for() {
    let first = AtomicBool::new(true);
    let (account, _) = account(move |_| match first.swap(false, Ordering::Relaxed) {
        true => busy(503, "40"),
        false => 200.into(),
    });
    let start = Instant::now();
    account.set_agent_status("jane", Presence::Pause).await.expect("a success");
    assert_eq!(start.elapsed(), Duration::from_secs(40));
}

#[tokio::test(start_paused = true)]
async fn the_longest_settings_are_no_overflow() {
    let longest = || {
        let client = Client::builder().attempt_timeout(Duration::MAX).call_deadline(Duration::MAX);
        client.attempts(u32::MAX).backoff(Duration::MAX..=Duration::MAX)
    };
    let (account, _) = account_of(longest(), |_| r#"{"cases": [{"id": "a"}]}"#.to_owned().into());
    let file = account.file("https://www.snapengage.com/f").expect("ours");
    file.bytes().await.expect("a file");
    let mut cases = april(&account).pause(Duration::MAX).cases();
    assert!(cases.next().await.expect("a page").is_some());
    assert!(cases.next().await.expect("the end").is_none());
    let (account, _) = account_of(longest(), |_| 503.into());
    let error = account.set_agent_status("jane", Presence::Pause).await.expect_err("busy");
    assert_eq!(error.attempts(), 1, "a wait for ever is not begun");
}

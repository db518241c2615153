//! Failures of a transport: what an error tells of them, and what it does not.

use std::error::Error;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame};
use snapengage::async_trait;
use snapengage::client::{Client, ClientError, ResponseBody, Secret, Transport, TransportError};

use crate::vendor::{Answered, Vendor, error};

const KEY: &str = "key-QkVGT1JF==";
const EMAIL: &str = "jane@example.com";

/// A transport that tells the address in its errors, as many libraries do.
#[derive(Debug, Clone, Copy)]
enum Telling {
    NotSent,
    Sent,
    InTheBody,
}

#[async_trait]
impl Transport for Telling {
    async fn send(
        &self,
        request: Request<Bytes>,
    ) -> Result<Response<ResponseBody>, TransportError> {
        let text = format!("it broke for url ({})", request.uri());
        match self {
            Self::NotSent => Err(TransportError::not_sent(text)),
            Self::Sent => Err(TransportError::new(text)),
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
async fn a_long_page_is_told_by_its_start() {
    let page = format!("<html>{}", "sorry ".repeat(10_000));
    let vendor = Vendor::answering(404, page);
    let error = error(vendor.visitor_chats().availability("w").await, &[]);
    assert!(error.is_not_found());
    assert!(error.excerpt().expect("an excerpt").starts_with("<html>sorry sorry"), "{error}");
}

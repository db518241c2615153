//! Finished chats as Segment's events, sent to a server of the tests.

mod events;
mod failures;
#[cfg(all(feature = "inbox", feature = "sqlite"))]
mod inbox;
mod limits;
mod server;
mod users;

use std::fs;
use std::path::Path;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use serde_json::{Value, json};
use snapengage::client::{Client, Secret};
use snapengage::integration::{Handler, SupportRequest};
use snapengage::segment::Segment;

pub(crate) const WRITE_KEY: &str = "write-key-8f3a";

fn key() -> Secret {
    Secret::new(WRITE_KEY)
}

fn segment(url: &str) -> Segment {
    let client = Client::builder().base_url(url).proxy_from_env(false).build();
    Segment::with_client(client.expect("a client"), key()).expect("a handler")
}

/// A file of `sample-payloads/`.
#[track_caller]
fn sample(path: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-payloads");
    fs::read(folder.join(path)).expect("a sample")
}

#[track_caller]
fn case_of(body: impl AsRef<[u8]>) -> SupportRequest {
    SupportRequest::from_body(body.as_ref()).expect("a case")
}

/// A chat of these lines.
fn chat(lines: &Value) -> SupportRequest {
    case_of(json!({"id": "case-1", "type": "chat", "transcripts": lines}).to_string())
}

/// What SnapEngage posts.
fn post(body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    let request = Request::post("/integration").header("Authorization", "my-token");
    request.body(Full::new(body.into())).expect("a request")
}

async fn send(segment: &Segment, case: &SupportRequest) {
    segment.support_request(case.clone()).await.expect("sent");
}

/// Values of one field of events.
fn all<'e>(events: &'e [Value], field: &str) -> Vec<&'e Value> {
    events.iter().map(|event| &event[field]).collect()
}

//! Requests of the tests, and what is answered.

use std::path::Path;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use serde_json::Value;
use snapengage::Timestamp;
use snapengage::client::TransportError;
use snapengage::simulator::{SimulatedAgent, SimulatedWidget, Simulator, SimulatorBuilder};

pub(crate) const TOKEN: (&str, &str) = ("authorization", "local-api-token");
pub(crate) const CHAT_KEY: (&str, &str) = ("x-api-key", "local-chat-key");
pub(crate) const JANE: &str = "jane@example.com";

/// A widget, and an agent who is online.
pub(crate) fn office() -> SimulatorBuilder {
    let widget = SimulatedWidget::new("sales").name("Sales").account("user@example.com");
    Simulator::builder()
        .widget(widget)
        .agent(SimulatedAgent::new(JANE).alias("Jane"))
        .user("user@example.com", "Jimbo Something")
        .seed(1)
}

pub(crate) fn open_office() -> Simulator {
    office().build().expect("no mistakes")
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answered {
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    #[track_caller]
    pub(crate) fn ok(&self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{self:?}");
        self.json()
    }

    /// A refusal in the vendor's form, with this in its message.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16, message: &str) {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.json()["code"], status, "{self:?}");
        let text = self.json()["message"].to_string();
        assert!(text.contains(message), "{text}");
    }

    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("text"))
    }
}

pub(crate) fn request(
    method: &str,
    address: &str,
    headers: &[(&str, &str)],
    body: impl Into<Bytes>,
) -> Request<Full<Bytes>> {
    let method: Method = method.parse().expect("a method");
    let mut request = Request::builder().method(method).uri(address);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Full::new(body.into())).expect("a request")
}

pub(crate) async fn try_send(
    simulator: &Simulator,
    request: Request<Full<Bytes>>,
) -> Result<Answered, TransportError> {
    let (head, body) = simulator.handle(request).await?.into_parts();
    let body = body.collect().await?.to_bytes();
    Ok(Answered { status: head.status, headers: head.headers, body })
}

pub(crate) async fn send(
    simulator: &Simulator,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<Bytes>,
) -> Answered {
    let address = format!("https://www.snapengage.com{path}");
    let request = request(method, &address, headers, body);
    try_send(simulator, request).await.expect("an answer")
}

pub(crate) async fn get(simulator: &Simulator, path: &str, key: (&str, &str)) -> Answered {
    send(simulator, "GET", path, &[key], "").await
}

/// A call of the Visitor Chat API.
pub(crate) async fn chat(simulator: &Simulator, method: &str, query: &str) -> Answered {
    send(simulator, method, &format!("/api/v1/chat{query}"), &[CHAT_KEY], "").await
}

/// Starts a chat and returns its id.
pub(crate) async fn start(simulator: &Simulator, query: &str) -> String {
    let answered = chat(simulator, "POST", &format!("?widgetId=sales{query}")).await;
    answered.ok()["caseId"].as_str().expect("an id").to_owned()
}

/// A call of the Provisioning API.
pub(crate) async fn provision(
    simulator: &Simulator,
    method: &str,
    what: &str,
    query: &str,
    body: impl Into<Bytes>,
) -> Answered {
    let path = format!("/api/v1/{what}.json?api_key=local-provisioning-key{query}");
    send(simulator, method, &path, &[], body).await
}

pub(crate) fn sample(name: &str) -> Bytes {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-payloads/outbound");
    let sample = std::fs::read(folder.join(name));
    sample.unwrap_or_else(|error| panic!("{name}: {error}")).into()
}

pub(crate) fn sample_json(name: &str) -> Value {
    serde_json::from_slice(&sample(name)).expect("JSON")
}

pub(crate) fn time(text: &str) -> Timestamp {
    let time: jiff::Timestamp = text.parse().expect("a time");
    Timestamp::from_millis(time.as_millisecond()).expect("a time after 1970")
}

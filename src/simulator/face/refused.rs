//! Refusals of the face: `{"code", "message"}`.

use http::header::ALLOW;
use http::{HeaderName, HeaderValue, Method, StatusCode};
use serde_json::json;

use super::reply::FaceReply;
use crate::simulator::lever::LeverError;

/// Most characters of a name that is repeated.
const LONGEST_NAME: usize = 64;

/// Refusal of a request to the face.
#[derive(Debug)]
pub(super) struct Refused {
    status: StatusCode,
    message: String,
    header: Option<(HeaderName, HeaderValue)>,
}

impl Refused {
    fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), header: None }
    }

    pub(super) fn malformed(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    pub(super) fn unknown(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("there is no such {what}"))
    }

    pub(super) fn method(allowed: &[Method]) -> Self {
        let allowed: Vec<_> = allowed.iter().map(Method::as_str).collect();
        let allowed = allowed.join(", ");
        let header = HeaderValue::from_str(&allowed).ok().map(|allowed| (ALLOW, allowed));
        let message = format!("method not allowed, expected {allowed}");
        Self { header, ..Self::new(StatusCode::METHOD_NOT_ALLOWED, message) }
    }

    pub(super) fn parameter(odd: &str, known: &[&str]) -> Self {
        let known: Vec<_> = known.iter().map(|name| format!("`{name}`")).collect();
        let odd: String = odd.chars().take(LONGEST_NAME).collect();
        let expected = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        Self::malformed(format!("unknown parameter `{odd}` in the address, expected {expected}"))
    }

    pub(super) fn misdirected() -> Self {
        let hint = "not a host of this simulator: it is called by its address or `localhost`, \
            and by each `--host`";
        Self::new(StatusCode::MISDIRECTED_REQUEST, hint)
    }

    pub(super) fn foreign() -> Self {
        Self::new(StatusCode::FORBIDDEN, "only the simulator's own page may ask for this")
    }

    pub(super) fn too_large(limit: usize) -> Self {
        let message = format!("the body is longer than {limit} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, message)
    }

    pub(super) fn too_slow() -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, "the body did not arrive in time")
    }

    pub(super) fn full(what: &str) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, what)
    }

    pub(super) fn reply(self) -> FaceReply {
        let body = json!({ "code": self.status.as_u16(), "message": self.message });
        let mut reply = FaceReply::json(&body).status(self.status);
        reply.headers.extend(self.header);
        reply
    }
}

impl From<LeverError> for Refused {
    fn from(error: LeverError) -> Self {
        Self::new(error.status(), error.to_string())
    }
}

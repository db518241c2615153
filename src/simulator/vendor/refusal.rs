//! Refusals of the vendor's APIs.

use http::header::ALLOW;
use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::json;

use super::answer::Answer;
use crate::client::Operation;

/// Refusal of a call.
#[derive(Debug)]
pub(in crate::simulator) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) message: String,
    header: Option<(HeaderName, HeaderValue)>,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), header: None }
    }

    pub(in crate::simulator) fn malformed(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    pub(super) fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("{what} not found"))
    }

    pub(super) fn unauthorized(what: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, format!("invalid or missing {what}"))
    }

    pub(super) fn forbidden(message: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, message)
    }

    pub(super) fn method_not_allowed(allowed: &str) -> Self {
        let header = HeaderValue::from_str(allowed).ok().map(|allowed| (ALLOW, allowed));
        let message = format!("method not allowed, expected {allowed}");
        Self { header, ..Self::new(StatusCode::METHOD_NOT_ALLOWED, message) }
    }

    pub(in crate::simulator) fn too_large(limit: usize) -> Self {
        let message = format!("the body is longer than {limit} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, message)
    }

    pub(in crate::simulator) fn too_slow() -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, "the body did not arrive in time")
    }

    pub(in crate::simulator) fn broken_body() -> Self {
        Self::malformed("the body did not arrive")
    }

    pub(in crate::simulator) fn full() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "the simulator is full")
    }

    /// Returns the answer in the form of the API that was called, if it was one.
    pub(in crate::simulator) fn answer(self, operation: Option<Operation>) -> Answer {
        let (status, code) = (self.status, self.status.as_u16());
        let mut answer = match operation {
            Some(Operation::Availability) => Answer::error_in_200(code, &self.message),
            Some(operation) if is_chat(operation) && status == StatusCode::NOT_FOUND => {
                Answer::empty(status)
            }
            _ => Answer::json(status, &json!({ "code": code, "message": self.message })),
        };
        answer.headers.extend(self.header);
        answer
    }
}

fn is_chat(operation: Operation) -> bool {
    matches!(
        operation,
        Operation::ChatAvailability
            | Operation::StartChat
            | Operation::Say
            | Operation::CloseChat
            | Operation::Poll
    )
}

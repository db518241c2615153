//! Answers of the vendor's APIs.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, Response, StatusCode};
use serde::Serialize;
use serde_json::json;

use super::gson;

pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");

/// Answer to a call, before anything goes wrong with it.
#[derive(Debug, Clone)]
pub(in crate::simulator) struct Answer {
    pub(in crate::simulator) status: StatusCode,
    pub(in crate::simulator) headers: Vec<(HeaderName, HeaderValue)>,
    pub(in crate::simulator) body: Bytes,
}

impl Answer {
    pub(in crate::simulator) fn new(
        status: StatusCode,
        content_type: HeaderValue,
        body: Bytes,
    ) -> Self {
        Self { status, headers: vec![(CONTENT_TYPE, content_type)], body }
    }

    pub(in crate::simulator) fn empty(status: StatusCode) -> Self {
        Self { status, headers: Vec::new(), body: Bytes::new() }
    }

    pub(in crate::simulator) fn json(status: StatusCode, value: &impl Serialize) -> Self {
        Self::new(status, JSON, gson::write(value))
    }

    pub(super) fn ok(value: &impl Serialize) -> Self {
        Self::json(StatusCode::OK, value)
    }

    /// Returns a failure as Widget Availability has it.
    pub(in crate::simulator) fn error_in_200(code: u16, message: &str) -> Self {
        Self::ok(&json!({ "statusCode": code, "error": { "message": message } }))
    }

    /// Returns the response with this body, which may be the answer's own in another form.
    pub(in crate::simulator) fn into_response<B>(
        self,
        body: impl FnOnce(Bytes) -> B,
    ) -> Response<B> {
        let mut response = Response::new(body(self.body));
        *response.status_mut() = self.status;
        response.headers_mut().extend(self.headers);
        response
    }
}

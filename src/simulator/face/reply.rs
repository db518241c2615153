//! Answers of the face.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use serde::Serialize;

use crate::client::ResponseBody;

/// Answer of the face.
#[derive(Debug)]
pub(super) struct FaceReply {
    status: StatusCode,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    body: ResponseBody,
}

const JSON: HeaderValue = HeaderValue::from_static("application/json");

impl FaceReply {
    pub(super) fn new(content_type: HeaderValue, body: impl Into<ResponseBody>) -> Self {
        let headers = vec![
            (CONTENT_TYPE, content_type),
            (CACHE_CONTROL, HeaderValue::from_static("no-store")),
            (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        ];
        Self { status: StatusCode::OK, headers, body: body.into() }
    }

    pub(super) fn json(value: &impl Serialize) -> Self {
        // What is written are trees of texts, numbers and maps with names that are texts.
        Self::new(JSON, Bytes::from(serde_json::to_vec(value).unwrap_or_default()))
    }

    pub(super) fn empty() -> Self {
        Self { status: StatusCode::NO_CONTENT, headers: Vec::new(), body: Bytes::new().into() }
    }

    pub(super) fn status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    pub(super) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    pub(super) fn into_response(self) -> Response<ResponseBody> {
        let mut response = Response::new(self.body);
        *response.status_mut() = self.status;
        response.headers_mut().extend(self.headers);
        response
    }
}

//! Answers of more kinds than those of a feed that takes or refuses.

use http::Response;
use http::header::{CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use serde_json::Value;
use snapengage::Body;

use crate::payloads::parse;
use crate::support::{Failing, assert_refused, body, header};

/// 200 and this JSON document.
#[track_caller]
pub(crate) fn assert_json(response: Response<Body>, expected: &Value) {
    assert_eq!(response.status(), 200);
    assert_eq!(header(&response, CONTENT_TYPE), "application/json; charset=utf-8");
    assert_eq!(header(&response, X_CONTENT_TYPE_OPTIONS), "nosniff");
    assert_eq!(parse(body(response).as_bytes()), *expected);
}

/// This status and this plain text.
#[track_caller]
pub(crate) fn assert_text(response: Response<Body>, status: u16, expected: &str) {
    assert_eq!(response.status(), status);
    assert_eq!(header(&response, CONTENT_TYPE), "text/plain; charset=utf-8");
    assert_eq!(header(&response, X_CONTENT_TYPE_OPTIONS), "nosniff");
    assert_eq!(body(response), expected);
}

pub(crate) const FAILINGS: [Failing; 4] =
    [Failing::Passing, Failing::Permanent, Failing::Panicking, Failing::Hanging];

/// What a feed is answered whose handler fails so.
#[track_caller]
pub(crate) fn assert_feed_failed(response: Response<Body>, failing: Failing) {
    let (status, message) = match failing {
        Failing::Passing => (503, "try again later"),
        Failing::Permanent => (422, "the event cannot be processed"),
        Failing::Panicking => (500, "internal error"),
        Failing::Hanging => (503, "not done in time, try again later"),
    };
    assert_refused(response, status, message);
}

//! Requests with the token of the tests.

use bytes::Bytes;
use http::Request;
use http::header::AUTHORIZATION;
use http_body_util::Full;
use snapengage::{Auth, Token};

pub(crate) const TOKEN: &str = "my-token";

pub(crate) fn auth() -> Auth {
    Token::new(TOKEN).into()
}

/// A POST with the token.
#[track_caller]
pub(crate) fn post(path: &str, body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    let request = Request::post(path).header(AUTHORIZATION, TOKEN);
    request.body(Full::new(body.into())).expect("a valid request")
}

#[track_caller]
pub(crate) fn text(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).expect("UTF-8")
}

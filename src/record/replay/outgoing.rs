//! Requests as they are sent again.

use bytes::Bytes;
use http::header::{AUTHORIZATION, HeaderName};
use http::{HeaderValue, Method, Request, Uri};

use super::plan::Plan;
use crate::api::Api;
use crate::record::exchange::{Cut, Exchange};

/// Returns the request of an exchange, or the reason why it cannot be sent.
pub(super) fn request(exchange: &Exchange, plan: &Plan) -> Result<Request<Bytes>, String> {
    let mut request = Request::new(body(exchange));
    *request.method_mut() = Method::from_bytes(exchange.method().as_bytes())
        .map_err(|_| "its method is none".to_owned())?;
    *request.uri_mut() = uri(exchange, plan)?;
    let headers = exchange.request.headers.iter();
    for (name, value) in headers.filter(|(name, _)| !is_of_connection(name)) {
        let (Ok(name), Some(value)) = (HeaderName::try_from(name), latin_1(value)) else {
            continue;
        };
        if value.as_bytes().starts_with(b"<redacted") && name != AUTHORIZATION {
            continue;
        }
        let value = if name == AUTHORIZATION { token(exchange, plan, value)? } else { value };
        request.headers_mut().append(name, value);
    }
    Ok(request)
}

/// Returns the body; one that was cut is as long as it was announced, within [`PADDED`].
fn body(exchange: &Exchange) -> Bytes {
    let announced = match exchange.cut {
        None => return exchange.request.body.clone(),
        Some(Cut::Announced(length)) => usize::try_from(length).unwrap_or(usize::MAX),
        Some(Cut::Unknown) => UNANNOUNCED,
    };
    let mut body = exchange.request.body.to_vec();
    body.resize(announced.min(PADDED).max(body.len()), b' ');
    body.into()
}

/// Longest body that a cut one is padded to, in bytes.
const PADDED: usize = 64 << 20;

/// Length of a cut body that came in chunks, in bytes: more than a receiver takes by default.
const UNANNOUNCED: usize = 16 << 20;

fn uri(exchange: &Exchange, plan: &Plan) -> Result<Uri, String> {
    let target = exchange.target();
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    };
    let mut path = match plan.path_of(exchange.api()) {
        Some(path) => path.to_owned(),
        None if path.contains(SECRET) => return Err(lacks_path(exchange.api())),
        None => path.to_owned(),
    };
    if exchange.is_refused() && target.contains(SECRET) {
        path.push('x');
    }
    let target = query.map_or_else(|| path.clone(), |query| format!("{path}?{query}"));
    target.parse().map_err(|_| "its path cannot be sent".to_owned())
}

/// Stands for the segment of a path that is a secret.
const SECRET: &str = "<secret>";

fn lacks_path(api: Option<Api>) -> String {
    match api {
        Some(api) => format!("its path had a secret in it: say which path `{api}` has"),
        None => "its path had a secret in it, and it is of no API".to_owned(),
    }
}

/// Returns the value of `Authorization`: one that was refused is refused again.
fn token(exchange: &Exchange, plan: &Plan, recorded: HeaderValue) -> Result<HeaderValue, String> {
    let is_redacted = recorded.as_bytes().starts_with(b"<redacted");
    let is_wrong = recorded == "<redacted:refused>" || (is_redacted && exchange.is_refused());
    if is_wrong {
        return Ok(HeaderValue::from_static("a-wrong-token"));
    }
    let mut token = match plan.token_of(exchange.api()) {
        Some(token) => HeaderValue::from_str(token)
            .map_err(|_| "the token cannot be sent in a header".to_owned())?,
        None if is_redacted => return Err("it had a token: say which".to_owned()),
        None => recorded,
    };
    token.set_sensitive(true);
    Ok(token)
}

/// Returns `true` for a header that belongs to the connection it came by, and is made anew.
fn is_of_connection(name: &str) -> bool {
    const NAMES: [&str; 11] = [
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ];
    NAMES.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// Returns the bytes of a value that was read as ISO-8859-1, if it was, or else as UTF-8.
fn latin_1(value: &str) -> Option<HeaderValue> {
    let bytes: Option<Vec<u8>> = value.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
    let bytes = bytes.unwrap_or_else(|| value.as_bytes().to_vec());
    HeaderValue::from_bytes(&bytes).ok()
}

//! What snapengage is compared with: the same APIs received by hand, with strict structs and no
//! limits, deadlines or run to completion.

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use serde::de::DeserializeOwned;

use self::model::{Message, StatusChange, SupportRequest};

pub mod model;
pub mod query;
pub mod xml;

pub const TOKEN: &str = "my-token";

/// What is known of every visitor.
pub const CONTACT: &str = "Jim Tester, customer since 2014";

/// Answers a request. `FROM_STR`: a body is checked to be UTF-8 once, instead of string by string.
pub async fn answer<const FROM_STR: bool, B: http_body::Body>(
    request: Request<B>,
) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    if head.method == Method::GET {
        return get_contact(head.uri.query()).unwrap_or_else(|| status(StatusCode::BAD_REQUEST));
    }
    if head.headers.get(AUTHORIZATION).is_none_or(|token| token != TOKEN) {
        return status(StatusCode::UNAUTHORIZED);
    }
    let Ok(body) = body.collect().await else {
        return status(StatusCode::BAD_REQUEST);
    };
    let body = body.to_bytes();
    let answer = match head.uri.path() {
        "/bot" => bot::<FROM_STR>(&body),
        "/integration" if body.starts_with(b"<") => legacy_integration(&body),
        "/integration" => feed::<SupportRequest, FROM_STR>(&body),
        "/conversation-events" => feed::<model::Event, FROM_STR>(&body),
        "/agent-status" => feed::<StatusChange, FROM_STR>(&body),
        _ => return status(StatusCode::NOT_FOUND),
    };
    answer.unwrap_or_else(|| status(StatusCode::BAD_REQUEST))
}

fn bot<const FROM_STR: bool>(body: &[u8]) -> Option<Response<Full<Bytes>>> {
    let message: Message = json::<_, FROM_STR>(body)?;
    let reply = serde_json::to_vec(&message.echo()).ok()?;
    Some(text("application/json; charset=utf-8", reply.into()))
}

fn feed<T: DeserializeOwned, const FROM_STR: bool>(body: &[u8]) -> Option<Response<Full<Bytes>>> {
    std::hint::black_box(json::<T, FROM_STR>(body)?);
    Some(Response::default())
}

fn legacy_integration(body: &[u8]) -> Option<Response<Full<Bytes>>> {
    std::hint::black_box(xml::support_request(str::from_utf8(body).ok()?)?);
    Some(Response::default())
}

fn get_contact(query: Option<&str>) -> Option<Response<Full<Bytes>>> {
    std::hint::black_box(query::contact(query?)?);
    Some(text("text/plain; charset=utf-8", CONTACT.to_owned().into()))
}

fn json<T: DeserializeOwned, const FROM_STR: bool>(body: &[u8]) -> Option<T> {
    if FROM_STR {
        return serde_json::from_str(str::from_utf8(body).ok()?).ok();
    }
    serde_json::from_slice(body).ok()
}

fn text(content_type: &'static str, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

fn status(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::default();
    *response.status_mut() = status;
    response
}

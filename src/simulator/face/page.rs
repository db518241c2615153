//! The page, and the script for developers' own pages.

use std::collections::BTreeSet;

use bytes::Bytes;
use http::header::{CONTENT_SECURITY_POLICY, HOST, REFERRER_POLICY};
use http::request::Parts;
use http::{HeaderValue, Method, Uri};
use serde_json::Value;

use super::asked::Asked;
use super::refused::Refused;
use super::reply::FaceReply;
use crate::simulator::page::{BASE, FILES, POLICY, STYLE, WIDGET, WIDGET_ID, WIDGET_STYLE};

/// Returns `true` for the path of a file of the page.
pub(super) fn has(path: &str) -> bool {
    FILES.iter().any(|(known, _, _)| *known == path)
}

/// Answers with a file of the page, which may hold these Hub pages in a frame.
pub(super) fn file(asked: &Asked, hubs: &[String]) -> Result<FaceReply, Refused> {
    asked.only(&[Method::GET, Method::HEAD])?;
    let path = asked.head.uri.path();
    let found = FILES.iter().find(|(known, _, _)| *known == path);
    let (_, media, content) = found.ok_or_else(|| Refused::unknown("page"))?;
    let content = Bytes::from_static(content.as_bytes());
    Ok(FaceReply::new(HeaderValue::from_static(media), content)
        .header(CONTENT_SECURITY_POLICY, policy(hubs))
        .header(REFERRER_POLICY, HeaderValue::from_static("no-referrer")))
}

fn policy(hubs: &[String]) -> HeaderValue {
    let origins: BTreeSet<_> = hubs.iter().filter_map(|hub| hub_origin(hub)).collect();
    let frames = if origins.is_empty() {
        "'none'".to_owned()
    } else {
        origins.into_iter().collect::<Vec<_>>().join(" ")
    };
    let policy = HeaderValue::try_from(format!("{POLICY}; frame-src {frames}"));
    policy.unwrap_or(HeaderValue::from_static("default-src 'none'"))
}

/// Returns the origin of an address, if it has one that is of the web. Anything else could say more
/// in a policy than it is to.
pub(in crate::simulator) fn hub_origin(address: &str) -> Option<String> {
    let address: Uri = address.parse().ok()?;
    let scheme = address.scheme_str().filter(|scheme| ["http", "https"].contains(scheme))?;
    let authority = address.authority()?.as_str();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || ".-_:[]".contains(c);
    authority.chars().all(is_plain).then(|| format!("{scheme}://{authority}"))
}

/// Answers with the script of a widget, at `/js/{widget}.js`.
pub(super) fn script(
    asked: &Asked,
    is_widget: impl Fn(&str) -> bool,
) -> Result<FaceReply, Refused> {
    asked.only(&[Method::GET, Method::HEAD])?;
    let [name] = *asked.path().as_slice() else { return Err(Refused::unknown("page")) };
    let widget = name.strip_suffix(".js").ok_or_else(|| Refused::unknown("page"))?;
    if !is_widget(widget) {
        return Err(Refused::unknown("widget"));
    }
    let base = format!("http://{}", host(&asked.head));
    let script = [(STYLE, WIDGET_STYLE), (BASE, &base), (WIDGET_ID, widget)]
        .into_iter()
        .fold(WIDGET.to_owned(), |script, (place, text)| script.replace(place, &literal(text)));
    Ok(FaceReply::new(HeaderValue::from_static("text/javascript; charset=utf-8"), script))
}

/// Returns the host as the caller names it, which the gate has let in.
fn host(head: &Parts) -> &str {
    let named = head.uri.authority().map(http::uri::Authority::as_str);
    let header = head.headers.get(HOST).and_then(|host| host.to_str().ok());
    named.or(header).unwrap_or("localhost")
}

/// Writes a text in JSON, which is a literal of JavaScript as well (ECMA-262 since 2019).
fn literal(text: &str) -> String {
    Value::from(text).to_string()
}

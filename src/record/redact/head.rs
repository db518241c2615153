//! Heads: the first line of a request, and headers.

use super::fields::Class;
use super::looks;
use super::scrub::Scrubber;
use super::view::{Coding, DecodedView, applied};
use crate::record::pseudonym::kind_of;

/// Text in place of a secret part of a path.
pub(super) const SECRET: &str = "<secret>";

/// Treatment of a header.
pub(super) enum HeaderClass {
    /// The token that is compared: whether it was right is kept.
    Authorization,
    /// Whatever else is a credential.
    Secret,
    /// Looked through.
    Open(Class),
}

impl HeaderClass {
    pub(super) fn of(name: &str) -> Self {
        let name = name.to_ascii_lowercase();
        let words = ["token", "secret", "password", "api-key", "apikey", "signature", "session"];
        match &*name {
            "authorization" => Self::Authorization,
            "cookie" | "set-cookie" | "proxy-authorization" => Self::Secret,
            _ if words.iter().any(|word| name.contains(word)) => Self::Secret,
            "user-agent" | "server" | "via" => Self::Open(Class::Versions),
            _ => Self::Open(Class::Scan),
        }
    }
}

/// Returns a path without its secrets; `None` if it has none.
///
/// A segment of eight characters and more that has a digit is taken for one where nobody says which
/// segment it is. A host is no part of a path.
pub(super) fn path(scrubber: &Scrubber<'_>, path: &str) -> Option<String> {
    let host = path.find("://").and_then(|at| path[at + 3..].find('/').map(|end| at + 3 + end));
    let (host, path) = path.split_at(host.unwrap_or(0));
    let segments: Vec<_> = path.split('/').map(|segment| of_segment(scrubber, segment)).collect();
    let new = host.to_owned() + &segments.join("/");
    (new != [host, path].concat()).then_some(new)
}

fn of_segment(scrubber: &Scrubber<'_>, segment: &str) -> String {
    const SHORTEST: usize = 8;
    let view = DecodedView::new(segment, Coding::QueryWithPlus);
    if segment == SECRET || kind_of(&view.text).is_some() {
        return segment.to_owned();
    }
    let is_secret = view.text.chars().count() >= SHORTEST
        && view.text.bytes().any(|byte| byte.is_ascii_digit());
    let is_detail = looks::whole(&view.text).is_some();
    if is_detail {
        let edits = scrubber.value(Class::Scan, &view.text);
        let edits: Vec<_> = edits.into_iter().map(|edit| view.lift(edit)).collect();
        return applied(segment, &edits);
    }
    if is_secret || !scrubber.value(Class::Scan, &view.text).is_empty() {
        return SECRET.to_owned();
    }
    segment.to_owned()
}

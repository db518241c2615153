//! Paths: their canonical form, and the mistakes made in them.

use std::borrow::Cow;

use crate::wire::percent::{escaped, is_unreserved};

/// Returns the canonical form of a path: RFC 3986, 6.2.2.1 and 6.2.2.2.
///
/// Escapes of unreserved characters are undone, once, and all others are in upper case: `%2f` is
/// `%2F` and no slash, `%2562` is no `b`. What is no escape stays as it is.
pub(super) fn canonical(path: &str) -> Cow<'_, str> {
    if !path.contains('%') {
        return Cow::Borrowed(path);
    }
    let mut pieces = path.split('%');
    let mut canonical = String::with_capacity(path.len());
    canonical.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        let Some(byte) = escaped(piece.as_bytes()) else {
            canonical.push('%');
            canonical.push_str(piece);
            continue;
        };
        let (digits, rest) = piece.split_at(2);
        if is_unreserved(byte) {
            canonical.push(byte.into());
        } else {
            canonical.push('%');
            canonical.extend(digits.chars().map(|digit| digit.to_ascii_uppercase()));
        }
        canonical.push_str(rest);
    }
    Cow::Owned(canonical)
}

/// Returns the reason why nobody can request a path, if there is one.
pub(super) fn mistake(path: &str) -> Option<String> {
    let Some(segments) = path.strip_prefix('/') else {
        return Some("expected `/` at the start".to_owned());
    };
    if let Some(pattern) = segments.split('/').find(|segment| is_pattern(segment)) {
        let pattern = pattern.escape_debug();
        return Some(format!("`{pattern}` looks like a pattern, expected a literal path"));
    }
    if let Some((at, c)) = path.char_indices().find(|&(at, c)| !is_allowed(c, &path[at..])) {
        return Some(misplaced(c, &path[at..]));
    }
    let canonical = canonical(segments);
    let dots = canonical.split('/').find(|segment| is_dots(segment))?;
    Some(format!("has the segment `{dots}`, which clients resolve before they send it"))
}

/// Returns `true` if clients drop the segment from an address before they request it: RFC 3986,
/// 5.2.4.
pub(super) fn is_dots(segment: &str) -> bool {
    matches!(segment, "." | "..")
}

/// Returns `true` if the segment is a variable or a wildcard to some other router: none is to this
/// one.
fn is_pattern(segment: &str) -> bool {
    segment.contains(['{', '}', '*'])
        || segment.len() > 1 && segment.starts_with(':')
        || segment.starts_with('<') && segment.ends_with('>')
}

/// Returns `true` if a character may occur in a path, where `rest` starts with it: `pchar` of RFC
/// 3986, 3.3.
fn is_allowed(c: char, rest: &str) -> bool {
    match c {
        '%' => escaped(&rest.as_bytes()[1..]).is_some(),
        '/' | ':' | '@' | '!' | '$' | '&' | '\'' | '(' | ')' | '+' | ',' | ';' | '=' => true,
        _ => u8::try_from(c).is_ok_and(is_unreserved),
    }
}

fn misplaced(c: char, rest: &str) -> String {
    if matches!(c, '?' | '#') {
        return format!("has `{c}`, expected a path alone");
    }
    let bytes = &rest.as_bytes()[..c.len_utf8()];
    let expected: String = bytes.iter().map(|byte| format!("%{byte:02X}")).collect();
    format!("has `{}`, expected `{expected}`", c.escape_debug())
}

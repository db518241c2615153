//! Paths as they are compared.

use std::borrow::Cow;

use crate::percent::{escaped, is_unreserved};

/// The one form of a path among those that mean the same: RFC 3986, 6.2.2.1 and 6.2.2.2.
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

//! Text that was sent, made legible for the log.

use std::borrow::Cow;

/// Returns text of a request for the log: without control characters, and cut to a short length.
///
/// Text, not its `Debug`, which a subscriber of JSON would quote a second time.
pub(crate) fn legible(text: &str) -> Cow<'_, str> {
    const LIMIT: usize = 128;
    let text = &text[..text.floor_char_boundary(LIMIT)];
    if text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
        return text.into();
    }
    let mut legible = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '\'' | '\\' => legible.push(c),
            _ => legible.extend(c.escape_debug()),
        }
    }
    legible.into()
}

//! Mending of JSON with one bad character, or one number too large.
//!
//! Only a body that could not be read, or not to the digit, comes here. Whatever is not JSON for
//! another reason stays so.

use std::borrow::Cow;

use serde::de::IgnoredAny;

use super::charset::utf_8;

/// Body after mending.
pub(crate) struct Mended {
    pub(crate) text: String,
    /// `true` if a character was lost, and U+FFFD is in its place.
    pub(crate) has_replacements: bool,
}

/// Replaces invalid UTF-8 and halves of surrogate pairs by U+FFFD, escapes control characters, and
/// puts numbers out of range in quotes. Takes time and memory in proportion to the body.
pub(crate) fn mend(body: &[u8]) -> Mended {
    let read = utf_8(body);
    let mut has_replacements = matches!(read, Cow::Owned(_));
    let mut text = String::with_capacity(read.len());
    for piece in Pieces::of(&read) {
        has_replacements |= piece.mended == HALF;
        text.push_str(&piece.mended);
    }
    Mended { text, has_replacements }
}

/// Returns the place in a body that became this place in its mended text.
pub(crate) fn place_in_body(body: &[u8], place: usize) -> usize {
    let read = utf_8(body);
    let pieces = Pieces::of(&read).map(|piece| (piece.sent.len(), piece.mended.len()));
    place_in_utf_8(body, place_before(pieces, place))
}

/// Returns the place in a body that became this place in its text.
pub(crate) fn place_in_utf_8(body: &[u8], place: usize) -> usize {
    let chunks = body.utf8_chunks().flat_map(|chunk| {
        let (valid, invalid) = (chunk.valid().len(), chunk.invalid().len());
        let replacement = if invalid == 0 { 0 } else { char::REPLACEMENT_CHARACTER.len_utf8() };
        [(valid, valid), (invalid, replacement)]
    });
    place_before(chunks, place)
}

/// Returns the place before a change that is this place after it, from the lengths before and after
/// of each piece.
fn place_before(pieces: impl Iterator<Item = (usize, usize)>, place: usize) -> usize {
    let mut before = 0;
    let mut after = 0;
    for (length, changed_length) in pieces {
        if place < after + changed_length {
            return before + (place - after).min(length);
        }
        before += length;
        after += changed_length;
    }
    before
}

/// Replacement for half of a surrogate pair, of the same length.
const HALF: &str = "\\ufffd";

/// Piece of JSON, and its replacement.
struct Piece<'t> {
    sent: &'t str,
    mended: Cow<'t, str>,
}

struct Pieces<'t> {
    rest: &'t str,
    is_in_quotes: bool,
}

impl<'t> Pieces<'t> {
    fn of(text: &'t str) -> Self {
        Self { rest: text, is_in_quotes: false }
    }

    /// Returns the piece from here up to the first byte of this kind, or the whole rest.
    fn before(&self, is_end: impl Fn(u8) -> bool) -> &'t str {
        let end = self.rest.bytes().position(is_end).unwrap_or(self.rest.len());
        &self.rest[..end]
    }

    fn in_quotes(&mut self) -> (&'t str, Cow<'t, str>) {
        let plain = self.before(|byte| matches!(byte, b'"' | b'\\' | ..b' '));
        if !plain.is_empty() {
            return (plain, plain.into());
        }
        match self.rest.as_bytes()[0] {
            b'\\' => escape(self.rest),
            b'"' => self.quote(),
            control => (&self.rest[..1], format!("\\u{control:04x}").into()),
        }
    }

    fn outside_quotes(&mut self) -> (&'t str, Cow<'t, str>) {
        let plain = self.before(|byte| matches!(byte, b'"' | b'-' | b'0'..=b'9'));
        if !plain.is_empty() {
            return (plain, plain.into());
        }
        if self.rest.starts_with('"') {
            return self.quote();
        }
        let number =
            self.before(|byte| !matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
        let is_kept = is_in_range(number) || serde_json::from_str::<IgnoredAny>(number).is_err();
        (number, if is_kept { number.into() } else { format!("\"{number}\"").into() })
    }

    fn quote(&mut self) -> (&'t str, Cow<'t, str>) {
        self.is_in_quotes = !self.is_in_quotes;
        (&self.rest[..1], Cow::Borrowed("\""))
    }
}

impl<'t> Iterator for Pieces<'t> {
    type Item = Piece<'t>;

    fn next(&mut self) -> Option<Piece<'t>> {
        if self.rest.is_empty() {
            return None;
        }
        let (sent, mended) =
            if self.is_in_quotes { self.in_quotes() } else { self.outside_quotes() };
        self.rest = &self.rest[sent.len()..];
        Some(Piece { sent, mended })
    }
}

/// Returns the escape that a text starts with: both halves of a pair, or one character.
fn escape(text: &str) -> (&str, Cow<'_, str>) {
    const LENGTH: usize = HALF.len();
    let sign = text.char_indices().nth(2).map_or(text.len(), |(end, _)| end);
    let length = match (unit(text), text.get(LENGTH..).and_then(unit)) {
        (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => 2 * LENGTH,
        (Some(0xd800..=0xdfff), _) => return (&text[..LENGTH], HALF.into()),
        _ => sign,
    };
    (&text[..length], text[..length].into())
}

/// Returns the UTF-16 unit of the `\u` escape that a text starts with.
fn unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    u16::from_str_radix(digits, 16).ok().filter(|_| !digits.starts_with('+'))
}

/// Returns `true` if a number is read to the digit, or is a float, of which the nearest is read.
fn is_in_range(number: &str) -> bool {
    if number.contains(['.', 'e', 'E']) {
        return number.parse().is_ok_and(f64::is_finite);
    }
    number.parse::<i64>().is_ok() || number.parse::<u64>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn mended(body: &[u8], expected: &str, has_replacements: bool) {
        let mended = mend(body);
        assert_eq!(mended.text, expected);
        assert_eq!(mended.has_replacements, has_replacements);
    }

    #[test]
    fn half_a_pair_is_replaced_and_a_whole_one_kept() {
        mended(br#"{"a":"\ud83d\ude80"}"#, r#"{"a":"\ud83d\ude80"}"#, false);
        mended(br#"{"\ud83d":"\ude80\ud83d"}"#, r#"{"\ufffd":"\ufffd\ufffd"}"#, true);
        mended(br#"["\uD83D\uD83D\uDE80"]"#, r#"["\ufffd\uD83D\uDE80"]"#, true);
        mended(br#"["\\ud83d","\ud83d\\ude80"]"#, r#"["\\ud83d","\ufffd\\ude80"]"#, true);
        mended(br#"["\ud83","\ud83d"#, r#"["\ud83","\ufffd"#, true);
    }

    #[test]
    fn invalid_bytes_are_replaced_and_control_characters_escaped() {
        mended(b"{\"a\":\"K\xf6ln\"}", "{\"a\":\"K\u{fffd}ln\"}", true);
        mended(b"[\"a\tb\x00\n\"\n]", "[\"a\\u0009b\\u0000\\u000a\"\n]", false);
    }

    #[test]
    fn numbers_out_of_range_are_put_in_quotes() {
        let kept = r#"[0,-0,1.5,1e300,-9223372036854775808,18446744073709551615,"1e999"]"#;
        mended(kept.as_bytes(), kept, false);
        mended(b"[1e999,-1E999]", r#"["1e999","-1E999"]"#, false);
        mended(b"{\"a\":18446744073709551616}", r#"{"a":"18446744073709551616"}"#, false);
        mended(b"[-9223372036854775809]", r#"["-9223372036854775809"]"#, false);
    }

    /// Would not come to its end if one of them took more than time in proportion.
    #[test]
    fn large_bodies_of_nothing_else_are_mended_in_one_pass() {
        for (unit, mended_unit) in [
            (&b"\xff"[..], "\u{fffd}"),
            (b"\\ud800", "\\ufffd"),
            (b"\\ud83d\\ude80", "\\ud83d\\ude80"),
            (b"\0", "\\u0000"),
            (b"\",1e999,\"", "\",\"1e999\",\""),
            (b"\\", "\\"),
        ] {
            const TIMES: usize = 200_000;
            let body = [b"\"", &unit.repeat(TIMES)[..]].concat();
            let text = mend(&body).text;
            assert_eq!(text.len(), 1 + TIMES * mended_unit.len(), "{mended_unit}");
            assert!(text.ends_with(mended_unit), "{mended_unit}");
            assert_eq!(place_in_body(&body, text.len()), body.len(), "{mended_unit}");
        }
        let digits = mend("9".repeat(1_000_000).as_bytes()).text;
        assert_eq!(digits.len(), 1_000_002);
    }

    #[test]
    fn what_is_no_json_stays_as_it_is() {
        for text in ["", "\\", "\"\\", "[01e999, 1e999e, -, +1, NaN]", "\"\\u+123\" \\ud83d é"] {
            mended(text.as_bytes(), text, false);
        }
    }

    #[test]
    fn places_are_those_in_the_body() {
        let body = b"[\"\xf6\xf6\", 1e999, \"\\ud83d\"!";
        let text = mend(body).text;
        let in_body = |what| place_in_body(body, text.find(what).expect("it is there"));
        assert_eq!(in_body("["), 0);
        assert_eq!(in_body(", "), 5);
        assert_eq!(in_body("1e999"), 8);
        assert_eq!(in_body("!"), body.len() - 1);
        assert_eq!(place_in_body(body, text.len()), body.len());
        assert_eq!(place_in_body(body, usize::MAX), body.len());
    }
}

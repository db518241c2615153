//! Charsets: UTF-8, and the one beside it that bodies come in.

use std::borrow::Cow;

use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_TYPE;

/// Byte order mark: it starts a text that is UTF-8 whatever the text declares.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// Returns the body without a byte order mark.
pub(crate) fn without_bom(body: &[u8]) -> &[u8] {
    body.strip_prefix(BOM).unwrap_or(body)
}

/// Returns `true` if a body seems to be UTF-16, with a byte order mark or without one.
pub(crate) fn is_utf_16(body: &[u8]) -> bool {
    matches!(body, [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, _, ..] | [_, 0, ..])
}

/// Returns the body as text. Invalid UTF-8 becomes U+FFFD.
pub(crate) fn utf_8(body: &[u8]) -> Cow<'_, str> {
    str::from_utf8(body).map_or_else(|_| String::from_utf8_lossy(body), Cow::Borrowed)
}

/// Returns the body as it came, or converted to UTF-8 if its `Content-Type` names ISO-8859-1 or
/// windows-1252.
///
/// If converted, it starts with a byte order mark, which overrules what an XML declaration says of
/// the body as it came (RFC 7303, section 3.3). Any other charset is ignored.
pub(crate) fn to_utf_8(headers: &HeaderMap, body: Bytes) -> Bytes {
    let charset =
        headers.get(&CONTENT_TYPE).and_then(|content_type| charset(content_type.as_bytes()));
    if charset.is_none_or(|charset| !is_windows_1252(charset)) || body.is_ascii() {
        return body;
    }
    let text = windows_1252(&body);
    [BOM, text.as_bytes()].concat().into()
}

/// Returns the first parameter `charset` of a media type, however odd the form of the rest.
fn charset(content_type: &[u8]) -> Option<&[u8]> {
    let start = memchr::memchr(b';', content_type)?;
    content_type[start..].split(|&byte| byte == b';').find_map(|parameter| {
        let equals = memchr::memchr(b'=', parameter)?;
        let (name, value) = (&parameter[..equals], &parameter[equals + 1..]);
        let is_charset = name.trim_ascii().eq_ignore_ascii_case(b"charset");
        is_charset.then(|| unquoted(value.trim_ascii()))
    })
}

fn unquoted(value: &[u8]) -> &[u8] {
    let inner = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\""));
    inner.unwrap_or(value).trim_ascii()
}

/// Returns `true` for a name of windows-1252. ISO-8859-1 is one, as it is on the web: whoever sends
/// the bytes 80 to 9F means its letters, not control characters.
pub(crate) fn is_windows_1252(name: &[u8]) -> bool {
    const NAMES: [&str; 8] = [
        "iso-8859-1",
        "iso8859-1",
        "iso_8859-1",
        "iso88591",
        "latin-1",
        "latin1",
        "windows-1252",
        "cp1252",
    ];
    NAMES.iter().any(|known| name.eq_ignore_ascii_case(known.as_bytes()))
}

/// Reads windows-1252 as browsers do: every byte is a character.
pub(crate) fn windows_1252(bytes: &[u8]) -> Cow<'_, str> {
    match str::from_utf8(bytes) {
        Ok(text) if text.is_ascii() => text.into(),
        _ => bytes.iter().copied().map(character).collect::<String>().into(),
    }
}

fn character(byte: u8) -> char {
    const FIRST: u8 = 0x80;
    /// Characters of the bytes 80 to 9F: WHATWG Encoding, index windows-1252.
    const OTHERS: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž',
        '\u{8f}', '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}',
        'ž', 'Ÿ',
    ];
    let other = byte.checked_sub(FIRST).and_then(|index| OTHERS.get(usize::from(index)));
    other.copied().unwrap_or(char::from(byte))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[track_caller]
    fn converted(content_type: &'static str, body: &'static [u8]) -> Bytes {
        let content_type = HeaderValue::from_static(content_type);
        let headers = [(CONTENT_TYPE, content_type)].into_iter().collect();
        to_utf_8(&headers, Bytes::from_static(body))
    }

    #[test]
    fn named_charset_is_believed() {
        for content_type in [
            "application/json; charset=ISO-8859-1",
            "text/xml;charset=iso-8859-1",
            "text/xml; charset=\"Latin1\"",
            "application/json; utf-8; Charset = Windows-1252 ; x=y",
            "; charset=cp1252",
        ] {
            assert_eq!(
                converted(content_type, b"K\xf6ln \x80"),
                "\u{feff}Köln €",
                "{content_type}"
            );
        }
        let utf_8 = "ö".as_bytes();
        assert_eq!(converted("text/xml; charset=latin1", utf_8), "\u{feff}Ã¶", "it is believed");
    }

    #[test]
    fn any_other_charset_is_as_if_absent() {
        for content_type in [
            "",
            "application/json",
            "application/json; charset",
            "application/json; charset=",
            "application/json; charset=utf-8",
            "application/json; charset=UTF-8; charset=iso-8859-1",
            "application/json; xcharset=iso-8859-1",
            "application/json; utf-8; charset=X-WINDOWS-949",
            "charset=iso-8859-1",
        ] {
            assert_eq!(converted(content_type, b"K\xf6ln"), &b"K\xf6ln"[..], "{content_type}");
        }
        assert_eq!(to_utf_8(&HeaderMap::new(), Bytes::from_static(b"\xf6")), &b"\xf6"[..]);
    }

    #[test]
    fn ascii_is_handed_on_as_it_is() {
        assert_eq!(converted("text/xml; charset=latin1", b"<case/>"), &b"<case/>"[..]);
    }

    #[test]
    fn every_byte_is_a_character() {
        let all: Vec<u8> = (0..=u8::MAX).collect();
        let text = windows_1252(&all);
        assert_eq!(text.chars().count(), 256);
        assert!(
            text.contains("\u{7f}€\u{81}‚") && text.contains("žŸ\u{a0}") && text.ends_with('ÿ')
        );
    }
}

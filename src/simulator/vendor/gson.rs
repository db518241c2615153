//! JSON as the vendor's Gson writes it.

use std::io;

use bytes::Bytes;
use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::Formatter;

/// Writes a value, with the escapes of Gson.
pub(in crate::simulator) fn write(value: &impl Serialize) -> Bytes {
    let mut bytes = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut bytes, Gson);
    // Maps have texts as their keys, and a vector takes what it is given.
    value.serialize(&mut serializer).expect("a value that is JSON");
    bytes.into()
}

struct Gson;

impl Formatter for Gson {
    fn write_string_fragment<W>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()>
    where
        W: ?Sized + io::Write,
    {
        let mut rest = fragment;
        while let Some(at) = rest.find(is_escaped) {
            let (plain, tail) = rest.split_at(at);
            let mut chars = tail.chars();
            let escaped = chars.next().map_or(0, u32::from);
            write!(writer, "{plain}\\u{escaped:04x}")?;
            rest = chars.as_str();
        }
        writer.write_all(rest.as_bytes())
    }
}

/// Returns `true` for a character that Gson escapes besides those of JSON: it could end a script
/// that the JSON stands in.
fn is_escaped(c: char) -> bool {
    matches!(c, '<' | '>' | '&' | '=' | '\'' | '\u{2028}' | '\u{2029}')
}

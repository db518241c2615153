//! Text as it is read, and where each of its characters stands in what is written.

use std::borrow::Cow;
use std::ops::Range;

/// Replacement of a part of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Edit {
    pub(super) at: Range<usize>,
    pub(super) with: String,
    /// Look of the part, for people.
    pub(super) what: &'static str,
}

/// Replacements that do not overlap; of two that would, the first one counts.
#[derive(Debug, Default)]
pub(super) struct Edits {
    edits: std::collections::BTreeMap<usize, Edit>,
}

impl Edits {
    pub(super) fn add(&mut self, edit: Edit) {
        let before = self.edits.range(..edit.at.end.max(edit.at.start + 1)).next_back();
        let is_free = before.is_none_or(|(_, before)| before.at.end <= edit.at.start);
        if is_free {
            self.edits.insert(edit.at.start, edit);
        }
    }

    pub(super) fn into_sorted(self) -> Vec<Edit> {
        self.edits.into_values().collect()
    }
}

/// Returns the text with its replacements, which are sorted.
pub(super) fn applied(text: &str, edits: &[Edit]) -> String {
    let mut new = String::with_capacity(text.len());
    let mut at = 0;
    for edit in edits {
        new += &text[at..edit.at.start];
        new += &edit.with;
        at = edit.at.end;
    }
    new + &text[at..]
}

/// Way in which a text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    /// As it is: CDATA, plain text.
    Plain,
    /// Within the quotes of JSON.
    Json,
    /// With entities: text and attributes of XML.
    Xml,
    /// Value in a query, in which `+` is a space.
    Query,
    /// The same, in which `+` is a plus that was not escaped.
    QueryWithPlus,
    /// Any escapes that a text may hold within: of JSON, of XML and of addresses.
    Any,
}

/// Unescaped text.
#[derive(Debug)]
pub(super) struct DecodedView<'s> {
    source: &'s str,
    coding: Coding,
    pub(super) text: Cow<'s, str>,
    /// Place in the source of each byte of the text, and of its end; `None` if they are the same.
    places: Option<Vec<usize>>,
}

impl<'s> DecodedView<'s> {
    pub(super) fn new(source: &'s str, coding: Coding) -> Self {
        let mut view = Self { source, coding, text: Cow::Borrowed(source), places: None };
        let marks: &[u8] = match coding {
            Coding::Plain => return view,
            Coding::Json => b"\\",
            Coding::Xml => b"&",
            Coding::Query => b"%+",
            Coding::QueryWithPlus => b"%",
            Coding::Any => b"\\&%",
        };
        let is_mark = |byte: &u8| marks.contains(byte);
        let Some(first) = source.bytes().position(|byte| is_mark(&byte)) else { return view };
        let mut text = Vec::with_capacity(source.len());
        text.extend_from_slice(&source.as_bytes()[..first]);
        let mut places: Vec<_> = (0..first).collect();
        let bytes = source.as_bytes();
        let mut at = first;
        let mut is_other = false;
        while at < bytes.len() {
            let decoded = if is_mark(&bytes[at]) { decode(&bytes[at..], coding) } else { None };
            let (length, character) = decoded.unwrap_or((1, Unescaped::Byte(bytes[at])));
            is_other |= decoded.is_some();
            let start = text.len();
            match character {
                Unescaped::Byte(byte) => text.push(byte),
                Unescaped::Char(c) => text.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            }
            places.resize(places.len() + text.len() - start, at);
            at += length;
        }
        if is_other {
            places.push(source.len());
            view.set(text, places);
        }
        view
    }

    /// Keeps what was decoded. Bytes that are no UTF-8, which percent-encoding may hold, are read
    /// as ISO-8859-1.
    fn set(&mut self, bytes: Vec<u8>, places: Vec<usize>) {
        match String::from_utf8(bytes) {
            Ok(text) => {
                self.text = Cow::Owned(text);
                self.places = Some(places);
            }
            Err(error) => {
                let (text, at) = mixed(error.as_bytes());
                self.text = Cow::Owned(text);
                self.places = Some(at.into_iter().map(|at| places[at]).collect());
            }
        }
    }

    /// Returns `true` if the source has no escapes.
    pub(super) fn is_as_it_is(&self) -> bool {
        self.places.is_none()
    }

    fn source_range(&self, at: &Range<usize>) -> Range<usize> {
        match &self.places {
            Some(places) => places[at.start]..places[at.end],
            None => at.clone(),
        }
    }

    /// Returns an edit of the text as one of the source.
    pub(super) fn lift(&self, edit: Edit) -> Edit {
        let at = self.source_range(&edit.at);
        let with = match self.coding {
            Coding::Plain => edit.with,
            Coding::Json => escaped_json(edit.with),
            Coding::Xml => escaped_xml(edit.with),
            Coding::Query | Coding::QueryWithPlus => {
                percent_encoded(&edit.with, &self.source[at.clone()])
            }
            Coding::Any if self.is_percent_encoded(&at) => {
                percent_encoded(&edit.with, &self.source[at.clone()])
            }
            Coding::Any => edit.with,
        };
        Edit { at, with, ..edit }
    }

    /// Returns `true` if what stands around is percent-encoded, up to the next space.
    fn is_percent_encoded(&self, at: &Range<usize>) -> bool {
        // A number of a digit after a `%` is looked for nearby: a text may have no spaces.
        const NEAR: usize = 256;
        let is_end = |c: char| c.is_whitespace() || matches!(c, '"' | '<' | '>' | '&');
        let start = self.source.floor_char_boundary(at.start.saturating_sub(NEAR));
        let end = self.source.ceil_char_boundary((at.end + NEAR).min(self.source.len()));
        let before = self.source[start..at.start].rsplit(is_end).next().unwrap_or_default();
        let after = self.source[at.end..end].split(is_end).next().unwrap_or_default();
        [before, &self.source[at.clone()], after].into_iter().any(|part| {
            memchr::memchr_iter(b'%', part.as_bytes())
                .any(|at| byte_of_hex(&part.as_bytes()[at + 1..]).is_some())
        })
    }
}

/// Reads bytes as UTF-8, and what is none as ISO-8859-1. Returns the place of each byte of the
/// text, and of its end, too.
pub(super) fn mixed(bytes: &[u8]) -> (String, Vec<usize>) {
    let mut text = String::with_capacity(bytes.len());
    let mut places = Vec::with_capacity(bytes.len() + 1);
    let mut at = 0;
    for chunk in bytes.utf8_chunks() {
        text += chunk.valid();
        places.extend(at..at + chunk.valid().len());
        at += chunk.valid().len();
        for &byte in chunk.invalid() {
            text.push(char::from(byte));
            places.resize(text.len(), at);
            at += 1;
        }
    }
    places.push(at);
    (text, places)
}

#[derive(Clone, Copy)]
enum Unescaped {
    Byte(u8),
    Char(char),
}

/// Reads the escape that a text starts with, and returns its length.
fn decode(text: &[u8], coding: Coding) -> Option<(usize, Unescaped)> {
    match (text[0], coding) {
        (b'+', _) => Some((1, Unescaped::Byte(b' '))),
        (b'%', _) => Some((3, Unescaped::Byte(byte_of_hex(&text[1..])?))),
        (b'&', _) => entity(text),
        (b'\\', _) => backslash(text),
        _ => None,
    }
}

fn byte_of_hex(digits: &[u8]) -> Option<u8> {
    let &[high, low, ..] = digits else { return None };
    let byte = char::from(high).to_digit(16)? << 4 | char::from(low).to_digit(16)?;
    u8::try_from(byte).ok()
}

fn entity(text: &[u8]) -> Option<(usize, Unescaped)> {
    const LONGEST: usize = 10;
    let end = text.iter().take(LONGEST).position(|&byte| byte == b';')?;
    let name = str::from_utf8(&text[1..end]).ok()?;
    let c = match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => '\u{a0}',
        "commat" => '@',
        "period" => '.',
        "plus" => '+',
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)?
        }
    };
    Some((end + 1, Unescaped::Char(c)))
}

fn backslash(text: &[u8]) -> Option<(usize, Unescaped)> {
    let c = match *text.get(1)? {
        b'n' => '\n',
        b't' => '\t',
        b'r' => '\r',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'u' => return unicode(text),
        b'x' => return Some((4, Unescaped::Char(char::from(byte_of_hex(text.get(2..)?)?)))),
        byte @ (b'"' | b'\\' | b'/' | b'\'') => char::from(byte),
        _ => return None,
    };
    Some((2, Unescaped::Char(c)))
}

fn unicode(text: &[u8]) -> Option<(usize, Unescaped)> {
    let unit = |at: usize| {
        let digits = text.get(at..at + 6)?.strip_prefix(b"\\u")?;
        let digits = str::from_utf8(digits).ok()?;
        u32::from_str_radix(digits, 16).ok().filter(|_| !digits.starts_with('+'))
    };
    let first = unit(0)?;
    if let Some(c) = char::from_u32(first) {
        return Some((6, Unescaped::Char(c)));
    }
    let pair = unit(6).filter(|second| (0xd800..0xdc00).contains(&first) && second >> 10 == 0x37);
    let whole = pair.map(|second| 0x1_0000 + ((first & 0x3ff) << 10) + (second & 0x3ff));
    let c = whole.and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER);
    Some((if whole.is_some() { 12 } else { 6 }, Unescaped::Char(c)))
}

fn escaped_json(text: String) -> String {
    if !text.contains(|c: char| c.is_control() || matches!(c, '"' | '\\')) {
        return text;
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '"' | '\\' => escaped.extend(['\\', c]),
            '\n' => escaped += "\\n",
            '\r' => escaped += "\\r",
            '\t' => escaped += "\\t",
            c if c.is_control() => escaped += &format!("\\u{:04x}", u32::from(c)),
            c => escaped.push(c),
        }
    }
    escaped
}

fn escaped_xml(text: String) -> String {
    if !text.contains(['&', '<', '>', '"']) {
        return text;
    }
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', "&quot;")
}

/// Encodes what has a meaning in a query, and what is encoded in what it stands in place of.
fn percent_encoded(text: &str, instead_of: &str) -> String {
    let mut encoded = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        let is_legal = matches!(c, '@' | ':') && !instead_of.contains('%');
        if c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~') || is_legal {
            encoded.push(c);
            continue;
        }
        for byte in c.encode_utf8(&mut [0; 4]).bytes() {
            encoded += &format!("%{byte:02X}");
        }
    }
    encoded
}

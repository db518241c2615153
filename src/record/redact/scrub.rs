//! Values and texts, redacted.

use std::ops::Range;

use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL, BASE64URL_NOPAD, Encoding};

use super::fields::Class;
use super::looks::{self, ReadAs};
use super::memory::Known;
use super::view::{Coding, DecodedView, Edit, Edits, applied, mixed};
use super::{Texts, json, query};
use crate::record::pseudonym::{self, PseudonymKey, PseudonymKind, is_uuid, kind_of};

/// Means to redact a value with.
pub(super) struct Scrubber<'r> {
    pub(super) key: &'r PseudonymKey,
    pub(super) texts: Texts,
    pub(super) known: &'r Known,
}

/// Most escapes within escapes that are looked through, base64 included.
const DEPTH: u8 = 4;

/// Most passes until nothing changes any more.
const PASSES: u8 = 4;

impl Scrubber<'_> {
    /// Returns the edits of a value, which is decoded.
    pub(super) fn value(&self, class: Class, value: &str) -> Vec<Edit> {
        match class {
            Class::Scan => self.settled(value, ReadAs::Words),
            Class::Versions => self.settled(value, ReadAs::Versions),
            Class::Text => self.message(value),
            Class::Variables => self.variables(value),
            Class::Parameters => self.parameters(value),
            Class::Masked | Class::Variable if is_json(value) => json::masked(self, value),
            Class::Person if is_a_list(value) => self.settled(value, ReadAs::Words),
            _ => self.whole(class, value),
        }
    }

    /// Returns the edit of a value that is replaced as a whole.
    fn whole(&self, class: Class, value: &str) -> Vec<Edit> {
        let trimmed = value.trim();
        let start = value.len() - value.trim_start().len();
        let with = if trimmed.is_empty() { None } else { self.pseudonym(class, trimmed) };
        let edit = with.filter(|(with, _)| with != trimmed);
        let at = start..start + trimmed.len();
        edit.map(|(with, what)| Edit { at, with, what }).into_iter().collect()
    }

    /// Returns the pseudonym of a value, and what it looked like; `None` if it stays.
    fn pseudonym(&self, class: Class, value: &str) -> Option<(String, &'static str)> {
        if kind_of(value).is_some() {
            return None;
        }
        let kind = match (class, looks::whole(value)) {
            (Class::Id, _) => PseudonymKind::Id,
            (_, Some(kind)) => kind,
            (Class::Name | Class::Alias | Class::Person, _) if is_nobody(value) => return None,
            (Class::Name | Class::Alias | Class::Person, _) => PseudonymKind::Name,
            (Class::Agent, _) => return Some(self.agent(value)).filter(|_| !is_nobody(value)),
            (Class::Street, _) => PseudonymKind::Street,
            (Class::Phone, _) if digits(value) >= 5 => PseudonymKind::Phone,
            (Class::Ip, _) if is_nobody(value) => return None,
            _ => PseudonymKind::Masked,
        };
        let known = self.known.find(value).into_iter();
        let mut known = known.filter(|(at, ..)| *at == (0..value.len()));
        let id = known.find(|(_, kind, _)| *kind == PseudonymKind::Id);
        let kind = id.filter(|_| kind == PseudonymKind::Masked).map_or(kind, |(_, kind, _)| kind);
        let what = class.what().filter(|_| kind == PseudonymKind::Masked).unwrap_or(label(kind));
        Some((self.key.pseudonym(kind, value), what))
    }

    /// An agent whose id is no email address keeps the prefix.
    fn agent(&self, value: &str) -> (String, &'static str) {
        let (prefix, id) = value.strip_prefix("wc:").map_or(("", value), |id| ("wc:", id));
        let id = if kind_of(id).is_some() {
            id.to_owned()
        } else {
            self.key.pseudonym(PseudonymKind::Id, id)
        };
        (format!("{prefix}{id}"), "id of an agent")
    }

    /// Returns the edits of a message's text, by choice.
    fn message(&self, text: &str) -> Vec<Edit> {
        let edits = self.settled(text, ReadAs::Words);
        let new = match self.texts {
            Texts::Keep => return edits,
            Texts::Mask => masked(&applied(text, &edits)),
            Texts::Drop => String::new(),
        };
        let edit = Edit { at: 0..text.len(), with: new, what: "text of a message" };
        if edit.with == text { Vec::new() } else { vec![edit] }
    }

    /// Returns edits after which nothing is left to be found.
    pub(super) fn settled(&self, text: &str, reading: ReadAs) -> Vec<Edit> {
        let edits = self.edits(text, reading, DEPTH);
        let Some(what) = edits.first().map(|edit| edit.what) else { return edits };
        let once = applied(text, &edits);
        let mut new = once.clone();
        for _ in 0..PASSES {
            let more = self.edits(&new, reading, DEPTH);
            if more.is_empty() {
                break;
            }
            new = applied(&new, &more);
        }
        if new == once {
            return edits;
        }
        vec![Edit { at: 0..text.len(), with: new, what }]
    }

    /// Returns the edits of a text: what is escaped in it first, since it is the more exact.
    fn edits(&self, text: &str, reading: ReadAs, depth: u8) -> Vec<Edit> {
        let mut edits = Edits::default();
        if depth > 0 {
            query::in_addresses(self, text, depth - 1, &mut edits);
            let view = DecodedView::new(text, Coding::Any);
            if !view.is_as_it_is() {
                let inner = self.edits(&view.text, reading, depth - 1);
                inner.into_iter().for_each(|edit| edits.add(view.lift(edit)));
            }
            for at in base64_runs(text) {
                self.base64(text, at, depth - 1).into_iter().for_each(|edit| edits.add(edit));
            }
        }
        self.plain(text, reading).into_iter().for_each(|edit| edits.add(edit));
        edits.into_sorted()
    }

    pub(super) fn text(&self, text: &str, depth: u8) -> Vec<Edit> {
        self.edits(text, ReadAs::Words, depth)
    }

    /// Returns the edits of what stands in a text as it is.
    fn plain(&self, text: &str, reading: ReadAs) -> Vec<Edit> {
        let mut edits = Edits::default();
        let found = looks::find(text, reading);
        // A name may be a part of an email address, and is no reason to leave the rest of it.
        for (at, kind) in found {
            let with = self.key.pseudonym(kind, &text[at.clone()]);
            edits.add(Edit { at, with, what: label(kind) });
        }
        let pseudonyms = if self.known.is_empty() { Vec::new() } else { pseudonym::find(text) };
        for (at, kind, value) in self.known.find(text) {
            let after = pseudonyms.partition_point(|(other, _)| other.end <= at.start);
            let is_free = pseudonyms.get(after).is_none_or(|(other, _)| other.start >= at.end);
            if is_free {
                let with = self.key.pseudonym(kind, value);
                edits.add(Edit { at, with, what: label(kind) });
            }
        }
        edits.into_sorted()
    }

    /// Returns the edit of what is base64, if there is anything to be redacted in it.
    fn base64(&self, text: &str, at: Range<usize>, depth: u8) -> Vec<Edit> {
        let run = &text[at.clone()];
        if let Some(edit) = self.decoded_base64(run, depth) {
            let at = at.start + edit.at.start..at.start + edit.at.end;
            return vec![Edit { at, ..edit }];
        }
        // A slash is a letter of base64, and stands between the segments of a path.
        let mut edits = Vec::new();
        let mut start = at.start;
        for part in run.split_inclusive('/') {
            let bare = part.trim_end_matches('/');
            if bare.len() < run.len() && bare.len() >= SHORTEST_BASE64 {
                let edit = self.decoded_base64(bare, depth);
                edits.extend(edit.map(|edit| Edit { at: start..start + bare.len(), ..edit }));
            }
            start += part.len();
        }
        edits
    }

    fn decoded_base64(&self, run: &str, depth: u8) -> Option<Edit> {
        let bare = run.trim_end_matches('=');
        let encodings: [(&str, Encoding); 4] =
            [(run, BASE64), (run, BASE64URL), (bare, BASE64_NOPAD), (bare, BASE64URL_NOPAD)];
        let (bytes, encoding) = encodings
            .into_iter()
            .find_map(|(run, encoding)| Some((encoding.decode(run.as_bytes()).ok()?, encoding)))?;
        let (decoded, _) = mixed(&bytes);
        if !is_text(&decoded) {
            return None;
        }
        let edits = self.text(&decoded, depth);
        let what = edits.first()?.what;
        let with = encoding.encode(applied(&decoded, &edits).as_bytes());
        Some(Edit { at: 0..run.len(), with, what })
    }
}

/// Length of the shortest base64 that is decoded: of five bytes and more.
const SHORTEST_BASE64: usize = 8;

fn base64_runs(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let mut runs = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let is_letter = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/-_".contains(byte);
        let length = bytes[at..].iter().take_while(|byte| is_letter(byte)).count();
        let end =
            at + length + bytes[at + length..].iter().take(2).take_while(|&&b| b == b'=').count();
        if length >= SHORTEST_BASE64 - 1 && end - at >= SHORTEST_BASE64 {
            runs.push(at..end);
        }
        at = end.max(at + 1);
    }
    runs
}

/// Returns `true` for text, and not for what any letters decode to.
fn is_text(text: &str) -> bool {
    let is_odd =
        |c: char| c.is_control() && !c.is_whitespace() || ('\u{80}'..'\u{a0}').contains(&c);
    let odd = text.chars().filter(|&c| is_odd(c)).count();
    let ascii = text.chars().filter(char::is_ascii).count();
    odd == 0 && ascii * 4 >= text.chars().count() * 3
}

/// Masks letters and digits, and leaves pseudonyms.
fn masked(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut at = 0;
    let mask = |c: char| match c {
        c if c.is_numeric() => '0',
        c if c.is_alphabetic() => 'x',
        c => c,
    };
    for (pseudonym, _) in pseudonym::find(text) {
        masked.extend(text[at..pseudonym.start].chars().map(mask));
        masked += &text[pseudonym.clone()];
        at = pseudonym.end;
    }
    masked.extend(text[at..].chars().map(mask));
    masked
}

impl Scrubber<'_> {
    /// Returns the edits of page variables in a text, whose form is not documented: JSON, or names
    /// and values as `plan=gold,seats=5`.
    fn variables(&self, text: &str) -> Vec<Edit> {
        if text.trim_start().starts_with(['{', '[']) {
            return json::masked(self, text);
        }
        let mut edits = Vec::new();
        let mut start = 0;
        for part in text.split_inclusive([',', ';', '&', '\n']) {
            let pair = part.trim_end_matches([',', ';', '&', '\n']);
            let value = pair.find(['=', ':']).map_or(0, |at| at + 1);
            let inner = self.whole(Class::Masked, &pair[value..]);
            edits.extend(inner.into_iter().map(|edit| moved(edit, start + value)));
            start += part.len();
        }
        edits
    }

    /// Returns the edits of a command's parameters: labels or an address, an agent or a widget, or
    /// a widget and tags.
    fn parameters(&self, text: &str) -> Vec<Edit> {
        let trimmed = text.trim();
        if trimmed.starts_with(['{', '[']) {
            return json::masked(self, text);
        }
        if let Some((widget, _)) = text.split_once(" [") {
            let mut edits = self.whole(Class::Id, widget);
            let tags = &text[widget.len()..];
            let inner = self.settled(tags, ReadAs::Words).into_iter();
            edits.extend(inner.map(|edit| moved(edit, widget.len())));
            return edits;
        }
        let is_id = !trimmed.contains(|c: char| c.is_whitespace() || "/:@.?".contains(c));
        if is_id || is_uuid(trimmed) {
            return self.whole(Class::Id, text);
        }
        self.settled(text, ReadAs::Words)
    }
}

pub(super) fn moved(edit: Edit, by: usize) -> Edit {
    Edit { at: edit.at.start + by..edit.at.end + by, ..edit }
}

fn is_json(value: &str) -> bool {
    let value = value.trim();
    (value.starts_with('{') && value.ends_with('}'))
        || (value.starts_with('[') && value.ends_with(']'))
}

/// Returns `true` for several addresses.
fn is_a_list(value: &str) -> bool {
    let mut parts = value.split([',', ';']).map(str::trim);
    value.contains([',', ';']) && parts.all(|part| part.is_empty() || looks::whole(part).is_some())
}

/// Returns `true` for what stands in place of a person or an address that is not known.
fn is_nobody(value: &str) -> bool {
    matches!(value, "visitor" | "unknown" | "Visitor" | "SYSTEM" | "system")
}

fn digits(value: &str) -> usize {
    value.bytes().filter(u8::is_ascii_digit).count()
}

/// Returns what a kind looks like, for people.
pub(super) fn label(kind: PseudonymKind) -> &'static str {
    match kind {
        PseudonymKind::Email => "email address",
        PseudonymKind::Phone => "phone number",
        PseudonymKind::Ipv4 => "IPv4 address",
        PseudonymKind::Ipv6 => "IPv6 address",
        PseudonymKind::Name => "name",
        PseudonymKind::Street => "street address",
        PseudonymKind::Id => "id of a case or a widget",
        PseudonymKind::Card => "card number",
        PseudonymKind::Jwt => "JWT",
        PseudonymKind::Hex => "long hex or a secret in an address",
        PseudonymKind::Masked => "undocumented value",
    }
}

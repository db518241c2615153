//! Legacy XML, read as if it were JSON: an element with children is an object, one of
//! `type="array"` is an array, any other is text. The table of the model does the rest.

mod document;
mod element;

use std::borrow::Cow;
use std::marker::PhantomData;

use serde::de::Visitor;
use serde_json::Value;

use self::document::{Document, Error, Tag};
use self::element::{Children, TEXT};
use super::request::{Language, SupportRequest};
use super::transcript::{Date, TranscriptLine};
use crate::error::DecodeError;
use crate::timestamp::Timestamp;
use crate::wire::charset::{is_windows_1252, utf_8, windows_1252, without_bom};
use crate::wire::decoded::Decoded;
use crate::wire::mend::place_in_utf_8;
use crate::wire::model::{Model, ModelVisitor};

const ROOT: &str = "case";

/// Reads the XML of one support request. `what` is the start of the error's text.
pub(super) fn decode(what: &str, body: &[u8]) -> Result<Decoded<Box<SupportRequest>>, DecodeError> {
    let mut decoded: Decoded<Box<SupportRequest>> = from_xml(what, body)?;
    let request = &mut decoded.model;
    fill_in_times(request);
    request.transcripts.iter_mut().for_each(fill_in_time);
    request.languages.iter_mut().for_each(fill_in_code);
    Ok(decoded)
}

/// Splits the time of creation, one text `created_at` in XML, into the two numbers that JSON has.
fn fill_in_times(request: &mut SupportRequest) {
    let Some(text) = request.extra.get("created_at").and_then(Value::as_str) else { return };
    let Some(created_at) = Timestamp::from_text(text) else { return };
    request.created_at_seconds = Some(created_at.as_millis() / 1000);
    request.created_at_milliseconds = Some(created_at.as_millis() % 1000);
    // In any other form the text says more than the time, such as its zone, and is kept.
    if Timestamp::is_plain(text) {
        request.extra.remove("created_at");
    }
}

/// Splits the time of a line, one text `date` in XML, into the two numbers that JSON has. Java
/// writes dates to the second, so that there are no milliseconds to fill in.
fn fill_in_time(line: &mut TranscriptLine) {
    let Some(time) = line.date.as_ref().and_then(Date::time) else { return };
    if line.date_seconds.is_none() {
        let millis = time.as_millis();
        line.date_seconds = Some(millis / 1000);
        line.date_milliseconds = Some(millis % 1000).filter(|millis| *millis != 0);
    }
}

/// Moves the code of a language to the field JSON has for it: the vendor's page once had it as
/// `<value>`, and has it as bare text beside the name today.
fn fill_in_code(language: &mut Language) {
    for name in ["value", TEXT] {
        let code = language.extra.get(name).and_then(Value::as_str);
        let Some(code) = code.filter(|code| !code.is_empty()) else { continue };
        if language.code.is_none() && !language.extra.contains_key("code") {
            language.code = Some(code.to_owned());
            language.extra.remove(name);
        }
    }
}

fn from_xml<M: Model>(what: &str, body: &[u8]) -> Result<Decoded<M>, DecodeError> {
    let source = Source::of(body);
    let text = &*source.text;
    let document = text.trim_ascii_start();
    let mut reader = Document::new(document);
    match read(&mut reader) {
        Ok(model) => Ok(Decoded { model, has_replacements: source.has_replacements() }),
        Err(error) => {
            let end = text.len() - document.len() + reader.position();
            Err(DecodeError::at(what, error, source.sent_up_to(end)))
        }
    }
}

fn read<M: Model>(document: &mut Document<'_>) -> Result<M, Error> {
    const BEFORE: Error = Error::new("expected the element `case` and nothing before it");
    const AFTER: Error = Error::new("expected nothing after the element `case`");
    let children = match document.next_outside(BEFORE)? {
        Some(Tag { name: ROOT, is_empty, .. }) => Children::of(document, is_empty),
        Some(_) => return Err(BEFORE),
        None => return Err(Error::new("expected the element `case`, found nothing")),
    };
    let model = ModelVisitor(PhantomData).visit_map(children)?;
    match document.next_outside(AFTER)? {
        Some(_) => Err(AFTER),
        None => Ok(model),
    }
}

/// Document as it was sent, and as text.
struct Source<'b> {
    sent: &'b [u8],
    text: Cow<'b, str>,
    is_utf_8: bool,
}

impl<'b> Source<'b> {
    /// Decodes as UTF-8 if there is a byte order mark, else by the declared encoding if it is
    /// supported. Invalid UTF-8 becomes U+FFFD.
    fn of(body: &'b [u8]) -> Self {
        let sent = without_bom(body);
        let has_bom = sent.len() < body.len();
        if !has_bom && declared_encoding(sent).is_some_and(is_windows_1252) {
            return Self { sent, text: windows_1252(sent), is_utf_8: false };
        }
        Self { sent, text: utf_8(sent), is_utf_8: true }
    }

    fn has_replacements(&self) -> bool {
        self.is_utf_8 && matches!(self.text, Cow::Owned(_))
    }

    /// Returns the bytes that were sent up to this place in the text.
    fn sent_up_to(&self, place: usize) -> &'b [u8] {
        let place = if self.is_utf_8 {
            place_in_utf_8(self.sent, place)
        } else {
            self.text.char_indices().take_while(|(start, _)| *start < place).count()
        };
        &self.sent[..place.min(self.sent.len())]
    }
}

/// Returns the encoding in `<?xml version="1.0" encoding="..."?>`, which is in ASCII whatever it
/// names.
fn declared_encoding(body: &[u8]) -> Option<&[u8]> {
    let body = body.trim_ascii_start().strip_prefix(b"<?xml")?;
    let declaration = &body[..memchr::memchr(b'>', body)?];
    let start = memchr::memmem::find(declaration, b"encoding")? + b"encoding".len();
    let value = declaration[start..].trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
    let (quote, value) = value.split_first()?;
    Some(&value[..memchr::memchr(*quote, value)?])
}

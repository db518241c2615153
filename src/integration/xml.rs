//! Legacy XML, read as if it were JSON: an element with children is an object, one of `type="array"`
//! is an array, any other is text. The table of the model does the rest.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::reader::Reader;
use serde::de::value::{BorrowedStrDeserializer, CowStrDeserializer};
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::Value;

use super::request::{Language, SupportRequest};
use super::requester::RequesterDetails;
use super::transcript::{Date, TranscriptLine};
use crate::error::DecodeError;
use crate::timestamp::Timestamp;
use crate::wire::charset::{is_windows_1252, windows_1252};
use crate::wire::json::{self, Decoded};
use crate::wire::mend::{place_in_utf_8, utf_8};
use crate::wire::model::{Model, ModelVisitor};

const ROOT: &str = "case";
const MAX_DEPTH: usize = 128;

/// The name under which an element's own text is found beside its children.
const TEXT: &str = "$text";

/// Ids, names, addresses and the like, which neither start nor end with white space.
const TOKENS: &[&str] = &[
    "alias",
    "chat_agent_id",
    "chat_ended_by",
    "code",
    "country_code",
    "created_at",
    "date",
    "email",
    "id",
    "ip_address",
    "language_code",
    "page_url",
    "requested_by",
    "sender",
    "type",
    "url",
    "widget_id",
];

/// Reads the XML of one support request. `what` is the start of the error's text.
pub(super) fn decode(what: &str, body: &[u8]) -> Result<Decoded<Box<SupportRequest>>, DecodeError> {
    let mut decoded: Decoded<Box<SupportRequest>> = from_xml(what, body)?;
    let request = &mut decoded.model;
    fill_in_times(request);
    request.transcripts.iter_mut().for_each(fill_in_time);
    request.languages.iter_mut().for_each(fill_in_code);
    Ok(decoded)
}

/// Whether an element is an array, even without `type="array"`: the tables of the models have lists of
/// these names.
fn is_list(name: &str) -> bool {
    SupportRequest::is_list(name) || RequesterDetails::is_list(name)
}

/// Puts the time of creation, one text `created_at` in XML, into the two numbers that JSON has.
fn fill_in_times(request: &mut SupportRequest) {
    let Some(text) = request.extra.get("created_at").and_then(Value::as_str) else { return };
    let Some(created_at) = Timestamp::from_text(text) else { return };
    request.created_at_seconds = Some(created_at.as_millis() / 1000);
    request.created_at_milliseconds = Some(created_at.as_millis() % 1000);
    // In another form the text says more than the time, its zone for one, and is kept.
    if Timestamp::is_plain(text) {
        request.extra.remove("created_at");
    }
}

/// Puts the time of a line, one text `date` in XML, into the two numbers that JSON has. As Java writes
/// dates they are to the second, so that there are no milliseconds to tell.
fn fill_in_time(line: &mut TranscriptLine) {
    let Some(time) = line.date.as_ref().and_then(Date::time) else { return };
    if line.date_seconds.is_none() {
        let millis = time.as_millis();
        line.date_seconds = Some(millis / 1000);
        line.date_milliseconds = Some(millis % 1000).filter(|millis| *millis != 0);
    }
}

/// Puts the code of a language where JSON has it: the vendor's page once had it as `<value>`, and has it
/// as bare text beside the name today.
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
    match reader.read() {
        Ok(model) => Ok(Decoded { model, has_replacements: source.has_replacements() }),
        Err(error) => {
            let end = text.len() - document.len() + offset(reader.reader.buffer_position());
            Err(DecodeError::at(what, error, source.sent_up_to(end)))
        }
    }
}

/// A document as it was sent, and as text.
struct Source<'b> {
    sent: &'b [u8],
    text: Cow<'b, str>,
    is_utf_8: bool,
}

impl<'b> Source<'b> {
    /// UTF-8 where it starts with a byte order mark, else what it says it is, where that is known
    /// here. What is no UTF-8 becomes U+FFFD.
    fn of(body: &'b [u8]) -> Self {
        let sent = json::without_bom(body);
        let has_bom = sent.len() < body.len();
        if !has_bom && declared_encoding(sent).is_some_and(is_windows_1252) {
            return Self { sent, text: windows_1252(sent), is_utf_8: false };
        }
        Self { sent, text: utf_8(sent), is_utf_8: true }
    }

    fn has_replacements(&self) -> bool {
        self.is_utf_8 && matches!(self.text, Cow::Owned(_))
    }

    /// What was sent up to this place in the text.
    fn sent_up_to(&self, place: usize) -> &'b [u8] {
        let place = if self.is_utf_8 {
            place_in_utf_8(self.sent, place)
        } else {
            self.text.char_indices().take_while(|(start, _)| *start < place).count()
        };
        &self.sent[..place.min(self.sent.len())]
    }
}

/// The encoding in `<?xml version="1.0" encoding="..."?>`, which is in ASCII whatever it says.
fn declared_encoding(body: &[u8]) -> Option<&[u8]> {
    let body = body.trim_ascii_start().strip_prefix(b"<?xml")?;
    let declaration = &body[..memchr::memchr(b'>', body)?];
    let start = memchr::memmem::find(declaration, b"encoding")? + b"encoding".len();
    let value = declaration[start..].trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
    let (quote, value) = value.split_first()?;
    Some(&value[..memchr::memchr(*quote, value)?])
}

struct Document<'a> {
    reader: Reader<&'a [u8]>,
    text: &'a str,
    /// Line ends are told apart only where there are any but `\n`.
    has_returns: bool,
    depth: usize,
}

/// The start of an element.
#[derive(Clone, Copy)]
struct Tag<'a> {
    name: &'a str,
    is_array: bool,
    is_empty: bool,
}

impl<'a> Document<'a> {
    fn new(text: &'a str) -> Self {
        let mut reader = Reader::from_str(text);
        reader.config_mut().check_comments = true;
        reader.config_mut().trim_text_start = true;
        let has_returns = memchr::memchr(b'\r', text.as_bytes()).is_some();
        Self { reader, text, has_returns, depth: 0 }
    }

    fn read<M: Model>(&mut self) -> Result<M, Error> {
        const BEFORE: Error = Error::new("expected the element `case` and nothing before it");
        const AFTER: Error = Error::new("expected nothing after the element `case`");
        let children = match self.next_outside(BEFORE)? {
            Some(Tag { name: ROOT, is_empty, .. }) => Children::of(self, is_empty),
            Some(_) => return Err(BEFORE),
            None => return Err(Error::new("expected the element `case`, found nothing")),
        };
        let model = ModelVisitor(PhantomData).visit_map(children)?;
        match self.next_outside(AFTER)? {
            Some(_) => Err(AFTER),
            None => Ok(model),
        }
    }

    /// The next element outside the root, or `None` at the end of the document.
    fn next_outside(&mut self, misplaced: Error) -> Result<Option<Tag<'a>>, Error> {
        loop {
            let is_at_start = self.reader.buffer_position() == 0;
            match self.next_event()? {
                Event::Start(tag) => return self.tag(&tag, false).map(Some),
                Event::Empty(tag) => return self.tag(&tag, true).map(Some),
                Event::Eof => return Ok(None),
                Event::Comment(_) | Event::PI(_) => {}
                Event::Decl(_) if is_at_start => {}
                Event::Decl(_) => return Err(Error::LATE_DECLARATION),
                Event::DocType(_) => return Err(Error::DOCTYPE),
                Event::Text(text) if is_white_space(&text) => {}
                Event::Text(_) => return Err(misplaced),
                Event::CData(_) | Event::GeneralRef(_) | Event::End(_) => {
                    return Err(Error::new("text outside the element `case`"));
                }
            }
        }
    }

    /// The next element in this one, or `None` at its end. Text on the way there is pushed.
    fn next_inside(&mut self, text: &mut Text<'a>) -> Result<Option<Tag<'a>>, Error> {
        loop {
            match self.next_event()? {
                Event::Text(piece) => text.push(self.content(piece.len(), 0)?),
                Event::End(_) => {
                    self.depth -= 1;
                    self.skip_white_space(true);
                    return Ok(None);
                }
                Event::Start(tag) => return self.tag(&tag, false).map(Some),
                Event::Empty(tag) => return self.tag(&tag, true).map(Some),
                Event::CData(piece) => text.push_cdata(self.content(piece.len(), "]]>".len())?),
                Event::GeneralRef(reference) => text.push_reference(self.character(&reference)?),
                Event::Comment(_) | Event::PI(_) => {}
                Event::Eof => return Err(Error::new("the XML ends too early")),
                Event::Decl(_) => return Err(Error::LATE_DECLARATION),
                Event::DocType(_) => return Err(Error::DOCTYPE),
            }
        }
    }

    /// What a reference stands for: a character, or with the next one the halves of a surrogate pair,
    /// as Java writes them that knows no other characters.
    fn character(&mut self, reference: &BytesRef<'_>) -> Result<Cow<'static, str>, Error> {
        let Some(high @ 0xd800..=0xdbff) = number(reference) else {
            return resolve(reference);
        };
        let low = match self.next_event()? {
            Event::GeneralRef(low) => number(&low).ok_or(Error::MALFORMED_REFERENCE)?,
            _ => return Err(Error::MALFORMED_REFERENCE),
        };
        String::from_utf16(&[high, low]).map(Cow::Owned).map_err(|_| Error::MALFORMED_REFERENCE)
    }

    fn next_event(&mut self) -> Result<Event<'a>, Error> {
        self.reader.read_event().map_err(|error| Error::from_xml(&error))
    }

    fn tag(&mut self, tag: &BytesStart<'a>, is_empty: bool) -> Result<Tag<'a>, Error> {
        if self.depth == MAX_DEPTH {
            return Err(Error::new("nested deeper than 128"));
        }
        if !is_empty {
            self.depth += 1;
        }
        let is_array = is_array(tag)?;
        self.skip_white_space(is_empty || is_array || self.depth == 1);
        let name = self.part(tag.len(), if is_empty { "/>".len() } else { ">".len() })?;
        let name = name.get(..tag.name().as_ref().len()).unwrap_or_default();
        if name.is_empty() {
            return Err(Error::new("element without a name"));
        }
        Ok(Tag { name, is_array, is_empty })
    }

    /// White space after a start tag may be an element's text; elsewhere it is only layout.
    fn skip_white_space(&mut self, skip: bool) {
        self.reader.config_mut().trim_text_start = skip;
    }

    /// The part of the document that was read last, which had so many bytes before its end mark.
    /// The reader has it as bytes, and here it is known to be UTF-8.
    fn part(&self, length: usize, end_mark: usize) -> Result<&'a str, Error> {
        let end = offset(self.reader.buffer_position()).checked_sub(end_mark);
        let range = end.and_then(|end| Some(end.checked_sub(length)?..end));
        range.and_then(|range| self.text.get(range)).ok_or(Error::new("malformed XML"))
    }

    fn content(&self, length: usize, end_mark: usize) -> Result<Cow<'a, str>, Error> {
        let content = self.part(length, end_mark)?;
        if self.has_returns {
            return Ok(Cow::Owned(content.replace("\r\n", "\n").replace('\r', "\n")));
        }
        Ok(Cow::Borrowed(content))
    }
}

fn is_array(tag: &BytesStart<'_>) -> Result<bool, Error> {
    match tag.attributes_raw() {
        b"" | b" type=\"datetime\"" | b" type=\"integer\"" => return Ok(false),
        b" type=\"array\"" => return Ok(true),
        _ => {}
    }
    let mut is_array = false;
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(|_| Error::new("malformed attribute"))?;
        is_array |= attribute.key.as_ref() == b"type" && &*attribute.value == b"array";
    }
    Ok(is_array)
}

fn offset(position: u64) -> usize {
    usize::try_from(position).unwrap_or(usize::MAX)
}

fn is_white_space(text: &[u8]) -> bool {
    text.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'))
}

/// The text of an element, without the white space around it where that can be only layout.
fn without_layout<'t>(name: &str, text: &'t str) -> &'t str {
    let may_be_layout = |end: Option<&u8>| end.is_some_and(|byte| *byte <= b' ');
    let bytes = text.as_bytes();
    if (may_be_layout(bytes.first()) || may_be_layout(bytes.last())) && TOKENS.contains(&name) {
        return text.trim_ascii();
    }
    text
}

/// What one of the five predefined entities or a character reference stands for.
fn resolve(reference: &BytesRef<'_>) -> Result<Cow<'static, str>, Error> {
    let character = reference.resolve_char_ref();
    if let Some(character) = character.map_err(|_| Error::MALFORMED_REFERENCE)? {
        return Ok(Cow::Owned(character.to_string()));
    }
    Ok(Cow::Borrowed(match &**reference {
        b"amp" => "&",
        b"lt" => "<",
        b"gt" => ">",
        b"quot" => "\"",
        b"apos" => "'",
        _ => return Err(Error::new("unknown entity")),
    }))
}

/// The number of a character reference, where it is one of a UTF-16 unit.
fn number(reference: &[u8]) -> Option<u16> {
    let digits = str::from_utf8(reference).ok()?.strip_prefix('#')?;
    let (digits, radix) = digits.strip_prefix('x').map_or((digits, 10), |digits| (digits, 16));
    u16::from_str_radix(digits, radix).ok().filter(|_| !digits.starts_with('+'))
}

/// Text in pieces; the first is borrowed, since it is seldom followed by another.
#[derive(Default)]
struct Text<'a> {
    text: Cow<'a, str>,
    has_cdata: bool,
    /// Where the text after the last CDATA section starts.
    tail: usize,
    /// Whether there is a reference in that text.
    has_reference: bool,
}

impl<'a> Text<'a> {
    fn push(&mut self, piece: Cow<'a, str>) {
        if self.text.is_empty() {
            self.text = piece;
        } else {
            self.text.to_mut().push_str(&piece);
        }
    }

    /// Text that is more than layout, whatever it is.
    fn push_reference(&mut self, character: Cow<'a, str>) {
        self.has_reference = true;
        self.push(character);
    }

    fn push_cdata(&mut self, piece: Cow<'a, str>) {
        if self.text.len() > self.tail {
            self.drop_layout();
        }
        self.has_cdata = true;
        self.push(piece);
        self.tail = self.text.len();
        self.has_reference = false;
    }

    /// White space alone before, between and after CDATA sections is there for the eye: Java 9 to 13
    /// put each section on a line of its own, indented.
    fn drop_layout(&mut self) {
        if self.has_reference || !is_white_space(&self.text.as_bytes()[self.tail..]) {
            return;
        }
        match &mut self.text {
            Cow::Borrowed(text) => *text = &text[..self.tail],
            Cow::Owned(text) => text.truncate(self.tail),
        }
    }

    fn take(&mut self) -> Cow<'a, str> {
        if self.has_cdata && self.text.len() > self.tail {
            self.drop_layout();
        }
        std::mem::take(&mut self.text)
    }
}

/// An element whose start was read.
struct Element<'d, 'a> {
    document: &'d mut Document<'a>,
    tag: Tag<'a>,
}

impl<'a> Deserializer<'a> for Element<'_, 'a> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        let Tag { name, is_array, is_empty } = self.tag;
        let mut children = Children::of(self.document, is_empty);
        children.first = children.next_tag()?;
        if children.first.is_some() {
            return if is_array || is_list(name) {
                visitor.visit_seq(children)
            } else {
                visitor.visit_map(children)
            };
        }
        match children.text.take() {
            Cow::Borrowed(text) => visitor.visit_borrowed_str(without_layout(name, text)),
            Cow::Owned(text) => visitor.visit_str(without_layout(name, &text)),
        }
    }

    forward_to_deserialize_any! {
        <V: Visitor<'a>>
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// What stands in an element: elements, and text around them.
struct Children<'d, 'a> {
    document: &'d mut Document<'a>,
    /// The first child, where it was read to see that there is one.
    first: Option<Tag<'a>>,
    /// The child whose name was told and whose value was not.
    current: Option<Tag<'a>>,
    text: Text<'a>,
    is_over: bool,
}

impl<'d, 'a> Children<'d, 'a> {
    fn of(document: &'d mut Document<'a>, is_empty: bool) -> Self {
        Self { document, first: None, current: None, text: Text::default(), is_over: is_empty }
    }

    fn next_tag(&mut self) -> Result<Option<Tag<'a>>, Error> {
        if self.first.is_some() {
            return Ok(self.first.take());
        }
        if self.is_over {
            return Ok(None);
        }
        let tag = self.document.next_inside(&mut self.text)?;
        self.is_over = tag.is_none();
        Ok(tag)
    }

    /// The text around the elements, once, if there is more than white space.
    fn left_text(&mut self) -> Option<Cow<'a, str>> {
        let text = self.text.take();
        (!is_white_space(text.as_bytes())).then(|| match text {
            Cow::Borrowed(text) => Cow::Borrowed(text.trim_ascii()),
            Cow::Owned(text) => Cow::Owned(text.trim_ascii().to_owned()),
        })
    }
}

impl<'a> MapAccess<'a> for Children<'_, 'a> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'a>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        self.current = self.next_tag()?;
        let name = match self.current {
            Some(tag) => tag.name,
            None if is_white_space(self.text.text.as_bytes()) => return Ok(None),
            None => TEXT,
        };
        seed.deserialize(BorrowedStrDeserializer::new(name)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'a>>(&mut self, seed: V) -> Result<V::Value, Error> {
        match self.current.take() {
            Some(tag) => seed.deserialize(Element { document: self.document, tag }),
            None => seed.deserialize(CowStrDeserializer::new(self.left_text().unwrap_or_default())),
        }
    }
}

impl<'a> SeqAccess<'a> for Children<'_, 'a> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'a>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        if let Some(tag) = self.next_tag()? {
            return seed.deserialize(Element { document: self.document, tag }).map(Some);
        }
        let text = self.left_text().map(|text| seed.deserialize(CowStrDeserializer::new(text)));
        text.transpose()
    }
}

/// What is wrong with a document, with nothing of the document in it.
#[derive(Debug)]
struct Error(Cow<'static, str>);

impl Error {
    const DOCTYPE: Self = Self::new("DOCTYPE is not accepted");
    const MALFORMED_REFERENCE: Self = Self::new("malformed character reference");
    const LATE_DECLARATION: Self = Self::new("XML declaration in the middle");

    const fn new(problem: &'static str) -> Self {
        Self(Cow::Borrowed(problem))
    }

    fn from_xml(error: &quick_xml::Error) -> Self {
        use quick_xml::errors::{Error as Xml, IllFormedError as IllFormed};

        Self::new(match error {
            Xml::Syntax(_) => "the XML ends too early, or is malformed",
            Xml::IllFormed(IllFormed::MismatchedEndTag { .. } | IllFormed::UnmatchedEndTag(_)) => {
                "end tag without its start tag"
            }
            Xml::IllFormed(IllFormed::DoubleHyphenInComment) => "`--` in a comment",
            Xml::IllFormed(IllFormed::UnclosedReference) => "`&` without `;`",
            _ => "malformed XML",
        })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

impl de::Error for Error {
    fn custom<T: fmt::Display>(problem: T) -> Self {
        Self(problem.to_string().into())
    }
}

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

use crate::error::DecodeError;
use crate::json;
use crate::lenient::{Model, ModelVisitor};

const ROOT: &str = "case";
const MAX_DEPTH: usize = 128;

/// The name under which an element's own text is found beside its children.
const TEXT: &str = "$text";

/// Arrays, with or without `type="array"`.
const ARRAYS: &[&str] = &[
    "avatars",
    "emails",
    "javascript_variables",
    "labels",
    "languages",
    "operator_variables",
    "other_data",
    "phones",
    "plugins",
    "social_profile_links",
    "transcripts",
];

/// Reads one XML document. `what` is the start of the error's text.
pub(super) fn from_xml<M: Model>(what: &str, body: &[u8]) -> Result<M, DecodeError> {
    let text = decode(what, body)?;
    let document = text.trim_ascii_start();
    let mut reader = Document::new(document);
    reader.read().map_err(|error| {
        let end = text.len() - document.len() + offset(reader.reader.buffer_position());
        DecodeError::at(what, error, &text.as_bytes()[..end.min(text.len())])
    })
}

/// The document as text, whichever of the two encodings it says it is in.
fn decode<'a>(what: &str, body: &'a [u8]) -> Result<Cow<'a, str>, DecodeError> {
    match declared_encoding(json::without_bom(body)) {
        Some(name) if is_one_of(name, &["iso-8859-1", "latin1", "iso_8859-1"]) => {
            Ok(json::without_bom(body).iter().copied().map(char::from).collect::<String>().into())
        }
        Some(name) if !is_one_of(name, &["utf-8", "utf8", "us-ascii"]) => {
            Err(DecodeError::new(what, "expected the encoding UTF-8 or ISO-8859-1"))
        }
        _ => json::text(what, body).map(Cow::Borrowed),
    }
}

fn is_one_of(name: &[u8], names: &[&str]) -> bool {
    names.iter().any(|known| name.eq_ignore_ascii_case(known.as_bytes()))
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
    depth: usize,
}

/// A part of a document, as far as it matters here.
enum Part<'a> {
    Start(Tag<'a>),
    Text(Cow<'a, str>),
    End,
    Eof,
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
        Self { reader, text, depth: 0 }
    }

    fn read<M: Model>(&mut self) -> Result<M, Error> {
        let children = match self.next_outside()? {
            Part::Start(Tag { name: ROOT, is_empty, .. }) => Children::of(self, is_empty),
            Part::Eof => return Err(Error::new("expected the element `case`, found nothing")),
            _ => return Err(Error::new("expected the element `case` and nothing before it")),
        };
        let model = ModelVisitor(PhantomData).visit_map(children)?;
        match self.next_outside()? {
            Part::Eof => Ok(model),
            _ => Err(Error::new("expected nothing after the element `case`")),
        }
    }

    /// The next part outside the root, where only white space may stand.
    fn next_outside(&mut self) -> Result<Part<'a>, Error> {
        loop {
            match self.next()? {
                Part::Text(text) if is_white_space(&text) => {}
                part => return Ok(part),
            }
        }
    }

    fn next(&mut self) -> Result<Part<'a>, Error> {
        loop {
            let start = self.reader.buffer_position();
            let event = self.reader.read_event().map_err(|error| Error::from_xml(&error))?;
            return Ok(match event {
                Event::Start(tag) => self.start(&tag, start, false)?,
                Event::Empty(tag) => self.start(&tag, start, true)?,
                Event::End(_) => {
                    self.depth -= 1;
                    Part::End
                }
                Event::Text(text) => Part::Text(text.xml10_content()),
                Event::CData(_) | Event::GeneralRef(_) if self.depth == 0 => {
                    return Err(Error::new("text outside the element `case`"));
                }
                Event::CData(text) => Part::Text(text.xml10_content()),
                Event::GeneralRef(reference) => Part::Text(resolve(&reference)?),
                Event::Comment(_) | Event::PI(_) => continue,
                Event::Decl(_) if start == 0 => continue,
                Event::Decl(_) => return Err(Error::new("XML declaration in the middle")),
                Event::DocType(_) => return Err(Error::new("DOCTYPE is not accepted")),
                Event::Eof if self.depth > 0 => return Err(Error::new("the XML ends too early")),
                Event::Eof => Part::Eof,
            });
        }
    }

    /// `start` is where the tag's `<` is.
    fn start(
        &mut self,
        tag: &BytesStart<'a>,
        start: u64,
        is_empty: bool,
    ) -> Result<Part<'a>, Error> {
        if self.depth == MAX_DEPTH {
            return Err(Error::new("nested deeper than 128"));
        }
        if !is_empty {
            self.depth += 1;
        }
        let mut is_array = false;
        for attribute in tag.attributes() {
            let attribute = attribute.map_err(|_| Error::new("malformed attribute"))?;
            is_array |= attribute.key.as_ref() == "type" && &*attribute.value == "array";
        }
        let start = offset(start) + 1;
        let name = self.text.get(start..start + tag.name().as_ref().len()).unwrap_or_default();
        if name.is_empty() {
            return Err(Error::new("element without a name"));
        }
        Ok(Part::Start(Tag { name, is_array: is_array || ARRAYS.contains(&name), is_empty }))
    }
}

fn offset(position: u64) -> usize {
    usize::try_from(position).unwrap_or(usize::MAX)
}

fn is_white_space(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'))
}

/// What one of the five predefined entities or a character reference stands for.
fn resolve(reference: &BytesRef<'_>) -> Result<Cow<'static, str>, Error> {
    let malformed = || Error::new("malformed character reference");
    if let Some(character) = reference.resolve_char_ref().map_err(|_| malformed())? {
        return Ok(Cow::Owned(character.to_string()));
    }
    Ok(Cow::Borrowed(match &**reference {
        "amp" => "&",
        "lt" => "<",
        "gt" => ">",
        "quot" => "\"",
        "apos" => "'",
        _ => return Err(Error::new("unknown entity")),
    }))
}

/// Text in pieces; the first is borrowed, since it is seldom followed by another.
#[derive(Default)]
struct Text<'a>(Cow<'a, str>);

impl<'a> Text<'a> {
    fn push(&mut self, piece: Cow<'a, str>) {
        if self.0.is_empty() {
            self.0 = piece;
        } else {
            self.0.to_mut().push_str(&piece);
        }
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
        let mut children = Children::of(self.document, self.tag.is_empty);
        children.first = children.next_tag()?;
        if children.first.is_none() {
            return match children.text.0 {
                Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
                Cow::Owned(text) => visitor.visit_string(text),
            };
        }
        if self.tag.is_array { visitor.visit_seq(children) } else { visitor.visit_map(children) }
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
        while !self.is_over {
            match self.document.next()? {
                Part::Start(tag) => return Ok(Some(tag)),
                Part::Text(text) => self.text.push(text),
                Part::End | Part::Eof => self.is_over = true,
            }
        }
        Ok(None)
    }

    /// The text around the elements, once, if there is more than white space.
    fn left_text(&mut self) -> Option<Cow<'a, str>> {
        let Text(text) = std::mem::take(&mut self.text);
        (!is_white_space(&text)).then(|| match text {
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
            None if is_white_space(&self.text.0) => return Ok(None),
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
    fn new(problem: &'static str) -> Self {
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

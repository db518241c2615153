//! Document, read element by element.

use std::borrow::Cow;
use std::fmt;

use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::reader::Reader;
use serde::de;

// The depth serde_json allows for JSON: elements are read by recursion, and deeper ones would use
// up the stack.
const MAX_DEPTH: usize = 128;

pub(super) struct Document<'a> {
    reader: Reader<&'a [u8]>,
    text: &'a str,
    /// `true` if there is any `\r`: only then are line ends normalized.
    has_returns: bool,
    depth: usize,
}

/// Start of an element.
#[derive(Clone, Copy)]
pub(super) struct Tag<'a> {
    pub(super) name: &'a str,
    pub(super) is_array: bool,
    pub(super) is_empty: bool,
}

impl<'a> Document<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let mut reader = Reader::from_str(text);
        reader.config_mut().check_comments = true;
        reader.config_mut().trim_text_start = true;
        let has_returns = memchr::memchr(b'\r', text.as_bytes()).is_some();
        Self { reader, text, has_returns, depth: 0 }
    }

    /// Returns the position up to which the document was read.
    #[inline]
    pub(super) fn position(&self) -> usize {
        offset(self.reader.buffer_position())
    }

    /// Reads the next element outside the root, or `None` at the end of the document.
    pub(super) fn next_outside(&mut self, misplaced: Error) -> Result<Option<Tag<'a>>, Error> {
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

    /// Reads the next element in this one, or `None` at its end. Text on the way there is pushed.
    #[inline]
    pub(super) fn next_inside(
        &mut self,
        text: &mut CharacterData<'a>,
    ) -> Result<Option<Tag<'a>>, Error> {
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

    /// Resolves a reference to a character, or together with the next one, the halves of a
    /// surrogate pair, as Java writes characters beyond 16 bits.
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

    /// Skips white space or keeps it: after a start tag it may be an element's text, elsewhere it
    /// is only layout.
    fn skip_white_space(&mut self, skip: bool) {
        self.reader.config_mut().trim_text_start = skip;
    }

    /// Returns the part of the document that was read last, which had so many bytes before its end
    /// mark. The reader has it as bytes, and here it is known to be UTF-8.
    fn part(&self, length: usize, end_mark: usize) -> Result<&'a str, Error> {
        let end = self.position().checked_sub(end_mark);
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
    // The attributes that SnapEngage writes are compared as raw bytes, which saves parsing them.
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

pub(super) fn is_white_space(text: &[u8]) -> bool {
    text.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'))
}

/// Resolves one of the five predefined entities or a character reference.
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

/// Returns the number of a character reference, if it is one of a UTF-16 unit.
fn number(reference: &[u8]) -> Option<u16> {
    let digits = str::from_utf8(reference).ok()?.strip_prefix('#')?;
    let (digits, radix) = digits.strip_prefix('x').map_or((digits, 10), |digits| (digits, 16));
    u16::from_str_radix(digits, radix).ok().filter(|_| !digits.starts_with('+'))
}

/// Text of an element, in pieces; the first is borrowed, since it is seldom followed by another.
#[derive(Default)]
pub(super) struct CharacterData<'a> {
    text: Cow<'a, str>,
    has_cdata: bool,
    /// Start of the text after the last CDATA section.
    tail: usize,
    /// `true` if there is a reference in that text.
    has_reference: bool,
}

impl<'a> CharacterData<'a> {
    pub(super) fn as_bytes(&self) -> &[u8] {
        self.text.as_bytes()
    }

    fn push(&mut self, piece: Cow<'a, str>) {
        if self.text.is_empty() {
            self.text = piece;
        } else {
            self.text.to_mut().push_str(&piece);
        }
    }

    /// Pushes text that is more than layout, whatever it is.
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

    /// Drops white space alone before, between and after CDATA sections: Java 9 to 13 put each
    /// section on a line of its own, indented.
    fn drop_layout(&mut self) {
        if self.has_reference || !is_white_space(&self.text.as_bytes()[self.tail..]) {
            return;
        }
        match &mut self.text {
            Cow::Borrowed(text) => *text = &text[..self.tail],
            Cow::Owned(text) => text.truncate(self.tail),
        }
    }

    pub(super) fn take(&mut self) -> Cow<'a, str> {
        if self.has_cdata && self.text.len() > self.tail {
            self.drop_layout();
        }
        std::mem::take(&mut self.text)
    }
}

/// Flaw of a document, described without its content.
#[derive(Debug)]
pub(super) struct Error(Cow<'static, str>);

impl Error {
    const DOCTYPE: Self = Self::new("DOCTYPE is not accepted");
    const MALFORMED_REFERENCE: Self = Self::new("malformed character reference");
    const LATE_DECLARATION: Self = Self::new("XML declaration in the middle");

    pub(super) const fn new(problem: &'static str) -> Self {
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

//! XML, whole or broken: where its texts and attributes stand, and what they are.

use std::ops::Range;

use super::fields::{Class, Holding, Shape};
use super::json::BodyPiece;
use super::view::Coding;

/// Reports the pieces of XML, in their order. Nothing is refused: what is no markup is text.
pub(super) fn walk(text: &str, root: Holding, visit: &mut dyn FnMut(BodyPiece)) {
    XmlWalk { text, root, stack: Vec::new(), too_deep: 0, visit }.run();
}

struct XmlWalk<'t, 'v> {
    text: &'t str,
    root: Holding,
    stack: Vec<OpenElement>,
    /// Levels beyond the deepest that is followed.
    too_deep: usize,
    visit: &'v mut dyn FnMut(BodyPiece),
}

struct OpenElement {
    field: Holding,
    kind: ValueKind,
}

/// Type of an element, by its attribute `type`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ValueKind {
    Text,
    Number,
    Time,
}

const DEEPEST: usize = 128;

impl XmlWalk<'_, '_> {
    fn run(mut self) {
        let mut at = 0;
        while at < self.text.len() {
            let rest = &self.text[at..];
            let (length, handle): (usize, fn(&mut Self, Range<usize>)) =
                if rest.starts_with("<![CDATA[") {
                    (until(rest, "]]>"), Self::cdata)
                } else if rest.starts_with("<!--") {
                    (until(rest, "-->"), Self::other)
                } else if rest.starts_with("<?") {
                    (until(rest, "?>"), Self::other)
                } else if rest.starts_with("<!") {
                    (until(rest, ">"), Self::other)
                } else if is_tag(rest) {
                    (tag_length(rest), Self::tag)
                } else {
                    let first = rest.chars().next().map_or(1, char::len_utf8);
                    let next = rest[first..].find('<').map_or(rest.len(), |at| first + at);
                    (next, Self::characters)
                };
            handle(&mut self, at..at + length);
            at += length;
        }
    }

    fn cdata(&mut self, at: Range<usize>) {
        let start = at.start + "<![CDATA[".len();
        let end = if self.text[at.clone()].ends_with("]]>") { at.end - 3 } else { at.end };
        self.value(start.min(end)..end, Coding::Plain);
    }

    /// Comments, instructions and declarations: looked through.
    fn other(&mut self, at: Range<usize>) {
        (self.visit)(BodyPiece::new(at, Coding::Xml, Class::Scan));
    }

    fn characters(&mut self, at: Range<usize>) {
        self.value(at, Coding::Xml);
    }

    fn value(&mut self, at: Range<usize>, coding: Coding) {
        let value = self.text[at.clone()].trim();
        if value.is_empty() {
            return;
        }
        let class = match self.stack.last() {
            _ if self.too_deep > 0 => Class::Masked,
            // The code of a language may stand beside its name.
            Some(OpenElement { field: Holding::Object(Shape::Language), .. }) => Class::Scan,
            Some(element) => match (element.field.class(), element.kind) {
                (Class::Masked, ValueKind::Time) => Class::Scan,
                (Class::Masked, ValueKind::Number) if is_plain(value) => {
                    let piece = BodyPiece::new(at, Coding::Plain, Class::Masked);
                    return (self.visit)(BodyPiece { is_number: true, ..piece });
                }
                (class, _) => class,
            },
            None => Class::Scan,
        };
        (self.visit)(BodyPiece::new(at, coding, class));
    }

    fn tag(&mut self, at: Range<usize>) {
        let tag = &self.text[at.clone()];
        if tag.starts_with("</") {
            if self.too_deep > 0 {
                self.too_deep -= 1;
            } else {
                self.stack.pop();
            }
            return;
        }
        let inner = tag[1..].trim_end_matches('>').trim_end_matches('/');
        let name = &inner[..inner.find(is_space).unwrap_or(inner.len())];
        let field = self.child(name);
        let mut kind = ValueKind::Text;
        let start = at.start + 1 + name.len();
        for (name, value) in attributes(self.text, start..at.start + 1 + inner.len()) {
            let attribute = &self.text[name.clone()];
            if attribute == "type" {
                kind = kind_of_value(&self.text[value.clone()]);
            }
            let class = attribute_class(field, attribute);
            (self.visit)(BodyPiece::new(name, Coding::Xml, Class::Scan));
            (self.visit)(BodyPiece::new(value, Coding::Xml, class));
        }
        if tag.ends_with("/>") {
            return;
        }
        if self.stack.len() >= DEEPEST || self.too_deep > 0 {
            self.too_deep += 1;
        } else {
            self.stack.push(OpenElement { field, kind });
        }
    }

    fn child(&self, name: &str) -> Holding {
        let name = name.rsplit(':').next().unwrap_or(name);
        match self.stack.last() {
            _ if self.too_deep > 0 => Holding::Value(Class::Masked),
            Some(OpenElement { field: Holding::Object(shape), .. }) => shape.field(name),
            Some(OpenElement { field: Holding::List(shape), .. }) => Holding::Object(*shape),
            Some(element) => element.field,
            None => self.root,
        }
    }
}

fn attribute_class(field: Holding, name: &str) -> Class {
    let is_of_xml = matches!(name, "type" | "nil") || name.starts_with("xml") || name.contains(':');
    match field {
        _ if is_of_xml => Class::Scan,
        Holding::Object(shape) => shape.field(name).class(),
        Holding::Value(Class::Id | Class::Scan | Class::Versions) => Class::Masked,
        Holding::Value(class) => class,
        Holding::List(_) => Class::Masked,
    }
}

fn kind_of_value(name: &str) -> ValueKind {
    match name {
        "integer" | "float" | "decimal" | "double" | "boolean" => ValueKind::Number,
        "datetime" | "date" => ValueKind::Time,
        _ => ValueKind::Text,
    }
}

fn is_plain(value: &str) -> bool {
    matches!(value, "true" | "false")
        || value.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'.'))
}

fn is_tag(text: &str) -> bool {
    let name = text.strip_prefix("</").or(text.strip_prefix('<'));
    name.is_some_and(|name| name.starts_with(|c: char| c.is_alphabetic() || c == '_'))
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\n' | '\r' | '\t')
}

/// Returns the length up to and with this end, or of all there is.
fn until(text: &str, end: &str) -> usize {
    memchr::memmem::find(text.as_bytes(), end.as_bytes()).map_or(text.len(), |at| at + end.len())
}

/// Returns the length of a tag. A `>` within the quotes of an attribute does not end it.
fn tag_length(text: &str) -> usize {
    let mut quote = None;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match (byte, quote) {
            (b'"' | b'\'', None) if text.as_bytes()[at - 1] == b'=' => quote = Some(byte),
            (_, Some(open)) if byte == open => quote = None,
            (b'>', None) => return at + 1,
            // A tag that is not closed is text from here on.
            (b'<', None) => return at,
            _ => {}
        }
    }
    text.len()
}

/// Returns the places of names and values of attributes.
fn attributes(text: &str, tag: Range<usize>) -> Vec<(Range<usize>, Range<usize>)> {
    let bytes = text.as_bytes();
    let mut attributes = Vec::new();
    let mut at = tag.start;
    while at < tag.end {
        let Some(equals) = memchr::memchr(b'=', &bytes[at..tag.end]).map(|equals| at + equals)
        else {
            // A name without a value.
            let rest = text[at..tag.end].trim();
            if !rest.is_empty() {
                attributes.push((at..at, at..tag.end));
            }
            break;
        };
        let name = text[at..equals].trim();
        let name_start = at + text[at..equals].len() - text[at..equals].trim_start().len();
        let space = text[equals + 1..tag.end].len() - text[equals + 1..tag.end].trim_start().len();
        let start = equals + 1 + space;
        let (value, next) = match bytes.get(start).filter(|_| start < tag.end) {
            Some(&quote @ (b'"' | b'\'')) => {
                let end = memchr::memchr(quote, &bytes[start + 1..tag.end]);
                let end = end.map_or(tag.end, |length| start + 1 + length);
                (start + 1..end, (end + 1).min(tag.end))
            }
            _ => {
                let end = text[start..tag.end].find(is_space).map_or(tag.end, |at| start + at);
                (start..end, end)
            }
        };
        attributes.push((name_start..name_start + name.len(), value));
        at = next;
    }
    attributes
}

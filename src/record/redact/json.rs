//! JSON, whole or broken: where its texts stand, and what they are.
//!
//! Nothing is refused: a body that is cut or malformed is redacted as far as it can be read, and
//! whatever stands between its texts is looked through.

use std::ops::Range;

use super::fields::{Class, Holding};
use super::looks;
use super::scrub::Scrubber;
use super::view::{Coding, DecodedView, Edit};
use crate::record::pseudonym::PseudonymKind;

/// Place in a body, and what stands there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BodyPiece {
    pub(super) at: Range<usize>,
    pub(super) coding: Coding,
    pub(super) class: Class,
    /// `true` of a number that has no quotes.
    pub(super) is_number: bool,
}

impl BodyPiece {
    pub(super) fn new(at: Range<usize>, coding: Coding, class: Class) -> Self {
        Self { at, coding, class, is_number: false }
    }
}

/// Reports the pieces of JSON, in their order.
pub(super) fn walk(text: &str, root: Holding, visit: &mut dyn FnMut(BodyPiece)) {
    let odd = if root == MASKED { Class::Masked } else { Class::Scan };
    JsonWalk { text, at: 0, root, odd, stack: Vec::new(), too_deep: 0, visit }.run();
}

/// Returns the edits of JSON in a text, all of whose values are to be masked.
pub(super) fn masked(scrubber: &Scrubber<'_>, text: &str) -> Vec<Edit> {
    let mut edits = Vec::new();
    walk(text, MASKED, &mut |piece| edits.extend(of_piece(scrubber, text, &piece)));
    edits
}

const MASKED: Holding = Holding::Value(Class::Masked);

/// Returns the edits of a piece of a body.
pub(super) fn of_piece(scrubber: &Scrubber<'_>, body: &str, piece: &BodyPiece) -> Vec<Edit> {
    let source = &body[piece.at.clone()];
    if piece.is_number {
        let is_card = piece.class == Class::Masked && source.len() >= 15 && looks::is_card(source);
        let with = scrubber.key.pseudonym(PseudonymKind::Card, source);
        let is_left = !is_card || with == source;
        let edit = Edit { at: piece.at.clone(), with, what: "card number" };
        return if is_left { Vec::new() } else { vec![edit] };
    }
    let view = DecodedView::new(source, piece.coding);
    let edits = scrubber.value(piece.class, &view.text).into_iter();
    edits.map(|edit| super::scrub::moved(view.lift(edit), piece.at.start)).collect()
}

struct JsonWalk<'t, 'v> {
    text: &'t str,
    at: usize,
    root: Holding,
    /// Class of what is no JSON.
    odd: Class,
    stack: Vec<JsonLevel>,
    /// Levels beyond the deepest that is followed.
    too_deep: usize,
    visit: &'v mut dyn FnMut(BodyPiece),
}

struct JsonLevel {
    is_object: bool,
    /// Content of this place: the elements of an array, or the fields of an object.
    field: Holding,
    /// Content of the field whose name was read last.
    next: Option<Holding>,
}

const DEEPEST: usize = 128;

impl JsonWalk<'_, '_> {
    fn run(mut self) {
        while let Some(&byte) = self.text.as_bytes().get(self.at) {
            match byte {
                b'{' | b'[' => self.open(byte == b'{'),
                b'}' | b']' => self.close(),
                b'"' => self.string(),
                b',' => {
                    self.at += 1;
                    if let Some(frame) = self.stack.last_mut() {
                        frame.next = None;
                    }
                }
                b':' | b' ' | b'\n' | b'\r' | b'\t' => self.at += 1,
                _ => self.literal_or_odd(),
            }
        }
    }

    fn open(&mut self, is_object: bool) {
        self.at += 1;
        if self.stack.len() >= DEEPEST || self.too_deep > 0 {
            self.too_deep += 1;
            return;
        }
        let here = self.here();
        let field = match (is_object, here) {
            (true, MASKED) => MASKED,
            (true, _) => Holding::Object(here.shape()),
            (false, Holding::List(shape)) => Holding::Object(shape),
            (false, _) => here,
        };
        self.stack.push(JsonLevel { is_object, field, next: None });
    }

    fn close(&mut self) {
        self.at += 1;
        if self.too_deep > 0 {
            self.too_deep -= 1;
            return;
        }
        self.stack.pop();
        if let Some(frame) = self.stack.last_mut() {
            frame.next = None;
        }
    }

    /// Returns what stands here.
    fn here(&self) -> Holding {
        match self.stack.last() {
            _ if self.too_deep > 0 => MASKED,
            Some(JsonLevel { is_object: true, next, .. }) => next.unwrap_or(MASKED),
            Some(frame) => frame.field,
            None => self.root,
        }
    }

    fn string(&mut self) {
        let start = self.at + 1;
        let length = length(&self.text.as_bytes()[start..]);
        let end = start + length.unwrap_or(self.text.len() - start);
        self.at = if length.is_some() { end + 1 } else { end };
        if length.is_none() {
            return self.cut(start..end);
        }
        let rest = self.text[self.at..].trim_start_matches([' ', '\n', '\r', '\t']);
        let is_in_array = self.stack.last().is_some_and(|frame| !frame.is_object);
        if rest.starts_with(':') && !is_in_array {
            (self.visit)(BodyPiece::new(start..end, Coding::Json, Class::Scan));
            self.name(start..end);
            return;
        }
        let class = self.here().class();
        (self.visit)(BodyPiece::new(start..end, Coding::Json, class));
    }

    fn name(&mut self, at: Range<usize>) {
        let name = DecodedView::new(&self.text[at], Coding::Json);
        let root = self.root;
        let Some(frame) = self.stack.last_mut() else { return };
        let shape = if frame.field == MASKED { None } else { Some(frame.field.shape()) };
        let is_masked = root == MASKED || self.too_deep > 0;
        let field = shape.filter(|_| !is_masked).map_or(MASKED, |shape| shape.field(&name.text));
        frame.next = Some(field);
    }

    /// Reports a text that is cut. Of its last word, nobody knows what it would have been.
    fn cut(&mut self, at: Range<usize>) {
        let class = self.here().class();
        let space = self.text[at.clone()].rfind([' ', '\n', '\t']);
        let word = space.map_or(at.start, |space| at.start + space + 1);
        (self.visit)(BodyPiece::new(at.start..word, Coding::Json, class));
        (self.visit)(BodyPiece::new(word..at.end, Coding::Json, Class::Masked));
    }

    fn literal_or_odd(&mut self) {
        let rest = &self.text[self.at..];
        let is_end = |c: char| matches!(c, ',' | ' ' | '\n' | '\r' | '\t') || "\"{}[]".contains(c);
        let word = &rest[..rest.find(is_end).unwrap_or(rest.len())];
        let start = self.at;
        if is_number(word) {
            self.at += word.len();
            let class = self.here().class();
            let piece = BodyPiece::new(start..self.at, Coding::Plain, class);
            (self.visit)(BodyPiece { is_number: true, ..piece });
        } else if matches!(word, "true" | "false" | "null") {
            self.at += word.len();
        } else {
            let end = rest.find(['"', '{', '}', '[', ']']).unwrap_or(rest.len());
            self.at += end;
            (self.visit)(BodyPiece::new(start..self.at, Coding::Plain, self.odd));
        }
    }
}

fn is_number(word: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_digit() || b"+-.eE".contains(&byte);
    word.starts_with(|c: char| c.is_ascii_digit() || c == '-')
        && word.bytes().all(is_part)
        && word.parse::<f64>().is_ok()
}

/// Returns the length of a text up to its closing quote; `None` if there is none.
fn length(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += memchr::memchr2(b'"', b'\\', &text[at..])?;
        if text[at] == b'"' {
            return Some(at);
        }
        at += 2;
        if at > text.len() {
            return None;
        }
    }
}

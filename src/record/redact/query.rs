//! Queries: of a request, and of the addresses in a text.

use std::ops::Range;

use super::fields::{self, Class};
use super::json::BodyPiece;
use super::scrub::{Scrubber, label, moved};
use super::view::{Coding, DecodedView, Edit, Edits};
use crate::record::pseudonym::{PseudonymKind, kind_of};

/// Parameter of a query, by its places in a text.
struct Parameter {
    name: Range<usize>,
    value: Range<usize>,
}

/// Reports the pieces of a request's query. An address that has a query of its own may have been
/// appended to, with a second `?`.
pub(super) fn walk(query: &str, visit: &mut dyn FnMut(BodyPiece)) {
    for parameter in parameters(query, 0..query.len(), &['&', '?']) {
        let name = DecodedView::new(&query[parameter.name.clone()], Coding::Query);
        let class = fields::parameter(&name.text);
        let is_bare = parameter.value.is_empty();
        if is_bare && class == Class::Masked && parameter.name.end == parameter.value.start {
            // A name alone may be a secret.
            visit(BodyPiece::new(parameter.name, Coding::Query, Class::Masked));
            continue;
        }
        visit(BodyPiece::new(parameter.name, Coding::Query, Class::Scan));
        let is_email = class == Class::Person;
        let coding = if is_email { Coding::QueryWithPlus } else { Coding::Query };
        visit(BodyPiece::new(parameter.value, coding, class));
    }
}

/// Adds the edits of the queries in a text: of addresses, whole or relative.
pub(super) fn in_addresses(scrubber: &Scrubber<'_>, text: &str, depth: u8, edits: &mut Edits) {
    for query in queries(text) {
        for parameter in parameters(text, query, &['&', ';', '?', '#']) {
            let value = &text[parameter.value.clone()];
            if value.is_empty() {
                continue;
            }
            let start = parameter.value.start;
            let name = &text[parameter.name];
            for edit in of_value(scrubber, name, value, depth) {
                edits.add(moved(edit, start));
            }
        }
    }
}

fn of_value(scrubber: &Scrubber<'_>, name: &str, value: &str, depth: u8) -> Vec<Edit> {
    let mut edits = Edits::default();
    let is_id = fields::parameter(name) == Class::Id;
    let known = scrubber.known.find(value).into_iter();
    let is_known = known.into_iter().any(|(at, ..)| at == (0..value.len()));
    if is_id {
        let view = DecodedView::new(value, Coding::Query);
        let id = scrubber.value(Class::Id, &view.text).into_iter();
        id.for_each(|edit| edits.add(view.lift(edit)));
    } else if is_secret(value) && !is_known {
        let with = scrubber.key.pseudonym(PseudonymKind::Hex, value);
        edits.add(Edit { at: 0..value.len(), with, what: label(PseudonymKind::Hex) });
    }
    let with_plus = DecodedView::new(value, Coding::QueryWithPlus);
    for edit in scrubber.text(&with_plus.text, depth) {
        if edit.what == label(PseudonymKind::Email) || !value.contains('+') {
            edits.add(with_plus.lift(edit));
        }
    }
    if value.contains('+') {
        let view = DecodedView::new(value, Coding::Query);
        let inner = scrubber.text(&view.text, depth).into_iter();
        inner.for_each(|edit| edits.add(view.lift(edit)));
    }
    edits.into_sorted()
}

/// Returns `true` for a value that may be a key to something.
fn is_secret(value: &str) -> bool {
    const SHORTEST: usize = 16;
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    value.len() >= SHORTEST && value.bytes().all(is_letter) && kind_of(value).is_none()
}

/// Finds the queries in a text: from a `?` or `#` that a name and `=` follow to the word's end.
fn queries(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let mut queries: Vec<Range<usize>> = Vec::new();
    for at in memchr::memchr2_iter(b'?', b'#', bytes) {
        let start = at + 1;
        let is_new = queries.last().is_none_or(|query| query.end <= at);
        if !is_new || !has_name(&bytes[start..]) {
            continue;
        }
        let is_end = |c: char| {
            c.is_whitespace() || c.is_control() || matches!(c, '"' | '<' | '>' | '\\' | '`' | '|')
        };
        let length = text[start..].find(is_end).unwrap_or(text.len() - start);
        let query = text[start..start + length].trim_end_matches(['.', ',', ')', '!', '\'', ']']);
        queries.push(start..start + query.len());
    }
    queries
}

fn has_name(text: &[u8]) -> bool {
    const LONGEST: usize = 64;
    let is_letter = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-[]%".contains(byte);
    let name = text.iter().take(LONGEST).take_while(|byte| is_letter(byte)).count();
    name > 0 && text.get(name) == Some(&b'=')
}

fn parameters(text: &str, query: Range<usize>, separators: &[char]) -> Vec<Parameter> {
    let mut parameters = Vec::new();
    let mut start = query.start;
    for pair in text[query].split(separators) {
        let end = start + pair.len();
        let equals = pair.find('=').map(|at| start + at);
        let name = start..equals.unwrap_or(end);
        parameters.push(Parameter { value: equals.map_or(end, |at| at + 1)..end, name });
        start = end + 1;
    }
    parameters
}

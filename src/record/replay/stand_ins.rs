//! Pseudonyms of a replay, and what stands for them now.

use std::collections::HashMap;
use std::net::IpAddr;

use crate::record::pseudonym::{self, PseudonymKind};

/// Values that pseudonyms stand for: itself if it was sent, or the value of its kind that the
/// receiver has answered first. Equal ones have to stay equal.
#[derive(Debug, Default)]
pub(super) struct StandIns(HashMap<String, Vec<String>>);

impl StandIns {
    /// Takes note of a text that is sent: the pseudonyms in it stand for themselves.
    pub(super) fn sent(&mut self, text: &str) {
        for (at, _) in pseudonym::find(text) {
            self.learn(&text[at.clone()], &text[at]);
        }
    }

    fn learn(&mut self, pseudonym: &str, value: &str) {
        let values = self.0.entry(pseudonym.to_owned()).or_default();
        if !values.iter().any(|known| known == value) {
            values.push(value.to_owned());
        }
    }

    /// Returns `true` if a text is the recorded one, with a value of its kind for each pseudonym in
    /// that; these are known from then on.
    pub(super) fn matches(&mut self, recorded: &str, answered: &str) -> bool {
        let parts = parts(recorded);
        if parts.len() == 1 || parts.len() > PARTS {
            return recorded == answered;
        }
        let mut search = Search { known: &self.0, tries: TRIES, found: Vec::new() };
        if !search.matches(&parts, answered) {
            return false;
        }
        let found: Vec<(String, String)> =
            search.found.iter().map(|&(a, b)| (a.to_owned(), b.to_owned())).collect();
        for (pseudonym, value) in &found {
            self.learn(pseudonym, value);
        }
        true
    }
}

/// TextPart of a recorded text.
#[derive(Debug, Clone, Copy)]
enum TextPart<'t> {
    Literal(&'t str),
    Pseudonym(&'t str, PseudonymKind),
}

fn parts(text: &str) -> Vec<TextPart<'_>> {
    let (mut parts, mut rest) = (Vec::new(), 0);
    for (at, kind) in pseudonym::find(text) {
        parts.push(TextPart::Literal(&text[rest..at.start]));
        parts.push(TextPart::Pseudonym(&text[at.clone()], kind));
        rest = at.end;
    }
    parts.push(TextPart::Literal(&text[rest..]));
    parts
}

/// Number of places that are tried in one text: in one with many pseudonyms, each may end in many.
const TRIES: u32 = 2_000;

/// Number of parts of a text in which values are looked for, one within the other.
const PARTS: usize = 1000;

/// Length of the longest value, in bytes: of one that may be anything, and of any other.
const LONGEST: usize = 4096;
const LONG: usize = 320;

struct Search<'k, 't> {
    known: &'k HashMap<String, Vec<String>>,
    tries: u32,
    /// Pseudonyms so far and their values.
    found: Vec<(&'t str, &'t str)>,
}

impl<'t> Search<'_, 't> {
    fn matches(&mut self, parts: &[TextPart<'t>], text: &'t str) -> bool {
        match parts {
            [] => text.is_empty(),
            [TextPart::Literal(literal), rest @ ..] => {
                text.strip_prefix(literal).is_some_and(|text| self.matches(rest, text))
            }
            [TextPart::Pseudonym(pseudonym, kind), rest @ ..] => {
                let mut ends = self.ends(pseudonym, *kind, rest, text);
                ends.any(|end| self.matches_up_to(end, pseudonym, rest, text))
            }
        }
    }

    fn matches_up_to(
        &mut self,
        end: usize,
        pseudonym: &'t str,
        rest: &[TextPart<'t>],
        text: &'t str,
    ) -> bool {
        let Some(tries) = self.tries.checked_sub(1) else { return false };
        self.tries = tries;
        self.found.push((pseudonym, &text[..end]));
        if self.matches(rest, &text[end..]) {
            return true;
        }
        self.found.pop();
        false
    }

    /// Returns the places where the value of a pseudonym may end.
    fn ends(
        &self,
        pseudonym: &str,
        kind: PseudonymKind,
        rest: &[TextPart<'_>],
        text: &str,
    ) -> std::vec::IntoIter<usize> {
        let found = self.found.iter().find(|(found, _)| *found == pseudonym);
        let values: Vec<&str> = match (found, self.known.get(pseudonym)) {
            (Some((_, value)), _) => vec![value],
            (None, Some(values)) => values.iter().map(String::as_str).collect(),
            (None, None) => return unknown_ends(kind, rest, text).into_iter(),
        };
        let values = values.into_iter().filter(|value| text.starts_with(value));
        values.map(str::len).collect::<Vec<_>>().into_iter()
    }
}

/// Returns the places where a value of a kind may end, the shortest first: before the next literal,
/// or else at the end of the text.
fn unknown_ends(kind: PseudonymKind, rest: &[TextPart<'_>], text: &str) -> Vec<usize> {
    let is_open = matches!(kind, PseudonymKind::Jwt | PseudonymKind::Hex | PseudonymKind::Masked);
    let longest = if is_open { LONGEST } else { LONG };
    let window = &text[..text.floor_char_boundary(longest.min(text.len()))];
    let mut ends: Vec<usize> = match rest.first() {
        Some(TextPart::Literal(literal)) if !literal.is_empty() => {
            window.match_indices(literal).map(|(at, _)| at).collect()
        }
        _ if rest.len() <= 1 => vec![text.len()],
        _ => window.char_indices().map(|(at, c)| at + c.len_utf8()).collect(),
    };
    ends.retain(|&end| stands_for(kind, &text[..end]));
    ends
}

/// Returns `true` if a value is of a kind, so that its pseudonym would be.
fn stands_for(kind: PseudonymKind, value: &str) -> bool {
    let digits = value.chars().filter(char::is_ascii_digit).count();
    let has_space = value.contains(char::is_whitespace);
    match kind {
        PseudonymKind::Email => value.split_once('@').is_some_and(|(user, host)| {
            !has_space && !user.is_empty() && !host.is_empty() && !host.contains('@')
        }),
        PseudonymKind::Phone => digits >= 5 && value.chars().all(|c| !c.is_alphabetic()),
        PseudonymKind::Ipv4 => value.parse().is_ok_and(|ip: IpAddr| ip.is_ipv4()),
        PseudonymKind::Ipv6 => value.parse().is_ok_and(|ip: IpAddr| ip.is_ipv6()),
        PseudonymKind::Name | PseudonymKind::Street | PseudonymKind::Masked => {
            !value.trim().is_empty()
        }
        PseudonymKind::Id => !value.is_empty() && !has_space,
        PseudonymKind::Card => (13..=19).contains(&digits) && !value.contains(char::is_alphabetic),
        PseudonymKind::Jwt => value.split('.').count() == 3 && !has_space,
        PseudonymKind::Hex => value.len() >= 16 && value.bytes().all(is_of_secret),
    }
}

fn is_of_secret(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "Name-abcdefghijkl";
    const EMAIL: &str = "p-abcdefghijkl@example.invalid";

    #[test]
    fn a_pseudonym_matches_any_value_of_its_kind() {
        for (recorded, answered, is_match) in [
            (NAME.to_owned(), "Jane Doe", true),
            (NAME.to_owned(), " ", false),
            (EMAIL.to_owned(), "jane@shop.example", true),
            (EMAIL.to_owned(), "Jane", false),
            ("240.1.2.3".to_owned(), "10.0.0.1", true),
            ("240.1.2.3".to_owned(), "10.0.0.1000", false),
            ("+999123456789".to_owned(), "+1 (555) 617-8980", true),
            ("+999123456789".to_owned(), "call me", false),
            (format!("Hi {NAME}, is {EMAIL} right?"), "Hi Jo, is jo@x.example right?", true),
            (format!("Hi {NAME}, is {EMAIL} right?"), "Hi Jo, is jo@x.example wrong?", false),
            (format!("{NAME}, {NAME}"), "Jane, Jane", true),
            (format!("{NAME}, {NAME}"), "Jane, John", false),
            (format!("{NAME}{NAME}"), "", false),
        ] {
            assert_eq!(StandIns::default().matches(&recorded, answered), is_match, "{recorded}");
        }
    }

    #[test]
    fn equal_pseudonyms_stay_equal_from_answer_to_answer() {
        let mut known = StandIns::default();
        assert!(known.matches(NAME, "Jane"));
        assert!(known.matches(&format!("Bye, {NAME}"), "Bye, Jane"));
        assert!(!known.matches(&format!("Bye, {NAME}"), "Bye, John"));
        assert!(known.matches("Name-lkjihgfedcba", "John"));
    }

    #[test]
    fn what_was_sent_stands_for_itself() {
        let mut known = StandIns::default();
        known.sent(&format!("my name is {NAME}"));
        assert!(known.matches(&format!("Hello {NAME}!"), &format!("Hello {NAME}!")));
        assert!(!known.matches(&format!("Hello {NAME}!"), "Hello Jane!"));
    }

    #[test]
    fn many_pseudonyms_in_a_row_end_in_time() {
        let recorded: String = (0..40).map(|_| "Name-abcdefghijkl ").collect();
        let recorded: Vec<_> = recorded.split_whitespace().zip('a'..).collect();
        let recorded: String =
            recorded.iter().map(|(name, c)| format!("{}{c} ", &name[..name.len() - 1])).collect();
        assert!(!StandIns::default().matches(&recorded, &"x ".repeat(2000)));
    }
}

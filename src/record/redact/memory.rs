//! Names that the documented fields of a case have told, to be found in its texts.

use std::collections::{HashMap, HashSet, VecDeque};
use std::ops::Range;

use crate::record::pseudonym::{PseudonymKind, kind_of};

/// Most cases that are remembered; of more, the oldest is forgotten.
const CASES: usize = 4096;
/// Most values of a case.
const VALUES: usize = 64;
/// Length of the longest value, in bytes.
const LONGEST: usize = 256;

/// Knowledge of each case.
#[derive(Debug, Default)]
pub(super) struct Memory {
    cases: HashMap<String, Known>,
    order: VecDeque<String>,
}

impl Memory {
    /// Adds what an exchange has named, and returns all that is known of its cases.
    pub(super) fn learn(&mut self, cases: &[String], values: &[(PseudonymKind, String)]) -> Known {
        let mut known = Known::default();
        known.add_all(values);
        for case in cases {
            if !self.cases.contains_key(case) {
                self.order.push_back(case.clone());
            }
            self.cases.entry(case.clone()).or_default().add_all(values);
            known.add_all(&self.cases[case].values);
        }
        while self.order.len() > CASES {
            let oldest = self.order.pop_front();
            oldest.and_then(|oldest| self.cases.remove(&oldest));
        }
        known
    }
}

/// Names, addresses and ids, by the first word of each.
#[derive(Debug, Default, Clone)]
pub(super) struct Known {
    values: Vec<(PseudonymKind, String)>,
    is_there: HashSet<String>,
    by_first_word: HashMap<String, Vec<usize>>,
}

impl Known {
    fn add_all(&mut self, values: &[(PseudonymKind, String)]) {
        for (kind, value) in values {
            self.add(*kind, value);
        }
    }

    fn add(&mut self, kind: PseudonymKind, value: &str) {
        let shortest = if kind == PseudonymKind::Id { 6 } else { 3 };
        let is_telling = value.chars().count() >= shortest
            && value.len() <= LONGEST
            && value.chars().any(|c| c.is_alphabetic() || kind == PseudonymKind::Id);
        let is_full = self.values.len() >= VALUES;
        if !is_telling || is_full || kind_of(value).is_some() || self.is_there.contains(value) {
            return;
        }
        let word = first_word(value).to_lowercase();
        if word.is_empty() {
            return;
        }
        self.by_first_word.entry(word).or_default().push(self.values.len());
        self.values.push((kind, value.to_owned()));
        self.is_there.insert(value.to_owned());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Finds them in a text, the longest first where several start at one place. Returns the value
    /// as it was learnt, too.
    pub(super) fn find(&self, text: &str) -> Vec<(Range<usize>, PseudonymKind, &str)> {
        let mut found = Vec::new();
        if self.values.is_empty() {
            return found;
        }
        let mut at = 0;
        while let Some(start) = text[at..].find(char::is_alphanumeric).map(|start| at + start) {
            let word = first_word(&text[start..]);
            at = start + word.len();
            let here = &text[start..];
            let candidates = self.by_first_word.get(&word.to_lowercase());
            let candidates = candidates.into_iter().flatten().map(|&at| &self.values[at]);
            let longest = candidates
                .filter_map(|(kind, value)| Some((same_start(here, value, *kind)?, *kind, value)))
                .max_by_key(|(length, ..)| *length);
            if let Some((length, kind, value)) = longest {
                found.push((start..start + length, kind, value.as_str()));
                at = start + length;
            }
        }
        found
    }
}

fn first_word(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_alphanumeric()).unwrap_or(text.len());
    &text[..end]
}

/// Returns the length of the value at the start of the text. Names of several words, and addresses,
/// are found in other case as well; one word may be a usual one: `mark`, `will`.
fn same_start(text: &str, value: &str, kind: PseudonymKind) -> Option<usize> {
    let is_exact = kind == PseudonymKind::Id || !value.contains(' ');
    let mut rest = text.chars();
    for c in value.chars() {
        let other = rest.next()?;
        let is_same = c == other || (!is_exact && c.to_lowercase().eq(other.to_lowercase()));
        if !is_same {
            return None;
        }
    }
    let length = text.len() - rest.as_str().len();
    let is_end = !rest
        .next()
        .is_some_and(|c| c.is_alphanumeric() || (c == '-' && kind == PseudonymKind::Id));
    is_end.then_some(length)
}

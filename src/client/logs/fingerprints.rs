//! Set of texts that are not kept themselves.

use std::collections::HashSet;
use std::fmt;
use std::hash::Hasher;

use siphasher::sip128::{Hasher128, SipHasher13};

/// Set of texts, by fingerprints of 128 bits: a million of them take some 40 MB at most.
#[derive(Clone, Default)]
pub(super) struct Fingerprints(HashSet<u128>);

impl Fingerprints {
    pub(super) fn insert(&mut self, text: &str) {
        self.0.insert(fingerprint(text));
    }

    pub(super) fn contains(&self, text: &str) -> bool {
        !self.0.is_empty() && self.0.contains(&fingerprint(text))
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

impl<T: AsRef<str>> Extend<T> for Fingerprints {
    fn extend<I: IntoIterator<Item = T>>(&mut self, texts: I) {
        self.0.extend(texts.into_iter().map(|text| fingerprint(text.as_ref())));
    }
}

/// A million numbers say nothing to people.
impl fmt::Debug for Fingerprints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} fingerprints", self.0.len())
    }
}

fn fingerprint(text: &str) -> u128 {
    let mut hasher = SipHasher13::new();
    hasher.write(text.as_bytes());
    hasher.finish128().as_u128()
}

//! Ids of what the simulator makes.

use std::hash::Hasher;

use siphasher::sip128::{Hasher128, SipHasher13};

/// Maker of ids, each a function of the seed, the kind and the number.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ids {
    seed: u64,
}

/// Kinds of ids: number 1 of one is not number 1 of another.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Case = 1,
    Widget = 2,
}

impl Ids {
    pub(super) fn new(seed: u64) -> Self {
        Self { seed }
    }

    pub(super) fn seed(self) -> u64 {
        self.seed
    }

    /// Returns an id in the form of a UUID, which the vendor's ids have.
    pub(super) fn id(self, kind: Kind, number: u64) -> String {
        let mut hasher = SipHasher13::new_with_keys(self.seed, kind as u64);
        hasher.write_u64(number);
        let hash = hasher.finish128();
        let (high, low) = (hash.h1 & !0xf000 | 0x4000, hash.h2 & !(3 << 62) | 1 << 63);
        format!(
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            high >> 32,
            high >> 16 & 0xffff,
            high & 0xffff,
            low >> 48,
            low & 0xffff_ffff_ffff,
        )
    }
}

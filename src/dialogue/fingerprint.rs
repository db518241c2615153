//! What tells one delivery from another.

use std::hash::Hasher;

use serde::{Deserialize, Serialize};
use siphasher::sip::SipHasher13;

use crate::timestamp::Timestamp;

/// What differs in any field is another delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Fingerprint(u64);

impl Fingerprint {
    /// Without a time there is none: nothing tells a repeat from a visitor who says the same thing
    /// twice.
    pub(super) fn of(event: &impl Serialize, timestamp: Option<Timestamp>) -> Option<Self> {
        timestamp?;
        let mut json = Vec::with_capacity(512);
        serde_json::to_writer(&mut json, event).ok()?;
        // Stored, so the hash must be the same tomorrow: not the standard library's.
        let mut hasher = SipHasher13::new();
        hasher.write(&json);
        Some(Self(hasher.finish()))
    }
}

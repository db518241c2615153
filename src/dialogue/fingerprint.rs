//! Fingerprints that distinguish deliveries.

use std::hash::Hasher;

use serde::{Deserialize, Serialize};
use siphasher::sip::SipHasher13;

use crate::bot::{Message, Speaker};
use crate::timestamp::Timestamp;

/// Hash of a delivery. A difference in any field makes another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Fingerprint(u64);

impl Fingerprint {
    /// Returns the fingerprint of an event. Without a time there is none: a repeat cannot be told
    /// from a visitor who says the same thing twice.
    pub(super) fn of(event: &impl Serialize, timestamp: Option<Timestamp>) -> Option<Self> {
        timestamp?;
        let mut hasher = hasher();
        hasher.write(&serde_json::to_vec(event).ok()?);
        Some(Self(hasher.finish()))
    }

    /// Returns the same for a message, the most frequent event: it is converted to JSON only if it
    /// holds anything that is not documented.
    pub(super) fn of_message(message: &Message) -> Option<Self> {
        // The case is in the key. Destructured, so that a new field is not forgotten here.
        let Message { widget_id, case_id: _, timestamp, from, text, id, context_id, extra } =
            message;
        if !extra.is_empty() {
            return Self::of(message, *timestamp);
        }
        let from = from.as_ref().map(Speaker::as_str);
        let fields =
            [Some(widget_id.as_str()), from, Some(text), id.as_deref(), context_id.as_deref()];
        let mut hasher = hasher();
        hasher.write_i64((*timestamp)?.as_millis());
        // Lengths are hashed as well, so that no text is taken for a part of its neighbour. All
        // words come first, while that is quick.
        for field in fields {
            hasher.write_u64(field.map_or(u64::MAX, |field| field.len() as u64));
        }
        for field in fields.into_iter().flatten() {
            hasher.write(field.as_bytes());
        }
        Some(Self(hasher.finish()))
    }
}

/// Creates the hasher of the fingerprints. They are stored, so the hash must never change: the
/// standard library's may.
fn hasher() -> SipHasher13 {
    SipHasher13::new()
}

//! What tells one delivery from another.

use std::hash::Hasher;

use serde::{Deserialize, Serialize};
use siphasher::sip::SipHasher13;

use super::Input;

/// The same delivery has the same event, time, text and button.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Fingerprint(u64);

impl Fingerprint {
    /// Without a time there is none: nothing tells a repeat from a visitor who says the same thing
    /// twice.
    pub(super) fn of(input: &Input) -> Option<Self> {
        let (event, timestamp, text, button) = match input {
            Input::Opened(event) => (0, event.timestamp?, "", ""),
            Input::Said(message) => (1, message.timestamp?, message.text.as_str(), ""),
            Input::Clicked { id, message } => {
                (1, message.timestamp?, message.text.as_str(), id.as_str())
            }
            Input::TransferFailed(event) => (2, event.timestamp?, "", ""),
            Input::Closed(event) => (3, event.timestamp?, "", ""),
        };
        // Stored, so the hash must be the same tomorrow: not the standard library's, nor its way to
        // hash text.
        let mut hasher = SipHasher13::new();
        hasher.write(&timestamp.as_millis().to_le_bytes());
        hasher.write(text.as_bytes());
        // No byte of a text: what comes after it is not taken for a part of it.
        hasher.write(&[0xff, event]);
        hasher.write(button.as_bytes());
        Some(Self(hasher.finish()))
    }
}

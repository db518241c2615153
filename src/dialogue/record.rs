//! Record of a conversation.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::fingerprint::Fingerprint;
use crate::bot::{Button, Content, Reply};
use crate::panics::log_safely;
use crate::timestamp::Timestamp;

/// Record of a conversation. A store writes it and reads it back, and need not know more of it than
/// when it expires.
///
/// A clone shares what is large.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Record {
    /// State of the conversation; `None` when it is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) state: Option<Arc<SavedState>>,
    /// Last replies, oldest first.
    #[serde(default)]
    pub(super) answers: Arc<[AnsweredDelivery]>,
    /// Turn that wrote this.
    pub(super) turn: TurnId,
    /// Time until which that turn holds the conversation; absent once it is committed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) leased_until: Option<Timestamp>,
    /// Length of that lease, in milliseconds: the clock may have been ahead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) lease_ms: Option<u32>,
    /// Buttons that the visitor sees.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) buttons: Option<Arc<[Button]>>,
    pub(super) expires_at: Timestamp,
    /// Lifetime when it was written, in milliseconds: the clock may have been ahead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) lifetime_ms: Option<i64>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SavedState {
    pub(super) version: u32,
    pub(super) json: Box<RawValue>,
}

/// Delivery that was answered.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct AnsweredDelivery {
    pub(super) fingerprint: Fingerprint,
    pub(super) reply: Arc<Reply>,
    /// Memory that the reply takes, which is not stored.
    #[serde(skip)]
    bytes: usize,
}

impl AnsweredDelivery {
    pub(super) fn new(fingerprint: Fingerprint, reply: &Reply) -> Self {
        let content = reply.content().iter().map(bytes_of);
        let bytes =
            size_of::<Self>() + size_of::<Reply>() + 2 * ALLOCATION + content.sum::<usize>();
        Self { fingerprint, reply: Arc::new(reply.clone()), bytes }
    }
}

/// Estimated overhead of an allocation, in bytes.
const ALLOCATION: usize = 24;

/// Estimates the memory that a part of a reply takes.
fn bytes_of(content: &Content) -> usize {
    let inner = match content {
        Content::Message(text) => {
            let buttons = text.display_responses.iter().map(bytes_of_button).sum::<usize>();
            text.text.len() + 2 * ALLOCATION + buttons
        }
        // Commands are short, except cards, and JSON takes more in memory than as text.
        other => 2 * serde_json::to_string(other).map_or(0, |json| json.len()),
    };
    size_of::<Content>() + inner
}

fn bytes_of_button(button: &Button) -> usize {
    let id = button.id.as_ref().map_or(0, |id| id.len() + ALLOCATION);
    size_of::<Button>() + button.text.len() + ALLOCATION + id
}

impl Record {
    /// Number of replies that are kept for deliveries that come again.
    const ANSWERS: usize = 8;

    /// Creates a record without state that has expired.
    pub(super) fn expired() -> Self {
        Self {
            state: None,
            answers: Arc::default(),
            turn: TurnId(0),
            leased_until: None,
            lease_ms: None,
            buttons: None,
            expires_at: Timestamp::MIN,
            lifetime_ms: None,
        }
    }

    /// Reads a record that [`to_json`](Self::to_json) wrote.
    ///
    /// A malformed record is logged, and read as one that has expired: its conversation starts
    /// again, since the visitor must not be locked out of it.
    pub fn from_json(json: &[u8]) -> Self {
        serde_json::from_slice(json).unwrap_or_else(|error| {
            log_safely(
                || tracing::warn!(%error, "stored conversation cannot be read, starting again"),
            );
            Self::expired()
        })
    }

    /// Returns the record as JSON.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("texts and JSON values can be written as JSON")
    }

    /// Sets the expiry.
    pub(super) fn set_expiry(&mut self, from: Timestamp, lifetime: Duration) {
        self.expires_at = from.saturating_add(lifetime);
        self.lifetime_ms = i64::try_from(lifetime.as_millis()).ok();
    }

    /// Lowers the expiry if the clock was ahead: the record lasts no longer from now on than it was
    /// to last when it was written.
    pub(super) fn cap_expiry(&mut self, now: Timestamp) {
        let lifetime = self.lifetime_ms.and_then(|millis| u64::try_from(millis).ok());
        if let Some(lifetime) = lifetime.map(Duration::from_millis) {
            self.expires_at = self.expires_at.min(now.saturating_add(lifetime));
        }
    }

    /// Estimates the memory of its content.
    pub(super) fn bytes(&self) -> usize {
        let state = self.state.as_ref().map_or(0, |state| state.json.get().len());
        let answers = self.answers.iter().map(|answer| answer.bytes).sum::<usize>();
        let buttons = self.buttons.iter().flat_map(|buttons| buttons.iter()).map(bytes_of_button);
        state + answers + buttons.sum::<usize>()
    }

    /// Returns the time after which nobody needs it any more.
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// Takes the lease on the conversation, or releases it.
    pub(super) fn set_lease(&mut self, lease: Option<(Timestamp, Duration)>) {
        self.leased_until = lease.map(|(from, lease)| from.saturating_add(lease));
        self.lease_ms =
            lease.map(|(_, lease)| u32::try_from(lease.as_millis()).unwrap_or(u32::MAX));
    }

    /// Returns whether a turn holds the conversation, or did until its process died.
    pub(super) fn is_leased(&self) -> bool {
        self.leased_until.is_some()
    }

    /// Returns how much longer the conversation may be held, unless the lease is renewed: never
    /// longer than it was leased for, whatever the clock said then.
    pub(super) fn lease_left(&self, now: Timestamp) -> Duration {
        let until = self.leased_until.unwrap_or(Timestamp::MIN);
        let lease = self.lease_ms.map_or(LEASE_OF_OLD, |lease| Duration::from_millis(lease.into()));
        until.saturating_duration_since(now).min(lease)
    }

    /// Records the buttons that a reply shows. Those above a reply without a message stay.
    pub(super) fn show(&mut self, reply: &Reply) {
        if reply.texts().next().is_none() {
            return;
        }
        let texts = reply.content().iter().filter_map(|content| match content {
            Content::Message(text) => Some(&text.display_responses),
            _ => None,
        });
        let buttons: Vec<_> = texts.flatten().cloned().collect();
        self.buttons = (!buttons.is_empty()).then(|| buttons.into());
    }

    /// Returns whether this turn wrote it and is not committed.
    pub(super) fn is_held_by(&self, turn: TurnId) -> bool {
        self.turn == turn && self.is_leased()
    }

    pub(super) fn reply_to(&self, fingerprint: Fingerprint) -> Option<Reply> {
        let answer = self.answers.iter().find(|answer| answer.fingerprint == fingerprint)?;
        Some(Reply::clone(&answer.reply))
    }

    pub(super) fn push_answer(&mut self, answer: AnsweredDelivery) {
        let forgotten = (self.answers.len() + 1).saturating_sub(Self::ANSWERS);
        let kept = self.answers[forgotten..].iter().cloned();
        self.answers = kept.chain([answer]).collect();
    }
}

/// Lease of records that do not state it, which was the default once.
const LEASE_OF_OLD: Duration = Duration::from_secs(10);

/// Number of a turn, by which it recognizes its own writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct TurnId(u64);

impl TurnId {
    pub(super) fn unique() -> Self {
        Self(unique())
    }
}

/// Returns a number that does not occur twice, in any process: counted from a random start.
pub(super) fn unique() -> u64 {
    static NEXT: LazyLock<AtomicU64> =
        LazyLock::new(|| AtomicU64::new(RandomState::new().hash_one(())));
    NEXT.fetch_add(1, Ordering::Relaxed)
}

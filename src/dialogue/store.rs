//! Stores of conversations, and the records they keep.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::error::StoreError;
use super::fingerprint::Fingerprint;
use crate::bot::{Button, Content, Reply};
use crate::panics::log_safely;
use crate::timestamp::Timestamp;

/// Store of conversations: one record each, replaced whole and only by whoever saw it last.
///
/// [`Bot`](super::Bot) makes turns atomic on top of this. A store of your own should pass the
/// [conformance suite](super::conformance), as this one does:
///
/// ```
/// use std::collections::HashMap;
/// use std::sync::{Mutex, MutexGuard};
///
/// use snapengage::dialogue::{Loaded, Record, Revision, Saved, Store, StoreError};
/// use snapengage::{Timestamp, async_trait};
///
/// #[derive(Default)]
/// struct Shelf(Mutex<Records>);
///
/// #[derive(Default)]
/// struct Records {
///     by_key: HashMap<String, Loaded>,
///     writes: u64,
/// }
///
/// impl Shelf {
///     fn records(&self) -> Result<MutexGuard<'_, Records>, StoreError> {
///         self.0.lock().map_err(|_| StoreError::new("a writer panicked"))
///     }
/// }
///
/// #[async_trait]
/// impl Store for Shelf {
///     async fn load(&self, key: &str) -> Result<Option<Loaded>, StoreError> {
///         Ok(self.records()?.by_key.get(key).cloned())
///     }
///
///     async fn save(
///         &self,
///         key: &str,
///         record: &Record,
///         seen: Option<Revision>,
///     ) -> Result<Saved, StoreError> {
///         let mut records = self.records()?;
///         if records.by_key.get(key).map(|found| found.revision) != seen {
///             return Ok(Saved::Conflict);
///         }
///         records.writes += 1;
///         let revision = Revision::new(records.writes);
///         records.by_key.insert(key.to_owned(), Loaded::new(record.clone(), revision));
///         Ok(Saved::Written(revision))
///     }
///
///     async fn remove(&self, key: &str, seen: Revision) -> Result<bool, StoreError> {
///         let by_key = &mut self.records()?.by_key;
///         let is_last = by_key.get(key).is_some_and(|found| found.revision == seen);
///         Ok(is_last && by_key.remove(key).is_some())
///     }
///
///     async fn sweep(&self, now: Timestamp) -> Result<u64, StoreError> {
///         let expired = |_: &String, found: &mut Loaded| found.record.expires_at() <= now;
///         let removed = self.records()?.by_key.extract_if(expired).count();
///         Ok(removed as u64)
///     }
/// }
/// # #[cfg(feature = "testing")]
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// #     let shelf = std::sync::Arc::new(Shelf::default());
/// #     snapengage::dialogue::conformance::run(async || shelf.clone()).await;
/// # }
/// # #[cfg(not(feature = "testing"))]
/// # fn main() {}
/// ```
///
/// Every `impl` needs [`#[async_trait]`](macro@crate::async_trait) as above. Without it, the
/// compiler reports E0195: "lifetime parameters or bounds on method `load` do not match the
/// trait declaration".
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a store of conversations",
    label = "expected a `MemoryStore`, `SqliteStore` or `NatsStore`, or a `Store` of yours"
)]
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Returns the record under a key, with its revision.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    async fn load(&self, key: &str) -> Result<Option<Loaded>, StoreError>;

    /// Writes a record if the one under the key still has the revision `seen`, or if there is none
    /// and `seen` is `None`.
    ///
    /// A record that was reported as written must outlast the process, in a store meant to.
    ///
    /// # Errors
    ///
    /// If the store cannot be written, or cannot tell whether it was: the record may have been
    /// written all the same.
    async fn save(
        &self,
        key: &str,
        record: &Record,
        seen: Option<Revision>,
    ) -> Result<Saved, StoreError>;

    /// Removes the record of a revision, and returns whether it did: not if there is another one by
    /// now.
    ///
    /// # Errors
    ///
    /// If the store cannot be written.
    async fn remove(&self, key: &str, seen: Revision) -> Result<bool, StoreError>;

    /// Removes the records that have expired, and returns their number. A bot calls it once an
    /// hour, concurrently with its turns, which should not have to wait for all of it.
    ///
    /// # Errors
    ///
    /// If the store cannot be written.
    async fn sweep(&self, now: Timestamp) -> Result<u64, StoreError>;

    /// Returns whether expired records are removed without a sweep, so that a bot need not call
    /// any. `false` by default.
    fn expires_by_itself(&self) -> bool {
        false
    }
}

#[async_trait]
impl<S: Store + ?Sized> Store for Arc<S> {
    async fn load(&self, key: &str) -> Result<Option<Loaded>, StoreError> {
        (**self).load(key).await
    }

    async fn save(
        &self,
        key: &str,
        record: &Record,
        seen: Option<Revision>,
    ) -> Result<Saved, StoreError> {
        (**self).save(key, record, seen).await
    }

    async fn remove(&self, key: &str, seen: Revision) -> Result<bool, StoreError> {
        (**self).remove(key, seen).await
    }

    async fn sweep(&self, now: Timestamp) -> Result<u64, StoreError> {
        (**self).sweep(now).await
    }

    fn expires_by_itself(&self) -> bool {
        (**self).expires_by_itself()
    }
}

/// Record as it was found, and the revision to save it over.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Loaded {
    /// Content of the record.
    pub record: Record,
    /// Revision of the record.
    pub revision: Revision,
}

impl Loaded {
    /// Creates a loaded record from the revision it was written with.
    pub fn new(record: Record, revision: Revision) -> Self {
        Self { record, revision }
    }
}

/// Outcome of a save that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub enum Saved {
    /// The record was written, and has this revision.
    Written(Revision),
    /// Nothing was written: another write was faster, and the record that was seen is not the last
    /// one.
    Conflict,
}

impl Saved {
    /// Returns the new revision, if there is one.
    pub fn revision(self) -> Option<Revision> {
        match self {
            Self::Written(revision) => Some(revision),
            Self::Conflict => None,
        }
    }
}

/// Identity of a write. Every write makes another one, after a removal too: a record that was
/// removed and written again never has a revision it had before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Revision(pub(super) u64);

impl Revision {
    /// Creates the revision that a store knows by this number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Returns the number that the store knows it by.
    pub const fn number(self) -> u64 {
        self.0
    }
}

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

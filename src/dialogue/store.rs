//! Where conversations are kept.

use std::error::Error;
use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::bot::Reply;
use crate::timestamp::Timestamp;

/// A place for conversations: one record each, replaced whole and only by whoever saw it last.
///
/// What makes a turn one is done by [`Bot`](super::Bot) on top of this. A store of your own should pass
/// the conformance suite.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// The record under a key, with its revision.
    ///
    /// # Errors
    ///
    /// Where the store cannot be read.
    async fn load(&self, key: &str) -> Result<Option<(Record, Revision)>, StoreError>;

    /// Writes a record if the one under the key still has the revision `seen`, or if there is none
    /// and `seen` is `None`. Says the new revision, or `None` if somebody else was faster.
    ///
    /// What this has said to be written must outlast the process, in a store meant to.
    ///
    /// # Errors
    ///
    /// Where the store cannot be written.
    async fn save(
        &self,
        key: &str,
        record: &Record,
        seen: Option<Revision>,
    ) -> Result<Option<Revision>, StoreError>;

    /// Removes the record of a revision. Does nothing if there is another one by now.
    ///
    /// # Errors
    ///
    /// Where the store cannot be written.
    async fn remove(&self, key: &str, seen: Revision) -> Result<(), StoreError>;

    /// Removes the records that have expired, and says how many.
    ///
    /// # Errors
    ///
    /// Where the store cannot be written.
    async fn sweep(&self, now: Timestamp) -> Result<u64, StoreError>;
}

/// Which write a record is from. Every write makes another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Revision(pub u64);

/// What is kept of a conversation. A store writes it down and reads it back, and need not know more
/// of it than when it expires.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Record {
    /// Where the conversation stands; `None` when it is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) state: Option<SavedState>,
    /// The last replies, oldest first.
    #[serde(default)]
    pub(super) answers: Vec<Answer>,
    /// When the turn that runs now loses its hold, if one runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) leased_until: Option<Timestamp>,
    /// How many turns were committed.
    pub(super) turns: u64,
    pub(super) expires_at: Timestamp,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct SavedState {
    pub(super) version: u32,
    pub(super) json: Box<RawValue>,
}

/// A delivery that was answered.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Answer {
    pub(super) fingerprint: Fingerprint,
    pub(super) reply: Box<RawValue>,
}

impl Record {
    /// How many replies are kept for deliveries that come again.
    const ANSWERS: usize = 8;

    pub(super) fn new(expires_at: Timestamp) -> Self {
        Self { state: None, answers: Vec::new(), leased_until: None, turns: 0, expires_at }
    }

    /// Reads a record that [`to_json`](Self::to_json) wrote.
    ///
    /// # Errors
    ///
    /// Where it is not such a record.
    pub fn from_json(json: &[u8]) -> Result<Self, StoreError> {
        serde_json::from_slice(json).map_err(StoreError::new)
    }

    /// The record as JSON.
    ///
    /// # Errors
    ///
    /// None that could be named: it fails if JSON cannot be written to memory.
    pub fn to_json(&self) -> Result<Vec<u8>, StoreError> {
        serde_json::to_vec(self).map_err(StoreError::new)
    }

    /// When nobody needs it any more, in epoch milliseconds.
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    pub(super) fn is_leased(&self, now: Timestamp) -> bool {
        self.leased_until.is_some_and(|until| until > now)
    }

    pub(super) fn reply_to(&self, fingerprint: Fingerprint) -> Option<Result<Reply, StoreError>> {
        let answer = self.answers.iter().find(|answer| answer.fingerprint == fingerprint)?;
        Some(serde_json::from_str(answer.reply.get()).map_err(StoreError::new))
    }

    pub(super) fn push_answer(&mut self, answer: Answer) {
        if self.answers.len() == Self::ANSWERS {
            self.answers.remove(0);
        }
        self.answers.push(answer);
    }
}

/// What tells one delivery from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Fingerprint(pub(super) u64);

/// A store that could not be read or written, and why.
#[derive(Debug)]
pub struct StoreError(Box<dyn Error + Send + Sync>);

impl StoreError {
    /// A failure with its cause.
    pub fn new(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(cause.into())
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("conversation store failed")
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.0)
    }
}

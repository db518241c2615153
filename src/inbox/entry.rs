//! Contents of an inbox, as people and programs see them.

use std::error::Error;
use std::fmt;
use std::str::FromStr;

use bytes::Bytes;
use serde::Serialize;

use crate::clock;
use crate::error::debug_is_text;
use crate::timestamp::Timestamp;

/// Number of an entry: the next one has a higher one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct EntryId(pub(super) i64);

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for EntryId {
    type Err = EntryIdError;

    fn from_str(text: &str) -> Result<Self, EntryIdError> {
        text.parse().map(Self).map_err(|_| EntryIdError(()))
    }
}

/// Text that is no [`EntryId`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct EntryIdError(());

impl fmt::Display for EntryIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("malformed entry id, expected a whole number")
    }
}

debug_is_text!(EntryIdError);

impl Error for EntryIdError {}

/// State of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum State {
    /// Waiting: for a worker, for its next attempt, or for the entries before it in its case.
    Waiting,
    /// Being processed by a handler.
    Working,
    /// Processed.
    Done,
    /// Dead letter: could not be read, or failed for good.
    Dead,
}

impl State {
    /// Returns the state's name: `waiting`, `working`, `done` or `dead`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Working => "working",
            Self::Done => "done",
            Self::Dead => "dead",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Request that was stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Entry {
    /// Number of the entry.
    pub id: EntryId,
    /// State of the entry.
    pub state: State,
    /// Name of the API, as of [`Api::as_str`](crate::Api::as_str): `integration`,
    /// `conversation-events` or `agent-status`.
    pub api: String,
    /// Path of the request.
    pub path: String,
    /// Name of the event. Empty if the body could not be read, or named none.
    pub event: String,
    /// Case or agent of the event: `case` or `agent`, and the id. If the body could not be read,
    /// `body` and a number derived from it.
    pub subject: String,
    /// Time of receipt.
    pub received_at: Timestamp,
    /// Number of times it was handed to a handler.
    pub attempts: u32,
    /// Time of its next attempt; while it is processed, the end of its lease; once it is done, the
    /// time its payload is removed.
    pub due_at: Timestamp,
    /// Error of the last attempt; absent if there was none.
    pub error: Option<String>,
}

/// Entry with its body.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Shown {
    /// Entry without its body.
    pub entry: Entry,
    /// Body as it was received. Empty once it was removed.
    pub body: Bytes,
}

/// Counts of an inbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Stats {
    /// Number of entries that wait.
    pub waiting: u64,
    /// Number of entries that are being processed.
    pub working: u64,
    /// Number of entries that are done and whose payloads are still stored.
    pub done: u64,
    /// Number of dead letters.
    pub dead: u64,
    /// Time of receipt of the oldest entry that is not done, dead letters aside; absent if all are
    /// done.
    pub oldest: Option<Timestamp>,
    /// Bytes in use.
    pub size: u64,
}

impl Stats {
    /// Returns the age of the oldest entry in whole seconds, 0 if the clock was ahead then.
    pub(super) fn oldest_s(&self) -> Option<u64> {
        Some(clock::now().saturating_duration_since(self.oldest?).as_secs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_id_is_read_from_its_own_text() {
        assert_eq!(EntryId(42).to_string().parse(), Ok(EntryId(42)));
        let error = "42nd".parse::<EntryId>().expect_err("a refusal");
        assert_eq!(error.to_string(), "malformed entry id, expected a whole number");
    }
}

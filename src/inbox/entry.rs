//! Contents of an inbox, as people and programs see them.

use std::fmt;
use std::str::FromStr;

use bytes::Bytes;
use serde::Serialize;

use crate::clock;
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
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// State of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum State {
    /// Waits: for a worker, for its next attempt, or for what came before it in its case.
    Waiting,
    /// A handler is at it.
    Working,
    /// Processed.
    Done,
    /// A dead letter: could not be read, or failed for good.
    Dead,
}

impl State {
    /// The state's name: `waiting`, `working`, `done` or `dead`.
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

/// One request that was stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Entry {
    /// Its number.
    pub id: EntryId,
    /// Its state.
    pub state: State,
    /// The API, by its [name](crate::Api::as_str): `integration`, `conversation-events` or
    /// `agent-status`.
    pub api: String,
    /// The path it came in by.
    pub path: String,
    /// The event's name. Empty where the body could not be read, or named none.
    pub event: String,
    /// The case or agent it is about: `case` or `agent`, and the id. Where the body could not be read, `body` and a
    /// number made of it.
    pub subject: String,
    /// Time of receipt.
    pub received_at: Timestamp,
    /// Number of times it was handed to a handler.
    pub attempts: u32,
    /// Time of its next attempt; while it is processed, the end of its lease; once it is done, the
    /// time its payload goes.
    pub due_at: Timestamp,
    /// Error of the last attempt.
    pub error: Option<String>,
}

/// An entry with its body.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Shown {
    /// The entry.
    pub entry: Entry,
    /// The body as it was received. Empty once it was forgotten.
    pub body: Bytes,
}

/// Counts of an inbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Stats {
    /// Entries that wait.
    pub waiting: u64,
    /// Entries that handlers are at.
    pub working: u64,
    /// Entries that are done, their payloads not yet gone.
    pub done: u64,
    /// Dead letters.
    pub dead: u64,
    /// Time of receipt of the oldest entry that is not done. Dead letters do not count.
    pub oldest: Option<Timestamp>,
    /// Bytes in use.
    pub size: u64,
}

impl Stats {
    /// Age of the oldest entry in whole seconds, 0 where the clock was ahead then.
    pub(super) fn oldest_s(&self) -> Option<u64> {
        Some(clock::now().saturating_duration_since(self.oldest?).as_secs())
    }
}

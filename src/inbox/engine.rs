//! Engine of an inbox, which stores its entries.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use super::entry::{Entry, EntryId, Shown, State, Stats};
use super::error::InboxError;
use crate::timestamp::Timestamp;

/// Stores entries, and hands them out in order.
///
/// Writes of a method are durable once it has returned. The time is passed in, so that tests may
/// pause it.
#[async_trait]
pub(super) trait Engine: Send + Sync {
    /// Stores an arrival, unless it is a repeat.
    async fn put(&self, arrival: Arrival) -> Result<Stored, InboxError>;

    /// Waits until [`claim`](Self::claim) may find something. May be dropped at any time.
    async fn wait(&self) -> Result<(), InboxError>;

    /// Leases up to `limit` entries that are due, of each case and agent only the first.
    async fn claim(&self, limit: usize, lease: Lease) -> Result<Vec<Claim>, InboxError>;

    /// Renews a lease. Returns whether it was still held.
    async fn renew(&self, ticket: Ticket, lease: Lease) -> Result<bool, InboxError>;

    /// Ends a lease with its outcome. Returns whether it was still held.
    async fn settle(
        &self,
        ticket: Ticket,
        verdict: Verdict,
        now: Timestamp,
    ) -> Result<bool, InboxError>;

    /// Releases entries that were fetched ahead for [`claim`](Self::claim), which will not be
    /// called any more.
    async fn release(&self) -> Result<(), InboxError> {
        Ok(())
    }

    /// Fails while nothing can be stored: writes, and changes nothing.
    async fn probe(&self) -> Result<(), InboxError>;

    /// Returns a mark of the entry that a worker would claim first, if it is due and no worker has
    /// an entry. It stays the same until one is claimed.
    async fn untaken(&self, _now: Timestamp) -> Result<Option<String>, InboxError> {
        Ok(None)
    }

    /// Forgets some of the entries that need not be kept. Returns whether there may be more.
    async fn sweep(&self, now: Timestamp) -> Result<bool, InboxError>;

    async fn stats(&self) -> Result<Stats, InboxError>;

    async fn list(
        &self,
        state: State,
        after: Option<EntryId>,
        limit: usize,
    ) -> Result<Vec<Entry>, InboxError>;

    async fn show(&self, id: EntryId) -> Result<Option<Shown>, InboxError>;

    async fn retry(&self, id: EntryId, now: Timestamp) -> Result<bool, InboxError>;

    async fn discard(&self, id: EntryId) -> Result<bool, InboxError>;
}

/// Request to be stored.
#[derive(Debug)]
pub(super) struct Arrival {
    pub(super) api: &'static str,
    pub(super) path: String,
    pub(super) event: String,
    /// Case or agent. Entries of one subject are handed out in order.
    pub(super) subject: String,
    /// Key of the same body on the same path: an arrival that has it is a repeat. `None` if the
    /// vendor sends nothing to recognize repeats by.
    pub(super) key: Option<String>,
    pub(super) body: Bytes,
    /// Reason why the body cannot be read: the entry is a dead letter from the start.
    pub(super) unreadable: Option<String>,
    pub(super) received_at: Timestamp,
}

/// Outcome of storing an arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stored {
    New,
    Repeat,
    /// It was the repeat of a dead letter, which waits again, with the new body.
    Revived,
    /// It was not stored: the size limit is reached.
    Full,
}

/// Start and length of a lease.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lease {
    pub(super) now: Timestamp,
    pub(super) length: Duration,
}

impl Lease {
    pub(super) fn end(self) -> Timestamp {
        self.now.saturating_add(self.length)
    }
}

/// Entry that was leased, to be processed.
#[derive(Debug)]
pub(super) struct Claim {
    pub(super) ticket: Ticket,
    pub(super) api: String,
    pub(super) path: String,
    pub(super) event: String,
    pub(super) subject: String,
    /// Number of times it was leased, this one included.
    pub(super) attempts: u32,
    pub(super) body: Bytes,
}

/// Ticket that distinguishes one lease of an entry from the next.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ticket {
    pub(super) id: EntryId,
    /// Number of the lease: each of an entry has a higher one.
    pub(super) lease: i64,
}

/// Outcome of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    Done,
    Again { after: Duration, error: String },
    Dead { error: String },
}

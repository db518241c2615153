//! Queue of one case or agent: its head, which the consumer delivers, and the tail behind it.
//!
//! # Why nothing is purged here
//!
//! A message goes by its number alone, and is never replaced by a rollup, which is a purge. In
//! nats-server, up to 2.15.1 at least, a purge of one subject harms the others that a consumer has
//! pending (server/consumer.go):
//!
//! 1. `purge` empties the queue of what is due to be redelivered. What was in it is pending as if
//!    it had just been delivered (`checkPending`), so it comes back one whole `ack_wait` later.
//! 2. `purge` sets the consumer's floor (`adflr`) to the delivery sequence of what it removed,
//!    though lower ones are pending. The next acknowledgement in sequence then takes the stream's
//!    floor (`asflr`) past them (`moveAckFloor`), and the state can no longer be written: "bad
//!    pending entry".
//! 3. `checkPending` forgets what is pending below that floor: it is never redelivered. A server
//!    that starts takes it for acknowledged and deletes it (`checkStateForInterestStream`).
//!
//! A message that is deleted counts as terminated (`decStreamPending`), and moves the floor as an
//! acknowledgement does.

use async_nats::jetstream::message::{PublishMessage, StreamMessage};

use super::letter::{EntryHeader, Letter, name_of};
use super::messages::{Messages, Published};
use crate::inbox::error::InboxError;

/// Header for the subject whose last message is expected to have a certain number, if not the
/// message's own.
const EXPECTED_SUBJECT: &str = "Nats-Expected-Last-Subject-Sequence-Subject";

/// Number of the last message of a subject that has none.
const NONE: u64 = 0;

/// Subjects of one case or agent.
pub(super) struct Case {
    /// For the entry that is processed now: one message.
    pub(super) head: String,
    /// For the entries behind it.
    tail: String,
    /// Both.
    all: String,
}

/// Subjects of all entries to be processed.
pub(super) fn subjects(name: &str) -> String {
    format!("{name}.case.*.*")
}

/// Entries to be processed, in a queue for each case.
pub(super) struct Cases {
    name: String,
    pub(super) entries: Messages,
}

impl Cases {
    pub(super) fn new(name: &str, entries: Messages) -> Self {
        Self { name: name.to_owned(), entries }
    }

    /// Subjects of all heads, which the consumer delivers.
    pub(super) fn heads(&self) -> String {
        format!("{}.case.*.head", self.name)
    }

    fn tails(&self) -> String {
        format!("{}.case.*.tail", self.name)
    }

    /// Returns the case that an entry belongs to.
    pub(super) fn case(&self, header: &EntryHeader) -> Case {
        let case = format!("{}.case.{}", self.name, name_of(&header.subject));
        Case {
            head: format!("{case}.head"),
            tail: format!("{case}.tail"),
            all: format!("{case}.*"),
        }
    }

    pub(super) async fn get(&self, number: u64) -> Result<Option<Letter>, InboxError> {
        Ok(self.entries.get(number).await?.map(Letter::stored))
    }

    /// Returns the entry of the same case that is processed now.
    pub(super) async fn head(&self, header: &EntryHeader) -> Result<Option<Letter>, InboxError> {
        Ok(self.entries.last(&self.case(header).head).await?.map(Letter::stored))
    }

    /// Returns the first head of any case, with its subject.
    pub(super) async fn first_head(&self) -> Result<Option<StreamMessage>, InboxError> {
        self.entries.first_of(&self.heads(), 1).await
    }

    /// Returns the first entry in the tail of any case, from a number on.
    pub(super) async fn first_in_a_tail(&self, from: u64) -> Result<Option<Letter>, InboxError> {
        Ok(self.entries.first_of(&self.tails(), from).await?.map(Letter::stored))
    }

    /// Stores a message as the head of its case if the case has no other, and in its tail
    /// otherwise.
    pub(super) async fn append(
        &self,
        header: &EntryHeader,
        message: PublishMessage,
    ) -> Result<Published, InboxError> {
        let case = self.case(header);
        // One condition on head and tail together: the server compares and stores in one step, so
        // that of several receivers only one fills an empty case, and none overtakes a tail.
        let first = message.clone().expected_last_subject_sequence(NONE);
        let first = first.header(EXPECTED_SUBJECT, case.all.as_str());
        let published = self.entries.publish(&case.head, first).await?;
        if published != Published::Conflict {
            return Ok(published);
        }
        let published = self.entries.publish(&case.tail, message).await?;
        // The head may have gone after it refused the first attempt and before the second was
        // stored: who removed it found no tail to fill it from.
        self.heal(header).await?;
        Ok(published)
    }

    /// Gives the case of an entry a head if it has none.
    pub(super) async fn heal(&self, header: &EntryHeader) -> Result<(), InboxError> {
        if self.head(header).await?.is_none() {
            self.fill(header).await?;
        }
        Ok(())
    }

    /// Moves the first of a case's tail to its head, if there is none.
    pub(super) async fn fill(&self, header: &EntryHeader) -> Result<(), InboxError> {
        let case = self.case(header);
        let next = self.entries.first_of(&case.tail, 1).await?;
        let Some(next) = next.map(Letter::stored) else { return Ok(()) };
        let moved = next.moved(next.header.attempts)?.expected_last_subject_sequence(NONE);
        // Stored first, then removed: a crash in between leaves it twice, not never. The second is
        // dropped when it is delivered, once the first is over. If another worker was faster, its
        // head stays.
        if self.entries.publish(&case.head, moved).await? == Published::Stored {
            self.entries.remove(next.number).await?;
        }
        Ok(())
    }

    /// Stores a head again under another number, so that it is delivered at once. Returns whether
    /// it was still the head of this subject.
    pub(super) async fn replace(
        &self,
        subject: &str,
        head: &Letter,
        attempts: u32,
    ) -> Result<bool, InboxError> {
        // In this order for the same reason as in `fill`: the first of two is dropped when it is
        // delivered.
        let anew = head.moved(attempts)?.expected_last_subject_sequence(head.number);
        let published = self.entries.publish(subject, anew).await?;
        self.entries.remove(head.number).await?;
        Ok(published == Published::Stored)
    }
}

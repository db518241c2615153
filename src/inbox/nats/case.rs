//! Where in its case an entry is.

use async_nats::jetstream::message::PublishMessage;

use super::Nats;
use super::letter::{EntryHeader, Letter};
use super::messages::Published;
use super::subjects::Case;
use crate::inbox::error::InboxError;

/// Whose last message is expected to have a number, if not the subject's own.
const EXPECTED_SUBJECT: &str = "Nats-Expected-Last-Subject-Sequence-Subject";

impl Nats {
    pub(super) fn case(&self, header: &EntryHeader) -> Case {
        self.subjects.case(&header.subject)
    }

    /// What is processed now of a case.
    pub(super) async fn head(&self, case: &Case) -> Result<Option<Letter>, InboxError> {
        Ok(self.streams.entries.last(&case.head).await?.map(Letter::stored))
    }

    /// Stores a message as its case's head if there is nothing else of it, and in its tail otherwise.
    pub(super) async fn append(
        &self,
        case: &Case,
        message: PublishMessage,
    ) -> Result<Published, InboxError> {
        let entries = &self.streams.entries;
        let first = message.clone().expected_last_subject_sequence(0);
        let first = first.header(EXPECTED_SUBJECT, case.all.as_str());
        let published = entries.publish(&case.head, first).await?;
        if published != Published::Conflict {
            return Ok(published);
        }
        let published = entries.publish(&case.tail, message).await?;
        self.heal(case).await?;
        Ok(published)
    }

    /// Gives a case a head that has none: it may have gone just before its tail came.
    pub(super) async fn heal(&self, case: &Case) -> Result<(), InboxError> {
        if self.head(case).await?.is_none() {
            self.fill_head(case).await?;
        }
        Ok(())
    }

    /// Puts the first of a case's tail at its head, where there is none.
    ///
    /// If it is cut off, the message is there twice. The second is dropped once the first is over.
    pub(super) async fn fill_head(&self, case: &Case) -> Result<(), InboxError> {
        const NONE: u64 = 0;
        let entries = &self.streams.entries;
        let next = entries.first(&case.tail, 1).await?;
        let Some(next) = next.map(Letter::stored) else { return Ok(()) };
        let moved = next.moved(next.header.tries)?.expected_last_subject_sequence(NONE);
        if entries.publish(&case.head, moved).await? == Published::Stored {
            entries.remove(next.number).await?;
        }
        Ok(())
    }

    /// Stores a head under another number, so that it is delivered at once. Says whether it was still
    /// the head.
    ///
    /// If it is cut off, the message is there twice. The first is dropped when it is delivered.
    pub(super) async fn renew_head(
        &self,
        subject: &str,
        head: &Letter,
        tries: u32,
    ) -> Result<bool, InboxError> {
        let anew = head.moved(tries)?.expected_last_subject_sequence(head.number);
        let published = self.streams.entries.publish(subject, anew).await?;
        self.streams.entries.remove(head.number).await?;
        Ok(published == Published::Stored)
    }
}

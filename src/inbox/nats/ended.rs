//! Entries that are over: done, known by their keys, or dead letters.

use async_nats::jetstream::message::PublishMessage;

use super::letter::Letter;
use super::messages::Messages;
use crate::inbox::error::InboxError;

/// Returns the subject of an entry that is done, by its key.
pub(super) fn done(name: &str, key: &str) -> String {
    format!("{name}.done.{key}")
}

/// Returns the subject of the key of an entry that is done.
pub(super) fn seen(name: &str, key: &str) -> String {
    format!("{name}.seen.{key}")
}

/// Returns the subject of a dead letter, by its key.
pub(super) fn dead(name: &str, key: &str) -> String {
    format!("{name}.dead.{key}")
}

/// Streams of entries that are over.
pub(super) struct Ended {
    name: String,
    /// Entries that are done, while they are kept.
    pub(super) done: Messages,
    /// Keys of entries that are done, by which repeats are known: kept longer, and even where
    /// entries are not.
    pub(super) seen: Messages,
    pub(super) dead: Messages,
}

impl Ended {
    pub(super) fn new(name: &str, done: Messages, seen: Messages, dead: Messages) -> Self {
        Self { name: name.to_owned(), done, seen, dead }
    }

    /// Returns whether an entry of this key was processed.
    pub(super) async fn is_done(&self, key: &str) -> Result<bool, InboxError> {
        Ok(self.seen.last(&seen(&self.name, key)).await?.is_some())
    }

    pub(super) async fn dead_letter(&self, key: &str) -> Result<Option<Letter>, InboxError> {
        Ok(self.dead.last(&dead(&self.name, key)).await?.map(Letter::stored))
    }

    /// Notes that the entry of a key is done, and stores what is to be kept of it.
    pub(super) async fn finish(
        &self,
        key: &str,
        kept: Option<PublishMessage>,
    ) -> Result<(), InboxError> {
        let subject = seen(&self.name, key);
        let note = self.seen.publish(&subject, PublishMessage::build());
        let keep = async {
            if let Some(kept) = kept {
                self.done.publish(&done(&self.name, key), kept).await?;
            }
            Ok(())
        };
        tokio::try_join!(note, keep)?;
        Ok(())
    }

    /// Stores a dead letter.
    pub(super) async fn bury(&self, key: &str, letter: PublishMessage) -> Result<(), InboxError> {
        self.dead.publish(&dead(&self.name, key), letter).await?;
        Ok(())
    }

    /// Removes a dead letter that lives again. Returns whether it was there.
    pub(super) async fn exhume(&self, dead: &Letter) -> Result<bool, InboxError> {
        self.dead.remove(dead.number).await
    }

    /// Forgets the key of an entry that is done: its repeat is new.
    pub(super) async fn forget(&self, key: &str) -> Result<(), InboxError> {
        self.seen.purge(&seen(&self.name, key)).await
    }
}

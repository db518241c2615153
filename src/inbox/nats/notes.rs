//! Notes on the attempts at entries that are not over: for lists of entries, for the count of
//! attempts, and for a worker that was away so long that another has its entry.

use std::time::Duration;

use async_nats::jetstream::message::{PublishMessage, StreamMessage};
use futures_util::TryStreamExt;
use serde::{Deserialize, Serialize};

use super::messages::{LONGEST, Messages};
use crate::inbox::error::InboxError;
use crate::inbox::settings::Settings;
use crate::timestamp::Timestamp;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Note {
    /// Number of the delivery: each is a lease.
    pub(super) lease: i64,
    /// Attempts so far, with this one.
    #[serde(rename = "tries")]
    pub(super) attempts: u32,
    /// End of the lease, or time of the next attempt.
    pub(super) due_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
}

/// Subjects of all notes.
pub(super) fn subjects(name: &str) -> String {
    format!("{name}.try.*.*")
}

/// Notes on attempts, by the number of their entry's message.
pub(super) struct Notes {
    name: String,
    pub(super) messages: Messages,
    /// Between two attempts, or until a worker that died has lost its lease.
    longest_wait: Duration,
}

impl Notes {
    pub(super) fn new(name: &str, messages: Messages, settings: &Settings) -> Self {
        let longest_wait = settings.backoff.longest.max(settings.lease);
        Self { name: name.to_owned(), messages, longest_wait }
    }

    /// Returns the time that a note is for: no later than the longest wait, since a clock that was
    /// ahead when it was written may have been set right.
    pub(super) fn due_at(&self, note: &Note, now: Timestamp) -> Timestamp {
        note.due_at.min(now.saturating_add(self.longest_wait))
    }

    /// Returns the subject of the note that a handler has an entry.
    fn working_subject(&self, number: u64) -> String {
        format!("{}.try.{number}.working", self.name)
    }

    /// Returns the subject of the note that an attempt failed.
    fn failed_subject(&self, number: u64) -> String {
        format!("{}.try.{number}.failed", self.name)
    }

    /// Returns the subject of all notes on one entry.
    fn both_subjects(&self, number: u64) -> String {
        format!("{}.try.{number}.*", self.name)
    }

    /// Notes that a handler has an entry, for as long as its lease may last.
    pub(super) async fn note_working(
        &self,
        number: u64,
        note: &Note,
        lease: Duration,
    ) -> Result<(), InboxError> {
        // Longer than the lease, since the next delivery counts on from it; not for ever, since a
        // worker that died takes none back.
        let message = message(note)?.ttl(lease.min(LONGEST) * 2 + Duration::from_secs(1));
        self.messages.publish(&self.working_subject(number), message).await?;
        Ok(())
    }

    /// Notes that an attempt failed.
    pub(super) async fn note_failed(&self, number: u64, note: &Note) -> Result<(), InboxError> {
        // The new note comes first: without either, the attempt would not count.
        self.messages.publish(&self.failed_subject(number), message(note)?).await?;
        self.messages.purge(&self.working_subject(number)).await
    }

    pub(super) async fn forget(&self, number: u64) -> Result<(), InboxError> {
        self.messages.purge(&self.both_subjects(number)).await
    }

    pub(super) async fn forget_all(&self) -> Result<(), InboxError> {
        self.messages.purge(&subjects(&self.name)).await
    }

    pub(super) async fn working(&self, number: u64) -> Result<Option<Note>, InboxError> {
        self.note(&self.working_subject(number)).await
    }

    pub(super) async fn failed(&self, number: u64) -> Result<Option<Note>, InboxError> {
        self.note(&self.failed_subject(number)).await
    }

    /// Returns the last note of either kind.
    pub(super) async fn last(&self, number: u64) -> Result<Option<Note>, InboxError> {
        self.note(&self.both_subjects(number)).await
    }

    async fn note(&self, subject: &str) -> Result<Option<Note>, InboxError> {
        let message: Option<StreamMessage> = self.messages.last(subject).await?;
        // A note whose time to live is over may leave a marker, which has no payload.
        Ok(message.and_then(|message| serde_json::from_slice(&message.payload).ok()))
    }

    /// Lists the numbers of the entries that handlers have, in order.
    pub(super) async fn all_working(&self) -> Result<Vec<u64>, InboxError> {
        let all = format!("{}.try.*.working", self.name);
        let subjects = self.messages.stream.info_with_subjects(all).await;
        let subjects: Vec<(String, usize)> =
            subjects.map_err(InboxError::new)?.try_collect().await.map_err(InboxError::new)?;
        let numbers = subjects.iter().filter_map(|(subject, _)| number_in(subject));
        let mut numbers: Vec<_> = numbers.collect();
        numbers.sort_unstable();
        Ok(numbers)
    }
}

/// Returns the number of the entry that the subject of a note belongs to.
fn number_in(subject: &str) -> Option<u64> {
    subject.rsplit('.').nth(1)?.parse().ok()
}

fn message(note: &Note) -> Result<PublishMessage, InboxError> {
    let payload = serde_json::to_vec(note).map_err(InboxError::new)?;
    Ok(PublishMessage::build().payload(payload.into()))
}

//! Notes on the tries of entries that are not over: for who looks, and for a worker that was away too
//! long to see that another is at its work.

use std::time::Duration;

use async_nats::jetstream::message::{PublishMessage, StreamMessage};
use futures_util::TryStreamExt;
use serde::{Deserialize, Serialize};

use super::Nats;
use super::streams::LONGEST;
use super::subjects::Subjects;
use crate::inbox::error::InboxError;
use crate::timestamp::Timestamp;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Note {
    /// How often the message was delivered: each delivery is a lease.
    pub(super) lease: i64,
    pub(super) tries: u32,
    /// When the lease is over, or when the entry is tried next.
    pub(super) due_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
}

impl Nats {
    /// Notes that a handler is at an entry, for as long as it may be.
    pub(super) async fn note_working(
        &self,
        number: u64,
        note: &Note,
        lease: Duration,
    ) -> Result<(), InboxError> {
        let message = message(note)?.ttl(lease.min(LONGEST) * 2 + Duration::from_secs(1));
        self.streams.tries.publish(&self.subjects.working(number), message).await?;
        Ok(())
    }

    pub(super) async fn note_failed(&self, number: u64, note: &Note) -> Result<(), InboxError> {
        self.streams.tries.publish(&self.subjects.failed(number), message(note)?).await?;
        self.streams.tries.purge(&self.subjects.working(number)).await
    }

    pub(super) async fn forget_tries(&self, number: u64) -> Result<(), InboxError> {
        self.streams.tries.purge(&self.subjects.tries(number)).await
    }

    pub(super) async fn working(&self, number: u64) -> Result<Option<Note>, InboxError> {
        self.note(&self.subjects.working(number)).await
    }

    pub(super) async fn failed(&self, number: u64) -> Result<Option<Note>, InboxError> {
        self.note(&self.subjects.failed(number)).await
    }

    /// The last note of either kind.
    pub(super) async fn last_try(&self, number: u64) -> Result<Option<Note>, InboxError> {
        self.note(&self.subjects.tries(number)).await
    }

    async fn note(&self, subject: &str) -> Result<Option<Note>, InboxError> {
        let message: Option<StreamMessage> = self.streams.tries.last(subject).await?;
        // What ends by its time to live may leave a marker that says nothing.
        Ok(message.and_then(|message| serde_json::from_slice(&message.payload).ok()))
    }

    /// The entries that handlers are at, in order.
    pub(super) async fn all_working(&self) -> Result<Vec<u64>, InboxError> {
        let stream = &self.streams.tries.stream;
        let subjects = stream.info_with_subjects(self.subjects.all_working()).await;
        let subjects: Vec<(String, usize)> =
            subjects.map_err(InboxError::new)?.try_collect().await.map_err(InboxError::new)?;
        let numbers = subjects.iter().filter_map(|(subject, _)| Subjects::number_in(subject));
        let mut numbers: Vec<_> = numbers.collect();
        numbers.sort_unstable();
        Ok(numbers)
    }
}

fn message(note: &Note) -> Result<PublishMessage, InboxError> {
    let payload = serde_json::to_vec(note).map_err(InboxError::new)?;
    Ok(PublishMessage::build().payload(payload.into()))
}

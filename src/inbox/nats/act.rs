//! Acts of people and programs on an entry: retry and discard.

use std::sync::Arc;
use std::time::Duration;

use super::letter::{Letter, Position};
use super::put::Receipts;
use super::streams::Streams;
use crate::inbox::entry::EntryId;
use crate::inbox::error::InboxError;
use crate::timestamp::Timestamp;

/// Time to the next attempt up to which an entry is left to it.
const SOON: Duration = Duration::from_secs(2);

pub(super) struct Actions {
    streams: Arc<Streams>,
    receipts: Arc<Receipts>,
}

impl Actions {
    pub(super) fn new(streams: &Arc<Streams>, receipts: &Arc<Receipts>) -> Self {
        Self { streams: Arc::clone(streams), receipts: Arc::clone(receipts) }
    }

    pub(super) async fn retry(&self, id: EntryId, now: Timestamp) -> Result<bool, InboxError> {
        match self.streams.find(id).await? {
            Some((Position::Dead, dead)) => self.receipts.revive(&dead).await,
            Some((Position::Open, letter)) => self.retry_head(&letter, now).await,
            Some((Position::Done, _)) | None => Ok(false),
        }
    }

    async fn retry_head(&self, letter: &Letter, now: Timestamp) -> Result<bool, InboxError> {
        let Streams { cases, notes, .. } = &*self.streams;
        let head = cases.head(&letter.header).await?;
        let is_head = head.is_some_and(|head| head.number == letter.number);
        if !is_head || notes.working(letter.number).await?.is_some() {
            return Ok(false);
        }
        let failed = notes.failed(letter.number).await?;
        let Some(failed) = failed.filter(|failed| failed.due_at > now.saturating_add(SOON)) else {
            return Ok(true);
        };
        // A message that waits at the server for its next delivery cannot be called from there: a
        // copy is delivered at once.
        let subject = cases.case(&letter.header).head;
        let was_head = cases.replace(&subject, letter, failed.attempts).await?;
        notes.forget(letter.number).await?;
        Ok(was_head)
    }

    pub(super) async fn discard(&self, id: EntryId) -> Result<bool, InboxError> {
        let Streams { cases, ended, notes, .. } = &*self.streams;
        let Some((position, letter)) = self.streams.find(id).await? else { return Ok(false) };
        if position == Position::Open && notes.working(letter.number).await?.is_some() {
            return Ok(false);
        }
        if position == Position::Done {
            // First: once the entry is gone, nobody could ask for this again.
            ended.forget(&letter.header.key).await?;
        }
        let was_there = self.streams.at(position).erase(letter.number).await?;
        if position == Position::Open {
            notes.forget(letter.number).await?;
            cases.heal(&letter.header).await?;
        }
        Ok(was_there)
    }
}

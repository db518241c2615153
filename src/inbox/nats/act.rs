//! What people and programs do to an inbox.

use std::time::Duration;

use super::Nats;
use super::letter::Letter;
use super::stage::Place;
use crate::inbox::engine::later;
use crate::inbox::entry::EntryId;
use crate::inbox::error::InboxError;
use crate::timestamp::Timestamp;

/// What is tried so soon need not be hurried.
const SOON: Duration = Duration::from_secs(2);

impl Nats {
    pub(super) async fn hurry(&self, id: EntryId, now: Timestamp) -> Result<bool, InboxError> {
        match self.letter(id).await? {
            Some((Place::Dead, dead)) => self.revive(&dead).await,
            Some((Place::Entries, letter)) => self.hurry_head(&letter, now).await,
            Some((Place::Done, _)) | None => Ok(false),
        }
    }

    /// What waits at the server for its next try cannot be called from there: it is put in anew.
    async fn hurry_head(&self, letter: &Letter, now: Timestamp) -> Result<bool, InboxError> {
        let case = self.case(&letter.envelope);
        let is_head = self.head(&case).await?.is_some_and(|head| head.number == letter.number);
        if !is_head || self.working(letter.number).await?.is_some() {
            return Ok(false);
        }
        let failed = self.failed(letter.number).await?;
        let Some(failed) = failed.filter(|failed| failed.due_at > later(now, SOON)) else {
            return Ok(true);
        };
        let was_head = self.renew_head(&case.head, letter, failed.tries).await?;
        self.forget_tries(letter.number).await?;
        Ok(was_head)
    }

    pub(super) async fn drop(&self, id: EntryId) -> Result<bool, InboxError> {
        let Some((place, letter)) = self.letter(id).await? else { return Ok(false) };
        if place == Place::Entries && self.working(letter.number).await?.is_some() {
            return Ok(false);
        }
        if place == Place::Done {
            self.streams.seen.purge(&self.subjects.seen(&letter.envelope.key)).await?;
        }
        let was_there = self.stream(place).erase(letter.number).await?;
        if place == Place::Entries {
            self.forget_tries(letter.number).await?;
            self.heal(&self.case(&letter.envelope)).await?;
        }
        Ok(was_there)
    }
}

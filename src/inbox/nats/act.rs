//! What people and programs do to an inbox.

use std::time::Duration;

use super::Nats;
use super::letter::Letter;
use super::position::Position;
use crate::inbox::engine::later;
use crate::inbox::entry::EntryId;
use crate::inbox::error::InboxError;
use crate::timestamp::Timestamp;

/// What is tried so soon need not be hurried.
const SOON: Duration = Duration::from_secs(2);

impl Nats {
    pub(super) async fn hurry(&self, id: EntryId, now: Timestamp) -> Result<bool, InboxError> {
        match self.letter(id).await? {
            Some((Position::Dead, dead)) => self.revive(&dead).await,
            Some((Position::Open, letter)) => self.hurry_head(&letter, now).await,
            Some((Position::Done, _)) | None => Ok(false),
        }
    }

    /// What waits at the server for its next try cannot be called from there: it is put in anew.
    async fn hurry_head(&self, letter: &Letter, now: Timestamp) -> Result<bool, InboxError> {
        let case = self.case(&letter.header);
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
        let Some((position, letter)) = self.letter(id).await? else { return Ok(false) };
        if position == Position::Open && self.working(letter.number).await?.is_some() {
            return Ok(false);
        }
        if position == Position::Done {
            self.streams.seen.purge(&self.subjects.seen(&letter.header.key)).await?;
        }
        let was_there = self.stream(position).erase(letter.number).await?;
        if position == Position::Open {
            self.forget_tries(letter.number).await?;
            self.heal(&self.case(&letter.header)).await?;
        }
        Ok(was_there)
    }
}

//! What people and programs see of an inbox.

use super::Nats;
use super::letter::{EntryHeader, Letter};
use super::messages::Messages;
use super::notes::Note;
use super::position::Position;
use crate::clock;
use crate::inbox::engine::clamped;
use crate::inbox::entry::{Entry, EntryId, Shown, State, Stats};
use crate::inbox::error::InboxError;

impl Nats {
    pub(super) async fn count(&self) -> Result<Stats, InboxError> {
        let streams = &self.streams;
        let (entries, done, dead, working) = tokio::try_join!(
            streams.entries.state(),
            streams.done.state(),
            streams.dead.state(),
            self.all_working(),
        )?;
        let working = u64::try_from(working.len()).unwrap_or(u64::MAX).min(entries.messages);
        let oldest = streams.entries.first(&self.subjects.entries(), 1).await?;
        Ok(Stats {
            waiting: entries.messages - working,
            working,
            done: done.messages,
            dead: dead.messages,
            oldest: oldest.map(|message| Letter::stored(message).header.received_at),
            size: entries.bytes + done.bytes + dead.bytes,
        })
    }

    pub(super) async fn page(
        &self,
        state: State,
        after: Option<EntryId>,
        limit: usize,
    ) -> Result<Vec<Entry>, InboxError> {
        let from = after.map_or(1, |id| Position::of(id).1 + 1);
        match state {
            State::Waiting => self.waiting(from, limit).await,
            State::Working => self.at_work(from, limit).await,
            State::Done => self.ended(Position::Done, from, limit).await,
            State::Dead => self.ended(Position::Dead, from, limit).await,
        }
    }

    async fn waiting(&self, mut from: u64, limit: usize) -> Result<Vec<Entry>, InboxError> {
        let all = self.subjects.entries();
        let mut found = Vec::new();
        while found.len() < limit {
            let Some(message) = self.streams.entries.first(&all, from).await? else { break };
            from = message.sequence + 1;
            let entry = self.open(&Letter::stored(message)).await?;
            found.extend(Some(entry).filter(|entry| entry.state == State::Waiting));
        }
        Ok(found)
    }

    async fn at_work(&self, from: u64, limit: usize) -> Result<Vec<Entry>, InboxError> {
        let mut found = Vec::new();
        for number in self.all_working().await?.into_iter().filter(|number| *number >= from) {
            if found.len() == limit {
                break;
            }
            let Some(message) = self.streams.entries.get(number).await? else { continue };
            let entry = self.open(&Letter::stored(message)).await?;
            found.extend(Some(entry).filter(|entry| entry.state == State::Working));
        }
        Ok(found)
    }

    async fn ended(
        &self,
        position: Position,
        mut from: u64,
        limit: usize,
    ) -> Result<Vec<Entry>, InboxError> {
        let all = match position {
            Position::Done => self.subjects.done("*"),
            _ => self.subjects.dead("*"),
        };
        let mut found = Vec::new();
        while found.len() < limit {
            let Some(message) = self.stream(position).first(&all, from).await? else { break };
            from = message.sequence + 1;
            found.push(over(position, &Letter::stored(message)));
        }
        Ok(found)
    }

    /// An entry that is not over.
    async fn open(&self, letter: &Letter) -> Result<Entry, InboxError> {
        let (working, failed) =
            tokio::try_join!(self.working(letter.number), self.failed(letter.number))?;
        let state = if working.is_some() { State::Working } else { State::Waiting };
        let error = failed.as_ref().and_then(|failed| failed.error.clone());
        let last = working.or(failed);
        let due_at = |note: Note| clamped(note.due_at, clock::now(), self.longest_wait);
        Ok(Entry {
            attempts: last.as_ref().map_or(letter.header.tries, |note| note.tries),
            due_at: last.map_or(letter.header.received_at, due_at),
            error,
            ..entry(Position::Open.id(letter.number), state, &letter.header)
        })
    }

    pub(super) async fn find(&self, id: EntryId) -> Result<Option<Shown>, InboxError> {
        let Some((position, letter)) = self.letter(id).await? else { return Ok(None) };
        let entry = match position {
            Position::Open => self.open(&letter).await?,
            Position::Done | Position::Dead => over(position, &letter),
        };
        Ok(Some(Shown { entry, body: letter.body }))
    }

    pub(super) async fn letter(
        &self,
        id: EntryId,
    ) -> Result<Option<(Position, Letter)>, InboxError> {
        let (Some(position), number) = Position::of(id) else { return Ok(None) };
        let message = self.stream(position).get(number).await?;
        Ok(message.map(|message| (position, Letter::stored(message))))
    }

    pub(super) fn stream(&self, position: Position) -> &Messages {
        match position {
            Position::Open => &self.streams.entries,
            Position::Done => &self.streams.done,
            Position::Dead => &self.streams.dead,
        }
    }

    /// Which delivery comes next, if there is something to be delivered at once and nobody is at anything.
    pub(super) async fn next_delivery(&self) -> Result<Option<String>, InboxError> {
        let info = self.pull.consumer().get_info().await.map_err(InboxError::new)?;
        let is_exhausted =
            i64::try_from(info.num_ack_pending).unwrap_or(i64::MAX) >= info.config.max_ack_pending;
        if info.num_pending == 0 || is_exhausted || !self.all_working().await?.is_empty() {
            return Ok(None);
        }
        Ok(Some(info.delivered.consumer_sequence.to_string()))
    }
}

/// An entry that is done or dead.
fn over(position: Position, letter: &Letter) -> Entry {
    let state = if position == Position::Done { State::Done } else { State::Dead };
    entry(position.id(letter.number), state, &letter.header)
}

fn entry(id: EntryId, state: State, header: &EntryHeader) -> Entry {
    let header = header.clone();
    Entry {
        id,
        state,
        api: header.api,
        path: header.path,
        event: header.event,
        subject: header.subject,
        received_at: header.received_at,
        attempts: header.tries,
        due_at: header.due_at.unwrap_or(header.received_at),
        error: header.error,
    }
}

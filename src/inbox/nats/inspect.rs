//! What people and programs see of an inbox.

use super::Nats;
use super::letter::{Envelope, Letter};
use super::messages::Messages;
use super::notes::Note;
use super::stage::Place;
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
            oldest: oldest.map(|message| Letter::stored(message).envelope.received_at),
            size: entries.bytes + done.bytes + dead.bytes,
        })
    }

    pub(super) async fn page(
        &self,
        state: State,
        after: Option<EntryId>,
        limit: usize,
    ) -> Result<Vec<Entry>, InboxError> {
        let from = after.map_or(1, |id| Place::of(id).1 + 1);
        match state {
            State::Waiting => self.waiting(from, limit).await,
            State::Working => self.at_work(from, limit).await,
            State::Done => self.ended(Place::Done, from, limit).await,
            State::Dead => self.ended(Place::Dead, from, limit).await,
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
        place: Place,
        mut from: u64,
        limit: usize,
    ) -> Result<Vec<Entry>, InboxError> {
        let all = match place {
            Place::Done => self.subjects.done("*"),
            _ => self.subjects.dead("*"),
        };
        let mut found = Vec::new();
        while found.len() < limit {
            let Some(message) = self.stream(place).first(&all, from).await? else { break };
            from = message.sequence + 1;
            found.push(over(place, &Letter::stored(message)));
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
            attempts: last.as_ref().map_or(letter.envelope.tries, |note| note.tries),
            due_at: last.map_or(letter.envelope.received_at, due_at),
            error,
            ..entry(Place::Entries.id(letter.number), state, &letter.envelope)
        })
    }

    pub(super) async fn find(&self, id: EntryId) -> Result<Option<Shown>, InboxError> {
        let Some((place, letter)) = self.letter(id).await? else { return Ok(None) };
        let entry = match place {
            Place::Entries => self.open(&letter).await?,
            Place::Done | Place::Dead => over(place, &letter),
        };
        Ok(Some(Shown { entry, body: letter.body }))
    }

    pub(super) async fn letter(&self, id: EntryId) -> Result<Option<(Place, Letter)>, InboxError> {
        let (Some(place), number) = Place::of(id) else { return Ok(None) };
        let message = self.stream(place).get(number).await?;
        Ok(message.map(|message| (place, Letter::stored(message))))
    }

    pub(super) fn stream(&self, place: Place) -> &Messages {
        match place {
            Place::Entries => &self.streams.entries,
            Place::Done => &self.streams.done,
            Place::Dead => &self.streams.dead,
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
fn over(place: Place, letter: &Letter) -> Entry {
    let state = if place == Place::Done { State::Done } else { State::Dead };
    entry(place.id(letter.number), state, &letter.envelope)
}

fn entry(id: EntryId, state: State, envelope: &Envelope) -> Entry {
    let envelope = envelope.clone();
    Entry {
        id,
        state,
        api: envelope.api,
        path: envelope.path,
        event: envelope.event,
        subject: envelope.subject,
        received_at: envelope.received_at,
        attempts: envelope.tries,
        due_at: envelope.due_at.unwrap_or(envelope.received_at),
        error: envelope.error,
    }
}

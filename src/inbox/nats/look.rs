//! What people and programs see of an inbox, and do to it.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::Nats;
use super::letter::{Envelope, Letter};
use super::messages::Messages;
use super::place::Place;
use super::tries::Note;
use crate::clock;
use crate::inbox::engine::{clamped, later};
use crate::inbox::entry::{Entry, EntryId, Shown, State, Stats};
use crate::inbox::error::InboxError;
use crate::timestamp::Timestamp;

/// What is tried so soon need not be hurried.
const SOON: Duration = Duration::from_secs(2);
/// How many heads and tails are looked at in one round.
const AT_ONCE: usize = 1_000;

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

    async fn letter(&self, id: EntryId) -> Result<Option<(Place, Letter)>, InboxError> {
        let (Some(place), number) = Place::of(id) else { return Ok(None) };
        let message = self.stream(place).get(number).await?;
        Ok(message.map(|message| (place, Letter::stored(message))))
    }

    fn stream(&self, place: Place) -> &Messages {
        match place {
            Place::Entries => &self.streams.entries,
            Place::Done => &self.streams.done,
            Place::Dead => &self.streams.dead,
        }
    }

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

    /// Puts right what a process that died at a bad moment has left. Says whether there may be more.
    pub(super) async fn put_right(&self) -> Result<bool, InboxError> {
        let is_more_back = self.hand_in_what_came_back().await?;
        Ok(self.give_tails_a_head().await? || is_more_back)
    }

    /// A server that is killed may bring back what was removed. It is not delivered, since the consumer
    /// knows that it is over; so it is put in anew, and dropped where it is handed out.
    async fn hand_in_what_came_back(&self) -> Result<bool, InboxError> {
        let info = self.pull.consumer().get_info().await.map_err(InboxError::new)?;
        for _ in 0..AT_ONCE {
            let head = self.streams.entries.first(&self.subjects.heads(), 1).await?;
            let Some(head) = head else { return Ok(false) };
            let (subject, number) = (head.subject.to_string(), head.sequence);
            if number > info.ack_floor.stream_sequence {
                return Ok(false);
            }
            // Where another is in its place, it is over.
            let head = Letter::stored(head);
            self.renew_head(&subject, &head, head.envelope.tries).await?;
        }
        Ok(true)
    }

    /// A worker that died between the end of one entry and the next has left the next in the tail.
    async fn give_tails_a_head(&self) -> Result<bool, InboxError> {
        for _ in 0..AT_ONCE {
            let from = self.looked_through.load(Ordering::Relaxed) + 1;
            let tail = self.streams.entries.first(&self.subjects.tails(), from).await?;
            let Some(tail) = tail.map(Letter::stored) else {
                self.looked_through.store(0, Ordering::Relaxed);
                return Ok(false);
            };
            self.looked_through.store(tail.number, Ordering::Relaxed);
            self.heal(&self.case(&tail.envelope)).await?;
        }
        Ok(true)
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

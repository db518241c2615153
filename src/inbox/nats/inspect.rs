//! Inspection of an inbox: stats, list, show, untaken and probe.

use std::sync::Arc;

use async_nats::jetstream::consumer::PullConsumer;

use super::letter::{EntryHeader, Letter, Position};
use super::streams::Streams;
use super::upkeep::Upkeep;
use crate::clock;
use crate::inbox::entry::{Entry, EntryId, Shown, State, Stats};
use crate::inbox::error::InboxError;

pub(super) struct Inspector {
    consumer: PullConsumer,
    streams: Arc<Streams>,
    upkeep: Arc<Upkeep>,
}

impl Inspector {
    pub(super) fn new(
        consumer: PullConsumer,
        streams: &Arc<Streams>,
        upkeep: &Arc<Upkeep>,
    ) -> Self {
        let streams = Arc::clone(streams);
        let upkeep = Arc::clone(upkeep);
        Self { consumer, streams, upkeep }
    }

    pub(super) async fn stats(&self) -> Result<Stats, InboxError> {
        let Streams { cases, ended, notes, .. } = &*self.streams;
        let (entries, done, dead, working) = tokio::try_join!(
            cases.entries.state(),
            ended.done.state(),
            ended.dead.state(),
            notes.all_working(),
        )?;
        // A note may be of an entry that was over just before.
        let working = u64::try_from(working.len()).unwrap_or(u64::MAX).min(entries.messages);
        let oldest = cases.entries.first(1).await?;
        Ok(Stats {
            waiting: entries.messages - working,
            working,
            done: done.messages,
            dead: dead.messages,
            oldest: oldest.map(|message| Letter::stored(message).header.received_at),
            size: entries.bytes + done.bytes + dead.bytes,
        })
    }

    pub(super) async fn list(
        &self,
        state: State,
        after: Option<EntryId>,
        limit: usize,
    ) -> Result<Vec<Entry>, InboxError> {
        let from = after.map_or(1, |id| Position::of(id).1 + 1);
        match state {
            State::Waiting => self.list_waiting(from, limit).await,
            State::Working => self.list_working(from, limit).await,
            State::Done => self.list_ended(Position::Done, from, limit).await,
            State::Dead => self.list_ended(Position::Dead, from, limit).await,
        }
    }

    async fn list_waiting(&self, mut from: u64, limit: usize) -> Result<Vec<Entry>, InboxError> {
        let mut found = Vec::new();
        while found.len() < limit {
            let Some(message) = self.streams.cases.entries.first(from).await? else { break };
            from = message.sequence + 1;
            let entry = self.open_entry(&Letter::stored(message)).await?;
            found.extend(Some(entry).filter(|entry| entry.state == State::Waiting));
        }
        Ok(found)
    }

    async fn list_working(&self, from: u64, limit: usize) -> Result<Vec<Entry>, InboxError> {
        let mut found = Vec::new();
        let numbers = self.streams.notes.all_working().await?;
        for number in numbers.into_iter().filter(|number| *number >= from) {
            if found.len() == limit {
                break;
            }
            let Some(letter) = self.streams.cases.get(number).await? else { continue };
            let entry = self.open_entry(&letter).await?;
            found.extend(Some(entry).filter(|entry| entry.state == State::Working));
        }
        Ok(found)
    }

    async fn list_ended(
        &self,
        position: Position,
        mut from: u64,
        limit: usize,
    ) -> Result<Vec<Entry>, InboxError> {
        let mut found = Vec::new();
        while found.len() < limit {
            let Some(message) = self.streams.at(position).first(from).await? else { break };
            from = message.sequence + 1;
            found.push(ended_entry(position, &Letter::stored(message)));
        }
        Ok(found)
    }

    /// Returns the entry that is not over.
    async fn open_entry(&self, letter: &Letter) -> Result<Entry, InboxError> {
        let notes = &self.streams.notes;
        let (working, failed) =
            tokio::try_join!(notes.working(letter.number), notes.failed(letter.number))?;
        let state = if working.is_some() { State::Working } else { State::Waiting };
        let error = failed.as_ref().and_then(|failed| failed.error.clone());
        let last = working.or(failed);
        Ok(Entry {
            attempts: last.as_ref().map_or(letter.header.attempts, |note| note.attempts),
            due_at: last
                .map_or(letter.header.received_at, |note| notes.due_at(&note, clock::now())),
            error,
            ..entry(Position::Open.id(letter.number), state, &letter.header)
        })
    }

    pub(super) async fn show(&self, id: EntryId) -> Result<Option<Shown>, InboxError> {
        let Some((position, letter)) = self.streams.find(id).await? else { return Ok(None) };
        let entry = match position {
            Position::Open => self.open_entry(&letter).await?,
            Position::Done | Position::Dead => ended_entry(position, &letter),
        };
        Ok(Some(Shown { entry, body: letter.body }))
    }

    /// Returns the number of the next delivery, if there is something to deliver and no handler has
    /// an entry.
    pub(super) async fn untaken(&self) -> Result<Option<String>, InboxError> {
        let info = self.consumer.get_info().await.map_err(InboxError::new)?;
        // The server delivers nothing more while so many wait for their next attempt: no worker is
        // missing.
        let is_exhausted =
            i64::try_from(info.num_ack_pending).unwrap_or(i64::MAX) >= info.config.max_ack_pending;
        if info.num_pending == 0
            || is_exhausted
            || !self.streams.notes.all_working().await?.is_empty()
        {
            return Ok(None);
        }
        Ok(Some(info.delivered.consumer_sequence.to_string()))
    }

    pub(super) async fn probe(&self) -> Result<(), InboxError> {
        self.upkeep.link.connected().await?;
        self.upkeep.setup.restore().await?;
        self.upkeep.try_to_store().await?;
        self.upkeep.set_aside().await
    }
}

fn ended_entry(position: Position, letter: &Letter) -> Entry {
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
        attempts: header.attempts,
        due_at: header.due_at.unwrap_or(header.received_at),
        error: header.error,
    }
}

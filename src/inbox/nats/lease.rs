//! Leases on entries: claim, renew, settle and release.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_nats::jetstream::consumer::PullConsumer;
use async_nats::jetstream::message::Acker;
use async_nats::jetstream::{AckKind, Message};
use futures_util::future::join_all;

use super::letter::{FOREIGN, Letter, Position, shortened};
use super::messages::{LONGEST, Messages};
use super::notes::Note;
use super::pull::Pull;
use super::setup::Found;
use super::streams::Streams;
use super::upkeep::Upkeep;
use crate::inbox::engine::{Claim, Lease, Ticket, Verdict};
use crate::inbox::entry::EntryId;
use crate::inbox::error::InboxError;
use crate::inbox::settings::Settings;
use crate::panics::log_safely;
use crate::timestamp::Timestamp;

/// Time after which an entry that could not be handed out is delivered again.
const PAUSE: Duration = Duration::from_secs(1);

/// Entry that this process has a lease on.
struct Leased {
    letter: Letter,
    acker: Acker,
    lease: i64,
    attempts: u32,
}

impl Leased {
    fn new(message: Message) -> Result<Self, InboxError> {
        let info = message.info().map_err(InboxError::new)?;
        let number = info.stream_sequence;
        let lease = info.delivered;
        let letter = Letter::delivered(&message, number);
        let attempts = letter.header.attempts;
        let (_, acker) = message.split();
        Ok(Self { letter, acker, lease, attempts })
    }

    fn key(&self) -> &str {
        &self.letter.header.key
    }

    fn claim(&self) -> Claim {
        let Letter { number, header, body } = self.letter.clone();
        Claim {
            ticket: Ticket { id: Position::Open.id(number), lease: self.lease },
            api: header.api,
            path: header.path,
            event: header.event,
            subject: header.subject,
            attempts: self.attempts,
            body,
        }
    }

    fn note(&self, due_at: Timestamp, error: Option<&str>) -> Note {
        Note { lease: self.lease, attempts: self.attempts, due_at, error: error.map(shortened) }
    }

    /// Raises lease and attempts above those of the last attempt.
    fn count_on(&mut self, last: Option<&Note>) {
        if let Some(last) = last {
            // A consumer that was made again counts its deliveries from one: without this, a worker
            // that was away could hold the same ticket as the one that has the entry now.
            self.lease = self.lease.max(last.lease.saturating_add(1));
        }
        // Not the number of deliveries: those count even if no handler was called.
        self.attempts =
            last.map_or(self.letter.header.attempts, |last| last.attempts).saturating_add(1);
    }

    async fn ack(&self, kind: AckKind) -> Result<(), InboxError> {
        self.acker.ack_with(kind).await.map_err(InboxError::new)
    }
}

/// State of a delivered entry's key and number elsewhere.
struct Traces {
    is_done: bool,
    dead: Option<Letter>,
    last: Option<Note>,
}

/// Leases of entries: the way to their handlers, and out of their case.
pub(super) struct Leases {
    pull: Pull,
    streams: Arc<Streams>,
    upkeep: Arc<Upkeep>,
    /// Entries that this process has leased.
    leased: Mutex<HashMap<EntryId, Arc<Leased>>>,
    done_retention: Duration,
}

impl Leases {
    pub(super) fn new(
        consumer: PullConsumer,
        streams: &Arc<Streams>,
        upkeep: &Arc<Upkeep>,
        settings: &Settings,
    ) -> Self {
        Self {
            pull: Pull::new(consumer, &upkeep.link, settings.lease),
            streams: Arc::clone(streams),
            upkeep: Arc::clone(upkeep),
            leased: Mutex::default(),
            done_retention: settings.done_retention,
        }
    }

    pub(super) async fn wait(&self) -> Result<(), InboxError> {
        let Err(error) = self.pull.wait().await else { return Ok(()) };
        match self.upkeep.setup.restore().await? {
            Found::Restored => self.pull.wait().await,
            Found::Whole => Err(error),
        }
    }

    pub(super) async fn claim(&self, limit: usize, lease: Lease) -> Vec<Claim> {
        let messages = self.pull.take(limit).await;
        let claims = join_all(messages.into_iter().map(|message| self.claim_one(message, lease)));
        claims.await.into_iter().flatten().collect()
    }

    async fn claim_one(&self, message: Message, lease: Lease) -> Option<Claim> {
        let mut leased = match Leased::new(message) {
            Ok(leased) => leased,
            Err(error) => {
                log_safely(|| tracing::error!(reason = ?error, "a message outside of any stream"));
                return None;
            }
        };
        match self.admit(&mut leased, lease).await {
            Ok(true) => {}
            Ok(false) => return None,
            Err(error) => {
                self.give_back(&leased, &error).await;
                return None;
            }
        }
        let claim = leased.claim();
        self.leased().insert(claim.ticket.id, Arc::new(leased));
        Some(claim)
    }

    /// Gives back what could not be admitted.
    async fn give_back(&self, leased: &Leased, error: &InboxError) {
        // A stream that does not store has been logged.
        if self.streams.all().into_iter().all(Messages::stores) {
            log_safely(|| tracing::error!(reason = ?error, "an entry cannot be handed out"));
        }
        self.upkeep.recover().await;
        // If this fails too, the lease ends by itself.
        let _ = leased.ack(AckKind::Nak(Some(PAUSE))).await;
    }

    /// Decides whether a delivered message is to be processed, and starts its lease if so.
    async fn admit(&self, leased: &mut Leased, lease: Lease) -> Result<bool, InboxError> {
        let traces = self.traces(&leased.letter).await?;
        // First of all, since what is over must neither run again, nor wait, nor become a dead
        // letter: it was noted as over before its message went, and whoever did so died in between.
        if self.is_over(leased, &traces).await? {
            self.remove(leased).await?;
            return Ok(false);
        }
        if leased.letter.header.is_foreign() {
            // No handler has its path: it would be retried as often as an entry may be, for
            // nothing.
            self.bury(leased, FOREIGN, lease.now).await?;
            return Ok(false);
        }
        if let Some(wait) = self.wait_of(leased, traces.last.as_ref(), lease.now) {
            leased.ack(AckKind::Nak(Some(wait))).await?;
            return Ok(false);
        }
        self.begin(leased, &traces, lease).await?;
        Ok(true)
    }

    async fn traces(&self, letter: &Letter) -> Result<Traces, InboxError> {
        let ended = &self.streams.ended;
        let key = &letter.header.key;
        // At once, for one wait. An entry that a worker whose lease is over ends in between is
        // processed a second time, as "at least once" allows.
        let (is_done, dead, last) = tokio::try_join!(
            ended.is_done(key),
            ended.dead_letter(key),
            self.streams.notes.last(letter.number),
        )?;
        Ok(Traces { is_done, dead, last })
    }

    /// Returns whether an entry was processed, has died, or is its case's head under another
    /// number.
    async fn is_over(&self, leased: &Leased, traces: &Traces) -> Result<bool, InboxError> {
        let has_died = traces.dead.as_ref().is_some_and(|dead| dead.is_same(&leased.letter));
        Ok(traces.is_done || has_died || self.is_replaced(leased).await?)
    }

    /// Returns whether the same entry is its case's head under another number by now.
    async fn is_replaced(&self, Leased { letter, lease, .. }: &Leased) -> Result<bool, InboxError> {
        // A head is replaced only after a delivery, so the first one is spared the question.
        if *lease == 1 {
            return Ok(false);
        }
        let head = self.streams.cases.head(&letter.header).await?;
        Ok(head.is_some_and(|head| head.number != letter.number && head.is_same(letter)))
    }

    /// Returns the time that an entry has to wait, if any.
    fn wait_of(&self, leased: &Leased, last: Option<&Note>, now: Timestamp) -> Option<Duration> {
        // Only a consumer that was made again delivers for the first time what has a note: it
        // delivers at once what waits for its next attempt, and what a handler has.
        let last = last.filter(|_| leased.lease == 1)?;
        let wait = self.streams.notes.due_at(last, now).saturating_duration_since(now);
        (!wait.is_zero()).then_some(wait)
    }

    async fn begin(
        &self,
        leased: &mut Leased,
        traces: &Traces,
        lease: Lease,
    ) -> Result<(), InboxError> {
        if let Some(dead) = &traces.dead {
            // This entry is its repeat or its return. A receiver that died in between left both.
            self.streams.ended.exhume(dead).await?;
        }
        leased.count_on(traces.last.as_ref());
        self.start_lease(leased, lease).await
    }

    async fn start_lease(&self, leased: &Leased, lease: Lease) -> Result<(), InboxError> {
        // The server counts the lease anew from here: the message may have waited in `Pull`. Only
        // then is it noted, so that no note says more than the server does.
        leased.ack(AckKind::Progress).await?;
        let note = leased.note(lease.end(), None);
        self.streams.notes.note_working(leased.letter.number, &note, lease.length).await
    }

    pub(super) async fn renew(&self, ticket: Ticket, lease: Lease) -> Result<bool, InboxError> {
        let Some(leased) = self.held(ticket).await? else { return Ok(false) };
        self.start_lease(&leased, lease).await?;
        Ok(true)
    }

    pub(super) async fn settle(
        &self,
        ticket: Ticket,
        verdict: Verdict,
        now: Timestamp,
    ) -> Result<bool, InboxError> {
        let Some(leased) = self.held(ticket).await? else { return Ok(false) };
        let settled = match verdict {
            Verdict::Done => self.finish(&leased, now).await,
            Verdict::Again { after, error } => self.defer(&leased, after, &error, now).await,
            Verdict::Dead { error } => self.bury(&leased, &error, now).await,
        };
        if settled.is_err() {
            self.upkeep.recover().await;
        }
        settled?;
        self.leased().remove(&ticket.id);
        Ok(true)
    }

    pub(super) async fn release(&self) -> Result<(), InboxError> {
        self.pull.release().await
    }

    fn leased(&self) -> MutexGuard<'_, HashMap<EntryId, Arc<Leased>>> {
        self.leased.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the entry of a ticket, if its lease is still held.
    async fn held(&self, ticket: Ticket) -> Result<Option<Arc<Leased>>, InboxError> {
        let leased =
            self.leased().get(&ticket.id).filter(|leased| leased.lease == ticket.lease).cloned();
        let Some(leased) = leased else { return Ok(None) };
        match self.streams.notes.working(leased.letter.number).await? {
            Some(note) if note.lease != ticket.lease => {
                self.leased().remove(&ticket.id);
                Ok(None)
            }
            // Without a note, nobody else has it: one is made before a handler is called.
            _ => Ok(Some(leased)),
        }
    }

    async fn finish(&self, leased: &Leased, now: Timestamp) -> Result<(), InboxError> {
        let due_at = now.saturating_add(self.done_retention);
        let kept = leased.letter.ended(leased.attempts, None, due_at)?;
        // Without a reserve, what room there is goes to the keys: an entry that is done is
        // forgotten early.
        let kept = self.upkeep.has_reserve().then_some(kept);
        self.streams.ended.finish(leased.key(), kept).await?;
        self.remove(leased).await
    }

    async fn defer(
        &self,
        leased: &Leased,
        after: Duration,
        error: &str,
        now: Timestamp,
    ) -> Result<(), InboxError> {
        let note = leased.note(now.saturating_add(after), Some(error));
        self.streams.notes.note_failed(leased.letter.number, &note).await?;
        leased.ack(AckKind::Nak(Some(after.min(LONGEST)))).await
    }

    async fn bury(&self, leased: &Leased, error: &str, now: Timestamp) -> Result<(), InboxError> {
        let letter = leased.letter.ended(leased.attempts, Some(error), now)?;
        self.streams.ended.bury(leased.key(), letter).await?;
        self.remove(leased).await
    }

    /// Removes an entry that is over from its case, and moves up the next.
    async fn remove(&self, leased: &Leased) -> Result<(), InboxError> {
        let Letter { number, header, .. } = &leased.letter;
        let cases = &self.streams.cases;
        // Not by the acknowledgement alone, which the servers of a cluster act on somewhat later:
        // until then, the case has a head, and the next could not be stored as one.
        cases.entries.remove(*number).await?;
        tokio::try_join!(
            cases.fill(header),
            leased.ack(AckKind::Ack),
            self.streams.notes.forget(*number)
        )?;
        Ok(())
    }
}

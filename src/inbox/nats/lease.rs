//! How an entry is handed out, and what becomes of it.

use std::collections::HashMap;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use async_nats::jetstream::message::{Acker, PublishMessage};
use async_nats::jetstream::{AckKind, Message};
use futures_util::future::join_all;

use super::Nats;
use super::letter::{FOREIGN, Letter, shortened};
use super::messages::Messages;
use super::notes::Note;
use super::position::Position;
use super::streams::LONGEST;
use crate::caught::quietly;
use crate::inbox::engine::{Claim, Lease, Ticket, Verdict, clamped, later};
use crate::inbox::error::InboxError;
use crate::timestamp::Timestamp;

/// When what could not be handed out is tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// An entry that was handed out.
pub(super) struct Leased {
    letter: Letter,
    acker: Acker,
    lease: i64,
    tries: u32,
}

impl Leased {
    fn new(message: Message) -> Result<Self, InboxError> {
        let info = message.info().map_err(InboxError::new)?;
        let (number, lease) = (info.stream_sequence, info.delivered);
        let letter = Letter::delivered(&message, number);
        let tries = letter.header.tries;
        let (_, acker) = message.split();
        Ok(Self { letter, acker, lease, tries })
    }

    fn claim(&self) -> Claim {
        let Letter { number, header, body } = self.letter.clone();
        Claim {
            ticket: Ticket { id: Position::Open.id(number), lease: self.lease },
            api: header.api,
            path: header.path,
            event: header.event,
            subject: header.subject,
            attempts: self.tries,
            body,
        }
    }

    fn note(&self, due_at: Timestamp, error: Option<&str>) -> Note {
        Note { lease: self.lease, tries: self.tries, due_at, error: error.map(shortened) }
    }

    async fn ack(&self, kind: AckKind) -> Result<(), InboxError> {
        self.acker.ack_with(kind).await.map_err(InboxError::new)
    }
}

impl Nats {
    pub(super) async fn hand_out(&self, limit: usize, lease: Lease) -> Vec<Claim> {
        let messages = self.pull.take(limit).await;
        let claims = join_all(messages.into_iter().map(|message| self.claimed(message, lease)));
        claims.await.into_iter().flatten().collect()
    }

    async fn claimed(&self, message: Message, lease: Lease) -> Option<Claim> {
        let mut leased = match Leased::new(message) {
            Ok(leased) => leased,
            Err(error) => {
                quietly(|| tracing::error!(reason = %error, "a message that is none of a stream"));
                return None;
            }
        };
        match self.admit(&mut leased, lease).await {
            Ok(true) => {}
            Ok(false) => return None,
            Err(error) => {
                // A stream that does not store has been logged.
                if self.streams.all().into_iter().all(Messages::stores) {
                    quietly(|| tracing::error!(reason = %error, "an entry cannot be handed out"));
                }
                self.recover().await;
                // If this fails too, the lease ends by itself.
                let _ = leased.ack(AckKind::Nak(Some(PAUSE))).await;
                return None;
            }
        }
        let claim = leased.claim();
        self.leased().insert(leased.letter.number, Arc::new(leased));
        Some(claim)
    }

    /// Whether a message is to be processed. What is over already, and was only not yet removed, is
    /// removed.
    async fn admit(&self, leased: &mut Leased, lease: Lease) -> Result<bool, InboxError> {
        let Letter { number, header, .. } = &leased.letter;
        let (seen, dead) = (self.subjects.seen(&header.key), self.subjects.dead(&header.key));
        let (seen, dead, last_try) = tokio::try_join!(
            self.streams.seen.last(&seen),
            self.streams.dead.last(&dead),
            self.last_try(*number),
        )?;
        let dead = dead.map(Letter::stored);
        let has_died = dead.as_ref().is_some_and(|dead| dead.is_same(&leased.letter));
        if seen.is_some() || has_died || self.is_renewed(leased).await? {
            self.remove(leased).await?;
            return Ok(false);
        }
        if header.is_foreign() {
            self.dead(leased, FOREIGN, lease.now).await?;
            return Ok(false);
        }
        if let Some(wait) = self.wait_of(leased, last_try.as_ref(), lease.now) {
            leased.ack(AckKind::Nak(Some(wait))).await?;
            return Ok(false);
        }
        if let Some(dead) = dead {
            // What this repeats: it lives again.
            self.forget_dead(&dead).await?;
        }
        if let Some(note) = &last_try {
            leased.lease = leased.lease.max(note.lease.saturating_add(1));
        }
        // Not as often as it was delivered: that is also counted where it did not come to a try.
        leased.tries = last_try.map_or(header.tries, |note| note.tries).saturating_add(1);
        leased.ack(AckKind::Progress).await?;
        self.note_working(*number, &leased.note(lease.end(), None), lease.length).await?;
        Ok(true)
    }

    /// How long an entry is still to wait. A consumer that was made again delivers at once what waits for
    /// its next try, and what a handler is at.
    fn wait_of(&self, leased: &Leased, note: Option<&Note>, now: Timestamp) -> Option<Duration> {
        let note = note.filter(|_| leased.lease == 1)?;
        let wait = clamped(note.due_at, now, self.longest_wait).as_millis() - now.as_millis();
        u64::try_from(wait).ok().filter(|wait| *wait > 0).map(Duration::from_millis)
    }

    /// Whether the same entry is its case's head under another number by now.
    async fn is_renewed(&self, leased: &Leased) -> Result<bool, InboxError> {
        let Leased { letter, lease, .. } = leased;
        if *lease == 1 {
            return Ok(false);
        }
        let head = self.head(&self.case(&letter.header)).await?;
        Ok(head.is_some_and(|head| head.number != letter.number && head.is_same(letter)))
    }

    fn leased(&self) -> MutexGuard<'_, HashMap<u64, Arc<Leased>>> {
        self.leased.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The entry, if its lease is still held.
    async fn held(&self, ticket: Ticket) -> Result<Option<Arc<Leased>>, InboxError> {
        let number = Position::of(ticket.id).1;
        let leased =
            self.leased().get(&number).filter(|leased| leased.lease == ticket.lease).cloned();
        let Some(leased) = leased else { return Ok(None) };
        match self.working(number).await? {
            Some(note) if note.lease != ticket.lease => {
                self.leased().remove(&number);
                Ok(None)
            }
            _ => Ok(Some(leased)),
        }
    }

    pub(super) async fn keep(&self, ticket: Ticket, lease: Lease) -> Result<bool, InboxError> {
        let Some(leased) = self.held(ticket).await? else { return Ok(false) };
        leased.ack(AckKind::Progress).await?;
        let note = leased.note(lease.end(), None);
        self.note_working(leased.letter.number, &note, lease.length).await?;
        Ok(true)
    }

    pub(super) async fn end(
        &self,
        ticket: Ticket,
        verdict: Verdict,
        now: Timestamp,
    ) -> Result<bool, InboxError> {
        let Some(leased) = self.held(ticket).await? else { return Ok(false) };
        let ended = match verdict {
            Verdict::Done => self.done(&leased, now).await,
            Verdict::Again { after, error } => self.again(&leased, after, &error, now).await,
            Verdict::Dead { error } => self.dead(&leased, &error, now).await,
        };
        if ended.is_err() {
            self.recover().await;
        }
        ended?;
        self.leased().remove(&leased.letter.number);
        Ok(true)
    }

    async fn done(&self, leased: &Leased, now: Timestamp) -> Result<(), InboxError> {
        let key = &leased.letter.header.key;
        let (seen, done) = (self.subjects.seen(key), self.subjects.done(key));
        let ended = leased.letter.ended(leased.tries, None, later(now, self.keep_done))?;
        let keep = async {
            // What there is no room for is forgotten early.
            if self.reserve.is_there() {
                self.streams.done.publish(&done, ended).await?;
            }
            Ok(())
        };
        tokio::try_join!(self.streams.seen.publish(&seen, PublishMessage::build()), keep)?;
        self.remove(leased).await
    }

    async fn again(
        &self,
        leased: &Leased,
        after: Duration,
        error: &str,
        now: Timestamp,
    ) -> Result<(), InboxError> {
        let note = leased.note(later(now, after), Some(error));
        self.note_failed(leased.letter.number, &note).await?;
        leased.ack(AckKind::Nak(Some(after.min(LONGEST)))).await
    }

    async fn dead(&self, leased: &Leased, error: &str, now: Timestamp) -> Result<(), InboxError> {
        let dead = self.subjects.dead(&leased.letter.header.key);
        let ended = leased.letter.ended(leased.tries, Some(error), now)?;
        self.streams.dead.publish(&dead, ended).await?;
        self.remove(leased).await
    }

    /// Removes what is over from its case, and lets the next go.
    async fn remove(&self, leased: &Leased) -> Result<(), InboxError> {
        let Letter { number, header, .. } = &leased.letter;
        let case = self.case(header);
        // Not by the acknowledgement alone, which the servers of a cluster act on somewhat later: until
        // then, the case has a head.
        self.streams.entries.remove(*number).await?;
        tokio::try_join!(
            self.fill_head(&case),
            leased.ack(AckKind::Ack),
            self.forget_tries(*number)
        )?;
        Ok(())
    }
}

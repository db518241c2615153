//! Turn, from the lease on its conversation to the commit.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::delivery::Delivery;
use super::error::StoreError;
use super::fingerprint::Fingerprint;
use super::input::Input;
use super::record::{AnsweredDelivery, Record, SavedState, TurnId};
use super::store::{Revision, Saved, Store};
use crate::bot::{Button, Reply};
use crate::clock::now;
use crate::error::HandlerError;
use crate::panics::log_safely;
use crate::timestamp::Timestamp;

/// Attempts at a write whose outcome is unknown.
const ATTEMPTS: u32 = 4;
const FIRST_WAIT: Duration = Duration::from_millis(10);
const LONGEST_WAIT: Duration = Duration::from_millis(250);

/// Durations of a lease and of a record.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms {
    pub(super) lease: Duration,
    pub(super) time_to_live: Duration,
}

/// Turn that holds its conversation. It is undone when it is dropped, unless it was committed.
pub(super) struct Turn<S: Store> {
    terms: Terms,
    fingerprint: Option<Fingerprint>,
    /// Time at which the lease was taken or last renewed, and near enough the time of the commit.
    renewed_at: Timestamp,
    record: Record,
    /// Revision of the last write, as far as the turn knows.
    revision: Option<Revision>,
    undo: Option<Undo<S>>,
    is_lost: bool,
}

pub(super) enum Begin<S: Store> {
    Turn(Box<Turn<S>>),
    /// The delivery was answered before: there is nothing to be done.
    Answered(Reply),
}

impl<S: Store> Turn<S> {
    /// Waits until nobody else holds the conversation, and leases it. A turn without a delivery is
    /// one that the program makes itself.
    pub(super) async fn begin(
        store: &Arc<S>,
        key: &Arc<str>,
        delivery: Option<&Delivery>,
        terms: Terms,
    ) -> Result<Begin<S>, HandlerError> {
        let mut wait = FIRST_WAIT;
        let mut hold = Hold::default();
        loop {
            if let Some(begun) = Self::try_to_begin(store, key, delivery, terms, &mut hold).await? {
                return Ok(begun);
            }
            sleep(wait).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    /// Leases the conversation, unless another turn holds it, or is faster.
    async fn try_to_begin(
        store: &Arc<S>,
        key: &Arc<str>,
        delivery: Option<&Delivery>,
        terms: Terms,
        hold: &mut Hold,
    ) -> Result<Option<Begin<S>>, HandlerError> {
        let found = S::load(store, key).await?;
        let time = now();
        let revision = found.as_ref().map(|found| found.revision);
        let before = found.map(|found| found.record).filter(|it| it.expires_at() > time);
        let is_held = before.as_ref().is_some_and(|record| hold.lasts(record, revision, time));
        let answered = delivery.and_then(|it| answered(before.as_ref(), it, is_held));
        if answered.is_some() || is_held {
            return Ok(answered.map(Begin::Answered));
        }
        let fingerprint = delivery.and_then(|delivery| delivery.fingerprint);
        let mut turn = Self::new(store, key, before, fingerprint, terms, time);
        turn.revision = S::save(store, key, &turn.record, revision).await?.revision();
        Ok(turn.revision.is_some().then(|| Begin::Turn(turn)))
    }

    /// Creates a turn, boxed because it is moved on the way.
    fn new(
        store: &Arc<S>,
        key: &Arc<str>,
        before: Option<Record>,
        fingerprint: Option<Fingerprint>,
        terms: Terms,
        renewed_at: Timestamp,
    ) -> Box<Self> {
        let mut record = before.clone().unwrap_or_else(Record::expired);
        record.turn = TurnId::unique();
        let undo =
            Undo { store: Arc::clone(store), key: Arc::clone(key), before, turn: record.turn };
        let undo = Some(undo);
        let mut turn = Box::new(Self {
            terms,
            fingerprint,
            renewed_at,
            record,
            revision: None,
            undo,
            is_lost: false,
        });
        turn.lease(renewed_at);
        turn
    }

    /// Buttons that the visitor can click.
    pub(super) fn buttons(&self) -> &[Button] {
        self.record.buttons.as_deref().unwrap_or_default()
    }

    /// Returns the state of the conversation, as it is stored.
    pub(super) fn state(&self) -> Option<&Arc<SavedState>> {
        self.record.state.as_ref()
    }

    /// Runs a step, and renews the lease as long as it takes.
    pub(super) async fn hold<T>(
        &mut self,
        step: impl Future<Output = Result<T, HandlerError>>,
    ) -> Result<T, HandlerError> {
        let mut step = pin!(timed(self.terms.lease, step));
        tokio::select! {
            biased;
            done = &mut step => done,
            lost = self.keep_renewing() => Err(lost),
        }
    }

    /// Renews the lease, and returns when it is lost.
    async fn keep_renewing(&mut self) -> HandlerError {
        loop {
            sleep(self.terms.lease / 3).await;
            self.lease(now());
            match self.write().await {
                Err(Unwritten::Lost) => return Unwritten::Lost.into(),
                Err(Unwritten::Failed(error)) => {
                    log_safely(|| tracing::warn!(?error, "a lease was not renewed"));
                }
                Ok(()) => {}
            }
        }
    }

    /// Commits the turn: the next state, the reply, and the end of the lease, in one write.
    pub(super) async fn commit(
        &mut self,
        state: Option<Arc<SavedState>>,
        reply: &Reply,
    ) -> Result<(), HandlerError> {
        self.record.state = state;
        if let Some(fingerprint) = self.fingerprint {
            self.record.push_answer(AnsweredDelivery::new(fingerprint, reply));
        }
        self.record.show(reply);
        self.record.set_lease(None);
        self.record.set_expiry(self.renewed_at, self.terms.time_to_live);
        let mut written = self.write().await;
        for attempt in 1..ATTEMPTS {
            let Err(Unwritten::Failed(_)) = written else { break };
            sleep(FIRST_WAIT * attempt).await;
            written = self.write().await;
        }
        written?;
        self.undo = None;
        Ok(())
    }

    /// Leases the record, which outlives its lease, however short the time to live.
    fn lease(&mut self, time: Timestamp) {
        let Terms { lease, time_to_live } = self.terms;
        self.renewed_at = time;
        self.record.set_lease(Some((time, lease)));
        self.record.set_expiry(time, time_to_live.max(lease));
    }

    /// Writes the record over the last one of this turn.
    ///
    /// A write that failed, or that was given up, may have been done all the same, and then the
    /// next one is refused. So the record is read again unless the write plainly succeeded.
    async fn write(&mut self) -> Result<(), Unwritten> {
        let Some(Undo { store, key, turn, .. }) = &self.undo else { return Err(self.lost()) };
        let saved = S::save(store, key, &self.record, self.revision).await;
        if let Ok(Saved::Written(revision)) = saved {
            self.revision = Some(revision);
            return Ok(());
        }
        let found = S::load(store, key).await.map_err(Unwritten::Failed)?;
        let Some(found) = found.filter(|found| found.record.turn == *turn) else {
            return Err(self.lost());
        };
        self.revision = Some(found.revision);
        if found.record.leased_until == self.record.leased_until {
            return Ok(());
        }
        Err(Unwritten::Failed(saved.err().unwrap_or_else(|| StoreError::new("written late"))))
    }

    fn lost(&mut self) -> Unwritten {
        self.is_lost = true;
        Unwritten::Lost
    }

    /// Returns `true` if another turn was found to hold the conversation.
    pub(super) fn is_lost(&self) -> bool {
        self.is_lost
    }

    /// Restores the conversation as it was before the turn.
    pub(super) async fn undo(&mut self) {
        if let Some(undoing) = self.start_undo() {
            let _ = undoing.await;
        }
    }

    /// Starts the undo on a task of its own, since a turn may be dropped at any time.
    fn start_undo(&mut self) -> Option<JoinHandle<()>> {
        let undo = self.undo.take()?;
        let runtime = Handle::try_current().ok()?;
        Some(runtime.spawn(undo.run()))
    }
}

/// Undoes a turn whose step panicked, or was dropped at its deadline.
impl<S: Store> Drop for Turn<S> {
    fn drop(&mut self) {
        self.start_undo();
    }
}

/// Returns the reply to a delivery that makes no turn.
fn answered(before: Option<&Record>, delivery: &Delivery, is_held: bool) -> Option<Reply> {
    let stored = || before?.reply_to(delivery.fingerprint?);
    let late = || (!is_held && is_late(before, &delivery.input)).then(Reply::new);
    stored().or_else(late)
}

/// Runs a step, and logs a hint if it blocks its thread. Blocked past its lease it cannot renew it,
/// and past its deadline it is not stopped: the log would show only that the turn failed.
async fn timed<T>(lease: Duration, step: impl Future<Output = T>) -> T {
    let mut step = pin!(step);
    poll_fn(|context| {
        let began = std::time::Instant::now();
        let polled = step.as_mut().poll(context);
        if began.elapsed() > lease {
            let reason =
                "step blocked its thread past its lease: see `tokio::task::spawn_blocking`";
            log_safely(|| tracing::warn!(reason, "late"));
        }
        polled
    })
    .await
}

/// Returns `true` for the end of a conversation that is over already, or that is unknown.
fn is_late(before: Option<&Record>, input: &Input) -> bool {
    matches!(input, Input::Closed(_)) && before.is_none_or(|record| record.state.is_none())
}

/// Another turn's hold on a conversation, checked again and again.
///
/// It is timed from the first check after each renewal: the clock of the process that leased it may
/// have been an hour ahead, and this one's may be set right in the meantime.
#[derive(Debug, Default)]
struct Hold {
    revision: Option<Revision>,
    ends_at: Option<Instant>,
}

impl Hold {
    fn lasts(&mut self, record: &Record, revision: Option<Revision>, time: Timestamp) -> bool {
        if !record.is_leased() {
            return false;
        }
        if self.ends_at.is_none() || self.revision != revision {
            self.revision = revision;
            self.ends_at = Instant::now().checked_add(record.lease_left(time));
        }
        self.ends_at.is_none_or(|ends_at| Instant::now() < ends_at)
    }
}

/// Restores a conversation as it was before a turn.
struct Undo<S: Store> {
    store: Arc<S>,
    key: Arc<str>,
    before: Option<Record>,
    turn: TurnId,
}

impl<S: Store> Undo<S> {
    async fn run(self) {
        for attempt in 1..=ATTEMPTS {
            match self.attempt().await {
                Ok(true) => return,
                Ok(false) => {}
                Err(error) => {
                    log_safely(|| tracing::warn!(?error, "a turn was not undone"));
                }
            }
            sleep(FIRST_WAIT * attempt).await;
        }
        log_safely(|| tracing::warn!("a conversation is held until its lease runs out"));
    }

    /// Returns whether the turn no longer holds the conversation.
    ///
    /// It reads first: the last write may have been given up halfway.
    async fn attempt(&self) -> Result<bool, StoreError> {
        let Some(found) = S::load(&self.store, &self.key).await? else { return Ok(true) };
        if !found.record.is_held_by(self.turn) {
            return Ok(true);
        }
        let seen = found.revision;
        match &self.before {
            Some(before) => {
                let saved = S::save(&self.store, &self.key, before, Some(seen)).await?;
                Ok(matches!(saved, Saved::Written(_)))
            }
            None => S::remove(&self.store, &self.key, seen).await,
        }
    }
}

/// Reason for which a record was not written.
enum Unwritten {
    /// Another turn holds the conversation, or it is gone.
    Lost,
    Failed(StoreError),
}

impl From<Unwritten> for HandlerError {
    fn from(unwritten: Unwritten) -> Self {
        match unwritten {
            Unwritten::Lost => Self::new("the lease on the conversation was lost"),
            Unwritten::Failed(error) => Self::new(error),
        }
    }
}

//! A dialogue as a bot: the turns, one by one.

use std::hash::{Hash, Hasher};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::value::to_raw_value;
use siphasher::sip::SipHasher13;
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep};

use super::queue::Queue;
use super::store::{Answer, Fingerprint, Record, Revision, SavedState, Store, StoreError};
use super::{Dialogue, Input, Next, Step};
use crate::bot::{ChatClosed, ChatStarted, CommandResult, Handler, Message, Reply};
use crate::error::HandlerError;
use crate::id::CaseId;
use crate::timestamp::Timestamp;

/// A [`Dialogue`] as a [`bot::Handler`](crate::bot::Handler), with its conversations in a [`Store`].
///
/// Messages that no visitor wrote and events that are not documented are no turns.
#[derive(Debug)]
#[must_use]
pub struct Bot<D, S> {
    dialogue: D,
    store: Arc<S>,
    queue: Queue,
    clock: Clock,
    name: String,
    lease: Duration,
    time_to_live: Duration,
}

impl<D: Dialogue, S: Store> Bot<D, S> {
    /// A bot with the defaults.
    pub fn new(dialogue: D, store: impl Into<Arc<S>>) -> Self {
        Self {
            dialogue,
            store: store.into(),
            queue: Queue::default(),
            clock: Clock::start(),
            name: "bot".to_owned(),
            lease: Duration::from_secs(10),
            time_to_live: Duration::from_secs(24 * 60 * 60),
        }
    }

    /// What tells its conversations from those of other bots in the same store. `bot` by default.
    pub fn name(self, name: impl Into<String>) -> Self {
        Self { name: name.into(), ..self }
    }

    /// How long a turn holds its conversation after its process died, or could not reach the store.
    /// 10 seconds by default. A turn that runs longer renews its lease.
    pub fn lease(self, lease: Duration) -> Self {
        Self { lease, ..self }
    }

    /// How long a conversation is remembered after its last turn. 24 hours by default.
    pub fn time_to_live(self, time_to_live: Duration) -> Self {
        Self { time_to_live, ..self }
    }

    /// Removes the conversations that have expired from the store, and says how many.
    ///
    /// # Errors
    ///
    /// Where the store fails.
    pub async fn sweep(&self) -> Result<u64, StoreError> {
        self.store.sweep(self.clock.now()).await
    }

    /// Where a conversation stands; `None` where none is kept, or it is over.
    ///
    /// A turn that runs is not waited for.
    ///
    /// # Errors
    ///
    /// Where the store fails.
    pub async fn state_of(&self, case_id: &CaseId) -> Result<Option<D::State>, StoreError> {
        let found = self.store.load(&self.key(case_id)).await?;
        let record = found.map(|(record, _)| record);
        let record = record.filter(|record| record.expires_at() > self.clock.now());
        Ok(record.filter(|record| record.state.is_some()).map(|record| self.state(&record)))
    }

    /// Puts a conversation into a state, once no other turn of it runs: a turn without input and
    /// reply.
    ///
    /// # Errors
    ///
    /// Where the store fails.
    pub async fn set_state(&self, case_id: &CaseId, state: D::State) -> Result<(), HandlerError> {
        let key = self.key(case_id);
        let _place = self.queue.enter(&key).await;
        if let Begin::Turn(turn) = self.begin(&key, None).await? {
            turn.commit(self, None, Next::Go(state), &Reply::new()).await?;
        }
        Ok(())
    }

    fn key(&self, case_id: &CaseId) -> String {
        format!("{}/{case_id}", self.name)
    }

    async fn turn(&self, input: Input) -> Result<Reply, HandlerError> {
        let key = self.key(input.case_id());
        let fingerprint = fingerprint(&input);
        let _place = self.queue.enter(&key).await;
        let mut turn = match self.begin(&key, fingerprint).await? {
            Begin::Turn(turn) => turn,
            Begin::Answered(reply) => return Ok(reply),
        };
        let is_over = matches!(input, Input::Closed(_));
        if is_over && turn.record.state.is_none() {
            turn.undo().await;
            return Ok(Reply::new());
        }
        let state = self.state(&turn.record);
        let step = turn.hold(self, self.dialogue.step(state, input)).await;
        let Step { next, reply } = match step {
            Ok(step) => step,
            Err(error) => {
                turn.undo().await;
                return Err(error);
            }
        };
        let next = if is_over { Next::End } else { next };
        turn.commit(self, fingerprint, next, &reply).await?;
        Ok(reply)
    }

    /// Waits until nobody else holds the conversation, and takes hold of it.
    async fn begin(
        &self,
        key: &str,
        fingerprint: Option<Fingerprint>,
    ) -> Result<Begin<S>, HandlerError> {
        let mut wait = Duration::from_millis(10);
        loop {
            let now = self.clock.now();
            let found = self.store.load(key).await?;
            let (before, seen) = match found {
                Some((record, seen)) if record.expires_at() > now => (Some(record), Some(seen)),
                Some((_, seen)) => (None, Some(seen)),
                None => (None, None),
            };
            let mut record = before.clone().unwrap_or_else(|| Record::new(now));
            if let Some(reply) = fingerprint.and_then(|print| record.reply_to(print)) {
                return Ok(Begin::Answered(reply?));
            }
            if record.is_leased(now) {
                sleep(wait).await;
                wait = (wait * 2).min(Duration::from_millis(250));
                continue;
            }
            record.leased_until = Some(after(now, self.lease));
            record.expires_at = after(now, self.time_to_live);
            if let Some(revision) = self.store.save(key, &record, seen).await? {
                let undo =
                    Undo { store: Arc::clone(&self.store), key: key.to_owned(), before, revision };
                return Ok(Begin::Turn(Turn { record, undo: Some(undo) }));
            }
        }
    }

    fn state(&self, record: &Record) -> D::State {
        let Some(saved) = &record.state else {
            return self.dialogue.start();
        };
        let json = saved.json.get();
        let read = (saved.version == D::VERSION).then(|| serde_json::from_str(json).ok()).flatten();
        let migrate = || self.dialogue.migrate(saved.version, serde_json::from_str(json).ok()?);
        read.or_else(migrate).unwrap_or_else(|| {
            tracing::warn!(version = saved.version, "stored state cannot be read, starting again");
            self.dialogue.start()
        })
    }
}

enum Begin<S: Store> {
    Answered(Reply),
    Turn(Turn<S>),
}

/// A turn that holds its conversation.
struct Turn<S: Store> {
    record: Record,
    /// Taken when the turn is committed, or lost.
    undo: Option<Undo<S>>,
}

impl<S: Store> Turn<S> {
    /// Runs a step, and renews the lease as long as it takes.
    async fn hold<D: Dialogue, T>(
        &mut self,
        bot: &Bot<D, S>,
        step: impl Future<Output = Result<T, HandlerError>>,
    ) -> Result<T, HandlerError> {
        let mut step = pin!(step);
        loop {
            tokio::select! {
                biased;
                done = &mut step => return done,
                () = sleep(bot.lease / 3) => self.renew(bot).await?,
            }
        }
    }

    async fn renew<D: Dialogue>(&mut self, bot: &Bot<D, S>) -> Result<(), HandlerError> {
        let Some(undo) = &mut self.undo else { return Ok(()) };
        self.record.leased_until = Some(after(bot.clock.now(), bot.lease));
        match undo.store.save(&undo.key, &self.record, Some(undo.revision)).await {
            Ok(Some(revision)) => undo.revision = revision,
            Ok(None) => {
                self.undo = None;
                return Err(HandlerError::new("the lease on the conversation was lost"));
            }
            Err(error) => tracing::warn!(%error, "the lease on a conversation was not renewed"),
        }
        Ok(())
    }
}

impl<S: Store> Turn<S> {
    async fn undo(mut self) {
        if let Some(undo) = self.undo.take() {
            undo.undo().await;
        }
    }

    /// Writes the turn down: state, reply and fingerprint, and with them the hold let go.
    async fn commit<D: Dialogue>(
        mut self,
        bot: &Bot<D, S>,
        fingerprint: Option<Fingerprint>,
        next: Next<D::State>,
        reply: &Reply,
    ) -> Result<(), HandlerError> {
        let record = &mut self.record;
        match next {
            Next::Stay if record.state.is_some() => {}
            Next::Stay => record.state = Some(saved::<D>(&bot.dialogue.start())?),
            Next::Go(state) => record.state = Some(saved::<D>(&state)?),
            Next::End => record.state = None,
        }
        if let Some(fingerprint) = fingerprint {
            record.push_answer(Answer { fingerprint, reply: to_raw_value(reply)? });
        }
        record.turns += 1;
        record.leased_until = None;
        record.expires_at = after(bot.clock.now(), bot.time_to_live);
        let Some(undo) = &self.undo else { return Ok(()) };
        let written = undo.store.save(&undo.key, &self.record, Some(undo.revision)).await?;
        self.undo = None;
        match written {
            Some(_) => Ok(()),
            None => Err(HandlerError::new("the lease on the conversation was lost")),
        }
    }
}

/// Puts a conversation back where it was, unless its turn is committed or lost.
struct Undo<S: Store> {
    store: Arc<S>,
    key: String,
    before: Option<Record>,
    revision: Revision,
}

impl<S: Store> Undo<S> {
    async fn undo(self) {
        let undone = match &self.before {
            Some(record) => self.store.save(&self.key, record, Some(self.revision)).await.map(drop),
            None => self.store.remove(&self.key, self.revision).await,
        };
        if let Err(error) = undone {
            tracing::warn!(%error, "a conversation is held until its lease runs out");
        }
    }
}

/// A turn may end anywhere: its step panicked, or was dropped at its deadline.
impl<S: Store> Drop for Turn<S> {
    fn drop(&mut self) {
        if let (Some(undo), Ok(runtime)) = (self.undo.take(), Handle::try_current()) {
            runtime.spawn(undo.undo());
        }
    }
}

fn saved<D: Dialogue>(state: &D::State) -> Result<SavedState, HandlerError> {
    Ok(SavedState { version: D::VERSION, json: to_raw_value(state)? })
}

#[async_trait]
impl<D: Dialogue, S: Store> Handler for Bot<D, S> {
    async fn message(&self, message: Message) -> Result<Reply, HandlerError> {
        self.turn(message.into()).await
    }

    async fn chat_started(&self, chat: ChatStarted) -> Result<Reply, HandlerError> {
        self.turn(Input::Opened(chat)).await
    }

    async fn command_failed(&self, result: CommandResult) -> Result<Reply, HandlerError> {
        self.turn(Input::TransferFailed(result)).await
    }

    async fn chat_closed(&self, chat: ChatClosed) -> Result<(), HandlerError> {
        self.turn(Input::Closed(chat)).await.map(drop)
    }
}

/// The same delivery has the same event, time, text and button. Without a time, nothing tells a
/// repeat from a visitor who says the same thing twice.
fn fingerprint(input: &Input) -> Option<Fingerprint> {
    let (event, timestamp, text, button) = match input {
        Input::Opened(event) => (0, event.timestamp?, "", ""),
        Input::Said(message) => (1, message.timestamp?, message.text.as_str(), ""),
        Input::Clicked { id, message } => {
            (1, message.timestamp?, message.text.as_str(), id.as_str())
        }
        Input::TransferFailed(event) => (2, event.timestamp?, "", ""),
        Input::Closed(event) => (3, event.timestamp?, "", ""),
    };
    // Stored, so the hash must be the same tomorrow: not the standard library's.
    let mut hasher = SipHasher13::new();
    hasher.write_u8(event);
    hasher.write_i64(timestamp.as_millis());
    text.hash(&mut hasher);
    button.hash(&mut hasher);
    Some(Fingerprint(hasher.finish()))
}

/// Epoch time that goes with tokio's clock, so that it stands still where that is paused.
#[derive(Debug)]
struct Clock {
    epoch: Timestamp,
    instant: Instant,
}

impl Clock {
    fn start() -> Self {
        Self { epoch: Timestamp::now(), instant: Instant::now() }
    }

    fn now(&self) -> Timestamp {
        after(self.epoch, self.instant.elapsed())
    }
}

fn after(timestamp: Timestamp, duration: Duration) -> Timestamp {
    let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_millis(timestamp.as_millis().saturating_add(millis)).unwrap_or(Timestamp::MAX)
}

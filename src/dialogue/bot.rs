//! A dialogue as a bot.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::value::to_raw_value;

use super::queue::Queue;
use super::store::{SavedState, Store, StoreError};
use super::turn::{Begin, Terms, Turn};
use super::{Dialogue, Input, Next, Step};
use crate::bot::{ChatClosed, ChatStarted, CommandResult, Handler, Message, Reply};
use crate::clock::now;
use crate::error::HandlerError;
use crate::id::CaseId;

/// A [`Dialogue`] as a [`bot::Handler`](crate::bot::Handler), with its conversations in a [`Store`].
///
/// Messages that no visitor wrote and events that are not documented are no turns.
#[derive(Debug)]
#[must_use]
pub struct Bot<D, S> {
    pub(super) dialogue: D,
    pub(super) store: Arc<S>,
    queue: Queue,
    name: String,
    terms: Terms,
}

impl<D: Dialogue, S: Store> Bot<D, S> {
    /// A bot with the defaults. An `Arc` of a store is a store too, to be shared with other bots.
    pub fn new(dialogue: D, store: S) -> Self {
        Self {
            dialogue,
            store: Arc::new(store),
            queue: Queue::default(),
            name: "bot".to_owned(),
            terms: Terms {
                lease: Duration::from_secs(10),
                time_to_live: Duration::from_secs(24 * 60 * 60),
            },
        }
    }

    /// What tells its conversations from those of other bots in the same store. `bot` by default.
    pub fn name(self, name: impl Into<String>) -> Self {
        Self { name: name.into(), ..self }
    }

    /// How long a turn holds its conversation after its process died, or could not reach the store.
    /// 10 seconds by default, and 10 milliseconds at least. A turn that runs longer renews its lease.
    ///
    /// Where several receivers share a store, their clocks should differ by less than this. If they
    /// do not, a turn may be taken for dead and run again elsewhere; one of the two is committed.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.terms.lease = lease.max(Duration::from_millis(10));
        self
    }

    /// How long a conversation is remembered after its last turn. 24 hours by default.
    pub fn time_to_live(mut self, time_to_live: Duration) -> Self {
        self.terms.time_to_live = time_to_live;
        self
    }

    /// Removes the conversations that have expired from the store, and says how many.
    ///
    /// # Errors
    ///
    /// Where the store fails.
    pub async fn sweep(&self) -> Result<u64, StoreError> {
        S::sweep(&self.store, now()).await
    }

    /// Where a conversation stands; `None` where none is kept, or it is over.
    ///
    /// A turn that runs is not waited for.
    ///
    /// # Errors
    ///
    /// Where the store fails.
    pub async fn state_of(&self, case_id: &CaseId) -> Result<Option<D::State>, StoreError> {
        let found = S::load(&self.store, &self.key(case_id)).await?;
        let record = found.map(|(record, _)| record).filter(|record| record.expires_at() > now());
        let saved = record.and_then(|record| record.state);
        Ok(saved.map(|saved| self.state(Some(&saved))))
    }

    /// Puts a conversation into a state, once no other turn of it runs.
    ///
    /// # Errors
    ///
    /// Where the store fails.
    pub async fn set_state(&self, case_id: &CaseId, state: D::State) -> Result<(), HandlerError> {
        let key = self.key(case_id);
        let _place = self.queue.enter(&key).await;
        if let Begin::Turn(mut turn) = Turn::begin(&self.store, &key, None, self.terms).await? {
            let saved = self.saved(Next::Go(state), None)?;
            turn.commit(saved, &Reply::new()).await?;
        }
        Ok(())
    }

    fn key(&self, case_id: &CaseId) -> Arc<str> {
        [&self.name, "/", case_id.as_str()].concat().into()
    }

    /// In a box, so that the future is small: it is moved and allocated for every message.
    async fn turn(&self, input: Box<Input>) -> Result<Reply, HandlerError> {
        let key = self.key(input.case_id());
        let _place = self.queue.enter(&key).await;
        let mut turn = match Turn::begin(&self.store, &key, Some(&input), self.terms).await? {
            Begin::Turn(turn) => turn,
            Begin::Answered(reply) => return Ok(reply),
        };
        let is_over = matches!(*input, Input::Closed(_));
        let state = self.state(turn.state());
        let Step { next, reply } = match turn.hold(self.dialogue.step(state, *input)).await {
            Ok(step) => step,
            Err(error) => {
                turn.undo().await;
                return Err(error);
            }
        };
        let next = if is_over { Next::End } else { next };
        let saved = self.saved(next, turn.state())?;
        turn.commit(saved, &reply).await?;
        Ok(reply)
    }

    fn state(&self, saved: Option<&Arc<SavedState>>) -> D::State {
        let Some(SavedState { version, json }) = saved.map(|saved| &**saved) else {
            return self.dialogue.start();
        };
        let read = || serde_json::from_str(json.get()).ok();
        let migrate = || self.dialogue.migrate(*version, serde_json::from_str(json.get()).ok()?);
        let state = if *version == D::VERSION { read().or_else(migrate) } else { migrate() };
        state.unwrap_or_else(|| {
            tracing::warn!(version, "stored state cannot be read, starting again");
            self.dialogue.start()
        })
    }

    fn saved(
        &self,
        next: Next<D::State>,
        before: Option<&Arc<SavedState>>,
    ) -> Result<Option<Arc<SavedState>>, HandlerError> {
        let state = match (next, before) {
            (Next::End, _) => return Ok(None),
            (Next::Stay, Some(before)) => return Ok(Some(Arc::clone(before))),
            (Next::Stay, None) => self.dialogue.start(),
            (Next::Go(state), _) => state,
        };
        Ok(Some(Arc::new(SavedState { version: D::VERSION, json: to_raw_value(&state)? })))
    }
}

#[async_trait]
impl<D: Dialogue, S: Store> Handler for Bot<D, S> {
    async fn message(&self, message: Message) -> Result<Reply, HandlerError> {
        self.turn(Box::new(message.into())).await
    }

    async fn chat_started(&self, chat: ChatStarted) -> Result<Reply, HandlerError> {
        self.turn(Box::new(Input::Opened(Box::new(chat)))).await
    }

    async fn command_failed(&self, result: CommandResult) -> Result<Reply, HandlerError> {
        self.turn(Box::new(Input::TransferFailed(result))).await
    }

    async fn chat_closed(&self, chat: ChatClosed) -> Result<(), HandlerError> {
        self.turn(Box::new(Input::Closed(chat))).await.map(drop)
    }
}

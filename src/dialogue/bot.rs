//! Dialogue as a bot.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::value::to_raw_value;

use super::delivery::Delivery;
use super::error::StoreError;
use super::input::Input;
use super::queue::TurnQueues;
use super::record::SavedState;
use super::step::{Dialogue, NextState, Step};
use super::store::Store;
use super::sweeper::Sweeper;
use super::tally::{TurnEnd, TurnEnded, TurnTally};
use super::turn::{Begin, Terms, Turn};
use crate::bot::{Button, ChatClosed, ChatStarted, CommandResult, Handler, Message, Reply};
use crate::clock::now;
use crate::error::HandlerError;
use crate::hook::Hook;
use crate::id::CaseId;
use crate::panics::log_safely;

/// [`Dialogue`] as a [`bot::Handler`](crate::bot::Handler), with its conversations in a [`Store`].
///
/// Messages that no visitor wrote and events that are not documented make no turns.
#[derive(Debug)]
#[must_use]
pub struct Bot<D, S> {
    pub(super) dialogue: D,
    pub(super) store: Arc<S>,
    queues: TurnQueues,
    name: String,
    terms: Terms,
    text_as_typed: bool,
    sweeper: Sweeper,
    ended: Hook<TurnEnded>,
}

impl<D: Dialogue, S: Store> Bot<D, S> {
    /// Creates a bot with the defaults. An `Arc` of a store is a store too, to be shared with other
    /// bots.
    pub fn new(dialogue: D, store: S) -> Self {
        Self {
            dialogue,
            store: Arc::new(store),
            queues: TurnQueues::default(),
            name: "bot".to_owned(),
            terms: Terms {
                lease: Duration::from_secs(3),
                time_to_live: Duration::from_secs(24 * 60 * 60),
            },
            text_as_typed: false,
            sweeper: Sweeper::default(),
            ended: Hook::default(),
        }
    }

    /// Sets the name that separates its conversations from those of other bots in the same store.
    /// `bot` by default.
    pub fn name(self, name: impl Into<String>) -> Self {
        Self { name: name.into(), ..self }
    }

    /// Sets the time for which a turn holds its conversation after its process died, or could not
    /// reach the store. 3 seconds by default, and 10 milliseconds at least. A turn that runs longer
    /// renews its lease after each third of it.
    ///
    /// It should be well below the [deadline of the bot](crate::ReceiverBuilder::bot_deadline),
    /// which is 8 seconds by default: a message that arrives just after a process died waits for
    /// the lease to run out, and must then be answered in time.
    ///
    /// If several receivers share a store, their clocks should differ by less than this. If they do
    /// not, a turn may be taken for dead and run again elsewhere; one of the two is committed.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.terms.lease = lease.max(Duration::from_millis(10));
        self
    }

    /// Sets the time for which a conversation is remembered after its last turn. 24 hours by
    /// default. Within an hour after that it is removed from the store, as long as the bot runs.
    pub fn time_to_live(mut self, time_to_live: Duration) -> Self {
        self.terms.time_to_live = time_to_live;
        self
    }

    /// Takes what a visitor types as text, even if it equals a button that is shown. By default, it
    /// is that button's click, ignoring case and white space at either end: `yes` for `Yes`. If
    /// several buttons have that text, it is text.
    pub fn text_as_typed(self) -> Self {
        Self { text_as_typed: true, ..self }
    }

    /// Removes the conversations that have expired from the store, and returns their number. The
    /// bot calls it by itself, at its first turn and then once an hour.
    ///
    /// # Errors
    ///
    /// If the store fails.
    pub async fn sweep(&self) -> Result<u64, StoreError> {
        S::sweep(&self.store, now()).await
    }

    /// Returns the state of a conversation; `None` if none is stored, or it is over.
    ///
    /// It does not wait for a turn that runs.
    ///
    /// # Errors
    ///
    /// If the store fails.
    pub async fn state_of(&self, case_id: &CaseId) -> Result<Option<D::State>, StoreError> {
        let found = S::load(&self.store, &self.key(case_id)).await?;
        let record = found.map(|found| found.record).filter(|record| record.expires_at() > now());
        let saved = record.and_then(|record| record.state);
        Ok(saved.map(|saved| self.read(&saved).unwrap_or_else(|| self.dialogue.start())))
    }

    /// Sets the state of a conversation, once no other turn of it runs.
    ///
    /// # Errors
    ///
    /// If the store fails, or the state cannot be written as JSON.
    pub async fn set_state(&self, case_id: &CaseId, state: D::State) -> Result<(), StoreError> {
        self.put(case_id, &state).await.map_err(StoreError::of)
    }

    async fn put(&self, case_id: &CaseId, state: &D::State) -> Result<(), HandlerError> {
        let key = self.key(case_id);
        let _place = self.queues.enter(&key).await;
        if let Begin::Turn(mut turn) = Turn::begin(&self.store, &key, None, self.terms).await? {
            turn.commit(Some(self.saved(state)?), &Reply::new()).await?;
        }
        Ok(())
    }

    /// Has a function told of each turn that is over.
    #[cfg(feature = "metrics")]
    pub(crate) fn hook(&self) -> &Hook<TurnEnded> {
        &self.ended
    }

    fn key(&self, case_id: &CaseId) -> Arc<str> {
        [&self.name, "/", case_id.as_str()].concat().into()
    }

    /// Runs one turn. The delivery is boxed so that the future is small: it is moved and allocated
    /// for every message.
    async fn turn(&self, delivery: Box<Delivery>) -> Result<Reply, HandlerError> {
        self.sweeper.wake(&self.store);
        let mut tally = TurnTally::new(&self.ended, &self.name);
        let key = self.key(delivery.input.case_id());
        let _place = self.queues.enter(&key).await;
        let begun = Turn::begin(&self.store, &key, Some(&delivery), self.terms).await;
        match begun.inspect_err(|_| tally.end = TurnEnd::Failed)? {
            Begin::Turn(mut turn) => {
                let reply = self.take(&mut turn, delivery).await;
                tally.end = match &reply {
                    Ok(_) => TurnEnd::Committed,
                    Err(_) if turn.is_lost() => TurnEnd::LeaseLost,
                    Err(_) => TurnEnd::Failed,
                };
                reply
            }
            Begin::Answered(reply) => {
                tally.end = TurnEnd::Repeat;
                Ok(reply)
            }
        }
    }

    /// Runs a turn from the step to the commit.
    async fn take(
        &self,
        turn: &mut Turn<S>,
        delivery: Box<Delivery>,
    ) -> Result<Reply, HandlerError> {
        let (state, before) = self.state(turn.state(), delivery.opening())?;
        let input = self.input(*delivery, turn.buttons());
        let is_over = matches!(input, Input::Closed(_));
        let Step { next, reply } = match turn.hold(self.dialogue.step(state, input)).await {
            Ok(step) => step,
            Err(error) => {
                turn.undo().await;
                return Err(error);
            }
        };
        let after = match next {
            NextState::End => None,
            _ if is_over => None,
            NextState::Stay => Some(before),
            NextState::Go(state) => Some(self.saved(&state)?),
        };
        turn.commit(after, &reply).await?;
        Ok(reply)
    }

    fn input(&self, delivery: Delivery, buttons: &[Button]) -> Input {
        let can_click = delivery.opening().is_none() && !buttons.is_empty();
        if can_click && !self.text_as_typed {
            delivery.input.or_click(buttons)
        } else {
            delivery.input
        }
    }

    /// Returns the state of the conversation as a step begins, and as it is stored while it stays
    /// there.
    fn state(
        &self,
        stored: Option<&Arc<SavedState>>,
        opening: Option<&ChatStarted>,
    ) -> Result<(D::State, Arc<SavedState>), HandlerError> {
        let state = stored.and_then(|stored| self.read(stored));
        let state = match (state, stored, opening) {
            (state, _, Some(chat)) => self.dialogue.open(chat, state),
            (Some(state), Some(stored), None) => return Ok((state, Arc::clone(stored))),
            _ => self.dialogue.start(),
        };
        let stored = self.saved(&state)?;
        Ok((state, stored))
    }

    fn saved(&self, state: &D::State) -> Result<Arc<SavedState>, HandlerError> {
        Ok(Arc::new(SavedState { version: D::VERSION, json: to_raw_value(state)? }))
    }

    fn read(&self, SavedState { version, json }: &SavedState) -> Option<D::State> {
        let read = || serde_json::from_str(json.get()).ok();
        let migrate = || self.dialogue.migrate(*version, serde_json::from_str(json.get()).ok()?);
        let state = if *version == D::VERSION { read().or_else(migrate) } else { migrate() };
        if state.is_none() {
            log_safely(|| tracing::warn!(version, "stored state cannot be read, starting again"));
        }
        state
    }
}

#[async_trait]
impl<D: Dialogue, S: Store> Handler for Bot<D, S> {
    async fn message(&self, message: Message) -> Result<Reply, HandlerError> {
        self.turn(Box::new(message.into())).await
    }

    async fn chat_started(&self, chat: ChatStarted) -> Result<Reply, HandlerError> {
        self.turn(Box::new(chat.into())).await
    }

    async fn command_failed(&self, result: CommandResult) -> Result<Reply, HandlerError> {
        self.turn(Box::new(result.into())).await
    }

    async fn chat_closed(&self, chat: ChatClosed) -> Result<(), HandlerError> {
        self.turn(Box::new(chat.into())).await.map(drop)
    }
}

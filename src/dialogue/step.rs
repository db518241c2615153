//! Dialogue as its author writes it: a state and an input in, a step out.

use async_trait::async_trait;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::input::Input;
use crate::bot::{ChatStarted, Reply};
use crate::error::HandlerError;

/// Bot's side of a conversation: its next reply, by the state of the conversation.
///
/// ```
/// use snapengage::bot::Reply;
/// use snapengage::dialogue::{Dialogue, Input, Step};
/// use snapengage::{HandlerError, async_trait};
///
/// struct Counter;
///
/// #[async_trait]
/// impl Dialogue for Counter {
///     type State = u64;
///
///     fn start(&self) -> u64 {
///         0
///     }
///
///     async fn step(&self, said: u64, input: Input) -> Result<Step<u64>, HandlerError> {
///         Ok(match input {
///             Input::Said(_) => {
///                 let said = said + 1;
///                 Step::go(said, Reply::say(format!("Message {said}")))
///             }
///             _ => Step::stay(Reply::new()),
///         })
///     }
/// }
/// ```
///
/// Every `impl` needs [`#[async_trait]`](macro@crate::async_trait) as above. Without it, the
/// compiler reports E0195: "lifetime parameters or bounds on method `step` do not match the
/// trait declaration".
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a dialogue",
    label = "the trait `Dialogue` is not implemented for `{Self}`",
    note = "a closure is none: what it answers depends on a state, which a `Dialogue` names"
)]
#[async_trait]
pub trait Dialogue: Send + Sync + 'static {
    /// State of a conversation: an enum or a struct of your own.
    type State: Serialize + DeserializeOwned + Send + Sync + 'static;

    /// Version of [`State`](Self::State). Raise it when the meaning of a stored state changes.
    const VERSION: u32 = 1;

    /// Returns the state that a conversation starts from.
    fn start(&self) -> Self::State;

    /// Returns the state of a conversation as a chat opens, before anything is said: to use the
    /// visitor's details, or to resume with a visitor who comes back from a human. By default, the
    /// [start](Self::start), whatever the state was before.
    ///
    /// ```
    /// # use serde::{Deserialize, Serialize};
    /// # use snapengage::bot::{ChatStarted, Reply};
    /// # use snapengage::dialogue::{Dialogue, Input, Step};
    /// # use snapengage::{HandlerError, async_trait};
    /// #[derive(Serialize, Deserialize)]
    /// struct Visit {
    ///     email: Option<String>,
    /// }
    /// # struct Desk;
    ///
    /// # #[async_trait]
    /// impl Dialogue for Desk {
    ///     type State = Visit;
    ///
    ///     fn start(&self) -> Visit {
    ///         Visit { email: None }
    ///     }
    ///
    ///     fn open(&self, chat: &ChatStarted, before: Option<Visit>) -> Visit {
    ///         Visit { email: chat.email.clone().or(before.and_then(|visit| visit.email)) }
    ///     }
    /// #   async fn step(&self, _: Visit, _: Input) -> Result<Step<Visit>, HandlerError> {
    /// #       Ok(Step::end(Reply::new()))
    /// #   }
    /// }
    /// ```
    fn open(&self, _chat: &ChatStarted, _before: Option<Self::State>) -> Self::State {
        self.start()
    }

    /// Answers an input, and returns the next state.
    ///
    /// # Errors
    ///
    /// The visitor gets the fallback reply, and the conversation stays where it was.
    async fn step(
        &self,
        state: Self::State,
        input: Input,
    ) -> Result<Step<Self::State>, HandlerError>;

    /// Converts a stored state of another version, or one that cannot be read.
    ///
    /// With `None`, the default, the conversation starts again.
    fn migrate(&self, _version: u32, _state: Value) -> Option<Self::State> {
        None
    }
}

/// Transition of a conversation from one state to the next, with the reply.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct Step<S> {
    pub(super) next: NextState<S>,
    pub(super) reply: Reply,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum NextState<S> {
    Stay,
    Go(S),
    End,
}

impl<S> Step<S> {
    /// Keeps the conversation in its state.
    pub fn stay(reply: Reply) -> Self {
        Self { next: NextState::Stay, reply }
    }

    /// Moves the conversation to another state.
    pub fn go(state: S, reply: Reply) -> Self {
        Self { next: NextState::Go(state), reply }
    }

    /// Ends the conversation. The visitor's next message starts another.
    pub fn end(reply: Reply) -> Self {
        Self { next: NextState::End, reply }
    }
}

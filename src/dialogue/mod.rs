//! Bot conversations with state: one turn, committed whole.
//!
//! SnapEngage sends a bot one request per visitor message and reads the answer from the response.
//! Where the conversation stands, two messages that arrive at once, a delivery that comes twice and
//! a restart in the middle are the bot's problem. A dialogue leaves them to this module: it says
//! what follows from a state and an input, and no more.
//!
//! ```
//! use serde::{Deserialize, Serialize};
//! use snapengage::bot::Reply;
//! use snapengage::dialogue::{Dialogue, Input, MemoryStore, Step};
//! use snapengage::{HandlerError, Receiver, Token, async_trait};
//!
//! #[derive(Serialize, Deserialize)]
//! enum Order {
//!     Open,
//!     Flavour,
//!     Size { flavour: String },
//! }
//!
//! struct IceCream;
//!
//! #[async_trait]
//! impl Dialogue for IceCream {
//!     type State = Order;
//!
//!     fn start(&self) -> Order {
//!         Order::Open
//!     }
//!
//!     async fn step(
//!         &self,
//!         state: Order,
//!         input: Input,
//!     ) -> Result<Step<Order>, HandlerError> {
//!         Ok(match (state, input) {
//!             (Order::Open, Input::Opened(_) | Input::Said(_)) => {
//!                 Step::go(Order::Flavour, Reply::say("Hello! Which flavour?"))
//!             }
//!             (Order::Flavour, Input::Said(message)) => Step::go(
//!                 Order::Size { flavour: message.text },
//!                 Reply::say("How large?").button("small").button("large"),
//!             ),
//!             (Order::Size { flavour }, Input::Said(size)) => {
//!                 let size = size.text;
//!                 Step::end(Reply::say(format!("One {size} {flavour}, please!")).bye())
//!             }
//!             _ => Step::stay(Reply::new()),
//!         })
//!     }
//! }
//!
//! let bot = snapengage::dialogue::Bot::new(IceCream, MemoryStore::new());
//! let receiver = Receiver::builder().bot("/bot", Token::new("my-token"), bot).build()?;
//! # Ok::<_, snapengage::BuildError>(())
//! ```
//!
//! # One turn
//!
//! A turn is the input, the state that follows and the reply, written to the [`Store`] as one:
//!
//! - What the visitor says first comes with the event that opens the chat, and is [`Input::Said`] all
//!   the same. Only a chat that opens without a word is [`Input::Opened`].
//! - The same delivery again gets the stored reply. What differs in any field is another delivery, and
//!   so is all that comes without a timestamp.
//! - What a visitor types is the click on a button that is shown and says the same, unless
//!   [`Bot::text_as_typed`] is set.
//! - Turns of one conversation run one after the other, those of others beside them.
//! - A turn that fails leaves no trace, and the visitor gets the fallback reply.
//! - While a turn runs it holds a lease on the conversation, which is renewed, and which a process
//!   that dies loses after [`Bot::lease`], whatever its clock said: 3 seconds by default, so that what
//!   the visitor says next is answered within the deadline of a bot, 8 seconds. A turn that has lost its
//!   lease is not committed.
//!
//! # Stores
//!
//! | Store | Feature | For |
//! |---|---|---|
//! | [`MemoryStore`] | none | tests, and small bots that may forget where they stood |
//! | [`SqliteStore`] | `sqlite` | one machine: a file that outlasts the process |
//! | [`NatsStore`] | `nats` | several receivers behind a load balancer |
//!
//! Another is an implementation of [`Store`] that passes the [conformance suite](conformance).
//!
//! | What happens | On SQLite | On NATS |
//! |---|---|---|
//! | a process is killed | nothing that was answered is lost; the conversation of a turn that ran is held until its lease runs out | the same |
//! | the power is cut | the same, and what it held is free | what the server has flushed is there: all with `sync_interval: always`, else up to two minutes less, unless a replica has it |
//! | the disk is full, the file gone, the server down | turns fail, and the visitor gets the fallback reply | the same |
//!
//! A turn on SQLite costs one flush, which turns that are committed at the same time share. A store can be hooked
//! into the health route: `.health_check("conversations", Arc::clone(&store))`.
//!
//! Conversations that have expired are read as if they were gone, and are removed by the bot itself, within
//! an hour: no name or address stays for good.
//!
//! # Changed programs
//!
//! A state is stored with its [version](Dialogue::VERSION). One that cannot be read any more goes to
//! [`Dialogue::migrate`], and if that has no use for it, the conversation starts again: no visitor is
//! locked out by a deploy.
#![cfg_attr(feature = "testing", doc = "")]
#![cfg_attr(feature = "testing", doc = include_str!("tutorial.md"))]

#[cfg(feature = "testing")]
pub mod conformance;

mod bot;
mod delivery;
mod fingerprint;
mod memory;
#[cfg(feature = "nats")]
mod nats;
mod queue;
#[cfg(feature = "sqlite")]
mod sqlite;
mod store;
mod sweeper;
mod turn;
#[cfg(any(feature = "nats", feature = "sqlite"))]
mod watch;

use async_trait::async_trait;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub use self::bot::Bot;
pub use self::memory::MemoryStore;
#[cfg(feature = "nats")]
pub use self::nats::NatsStore;
#[cfg(feature = "sqlite")]
pub use self::sqlite::SqliteStore;
pub use self::store::{Loaded, Record, Revision, Saved, Store, StoreError};

use crate::bot::{ChatClosed, ChatStarted, CommandResult, Message, Reply};
use crate::error::HandlerError;
use crate::id::{CaseId, WidgetId};

/// What a bot says next, by where the conversation stands.
#[async_trait]
pub trait Dialogue: Send + Sync + 'static {
    /// Where a conversation stands: an enum or a struct of your own.
    type State: Serialize + DeserializeOwned + Send + Sync + 'static;

    /// The version of [`State`](Self::State). Raise it when the meaning of a stored state changes.
    const VERSION: u32 = 1;

    /// Where a conversation starts.
    fn start(&self) -> Self::State;

    /// Where a conversation stands as a chat opens, before anything is said: for what is told of the
    /// visitor, and for a visitor who comes back from a human. At its [start](Self::start), by default,
    /// wherever it stood before.
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

    /// What follows from an input.
    ///
    /// # Errors
    ///
    /// The visitor gets the fallback reply, and the conversation stays where it was.
    async fn step(
        &self,
        state: Self::State,
        input: Input,
    ) -> Result<Step<Self::State>, HandlerError>;

    /// Makes something of a stored state of another version, or of one that cannot be read.
    ///
    /// With `None`, the default, the conversation starts again.
    fn migrate(&self, _version: u32, _state: Value) -> Option<Self::State> {
        None
    }
}

/// What happened in a conversation.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Input {
    /// The visitor was put through to the bot, and has said nothing yet. In a box, for it is much larger
    /// than the others, and comes once.
    Opened(Box<ChatStarted>),
    /// The visitor said something, the first thing in a chat included, or clicked a button without an
    /// id, or typed what is on it: the text is the button's then.
    Said(Message),
    /// The visitor clicked a button with an id, or typed what is on it.
    Clicked {
        /// The button's id.
        id: String,
        /// The message with the button's text.
        message: Message,
    },
    /// A transfer failed. Where the step says nothing to it, the visitor gets the
    /// [fallback reply](crate::ReceiverBuilder::fallback) or the
    /// [apology](crate::ReceiverBuilder::apology), as with [any bot](crate::bot::Handler::command_failed).
    TransferFailed(CommandResult),
    /// The chat ended. Whatever the step, the conversation is over.
    Closed(ChatClosed),
}

impl Input {
    /// The conversation.
    pub fn case_id(&self) -> &CaseId {
        match self {
            Self::Opened(event) => &event.case_id,
            Self::Said(message) | Self::Clicked { message, .. } => &message.case_id,
            Self::TransferFailed(event) => &event.case_id,
            Self::Closed(event) => &event.case_id,
        }
    }

    /// The widget the chat came in by.
    pub fn widget_id(&self) -> &WidgetId {
        match self {
            Self::Opened(event) => &event.widget_id,
            Self::Said(message) | Self::Clicked { message, .. } => &message.widget_id,
            Self::TransferFailed(event) => &event.widget_id,
            Self::Closed(event) => &event.widget_id,
        }
    }
}

impl From<Message> for Input {
    fn from(message: Message) -> Self {
        match &message.id {
            Some(id) => Self::Clicked { id: id.clone(), message },
            None => Self::Said(message),
        }
    }
}

/// Where a conversation goes, and what is said on the way.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct Step<S> {
    next: Next<S>,
    reply: Reply,
}

#[derive(Debug, Clone, PartialEq)]
enum Next<S> {
    Stay,
    Go(S),
    End,
}

impl<S> Step<S> {
    /// The conversation stays where it was.
    pub fn stay(reply: Reply) -> Self {
        Self { next: Next::Stay, reply }
    }

    /// The conversation goes on from another state.
    pub fn go(state: S, reply: Reply) -> Self {
        Self { next: Next::Go(state), reply }
    }

    /// The conversation is over. What the visitor says after that starts another.
    pub fn end(reply: Reply) -> Self {
        Self { next: Next::End, reply }
    }
}

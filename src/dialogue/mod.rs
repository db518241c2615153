//! Bot conversations with state: each turn is committed as one.
//!
//! SnapEngage sends a bot one request per visitor message and reads the answer from the response.
//! The state of the conversation, two messages that arrive at once, a delivery that comes twice and
//! a restart in the middle are the bot's problem. A dialogue leaves them to this module: it maps a
//! state and an input to the next state and a reply, and no more.
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
//! - The visitor's first message comes with the event that opens the chat, and is [`Input::Said`]
//!   all the same. Only a chat that opens without a word is [`Input::Opened`].
//! - A delivery that is repeated gets the stored reply. One that differs in any field is another
//!   delivery, and so is every one without a timestamp.
//! - Typed text that equals a button that is shown is a click on it, unless [`Bot::text_as_typed`]
//!   is set.
//! - Turns of one conversation run one after the other, concurrently with those of others.
//! - A turn that fails leaves no trace, and the visitor gets the fallback reply.
//! - While a turn runs it holds a lease on the conversation, which is renewed, and which a process
//!   that dies loses after [`Bot::lease`], whatever its clock said: 3 seconds by default, so that
//!   the visitor's next message is answered within the deadline of a bot, 8 seconds. A turn that
//!   has lost its lease is not committed.
//!
//! # Stores
//!
//! | Store | Feature | For |
//! |---|---|---|
//! | [`MemoryStore`] | none | tests, and small bots that may forget their conversations |
//! | [`SqliteStore`] | `sqlite` | one machine: a file that outlasts the process |
//! | [`NatsStore`] | `nats` | several receivers behind a load balancer |
//!
//! Any other is an implementation of [`Store`] that passes the [conformance suite](conformance).
//!
//! | What happens | On SQLite | On NATS |
//! |---|---|---|
//! | a process is killed | nothing that was answered is lost; the conversation of a turn that ran is held until its lease runs out | the same |
//! | the power is cut | the same, except that the conversation is mostly free at once | what the server has flushed is kept: everything with `sync_interval: always`, otherwise up to two minutes are lost, unless a replica has them |
//! | the disk is full, the file gone, the server down | turns fail, and the visitor gets the fallback reply | the same |
//!
//! A turn on SQLite costs one flush, which turns that are committed at the same time share. A store
//! can be added to the health route: `.health_check("conversations", Arc::clone(&store))`.
//!
//! Conversations that have expired are read as absent, and are removed by the bot itself, within an
//! hour: no name or address is stored for good.
//!
//! # Changed programs
//!
//! A state is stored with its [version](Dialogue::VERSION). One that can no longer be read goes to
//! [`Dialogue::migrate`], and if that returns `None`, the conversation starts again: no visitor is
//! locked out by a deploy.
#![cfg_attr(feature = "testing", doc = "")]
#![cfg_attr(feature = "testing", doc = include_str!("tutorial.md"))]

#[cfg(feature = "testing")]
pub mod conformance;

mod bot;
mod delivery;
mod error;
mod fingerprint;
mod input;
mod memory;
#[cfg(feature = "nats")]
mod nats;
mod queue;
mod record;
#[cfg(feature = "sqlite")]
mod sqlite;
mod step;
mod store;
mod sweeper;
mod tally;
mod turn;

pub use self::bot::Bot;
pub use self::error::StoreError;
pub use self::input::Input;
pub use self::memory::MemoryStore;
#[cfg(feature = "nats")]
pub use self::nats::NatsStore;
pub use self::record::Record;
#[cfg(feature = "sqlite")]
pub use self::sqlite::SqliteStore;
pub use self::step::{Dialogue, Step};
pub use self::store::{Loaded, Revision, Saved, Store};
#[cfg(feature = "metrics")]
pub(crate) use self::tally::TurnEnded;

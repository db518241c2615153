//! Bot API: a bot takes chats as an agent does.
//!
//! SnapEngage sends one POST for each event in a chat:
//!
//! ```http
//! POST /bot HTTP/1.1
//! Host: example.com
//! Authorization: my-token
//!
//! {"widget_id":"ff7b3314","case_id":"ab992c69","timestamp":1554321848997,
//!  "event":"message","from":"visitor","text":"Hello"}
//! ```
//!
//! The response holds what the visitor is to see and what SnapEngage is to do. There is no other
//! way to send a message:
//!
//! ```http
//! HTTP/1.1 200 OK
//! Content-Type: application/json; charset=utf-8
//! X-Content-Type-Options: nosniff
//!
//! {"widget_id":"ff7b3314","case_id":"ab992c69",
//!  "content":[{"type":"message","text":"Hello yourself"}]}
//! ```
//!
//! If a handler fails, panics or takes too long, the visitor gets the [fallback
//! reply](crate::ReceiverBuilder::fallback). So does one whose transfer failed, unless the bot
//! replies to the failure: a visitor is never left in silence. A request that cannot be read is
//! answered with it as well, as long as its `case_id` can be read. Without one it is refused:
//!
//! ```http
//! HTTP/1.1 400 Bad Request
//! Content-Type: application/json; charset=utf-8
//!
//! {"code":400,"message":"bot request: missing field `case_id` at line 1 column 45"}
//! ```
//!
//! The visitor's first message comes with the event that opens the chat, `chatStarted`. It goes to
//! [`Handler::message`] all the same; a visitor who opens a chat without a word is
//! [greeted](Handler::greet).
//!
//! See [SnapEngage docs/Bot API](https://developer.snapengage.com/#bot-api).
//!
//! ```
//! use snapengage::bot::{self, Reply};
//! use snapengage::{Receiver, Token};
//!
//! let handler = bot::from_fn(|message| async move {
//!     match message.text.as_str() {
//!         "Hello" => Ok(Reply::say("Hello yourself").button("Talk to a human")),
//!         _ => Ok(Reply::say("One moment").to_human()),
//!     }
//! })
//! .greeting("Hello! What is it about?");
//! let token = Token::new("my-token");
//! let receiver = Receiver::builder().bot("/bot", token, handler).build()?;
//! # Ok::<_, snapengage::BuildError>(())
//! ```

mod broken;
mod chat_started;
mod closure;
mod command;
mod command_result;
mod endpoint;
mod event;
mod fallback;
mod message;
mod reply;

use std::sync::Arc;

use async_trait::async_trait;

pub use self::chat_started::{
    ChatStarted, Geo, HmacVerificationResult, VerificationProperty, VerificationStatus,
    VerifiedProperty,
};
pub use self::closure::{FromFn, from_fn};
pub use self::command::{Card, Cards, Command, Label, Layout};
pub use self::command_result::{CommandError, CommandResult, FailedCommand};
pub(crate) use self::endpoint::BotEndpoint;
pub use self::event::{ChatClosed, Event, Unknown};
pub(crate) use self::fallback::Fallback;
pub use self::message::{Message, Speaker};
pub use self::reply::{Button, Content, Reply, Text};

use crate::error::HandlerError;

/// Handler of the Bot API.
///
/// Requests of one conversation may arrive concurrently; a handler that keeps state has to allow
/// for that.
///
/// ```
/// use snapengage::async_trait;
/// use snapengage::bot::{ChatStarted, Handler, Message, Reply};
/// use snapengage::HandlerError;
///
/// struct Greeter;
///
/// #[async_trait]
/// impl Handler for Greeter {
///     async fn greet(&self, chat: ChatStarted) -> Result<Reply, HandlerError> {
///         let city = chat.geo.and_then(|geo| geo.city);
///         Ok(Reply::say(format!("Hello {}", city.as_deref().unwrap_or("there"))))
///     }
///
///     async fn message(&self, _message: Message) -> Result<Reply, HandlerError> {
///         Ok(Reply::say("One moment").to_human())
///     }
/// }
/// ```
///
/// Every `impl` needs [`#[async_trait]`](macro@crate::async_trait) as above. Without it, the
/// compiler reports E0195: "lifetime parameters or bounds on method `message` do not match the
/// trait declaration".
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a handler of the Bot API",
    label = "the trait `bot::Handler` is not implemented for `{Self}`",
    note = "a closure becomes a handler by `bot::from_fn(|message| async move {{ .. }})`"
)]
#[async_trait]
pub trait Handler: Send + Sync + 'static {
    /// Answers a visitor's message, a click on a button, or the message that opens a chat.
    ///
    /// # Errors
    ///
    /// The visitor gets the fallback reply.
    async fn message(&self, message: Message) -> Result<Reply, HandlerError>;

    /// Answers the opening of a chat. By default, the visitor's first message goes to
    /// [`message`](Self::message), and a visitor who said nothing is [greeted](Self::greet).
    ///
    /// # Errors
    ///
    /// The visitor gets the fallback reply.
    async fn chat_started(&self, chat: ChatStarted) -> Result<Reply, HandlerError> {
        match chat.to_message() {
            Some(message) => self.message(message).await,
            None => self.greet(chat).await,
        }
    }

    /// Greets a visitor who opened a chat and has said nothing yet. The default reply is empty.
    ///
    /// # Errors
    ///
    /// The visitor gets the fallback reply.
    async fn greet(&self, _chat: ChatStarted) -> Result<Reply, HandlerError> {
        Ok(Reply::new())
    }

    /// Answers commands that failed: transfers, as far as is documented.
    ///
    /// The visitor expects somebody. So if the reply is empty, which is the default, a transfer to
    /// an agent, a widget or tags ends in the [fallback reply](crate::ReceiverBuilder::fallback),
    /// and one to any human agent, or one that the fallback reply itself asked for, in the
    /// [apology](crate::ReceiverBuilder::apology).
    ///
    /// The vendor does not document whether SnapEngage reads the reply.
    ///
    /// # Errors
    ///
    /// The visitor gets the fallback reply.
    async fn command_failed(&self, _result: CommandResult) -> Result<Reply, HandlerError> {
        Ok(Reply::new())
    }

    /// Receives a message that no visitor wrote: one from SnapEngage itself, such as the visitor's
    /// contact details. The default reply is empty.
    ///
    /// # Errors
    ///
    /// The visitor gets the fallback reply.
    async fn system_message(&self, _message: Message) -> Result<Reply, HandlerError> {
        Ok(Reply::new())
    }

    /// Receives the end of a chat.
    ///
    /// # Errors
    ///
    /// The failure is logged. Nobody is left to be answered.
    async fn chat_closed(&self, _chat: ChatClosed) -> Result<(), HandlerError> {
        Ok(())
    }

    /// Receives an event that this crate does not know. The default reply is empty.
    ///
    /// # Errors
    ///
    /// The visitor gets the fallback reply.
    async fn unknown(&self, _event: Unknown) -> Result<Reply, HandlerError> {
        Ok(Reply::new())
    }
}

#[async_trait]
impl<H: Handler + ?Sized> Handler for Arc<H> {
    async fn message(&self, message: Message) -> Result<Reply, HandlerError> {
        (**self).message(message).await
    }

    async fn chat_started(&self, chat: ChatStarted) -> Result<Reply, HandlerError> {
        (**self).chat_started(chat).await
    }

    async fn greet(&self, chat: ChatStarted) -> Result<Reply, HandlerError> {
        (**self).greet(chat).await
    }

    async fn command_failed(&self, result: CommandResult) -> Result<Reply, HandlerError> {
        (**self).command_failed(result).await
    }

    async fn system_message(&self, message: Message) -> Result<Reply, HandlerError> {
        (**self).system_message(message).await
    }

    async fn chat_closed(&self, chat: ChatClosed) -> Result<(), HandlerError> {
        (**self).chat_closed(chat).await
    }

    async fn unknown(&self, event: Unknown) -> Result<Reply, HandlerError> {
        (**self).unknown(event).await
    }
}

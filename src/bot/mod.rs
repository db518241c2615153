//! Bot API: a bot takes chats as an agent does.
//!
//! SnapEngage sends one POST for each thing that happens in a chat:
//!
//! ```http
//! POST /bot HTTP/1.1
//! Host: example.com
//! Authorization: my-token
//!
//! {"widget_id":"ff7b3314","case_id":"ab992c69","timestamp":1554321848997,"event":"message","from":"visitor","text":"Hello"}
//! ```
//!
//! What the visitor is to see, and what SnapEngage is to do, is the answer. There is no other way
//! to say something:
//!
//! ```http
//! HTTP/1.1 200 OK
//! Content-Type: application/json; charset=utf-8
//! X-Content-Type-Options: nosniff
//!
//! {"widget_id":"ff7b3314","case_id":"ab992c69","content":[{"type":"message","text":"Hello yourself"}]}
//! ```
//!
//! A handler that fails, panics or takes too long is answered for with the
//! [fallback reply](crate::ReceiverBuilder::fallback): a visitor is never left in silence. A request
//! that cannot be read is refused:
//!
//! ```http
//! HTTP/1.1 400 Bad Request
//! Content-Type: application/json; charset=utf-8
//!
//! {"code":400,"message":"bot request: missing field `case_id` at line 1 column 45"}
//! ```
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
//! });
//! let receiver = Receiver::builder().bot("/bot", Token::new("my-token"), handler).build()?;
//! # Ok::<_, snapengage::BuildError>(())
//! ```

mod command;
mod event;
mod reply;

use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;

pub use self::command::{Card, Cards, Command, Label, Layout};
pub use self::event::{
    ChatClosed, ChatStarted, CommandError, CommandResult, Event, FailedCommand, Geo,
    HmacVerificationResult, Message, Speaker, Unknown, VerificationProperty, VerificationStatus,
    VerifiedProperty,
};
pub use self::reply::{Button, Content, Reply, Text};

use crate::endpoint::{Answer, Call, Endpoint, Input, from_fn, supervise};
use crate::error::HandlerError;
use crate::lenient::warn_of_odd_fields;
use crate::rejection::Rejection;

/// A bot.
///
/// Requests of one conversation may come at the same time; a handler that keeps state sees to it.
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
///     async fn chat_started(&self, chat: ChatStarted) -> Result<Reply, HandlerError> {
///         let city = chat.geo.and_then(|geo| geo.city);
///         Ok(Reply::say(format!("Hello {}", city.as_deref().unwrap_or("there"))))
///     }
///
///     async fn message(&self, _message: Message) -> Result<Reply, HandlerError> {
///         Ok(Reply::say("One moment").to_human())
///     }
/// }
/// ```
#[async_trait]
pub trait Handler: Send + Sync + 'static {
    /// Answers a visitor's message, or a click on a button.
    ///
    /// # Errors
    ///
    /// The visitor gets the fallback reply.
    async fn message(&self, message: Message) -> Result<Reply, HandlerError>;

    /// Greets a visitor. Says nothing by default.
    ///
    /// # Errors
    ///
    /// The visitor gets the fallback reply.
    async fn chat_started(&self, _chat: ChatStarted) -> Result<Reply, HandlerError> {
        Ok(Reply::new())
    }

    /// Takes note of commands that failed: transfers, as far as is documented. Says nothing by
    /// default.
    ///
    /// Whether SnapEngage reads the reply is not documented.
    ///
    /// # Errors
    ///
    /// The visitor gets the fallback reply.
    async fn command_failed(&self, _result: CommandResult) -> Result<Reply, HandlerError> {
        Ok(Reply::new())
    }

    /// Takes note of a message that no visitor wrote: one from SnapEngage itself, such as the
    /// visitor's contact details. Says nothing by default.
    ///
    /// # Errors
    ///
    /// The visitor gets the fallback reply.
    async fn system_message(&self, _message: Message) -> Result<Reply, HandlerError> {
        Ok(Reply::new())
    }

    /// Takes note of the end of a chat.
    ///
    /// # Errors
    ///
    /// The failure is logged. Nobody is left to be answered.
    async fn chat_closed(&self, _chat: ChatClosed) -> Result<(), HandlerError> {
        Ok(())
    }

    /// Takes an event that this crate does not know. Says nothing by default.
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

from_fn! {
    /// A bot from a closure that answers visitors' messages.
    message(Message) -> Reply
}

pub(crate) struct Route<H> {
    handler: Arc<H>,
    fallback: Arc<Reply>,
}

impl<H: Handler> Route<H> {
    pub(crate) fn new(handler: H, fallback: Arc<Reply>) -> Self {
        Self { handler: Arc::new(handler), fallback }
    }
}

impl<H: Handler> Endpoint for Route<H> {
    fn api(&self) -> &'static str {
        "bot"
    }

    fn accept(&self, request: Input<'_>) -> Result<Call, Rejection> {
        let event = Event::from_json(&request.body)?;
        warn_of_odd_fields(&event);
        let name = event.name().to_owned();
        let (widget_id, case_id) = (event.widget_id().cloned(), event.case_id().cloned());
        let (handler, fallback) = (Arc::clone(&self.handler), Arc::clone(&self.fallback));
        let deadline = request.deadline;
        let is_over = matches!(event, Event::ChatClosed(_));
        Ok(Call {
            event: name,
            case_id: case_id.clone(),
            outcome: Box::pin(async move {
                let (reply, failure) =
                    match supervise(deadline, async { dispatch(&*handler, event).await }).await {
                        Ok(reply) => (reply, None),
                        Err(failure) if is_over => (Reply::new(), Some(failure)),
                        Err(failure) => ((*fallback).clone(), Some(failure)),
                    };
                let body = reply.encode(widget_id.as_ref(), case_id.as_ref());
                Ok(Answer::json(body).instead_of(failure))
            }),
        })
    }
}

fn dispatch<H: Handler>(handler: &H, event: Event) -> Replying<'_> {
    match event {
        Event::Message(message) if message.is_from_visitor() => handler.message(message),
        Event::Message(message) => handler.system_message(message),
        Event::ChatStarted(chat) => handler.chat_started(*chat),
        Event::CommandResult(result) => handler.command_failed(result),
        Event::ChatClosed(chat) => {
            let closed = handler.chat_closed(chat);
            Box::pin(async { closed.await.map(|()| Reply::new()) })
        }
        Event::Unknown(event) => handler.unknown(event),
    }
}

type Replying<'h> = Pin<Box<dyn Future<Output = Result<Reply, HandlerError>> + Send + 'h>>;

//! Bots from closures.

use std::fmt;
use std::pin::Pin;

use async_trait::async_trait;

use super::{ChatStarted, Handler, Message, Reply};
use crate::error::HandlerError;

/// Creates a bot from a closure that answers visitors' messages: the first one of a chat, and all
/// after it.
///
/// ```
/// use snapengage::bot::{self, Reply};
///
/// let bot = bot::from_fn(|message| async move { Ok(Reply::say(message.text)) });
/// let bot = bot.greeting("Hello! What is it about?");
/// # let _ = bot;
/// ```
pub fn from_fn<F, R>(handler: F) -> FromFn<F>
where
    F: Fn(Message) -> R + Send + Sync + 'static,
    R: Future<Output = Result<Reply, HandlerError>> + Send + 'static,
{
    FromFn { handler, greeting: Reply::new() }
}

/// Bot that answers as a closure does. See [`from_fn`].
#[derive(Clone)]
#[must_use]
pub struct FromFn<F> {
    handler: F,
    greeting: Reply,
}

impl<F> FromFn<F> {
    /// Greets a visitor who opens a chat without a word: with a text, or with any [`Reply`]. By
    /// default there is no greeting.
    pub fn greeting(self, greeting: impl Into<Reply>) -> Self {
        Self { greeting: greeting.into(), ..self }
    }
}

impl<F> fmt::Debug for FromFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FromFn").field("greeting", &self.greeting).finish_non_exhaustive()
    }
}

#[async_trait]
impl<F, R> Handler for FromFn<F>
where
    F: Fn(Message) -> R + Send + Sync + 'static,
    R: Future<Output = Result<Reply, HandlerError>> + Send + 'static,
{
    /// Written as `async_trait` expands a method, but without a second future around the closure's
    /// own.
    fn message<'s, 'f>(
        &'s self,
        message: Message,
    ) -> Pin<Box<dyn Future<Output = Result<Reply, HandlerError>> + Send + 'f>>
    where
        's: 'f,
    {
        Box::pin((self.handler)(message))
    }

    async fn greet(&self, _chat: ChatStarted) -> Result<Reply, HandlerError> {
        Ok(self.greeting.clone())
    }
}

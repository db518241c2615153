//! Handler of what the Hub tells.

use std::sync::Arc;

use async_trait::async_trait;

use super::action::ActionDetail;
use super::event::Event;
use super::session::Session;
use crate::endpoint::closure::from_fn;
use crate::error::HandlerError;

/// Handler of what the Hub tells the page.
///
/// ```
/// use snapengage::hub::{ActionDetail, Event, EventDetail, Handler, Session};
/// use snapengage::{HandlerError, async_trait};
///
/// struct Greeter;
///
/// #[async_trait]
/// impl Handler for Greeter {
///     async fn event(
///         &self,
///         event: Event,
///         _session: Session,
///     ) -> Result<Vec<ActionDetail>, HandlerError> {
///         Ok(match event.detail {
///             EventDetail::ConversationStarted(_) => {
///                 vec![ActionDetail::populate_text("Hello! How can I help?")]
///             }
///             _ => vec![],
///         })
///     }
/// }
/// ```
///
/// Every `impl` needs [`#[async_trait]`](macro@crate::async_trait) as above. Without it, the
/// compiler reports E0195: "lifetime parameters or bounds on method `event` do not match the trait
/// declaration".
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a handler of the Hub's events",
    label = "the trait `hub::Handler` is not implemented for `{Self}`",
    note = "a closure becomes a handler by `hub::from_fn(|event, session| async move {{ .. }})`"
)]
#[async_trait]
pub trait Handler: Send + Sync + 'static {
    /// Processes an event, and returns what the Hub is to do in its conversation, on behalf of the
    /// agent of the event. With the session, more can follow later.
    ///
    /// The events of one page come one after the other, each when the one before is answered.
    ///
    /// # Errors
    ///
    /// A failure, a panic and a missed deadline are logged and answered 503, 500 and 503; the page
    /// then posts the event again, twice at most. A [permanent](HandlerError::permanent) failure is
    /// answered 422, and the event is dropped.
    async fn event(
        &self,
        event: Event,
        session: Session,
    ) -> Result<Vec<ActionDetail>, HandlerError>;
}

#[async_trait]
impl<H: Handler + ?Sized> Handler for Arc<H> {
    async fn event(
        &self,
        event: Event,
        session: Session,
    ) -> Result<Vec<ActionDetail>, HandlerError> {
        (**self).event(event, session).await
    }
}

from_fn! {
    /// Creates a handler from a closure.
    event(Event, session: Session) -> Vec<ActionDetail>
}

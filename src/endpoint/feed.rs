//! One-way feeds as the spine sees them: one adapter for all three.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use super::rejection::{Failure, Rejection};
use super::{Admitted, Answer, Call, Endpoint};
use crate::api::Api;
use crate::error::{DecodeError, HandlerError};
use crate::journal::{Journal, Journaled, Receipt, Subject, Summary};
use crate::timestamp::Timestamp;
use crate::wire::decoded::Decoded;
use crate::wire::lenient::Lenient;

/// Event of a one-way feed, with all in which one feed differs from another.
pub(crate) trait FeedEvent: Lenient + Send + 'static {
    const API: Api;

    /// Reads the body of a request into a box, since an event is moved a dozen times before a
    /// handler has it.
    fn read(body: &[u8]) -> Result<Decoded<Box<Self>>, DecodeError>;

    /// Returns the event's name for the log. Empty if the vendor sent none.
    fn name(&self) -> &str;

    fn subject(&self) -> Subject;

    fn timestamp(&self) -> Option<Timestamp>;

    /// Returns `true` if the same body again is a repeat of the event.
    fn has_key(&self) -> bool {
        self.timestamp().is_some()
    }
}

/// Handler of a feed, by one method whatever its API calls it.
pub(crate) trait Handles<E>: Send + Sync + 'static {
    fn handle(&self, event: Box<E>) -> Handling<'_>;
}

pub(crate) type Handling<'h> = Pin<Box<dyn Future<Output = Result<(), HandlerError>> + Send + 'h>>;

/// Destination of the events `E` of a one-way feed: a handler of its API, an inbox's feed of one,
/// or a [journal](crate::journal::to).
///
/// This trait is sealed: implement the API's handler ([integration](crate::integration::Handler),
/// [conversation](crate::conversation::Handler), [agent status](crate::agent_status::Handler)), or
/// [`Journal`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not take a `{E}`",
    label = "expected a handler of this API, an inbox's feed of one, or `journal::to(..)`",
    note = "a closure becomes a handler by its API's `from_fn`, as in `integration::from_fn(..)`"
)]
pub trait IntoFeed<E>: Send + Sync + 'static {
    // The trait is sealed by this method: no other crate can name an endpoint.
    #[doc(hidden)]
    fn into_endpoint(self, path: &str) -> FeedEndpoint<E>;
}

/// For every one-way feed.
impl<E: FeedEvent> IntoFeed<E> for Journaled {
    fn into_endpoint(self, path: &str) -> FeedEndpoint<E> {
        FeedEndpoint::journaled(self.0, path)
    }
}

/// Endpoint of one path of a feed.
pub struct FeedEndpoint<E> {
    taker: Taker<E>,
}

enum Taker<E> {
    Handler(Arc<dyn Handles<E>>),
    Journal { journal: Arc<dyn Journal>, path: String },
}

impl<E> FeedEndpoint<E> {
    pub(crate) fn handled(handler: impl Handles<E>) -> Self {
        Self { taker: Taker::Handler(Arc::new(handler)) }
    }

    pub(crate) fn journaled(journal: Arc<dyn Journal>, path: &str) -> Self {
        Self { taker: Taker::Journal { journal, path: path.to_owned() } }
    }
}

impl<E> fmt::Debug for FeedEndpoint<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FeedEndpoint").finish_non_exhaustive()
    }
}

impl<E: FeedEvent> Endpoint for FeedEndpoint<E> {
    fn accept(&self, request: Admitted<'_>) -> Result<Call, Rejection> {
        // For a journal as well: what is wrong with a body is logged and answered at receipt.
        let event = E::read(&request.body).map(|read| read.logged(request.odd_fields));
        match &self.taker {
            Taker::Handler(handler) => Ok(handled(Arc::clone(handler), event?)),
            Taker::Journal { journal, path } => {
                let summary = event.map(|event| summary(&*event));
                let path = path.clone();
                let receipt = Receipt { api: E::API, path, body: request.body, summary };
                Ok(journaled(Arc::clone(journal), receipt))
            }
        }
    }
}

/// Creates the call of a handler.
fn handled<E: FeedEvent>(handler: Arc<dyn Handles<E>>, event: Box<E>) -> Call {
    Call {
        event: event.name().to_owned().into(),
        case_id: event.subject().into_case(),
        work: Box::pin(async move {
            handler.handle(event).await?;
            Ok(Answer::empty())
        }),
        on_failure: Box::new(|failure| Err(failure.into())),
    }
}

/// Creates the call of a journal.
fn journaled(journal: Arc<dyn Journal>, receipt: Receipt) -> Call {
    let summary = receipt.summary.as_ref().ok();
    let event = summary.map(|summary| summary.event.clone()).unwrap_or_default();
    let case_id = summary.and_then(|summary| summary.subject.clone().into_case());
    let unreadable = receipt.summary.as_ref().err().cloned();
    Call {
        event: event.into(),
        case_id,
        work: Box::pin(async move {
            // A body that cannot be read is refused only after it was stored: SnapEngage gives it
            // up at some time, and then the journal has all there is of it.
            journal.receive(receipt).await?;
            match unreadable {
                None => Ok(Answer::empty()),
                Some(error) => Err(Failure::Unreadable(error)),
            }
        }),
        on_failure: Box::new(|failure| Err(failure.into())),
    }
}

fn summary<E: FeedEvent>(event: &E) -> Summary {
    Summary {
        event: event.name().to_owned(),
        subject: event.subject(),
        has_key: event.has_key(),
        timestamp: event.timestamp(),
    }
}

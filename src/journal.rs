//! What takes a feed's requests in its handler's place, as they came: the door for what stores
//! first, answers, and works later.

use async_trait::async_trait;
use bytes::Bytes;

use crate::error::{DecodeError, HandlerError};
use crate::id::{AgentId, CaseId};
use crate::timestamp::Timestamp;

/// Takes the requests of one path in its handler's place.
///
/// A feed's handler names one with its method `journal`; most never do.
#[async_trait]
pub trait Journal: Send + Sync + 'static {
    /// Takes one request. It is answered when this is done: 200, or 400 if it could not be read.
    ///
    /// # Errors
    ///
    /// A failure is answered as a failure of the handler is: 503, a
    /// [permanent](HandlerError::permanent) one 422.
    async fn receive(&self, receipt: Receipt) -> Result<(), HandlerError>;
}

/// A request that came in, its token checked.
#[derive(Debug, Clone)]
pub struct Receipt {
    /// The body, as it was sent; as UTF-8 where its `Content-Type` named ISO-8859-1 or windows-1252.
    pub body: Bytes,
    /// What the body says, or why it cannot be read.
    pub read: Result<Read, DecodeError>,
}

/// What is known of a body that could be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// The event's name, as it stands in the log. Empty where the vendor sent none.
    pub event: String,
    /// Whom it is about.
    pub subject: Subject,
    /// Whether the event has a key: the same body again is a repeat of it, and a body that differs in
    /// anything is another event. Without one, nothing tells a repeat from another event of its kind.
    pub has_key: bool,
    /// When it happened, where the vendor says so: keys that begin with it come in order.
    pub timestamp: Option<Timestamp>,
}

/// Whom an event is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A case.
    Case(CaseId),
    /// An agent.
    Agent(AgentId),
}

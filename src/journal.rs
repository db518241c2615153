//! Journals: requests of the one-way feeds, accepted as they came.
//!
//! A handler gets an event, and the answer waits until the event is processed. A [`Journal`] gets
//! the request as it came instead: it stores first, answers, and processes later. The inbox of this
//! crate (feature `inbox`) is one; this is another, which hands requests to a queue:
//!
//! ```
//! use http::Request;
//! use snapengage::journal::{self, Journal, Receipt, Subject};
//! use snapengage::{Api, HandlerError, Receiver, Token, async_trait};
//! use tokio::sync::mpsc;
//!
//! struct Queue(mpsc::Sender<Receipt>);
//!
//! #[async_trait]
//! impl Journal for Queue {
//!     async fn receive(&self, receipt: Receipt) -> Result<(), HandlerError> {
//!         // A full queue fails, which is answered 503: SnapEngage repeats what it can.
//!         Ok(self.0.try_send(receipt)?)
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (sender, mut queue) = mpsc::channel(1000);
//! let queued = journal::to(Queue(sender));
//! let receiver = Receiver::builder()
//!     .integration("/integration", Token::new("my-token"), queued.clone())
//!     .agent_status("/agent-status", Token::new("my-token"), queued)
//!     .build()?;
//! let post = |path: &str, body: &'static str| {
//!     Request::post(path).header("Authorization", "my-token").body(body.to_owned())
//! };
//!
//! let body = r#"{"id":"8b7c3b3b","type":"chat"}"#;
//! let response = receiver.handle(post("/integration", body)?).await;
//! assert_eq!(response.status(), 200);
//! let receipt = queue.try_recv()?;
//! assert_eq!((receipt.api, &*receipt.path), (Api::Integration, "/integration"));
//! assert_eq!(receipt.body, body);
//! assert_eq!(receipt.summary?.subject, Subject::Case("8b7c3b3b".into()));
//!
//! // What cannot be read is handed over all the same, and refused.
//! let response = receiver.handle(post("/agent-status", r#"{"agent_id":"a"}"#)?).await;
//! assert_eq!(response.status(), 400);
//! let error = "agent status: missing field `status` at line 1 column 16";
//! let body = response.into_body().into_bytes();
//! assert_eq!(body, format!(r#"{{"code":400,"message":"{error}"}}"#));
//! let receipt = queue.try_recv()?;
//! assert_eq!(receipt.summary.unwrap_err().to_string(), error);
//!
//! // One without the token is not.
//! let request = Request::post("/integration").body(String::new())?;
//! assert_eq!(receiver.handle(request).await.status(), 401);
//! assert!(queue.try_recv().is_err());
//! # Ok(())
//! # }
//! ```
//!
//! A request that was accepted is answered, as by a handler:
//!
//! ```http
//! HTTP/1.1 200 OK
//! ```
//!
//! One that was accepted and cannot be read is refused, and so is one that was not accepted:
//!
//! ```http
//! HTTP/1.1 400 Bad Request
//! Content-Type: application/json; charset=utf-8
//!
//! {"code":400,"message":"agent status: missing field `status` at line 1 column 16"}
//! ```
//!
//! ```http
//! HTTP/1.1 503 Service Unavailable
//! Content-Type: application/json; charset=utf-8
//!
//! {"code":503,"message":"try again later"}
//! ```

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use crate::api::Api;
use crate::error::{DecodeError, HandlerError};
use crate::id::{AgentId, CaseId};
use crate::timestamp::Timestamp;

/// Receiver of requests of the one-way feeds, in the place of a handler.
///
/// ```
/// use snapengage::journal::{Journal, Receipt};
/// use snapengage::{HandlerError, async_trait};
/// use tokio::sync::mpsc;
///
/// struct Queue(mpsc::Sender<Receipt>);
///
/// #[async_trait]
/// impl Journal for Queue {
///     async fn receive(&self, receipt: Receipt) -> Result<(), HandlerError> {
///         Ok(self.0.try_send(receipt)?)
///     }
/// }
/// ```
///
/// Every `impl` needs [`#[async_trait]`](macro@crate::async_trait) as above. Without it, the
/// compiler reports E0195: "lifetime parameters or bounds on method `receive` do not match the
/// trait declaration".
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a journal",
    label = "the trait `Journal` is not implemented for `{Self}`"
)]
#[async_trait]
pub trait Journal: Send + Sync + 'static {
    /// Accepts one request. It is answered once this returns: 200, or 400 if it could not be read.
    ///
    /// # Errors
    ///
    /// A failure is answered as a failure of a handler is: 503, a
    /// [permanent](HandlerError::permanent) one 422.
    async fn receive(&self, receipt: Receipt) -> Result<(), HandlerError>;
}

#[async_trait]
impl<J: Journal + ?Sized> Journal for Arc<J> {
    async fn receive(&self, receipt: Receipt) -> Result<(), HandlerError> {
        (**self).receive(receipt).await
    }
}

/// Hands the requests of a path to a journal: for the builder's [`integration`], [`conversation`]
/// and [`agent_status`].
///
/// [`integration`]: crate::ReceiverBuilder::integration
/// [`conversation`]: crate::ReceiverBuilder::conversation
/// [`agent_status`]: crate::ReceiverBuilder::agent_status
pub fn to(journal: impl Journal) -> Journaled {
    Journaled(Arc::new(journal))
}

/// Journal in the place of a handler. See [`to`].
#[derive(Clone)]
#[must_use]
pub struct Journaled(pub(crate) Arc<dyn Journal>);

impl fmt::Debug for Journaled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journaled").finish_non_exhaustive()
    }
}

/// Request that came in, its token checked.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Receipt {
    /// API of the request.
    pub api: Api,
    /// Path of the request, as it was mounted.
    pub path: String,
    /// Body, as it was sent; converted to UTF-8 if its `Content-Type` named ISO-8859-1 or
    /// windows-1252.
    pub body: Bytes,
    /// Summary of the body, or the reason why it cannot be read.
    pub summary: Result<Summary, DecodeError>,
}

impl Receipt {
    /// Creates a receipt as a receiver hands it over: for tests of a journal.
    ///
    /// ```
    /// use snapengage::Api;
    /// use snapengage::journal::{Receipt, Subject, Summary};
    ///
    /// let summary = Summary::new("chat", Subject::Case("8b7c3b3b".into()));
    /// let body = r#"{"id":"8b7c3b3b","type":"chat"}"#;
    /// let receipt = Receipt::new(Api::Integration, "/integration", body, Ok(summary));
    /// # let _ = receipt;
    /// ```
    pub fn new(
        api: Api,
        path: impl Into<String>,
        body: impl Into<Bytes>,
        summary: Result<Summary, DecodeError>,
    ) -> Self {
        Self { api, path: path.into(), body: body.into(), summary }
    }
}

/// Summary of a body that can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// Name of the event, as the log has it. Empty if the vendor sent none.
    pub event: String,
    /// Case or agent of the event. Events of one subject are to be processed in order.
    pub subject: Subject,
    /// `true` if the event has a key: the same body again is a repeat of it, and a body that
    /// differs in anything is another event. Without one, a repeat cannot be told from another
    /// event of its kind.
    pub has_key: bool,
    /// Time of the event, if the vendor sends it: keys that begin with it come in order.
    pub timestamp: Option<Timestamp>,
}

impl Summary {
    /// Creates the summary of an event without a key or a timestamp.
    pub fn new(event: impl Into<String>, subject: Subject) -> Self {
        Self { event: event.into(), subject, has_key: false, timestamp: None }
    }
}

/// Case or agent of an event.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Subject {
    /// Case.
    Case(CaseId),
    /// Agent.
    Agent(AgentId),
}

impl Subject {
    /// Returns the case, if it is one.
    pub(crate) fn into_case(self) -> Option<CaseId> {
        match self {
            Self::Case(case_id) => Some(case_id),
            Self::Agent(_) => None,
        }
    }
}

/// Writes `case` or `agent`, and the id.
impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Inboxes store entries under this text: with another, a case would be out of order.
        match self {
            Self::Case(case_id) => write!(f, "case {case_id}"),
            Self::Agent(agent_id) => write!(f, "agent {agent_id}"),
        }
    }
}

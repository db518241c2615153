//! All the spine needs from a room.

pub(crate) mod closure;
pub(crate) mod deadline;
pub(crate) mod rejection;

use std::borrow::Cow;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderValue;

use self::deadline::within;
use self::rejection::{Failure, Rejection};
use crate::api::Api;
use crate::caught::caught;
use crate::error::{DecodeError, HandlerError};
use crate::id::CaseId;
use crate::journal::{Journal, Read, Receipt, Subject};

/// One API, as the spine sees it.
pub(crate) trait Endpoint: Send + Sync + 'static {
    fn api(&self) -> Api;

    /// Reads a request into a typed value and prepares the call of the handler.
    fn accept(&self, request: Input<'_>) -> Result<Call, Rejection>;

    /// Answers a request that there is no memory to read.
    fn turn_away(&self, _body: &[u8], failure: Failure) -> Result<Call, Rejection> {
        Err(failure.into())
    }
}

/// A request that may come in: its token is right, and its body is there.
pub(crate) struct Input<'a> {
    pub(crate) query: &'a str,
    pub(crate) body: Bytes,
    /// How long the handler may take.
    pub(crate) deadline: Duration,
}

/// A call of a handler that has not started.
pub(crate) struct Call {
    /// What is handed over, for the log.
    pub(crate) event: Cow<'static, str>,
    /// For the log as well.
    pub(crate) case_id: Option<CaseId>,
    pub(crate) outcome: Outcome,
}

impl Call {
    /// A call whose answer says no more than that the event was taken.
    pub(crate) fn feed(
        event: impl Into<Cow<'static, str>>,
        case_id: Option<CaseId>,
        deadline: Duration,
        handler: impl Future<Output = Result<(), HandlerError>> + Send + 'static,
    ) -> Self {
        Self {
            event: event.into(),
            case_id,
            outcome: Box::pin(async move {
                supervise(deadline, handler).await?;
                Ok(Answer::empty())
            }),
        }
    }

    /// A call of what takes the request in the handler's place. A body that cannot be read is
    /// refused, but not before it was taken.
    pub(crate) fn journal(
        journal: &Arc<dyn Journal>,
        request: Input<'_>,
        read: Result<Read, DecodeError>,
    ) -> Self {
        let unreadable = read.as_ref().err().cloned();
        let (event, case_id) = match &read {
            Ok(Read { event, subject: Subject::Case(case_id), .. }) => {
                (event.clone(), Some(case_id.clone()))
            }
            Ok(Read { event, .. }) => (event.clone(), None),
            Err(_) => Default::default(),
        };
        let receipt = Receipt { body: request.body, read };
        let (journal, deadline) = (Arc::clone(journal), request.deadline);
        let outcome = Box::pin(async move {
            supervise(deadline, async { journal.receive(receipt).await }).await?;
            unreadable.map_or_else(|| Ok(Answer::empty()), |error| Err(error.into()))
        });
        Self { event: event.into(), case_id, outcome }
    }
}

pub(crate) type Outcome = Pin<Box<dyn Future<Output = Result<Answer, Rejection>> + Send>>;

/// An answer of status 200.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) content_type: Option<HeaderValue>,
    pub(crate) body: Bytes,
    pub(crate) origin: Origin,
    /// What somebody should look into although the handler did answer.
    pub(crate) warning: Option<&'static str>,
}

/// Where an answer comes from, as the log has to tell.
#[derive(Debug)]
pub(crate) enum Origin {
    Handler,
    /// A handler that could not be stopped at its deadline.
    LateHandler,
    HealthChecks,
    /// Not the handler, and why.
    Fallback(Failure),
}

/// With a charset although RFC 8259 has none: Java clients read a body without one as Latin-1.
pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");
pub(crate) const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

impl Answer {
    pub(crate) fn empty() -> Self {
        Self { content_type: None, body: Bytes::new(), origin: Origin::Handler, warning: None }
    }

    pub(crate) fn json(body: Vec<u8>) -> Self {
        Self { content_type: Some(JSON), body: body.into(), ..Self::empty() }
    }

    pub(crate) fn text(body: String) -> Self {
        Self { content_type: Some(TEXT), body: body.into(), ..Self::empty() }
    }

    pub(crate) fn with(self, warning: Option<&'static str>) -> Self {
        Self { warning, ..self }
    }

    pub(crate) fn instead_of(self, failure: Option<Failure>) -> Self {
        Self { origin: failure.map_or(Origin::Handler, Origin::Fallback), ..self }
    }

    pub(crate) fn of_health_checks(self) -> Self {
        Self { origin: Origin::HealthChecks, ..self }
    }

    /// The same answer, given past the deadline.
    pub(crate) fn late(self) -> Self {
        match self.origin {
            Origin::Handler => Self { origin: Origin::LateHandler, ..self },
            _ => self,
        }
    }
}

/// Runs a handler to its end or its deadline; a panic ends it, and nothing else.
pub(crate) async fn supervise<T>(
    deadline: Duration,
    handler: impl Future<Output = Result<T, HandlerError>>,
) -> Result<T, Failure> {
    let mut handler = pin!(Some(handler));
    let done = poll_fn(|context| {
        let Some(running) = handler.as_mut().as_pin_mut() else { return Poll::Pending };
        match caught(|| running.poll(context)) {
            Ok(poll) => poll.map_err(Failure::failed),
            Err(panicked) => Poll::Ready(Err(panicked.into())),
        }
    });
    let result = within(deadline, done).await.unwrap_or(Err(Failure::TimedOut(deadline)));
    caught(|| handler.set(None))?;
    result
}

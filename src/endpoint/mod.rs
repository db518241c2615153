//! Interface between the spine and the APIs.

pub(crate) mod closure;
pub(crate) mod feed;
pub(crate) mod rejection;

use std::borrow::Cow;
use std::pin::Pin;

use bytes::Bytes;
use http::HeaderValue;

use self::rejection::{Failure, Rejection};
use crate::id::CaseId;

/// API as the spine sees it.
pub(crate) trait Endpoint: Send + Sync + 'static {
    /// Reads a request into a typed value and prepares the call of the handler.
    fn accept(&self, request: Admitted<'_>) -> Result<Call, Rejection>;

    /// Answers a request that there is no memory to read.
    fn turn_away(&self, _body: &[u8], failure: Failure) -> Result<Call, Rejection> {
        Err(failure.into())
    }
}

/// Request that was admitted: its token is right, and its body is there.
pub(crate) struct Admitted<'a> {
    pub(crate) query: &'a str,
    pub(crate) body: Bytes,
}

/// Call of a handler that has not started.
pub(crate) struct Call {
    /// Name of the event, for the log.
    pub(crate) event: Cow<'static, str>,
    /// Id of the case, for the log.
    pub(crate) case_id: Option<CaseId>,
    /// Work of the handler, up to the answer that its result becomes.
    pub(crate) work: Pending<'static, Answer>,
    pub(crate) on_failure: OnFailure,
}

/// Work that may panic, and may be dropped at any time.
pub(crate) type Pending<'w, T> = Pin<Box<dyn Future<Output = Result<T, Failure>> + Send + 'w>>;

/// Answers in the place of work that failed.
pub(crate) type OnFailure = Box<dyn FnOnce(Failure) -> Result<Answer, Rejection> + Send>;

/// Answer of status 200.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) content_type: Option<HeaderValue>,
    pub(crate) body: Bytes,
    pub(crate) origin: Origin,
    /// Warning about an answer that the handler gave all the same.
    pub(crate) warning: Option<&'static str>,
}

/// Origin of an answer, for the log.
#[derive(Debug)]
pub(crate) enum Origin {
    Handler,
    /// Handler that could not be stopped at its deadline.
    LateHandler,
    HealthChecks,
    /// Fallback in the place of the handler, and the reason.
    Fallback(Failure),
}

/// The charset is sent although RFC 8259 defines none: Java clients read a body without one as
/// Latin-1.
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

    pub(crate) fn instead_of(self, failure: Failure) -> Self {
        Self { origin: Origin::Fallback(failure), ..self }
    }

    pub(crate) fn of_health_checks(self) -> Self {
        Self { origin: Origin::HealthChecks, ..self }
    }

    /// Returns the same answer, marked as given past the deadline.
    pub(crate) fn late(self) -> Self {
        match self.origin {
            Origin::Handler => Self { origin: Origin::LateHandler, ..self },
            _ => self,
        }
    }
}

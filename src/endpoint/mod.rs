//! All the spine needs from a room.

pub(crate) mod closure;
pub(crate) mod feed;
pub(crate) mod rejection;

use std::borrow::Cow;
use std::pin::Pin;

use bytes::Bytes;
use http::HeaderValue;

use self::rejection::{Failure, Rejection};
use crate::id::CaseId;

/// One API, as the spine sees it.
pub(crate) trait Endpoint: Send + Sync + 'static {
    /// Reads a request into a typed value and prepares the call of the handler.
    fn accept(&self, request: Admitted<'_>) -> Result<Call, Rejection>;

    /// Answers a request that there is no memory to read.
    fn turn_away(&self, _body: &[u8], failure: Failure) -> Result<Call, Rejection> {
        Err(failure.into())
    }
}

/// A request that was let in: its token is right, and its body is there.
pub(crate) struct Admitted<'a> {
    pub(crate) query: &'a str,
    pub(crate) body: Bytes,
}

/// A call of a handler that has not started.
pub(crate) struct Call {
    /// Name of what is handed over, for the log.
    pub(crate) event: Cow<'static, str>,
    /// For the log as well.
    pub(crate) case_id: Option<CaseId>,
    /// The handler, and what makes an answer of what it says.
    pub(crate) work: Pending<'static, Answer>,
    pub(crate) on_failure: OnFailure,
}

/// Work that may panic, and may be dropped at any time.
pub(crate) type Pending<'w, T> = Pin<Box<dyn Future<Output = Result<T, Failure>> + Send + 'w>>;

/// Answers in the place of work that failed.
pub(crate) type OnFailure = Box<dyn FnOnce(Failure) -> Result<Answer, Rejection> + Send>;

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

    pub(crate) fn instead_of(self, failure: Failure) -> Self {
        Self { origin: Origin::Fallback(failure), ..self }
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

//! Interface between the spine and the APIs.

pub(crate) mod closure;
pub(crate) mod feed;
pub(crate) mod rejection;
#[cfg_attr(not(feature = "hub"), allow(dead_code, reason = "nothing else is mounted yet"))]
pub(crate) mod room;

use std::borrow::Cow;
use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, request};

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

    /// Takes note that no more requests should come: a stream ends now.
    fn start_draining(&self) {}
}

/// Methods of an endpoint. A `GET` may be a `HEAD` as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Methods {
    Get,
    Post,
    #[cfg_attr(not(feature = "hub"), allow(dead_code, reason = "no API has both"))]
    GetAndPost,
}

/// Request that was admitted: its token is right, and its body is there.
pub(crate) struct Admitted<'a> {
    pub(crate) head: &'a request::Parts,
    pub(crate) body: Bytes,
    /// List for the names of odd fields; `None` if nobody wants it.
    pub(crate) odd_fields: Option<&'a mut Vec<&'static str>>,
}

impl<'a> Admitted<'a> {
    pub(crate) fn query(&self) -> &'a str {
        self.head.uri.query().unwrap_or_default()
    }
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
    pub(crate) head: AnswerHead,
    pub(crate) content: AnswerContent,
    pub(crate) origin: Origin,
    /// Lack of an answer that the handler gave all the same.
    pub(crate) lack: Option<Lack>,
}

/// Headers of an answer.
#[derive(Debug)]
#[cfg_attr(not(feature = "hub"), allow(dead_code, reason = "no API has more than a type"))]
pub(crate) enum AnswerHead {
    Bare,
    /// The type of its content alone.
    ContentType(HeaderValue),
    // Boxed: answers are moved, and those of the APIs have no more than a type.
    Headers(Box<HeaderMap>),
}

/// Content of an answer.
#[cfg_attr(not(feature = "hub"), allow(dead_code, reason = "no API answers with a stream"))]
pub(crate) enum AnswerContent {
    Whole(Bytes),
    Stream(AnswerStream),
}

/// Content that comes bit by bit, perhaps for as long as the connection is open.
pub(crate) type AnswerStream =
    Pin<Box<dyn http_body::Body<Data = Bytes, Error = Infallible> + Send>>;

impl fmt::Debug for AnswerContent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(bytes) => bytes.fmt(f),
            Self::Stream(_) => f.write_str("(stream)"),
        }
    }
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

/// Lack of an answer that a handler gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lack {
    /// A bot says nothing to the visitor's message.
    Silence,
    /// A bot says nothing to a transfer that failed, and the fallback was added.
    Completed,
    /// Something was not done, for this reason.
    #[cfg_attr(not(feature = "hub"), allow(dead_code, reason = "no other room does things"))]
    Undone(&'static str),
}

impl Lack {
    pub(crate) fn to_log(self) -> &'static str {
        match self {
            Self::Silence => "the bot has nothing to say to the visitor's message",
            Self::Undone(reason) => reason,
            Self::Completed => "a transfer failed, and the bot has nothing to say to it",
        }
    }
}

/// The charset is sent although RFC 8259 defines none: Java clients read a body without one as
/// Latin-1.
pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");
pub(crate) const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

impl Answer {
    pub(crate) fn empty() -> Self {
        Self {
            head: AnswerHead::Bare,
            content: AnswerContent::Whole(Bytes::new()),
            origin: Origin::Handler,
            lack: None,
        }
    }

    pub(crate) fn json(body: Vec<u8>) -> Self {
        Self::of(JSON, body)
    }

    pub(crate) fn text(body: String) -> Self {
        Self::of(TEXT, body)
    }

    fn of(content_type: HeaderValue, body: impl Into<Bytes>) -> Self {
        Self {
            head: AnswerHead::ContentType(content_type),
            content: AnswerContent::Whole(body.into()),
            ..Self::empty()
        }
    }

    pub(crate) fn with(self, lack: Option<Lack>) -> Self {
        Self { lack, ..self }
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

//! Progress of one connection: its reads, its writes, and the way it is closed.

use std::sync::{Mutex, MutexGuard, PoisonError};

use http::Request;
use http_body::Body;
use tokio::time::Instant;

use super::framing::{Framing, RequestEnd};
use crate::endpoint::rejection::Rejection;

/// Progress that a connection's socket, its service and its timer know of.
#[derive(Default)]
pub(super) struct SharedProgress(Mutex<Progress>);

impl SharedProgress {
    pub(super) fn lock(&self) -> MutexGuard<'_, Progress> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Progress of one connection.
#[derive(Default)]
pub(super) struct Progress {
    framing: Framing,
    reading: Reading,
    pub(super) writing: Writing,
    pub(super) closing: Closing,
    /// `true` while the client has all that is there of an answer, and more is to come.
    is_body_awaited: bool,
    /// Last phase whose deadline was asked for, and that deadline.
    pub(super) armed: Option<(Phase, Instant)>,
}

/// State of the reading side.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Reading {
    /// Nothing yet.
    #[default]
    First,
    /// Nothing since the last answer.
    Next,
    /// Head of a request.
    Head,
    /// Request whose head is read, until it is answered.
    Request,
}

/// State of the writing side.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Writing {
    /// Nothing that the client has not taken.
    #[default]
    Flushed,
    /// Answer for which the client makes no room.
    Blocked,
    /// Nothing more, ever: this side of the connection is closed.
    Closed,
}

/// Way in which a connection is closed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Closing {
    /// At once: the client has sent everything.
    #[default]
    AtOnce,
    /// In stages: the client may still be sending.
    Lingering,
    /// By a reset: the answer failed, and the client must not take what it has for all of it.
    Reset,
}

/// Fate of a connection after an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeepAlive {
    Keep,
    Close,
}

/// Wait, with a deadline of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// The first request.
    New,
    /// The next request.
    Idle,
    /// The rest of a request's head.
    Head,
    /// The rest of a request, or its answer.
    Busy,
    /// The client to take its answer.
    Writing,
    /// The client to read the answer, and to close the connection.
    Lingering,
}

impl Progress {
    pub(super) fn phase(&self) -> Phase {
        match (self.writing, self.reading) {
            (Writing::Closed, _) => Phase::Lingering,
            (Writing::Blocked, _) => Phase::Writing,
            (Writing::Flushed, _) if self.is_body_awaited => Phase::Busy,
            (Writing::Flushed, Reading::First) => Phase::New,
            (Writing::Flushed, Reading::Next) => Phase::Idle,
            (Writing::Flushed, Reading::Head) => Phase::Head,
            (Writing::Flushed, Reading::Request) => Phase::Busy,
        }
    }

    /// Takes note of bytes that came in.
    pub(super) fn received(&mut self, bytes: &[u8]) {
        self.framing.push(bytes);
        if matches!(self.reading, Reading::First | Reading::Next) {
            self.reading = Reading::Head;
        }
    }

    /// Begins a request whose head is there. Refuses it if somebody else could see its
    /// boundaries elsewhere.
    pub(super) fn begin<B: Body>(&mut self, request: &Request<B>) -> Result<(), Box<Rejection>> {
        self.reading = Reading::Request;
        self.framing.check(request).map_err(Box::new)
    }

    /// Returns the head of the request that is being answered, as it came.
    pub(super) fn head(&self) -> Option<&[u8]> {
        self.framing.head()
    }

    /// Ends a request that is answered.
    pub(super) fn end(&mut self) -> KeepAlive {
        let end = self.framing.next();
        self.reading = match end {
            RequestEnd::Pipelined => Reading::Head,
            RequestEnd::Clean | RequestEnd::Early | RequestEnd::Unknown => Reading::Next,
        };
        // The same phase again is another wait.
        self.armed = None;
        if end == RequestEnd::Unknown { KeepAlive::Close } else { KeepAlive::Keep }
    }
    /// Takes note that the service is slower with the body of its answer than the client.
    pub(super) fn await_body(&mut self) {
        self.is_body_awaited = true;
    }

    /// Takes note that the body that was awaited has come to its end, or is given up.
    pub(super) fn end_body(&mut self) {
        self.is_body_awaited = false;
        self.armed = None;
    }
}

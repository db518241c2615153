//! Progress of one connection: what is read of it, what is written, and what is waited for.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::Request;
use http_body::Body;
use tokio::time::Instant;

use super::framing::{Head, check_host, check_transfer_encoding};
use crate::endpoint::rejection::Rejection;

/// How long a client may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadlines {
    /// To the first byte of the first request.
    pub(crate) first: Duration,
    /// From a request's first byte to the end of its head.
    pub(crate) header: Duration,
    /// To read an answer.
    pub(crate) write: Duration,
    /// Between requests.
    pub(crate) idle: Duration,
}

impl Deadlines {
    /// How long what a refused client still sends is read and dropped, so that the refusal is not
    /// lost to a reset of the connection.
    const LINGER: Duration = Duration::from_secs(2);

    fn of(&self, phase: Phase) -> Option<Duration> {
        match phase {
            Phase::New => Some(self.first),
            Phase::Idle => Some(self.idle),
            Phase::Head => Some(self.header),
            Phase::Busy => None,
            Phase::Writing => Some(self.write),
            Phase::Lingering => Some(Self::LINGER),
        }
    }
}

/// What a connection is doing, known to its socket and to the service behind it.
#[derive(Default)]
pub(crate) struct Watch(Mutex<State>);

#[derive(Default)]
pub(super) struct State {
    /// What was waited for last, and when that will have taken too long.
    deadline: Option<(Phase, Instant)>,
    pub(super) head: Head,
    is_busy: bool,
    pub(super) is_writing: bool,
    has_answered: bool,
    /// Whether the next head may have started before anybody watched.
    is_in_doubt: bool,
    /// Whether the client may still be sending when the connection is closed.
    pub(super) lingers: bool,
    pub(super) is_shut_down: bool,
}

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
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

impl State {
    fn phase(&self) -> Phase {
        if self.is_shut_down {
            Phase::Lingering
        } else if self.is_writing {
            Phase::Writing
        } else if self.is_busy {
            Phase::Busy
        } else if self.head.is_started() {
            Phase::Head
        } else if self.has_answered {
            Phase::Idle
        } else {
            Phase::New
        }
    }
}

impl Watch {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request's head is there. Refuses it if somebody else could see its boundaries elsewhere.
    pub(crate) fn begin<B: Body>(&self, request: &Request<B>) -> Result<(), Rejection> {
        let mut state = self.state();
        state.is_busy = true;
        check_host(request)?;
        let length = request.body().size_hint().exact();
        state.head.announce(length);
        if length.is_some() {
            return Ok(());
        }
        check_transfer_encoding(request.headers())?;
        match state.head.has_length() {
            Some(false) if !state.is_in_doubt => Ok(()),
            Some(true) => Err(Rejection::doubtful_framing(
                "expected either Transfer-Encoding or Content-Length, not both",
            )),
            _ => Err(Rejection::doubtful_framing(
                "expected a chunked request to start where the one before it has been answered",
            )),
        }
    }

    /// A request is answered. Says whether the connection must end with it: hyper does not tell
    /// where a chunked request ended.
    pub(crate) fn end(&self) -> bool {
        let mut state = self.state();
        state.is_in_doubt |= !state.head.ended_cleanly();
        let is_last = state.head.is_chunked();
        state.head.next();
        state.is_busy = false;
        state.has_answered = true;
        state.deadline = None;
        is_last
    }

    /// The connection ends, and the client may not have sent everything.
    pub(crate) fn linger(&self) {
        self.state().lingers = true;
    }

    /// When what is waited for now will have taken too long, counted from when it was first asked.
    pub(super) fn arm_deadline(&self, deadlines: &Deadlines) -> Option<Instant> {
        let mut state = self.state();
        let phase = state.phase();
        let limit = deadlines.of(phase)?;
        match state.deadline {
            Some((waited_for, deadline)) if waited_for == phase => Some(deadline),
            _ => {
                let deadline = Instant::now() + limit;
                state.deadline = Some((phase, deadline));
                Some(deadline)
            }
        }
    }
}

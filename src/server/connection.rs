//! One connection: cut when its client is too slow, and watched where hyper does not tell whether
//! the boundaries of a request are in doubt.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use http::header::{HOST, TRANSFER_ENCODING};
use http::{HeaderMap, Request, Version};
use http_body::Body;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::head::Head;
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
struct State {
    /// What was waited for last, and when that will have taken too long.
    deadline: Option<(Phase, Instant)>,
    head: Head,
    is_busy: bool,
    is_writing: bool,
    has_answered: bool,
    /// Whether the next head may have started before anybody watched.
    is_in_doubt: bool,
    /// Whether the client may still be sending when the connection is closed.
    lingers: bool,
    is_shut_down: bool,
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
    fn state(&self) -> MutexGuard<'_, State> {
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
    fn arm_deadline(&self, deadlines: &Deadlines) -> Option<Instant> {
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

fn check_host<B>(request: &Request<B>) -> Result<(), Rejection> {
    match request.headers().get_all(&HOST).iter().count() {
        1 => Ok(()),
        0 if request.version() == Version::HTTP_10 => Ok(()),
        _ => Err(Rejection::doubtful_framing("expected one Host")),
    }
}

fn check_transfer_encoding(headers: &HeaderMap) -> Result<(), Rejection> {
    let mut encodings = headers.get_all(&TRANSFER_ENCODING).iter();
    let first = encodings.next().map(http::HeaderValue::as_bytes);
    if first.is_some_and(|first| first.eq_ignore_ascii_case(b"chunked"))
        && encodings.next().is_none()
    {
        return Ok(());
    }
    Err(Rejection::doubtful_framing("expected one Transfer-Encoding, and that chunked"))
}

/// A socket that tells what goes through it.
pub(crate) struct Socket<S> {
    stream: S,
    watch: Arc<Watch>,
    is_writing: bool,
}

impl<S> Socket<S> {
    pub(crate) fn new(stream: S, watch: Arc<Watch>) -> Self {
        Self { stream, watch, is_writing: false }
    }

    fn note_pending<T>(&mut self, written: Poll<T>) -> Poll<T> {
        if written.is_pending() {
            self.note_writing(true);
        }
        written
    }

    fn note_writing(&mut self, is_writing: bool) {
        if self.is_writing != is_writing {
            self.is_writing = is_writing;
            self.watch.state().is_writing = is_writing;
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Socket<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let socket = self.get_mut();
        let start = buffer.filled().len();
        let result = ready!(Pin::new(&mut socket.stream).poll_read(context, buffer));
        let received = &buffer.filled()[start..];
        if !received.is_empty() {
            socket.watch.state().head.push(received);
        }
        Poll::Ready(result)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Socket<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let socket = self.get_mut();
        let written = Pin::new(&mut socket.stream).poll_write(context, bytes);
        socket.note_pending(written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let socket = self.get_mut();
        let written = Pin::new(&mut socket.stream).poll_write_vectored(context, slices);
        socket.note_pending(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// hyper flushes when the whole answer is written.
    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let socket = self.get_mut();
        let flushed = ready!(Pin::new(&mut socket.stream).poll_flush(context));
        socket.note_writing(false);
        Poll::Ready(flushed)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let socket = self.get_mut();
        if !socket.watch.state().is_shut_down {
            ready!(Pin::new(&mut socket.stream).poll_shutdown(context))?;
            socket.watch.state().is_shut_down = true;
        }
        if !socket.watch.state().lingers {
            return Poll::Ready(Ok(()));
        }
        let mut dropped = [0; 1024];
        loop {
            let mut buffer = ReadBuf::new(&mut dropped);
            let read = ready!(Pin::new(&mut socket.stream).poll_read(context, &mut buffer));
            if read.is_err() || buffer.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

/// Waits for a connection, and no longer than its deadlines.
pub(crate) struct Patience<'a> {
    watch: &'a Watch,
    deadlines: Deadlines,
    /// One timer for all the deadlines: set for the next of them, and set again only when that has
    /// passed. A connection at work hardly ever touches it.
    timer: Option<Pin<Box<Sleep>>>,
    /// Who is woken when it fires.
    waker: Option<Waker>,
}

impl<'a> Patience<'a> {
    pub(crate) fn new(watch: &'a Watch, deadlines: Deadlines) -> Self {
        Self { watch, deadlines, timer: None, waker: None }
    }

    /// Ends when a deadline has passed. To be polled whenever the connection has been.
    pub(crate) async fn lost(&mut self) {
        poll_fn(|context| self.poll_lost(context)).await;
    }

    fn poll_lost(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some(deadline) = self.watch.arm_deadline(&self.deadlines) else {
            return Poll::Pending;
        };
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        let is_known = self.waker.as_ref().is_some_and(|waker| waker.will_wake(context.waker()));
        if is_known && timer.deadline() <= deadline && !timer.is_elapsed() {
            return Poll::Pending;
        }
        self.waker = Some(context.waker().clone());
        if timer.deadline() > deadline {
            timer.as_mut().reset(deadline);
        }
        while timer.as_mut().poll(context).is_ready() {
            if Instant::now() >= deadline {
                return Poll::Ready(());
            }
            timer.as_mut().reset(deadline);
        }
        Poll::Pending
    }
}

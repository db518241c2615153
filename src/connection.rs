//! One connection: cut when its client is too slow, and watched where hyper does not tell whether
//! the boundaries of a request are in doubt.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use http::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::{HeaderMap, Request, Version};
use http_body::Body;
use memchr::memmem::Finder;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use crate::rejection::Rejection;

/// How long a client may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadlines {
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
}

/// What a connection is doing, known to its socket and to the service behind it.
#[derive(Default)]
pub(crate) struct Watch(Mutex<State>);

#[derive(Default)]
struct State {
    phase: Phase,
    /// When the phase has lasted too long. Set when it is first waited in.
    deadline: Option<Instant>,
    head: Head,
    /// Whether the next head may have started before anybody watched.
    is_in_doubt: bool,
    /// Whether the client may still be sending when the connection is closed.
    lingers: bool,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Between requests.
    #[default]
    Idle,
    /// A request's head is coming in.
    Head,
    /// A request is being received and answered.
    Busy,
}

/// The bytes of a request's head, and how many came after it.
#[derive(Default)]
struct Head {
    bytes: Vec<u8>,
    is_complete: bool,
    after: u64,
    /// How many bytes the body should have; `None` for a chunked one.
    body: Option<u64>,
}

/// The end of a head.
static END: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\r\n\r\n"));

impl Head {
    fn clear(&mut self) {
        self.bytes.clear();
        self.is_complete = false;
        self.after = 0;
        self.body = None;
    }

    fn push(&mut self, bytes: &[u8]) {
        if self.is_complete {
            self.after += bytes.len() as u64;
            return;
        }
        let seam = self.bytes.len().saturating_sub(END.needle().len() - 1);
        let found = if self.bytes.is_empty() {
            END.find(bytes)
        } else {
            let seam = [&self.bytes[seam..], bytes].concat();
            END.find(&seam)
        };
        let Some(found) = found else {
            self.bytes.extend_from_slice(bytes);
            return;
        };
        let (head, after) = bytes.split_at(seam + found + END.needle().len() - self.bytes.len());
        self.bytes.extend_from_slice(head);
        self.after = after.len() as u64;
        self.is_complete = true;
    }

    /// Whether a chunked request's head has a length as well. hyper drops it without a word.
    fn has_length(&self) -> Option<bool> {
        const MAX_HEADERS: usize = 128;
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut request = httparse::Request::new(&mut headers);
        let is_complete = request.parse(&self.bytes).is_ok_and(|status| status.is_complete());
        let mut names = request.headers.iter().map(|header| header.name);
        is_complete.then(|| names.any(|name| name.eq_ignore_ascii_case(CONTENT_LENGTH.as_str())))
    }

    /// Whether the next request starts with the next byte that comes in.
    fn ended_cleanly(&self) -> bool {
        self.is_complete && self.body == Some(self.after)
    }
}

impl Watch {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request's head is there. Refuses it if somebody else could see its boundaries elsewhere.
    pub(crate) fn begin<B: Body>(&self, request: &Request<B>) -> Result<(), Rejection> {
        let mut state = self.state();
        state.phase = Phase::Busy;
        state.deadline = None;
        check_host(request)?;
        state.head.body = request.body().size_hint().exact();
        if state.head.body.is_some() {
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
        state.phase = Phase::Idle;
        state.deadline = None;
        state.is_in_doubt |= !state.head.ended_cleanly();
        let is_last = state.head.body.is_none();
        state.head.clear();
        is_last
    }

    /// The connection ends, and the client may not have sent everything.
    pub(crate) fn linger(&self) {
        self.state().lingers = true;
    }

    fn received(&self, bytes: &[u8]) {
        let mut state = self.state();
        if state.phase == Phase::Idle {
            state.phase = Phase::Head;
            state.deadline = None;
        }
        state.head.push(bytes);
    }

    /// When waiting for the client to send something has lasted too long.
    fn deadline(&self, deadlines: &Deadlines) -> Option<Instant> {
        let mut state = self.state();
        let limit = match state.phase {
            Phase::Idle => deadlines.idle,
            Phase::Head => deadlines.header,
            Phase::Busy => return None,
        };
        Some(*state.deadline.get_or_insert_with(|| Instant::now() + limit))
    }
}

fn check_host<B>(request: &Request<B>) -> Result<(), Rejection> {
    match request.headers().get_all(HOST).iter().count() {
        1 => Ok(()),
        0 if request.version() == Version::HTTP_10 => Ok(()),
        _ => Err(Rejection::doubtful_framing("expected one Host")),
    }
}

fn check_transfer_encoding(headers: &HeaderMap) -> Result<(), Rejection> {
    let mut encodings = headers.get_all(TRANSFER_ENCODING).iter();
    let first = encodings.next().map(http::HeaderValue::as_bytes);
    if first.is_some_and(|first| first.eq_ignore_ascii_case(b"chunked"))
        && encodings.next().is_none()
    {
        return Ok(());
    }
    Err(Rejection::doubtful_framing("expected one Transfer-Encoding, and that chunked"))
}

/// A socket that gives up on a client that is too slow.
pub(crate) struct Socket<S> {
    stream: S,
    watch: Arc<Watch>,
    deadlines: Deadlines,
    write_deadline: Option<Instant>,
    linger_deadline: Option<Instant>,
    timer: Timer,
}

impl<S> Socket<S> {
    pub(crate) fn new(stream: S, watch: Arc<Watch>, deadlines: Deadlines) -> Self {
        Self {
            stream,
            watch,
            deadlines,
            write_deadline: None,
            linger_deadline: None,
            timer: Timer::default(),
        }
    }

    fn write_in_time<T>(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            return written;
        }
        let limit = self.deadlines.write;
        let deadline = *self.write_deadline.get_or_insert_with(|| Instant::now() + limit);
        self.timer.time_out(deadline, context)
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
        if let Poll::Ready(result) = Pin::new(&mut socket.stream).poll_read(context, buffer) {
            let received = &buffer.filled()[start..];
            if !received.is_empty() {
                socket.watch.received(received);
            }
            return Poll::Ready(result);
        }
        match socket.watch.deadline(&socket.deadlines) {
            Some(deadline) => socket.timer.time_out(deadline, context),
            None => Poll::Pending,
        }
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
        socket.write_in_time(context, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let socket = self.get_mut();
        let written = Pin::new(&mut socket.stream).poll_write_vectored(context, slices);
        socket.write_in_time(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// hyper flushes when the whole answer is written.
    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let socket = self.get_mut();
        let flushed = ready!(Pin::new(&mut socket.stream).poll_flush(context));
        socket.write_deadline = None;
        Poll::Ready(flushed)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let socket = self.get_mut();
        if socket.linger_deadline.is_none() {
            let shut_down = ready!(Pin::new(&mut socket.stream).poll_shutdown(context));
            if shut_down.is_err() || !socket.watch.state().lingers {
                return Poll::Ready(shut_down);
            }
        }
        let deadline =
            *socket.linger_deadline.get_or_insert_with(|| Instant::now() + Deadlines::LINGER);
        let mut dropped = [0; 1024];
        loop {
            if Instant::now() >= deadline {
                return Poll::Ready(Ok(()));
            }
            let mut buffer = ReadBuf::new(&mut dropped);
            match Pin::new(&mut socket.stream).poll_read(context, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {}
                Poll::Ready(_) => return Poll::Ready(Ok(())),
                Poll::Pending => {
                    return socket
                        .timer
                        .time_out(deadline, context)
                        .map(|_: io::Result<()>| Ok(()));
                }
            }
        }
    }
}

/// One timer for all the deadlines of a socket: set for the next of them, and set again only when
/// that has passed. A connection at work hardly ever touches it.
#[derive(Default)]
struct Timer {
    sleep: Option<Pin<Box<Sleep>>>,
    /// Who is woken when it fires.
    waker: Option<Waker>,
}

impl Timer {
    fn time_out<T>(&mut self, deadline: Instant, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        let is_known = self.waker.as_ref().is_some_and(|waker| waker.will_wake(context.waker()));
        if is_known && sleep.deadline() <= deadline && !sleep.is_elapsed() {
            return Poll::Pending;
        }
        self.waker = Some(context.waker().clone());
        if sleep.deadline() > deadline {
            sleep.as_mut().reset(deadline);
        }
        while sleep.as_mut().poll(context).is_ready() {
            if Instant::now() >= deadline {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            sleep.as_mut().reset(deadline);
        }
        Poll::Pending
    }
}

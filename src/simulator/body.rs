//! Bodies of answers that break off, or take their time.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Sleep, sleep};

/// Bytes that a slow body sends at once.
const PIECE: usize = 1024;

/// Half of a body, and then the connection breaks.
#[derive(Debug)]
pub(super) struct Half {
    half: Bytes,
    /// Length that the whole has.
    whole: u64,
}

impl Half {
    pub(super) fn new(body: &Bytes) -> Self {
        Self { half: body.slice(..body.len() / 2), whole: body.len() as u64 }
    }
}

impl Body for Half {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let half = std::mem::take(&mut self.half);
        Poll::Ready(Some(if half.is_empty() { Err(broken()) } else { Ok(Frame::data(half)) }))
    }

    fn size_hint(&self) -> SizeHint {
        match self.whole {
            // Of an empty body nothing would be asked for: it has to look like a longer one.
            0 => SizeHint::default(),
            whole => SizeHint::with_exact(whole),
        }
    }
}

/// Returns the error of a connection that the other side broke.
pub(super) fn broken() -> io::Error {
    io::ErrorKind::ConnectionReset.into()
}

/// Body that comes piece by piece.
#[derive(Debug)]
pub(super) struct Slow {
    rest: Bytes,
    delay: Duration,
    wait: Option<Pin<Box<Sleep>>>,
}

impl Slow {
    pub(super) fn new(body: Bytes, delay: Duration) -> Self {
        Self { rest: body, delay, wait: None }
    }
}

impl Body for Slow {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        let delay = self.delay;
        let wait = self.wait.get_or_insert_with(|| Box::pin(sleep(delay)));
        ready!(wait.as_mut().poll(context));
        self.wait = None;
        let length = self.rest.len().min(PIECE);
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(length)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}

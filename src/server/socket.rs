//! Socket of one connection: it reports its progress, and loses no answer when it closes.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::listener::reset_when_dropped;
use super::progress::{Closing, SharedProgress, Writing};

/// Socket that reports its progress.
pub(super) struct Socket<S: 'static> {
    stream: S,
    progress: Arc<SharedProgress>,
    /// State as last reported, so that a write that goes through at once takes no lock.
    writing: Writing,
}

impl<S> Socket<S> {
    pub(super) fn new(stream: S, progress: Arc<SharedProgress>) -> Self {
        Self { stream, progress, writing: Writing::default() }
    }

    fn note_pending<T>(&mut self, written: Poll<T>) -> Poll<T> {
        if written.is_pending() {
            self.note(Writing::Blocked);
        }
        written
    }

    fn note(&mut self, writing: Writing) {
        if self.writing != writing && self.writing != Writing::Closed {
            self.writing = writing;
            let mut progress = self.progress.lock();
            progress.writing = writing;
            // The client took all that was there: the next wait for it is another.
            progress.armed = None;
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Socket<S> {
    fn poll_close(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.writing != Writing::Closed {
            ready!(Pin::new(&mut self.stream).poll_shutdown(context))?;
            self.note(Writing::Closed);
        }
        Poll::Ready(Ok(()))
    }

    /// Reads and drops what comes in, until the client closes its side.
    fn poll_drop_rest(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let mut dropped = [0; 1024];
        loop {
            let mut buffer = ReadBuf::new(&mut dropped);
            let read = ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer));
            if read.is_err() || buffer.filled().is_empty() {
                return Poll::Ready(());
            }
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
            socket.progress.lock().received(received);
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

    /// Flushes, which hyper does when the whole answer is written.
    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let socket = self.get_mut();
        let flushed = ready!(Pin::new(&mut socket.stream).poll_flush(context));
        socket.note(Writing::Flushed);
        Poll::Ready(flushed)
    }

    /// Closes in stages if the client may still be sending (RFC 9112, 9.6): bytes that nobody
    /// reads would be answered with a reset, and a reset takes from the client the answer that it
    /// has not read yet, such as the refusal of its body.
    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let socket = self.get_mut();
        ready!(socket.poll_close(context))?;
        let closing = socket.progress.lock().closing;
        if closing == Closing::Lingering {
            ready!(socket.poll_drop_rest(context));
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: 'static> Drop for Socket<S> {
    fn drop(&mut self) {
        if self.progress.lock().closing == Closing::Reset {
            reset_when_dropped(&self.stream);
        }
    }
}

//! Socket of one connection: it tells what goes through it, and closes without losing the last answer.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::progress::Watch;

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

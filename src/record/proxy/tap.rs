//! Connections to the receiver, which remember the heads of answers as they came.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use http::Uri;
use hyper::rt::{Read, ReadBuf, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};
use tower_service::Service;

/// Maker of connections that are tapped.
#[derive(Clone)]
pub(super) struct Tapped<C>(pub(super) C);

impl<C> Service<Uri> for Tapped<C>
where
    C: Service<Uri, Future: Send + 'static>,
{
    type Response = TappedStream<C::Response>;
    type Error = C::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, C::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), C::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, address: Uri) -> Self::Future {
        let connecting = self.0.call(address);
        Box::pin(async {
            Ok(TappedStream { stream: connecting.await?, head: AnswerHead::default() })
        })
    }
}

/// Connection whose answers are looked at.
pub(super) struct TappedStream<S> {
    stream: S,
    head: AnswerHead,
}

/// Head of the answer that a connection has read last. It is among the extensions of the answer.
#[derive(Clone, Default)]
pub(super) struct AnswerHead(Arc<Mutex<Tap>>);

#[derive(Default)]
struct Tap {
    bytes: Vec<u8>,
    state: TapState,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum TapState {
    #[default]
    Awaited,
    Whole,
    /// Whoever forwards the answer has it.
    Taken,
}

impl AnswerHead {
    /// Longest head that is remembered, in bytes.
    const LIMIT: usize = 64 << 10;

    /// Returns the head, once the answer is there.
    pub(super) fn take(&self) -> Option<Vec<u8>> {
        let mut tap = self.lock();
        let state = std::mem::replace(&mut tap.state, TapState::Taken);
        let bytes = std::mem::take(&mut tap.bytes);
        (state == TapState::Whole).then_some(bytes)
    }

    /// Starts anew with a request. An answer may come before the end of its request.
    fn request(&self) {
        let mut tap = self.lock();
        if tap.state == TapState::Taken {
            *tap = Tap::default();
        }
    }

    fn answer(&self, bytes: &[u8]) {
        let mut tap = self.lock();
        if tap.state != TapState::Awaited || tap.bytes.len() > Self::LIMIT {
            return;
        }
        tap.bytes.extend_from_slice(bytes);
        while let Some(end) = end_of_head(&tap.bytes) {
            // The answers of a `100 Continue` are none yet: RFC 9110, 15.2.
            if tap.bytes.get(8..10) != Some(b" 1") {
                tap.bytes.truncate(end);
                tap.state = TapState::Whole;
                return;
            }
            tap.bytes.drain(..end);
        }
    }

    fn is_awaited(&self) -> bool {
        self.lock().state == TapState::Awaited
    }

    fn lock(&self) -> MutexGuard<'_, Tap> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Finds the end of a head: its first empty line.
fn end_of_head(bytes: &[u8]) -> Option<usize> {
    memchr::memchr_iter(b'\n', bytes).find_map(|at| match bytes[at + 1..] {
        [b'\n', ..] => Some(at + 2),
        [b'\r', b'\n', ..] => Some(at + 3),
        _ => None,
    })
}

impl<S: Connection> Connection for TappedStream<S> {
    fn connected(&self) -> Connected {
        self.stream.connected().extra(self.head.clone())
    }
}

impl<S: Read + Unpin> Read for TappedStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.head.is_awaited() {
            return Pin::new(&mut self.stream).poll_read(context, buffer);
        }
        let mut bytes = [0; 4096];
        let room = buffer.remaining().min(bytes.len());
        let mut read = ReadBuf::new(&mut bytes[..room]);
        ready!(Pin::new(&mut self.stream).poll_read(context, read.unfilled()))?;
        self.head.answer(read.filled());
        buffer.put_slice(read.filled());
        Poll::Ready(Ok(()))
    }
}

impl<S: Write + Unpin> Write for TappedStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.head.request();
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.head.request();
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

//! Bodies of answers that are not there at once.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::progress::{SharedProgress, Writing};

/// Body that may take its time or fail, and tells its connection.
pub(crate) struct Paced<B: Body> {
    body: B,
    failure: Option<B::Error>,
    is_awaited: bool,
    progress: Arc<SharedProgress>,
}

impl<B: Body> Paced<B> {
    pub(super) fn new(body: B, progress: Arc<SharedProgress>) -> Self {
        Self { body, failure: None, is_awaited: false, progress }
    }

    fn note_awaited(&mut self) {
        if !self.is_awaited {
            self.is_awaited = true;
            self.progress.lock().await_body();
        }
    }
}

impl<B> Body for Paced<B>
where
    B: Body<Data = Bytes, Error: Unpin> + Unpin,
{
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let paced = self.get_mut();
        if paced.failure.is_some() {
            // At an error, hyper drops what it has not written: the client is to have that first.
            if paced.progress.lock().writing == Writing::Blocked {
                return Poll::Pending;
            }
            return Poll::Ready(paced.failure.take().map(Err));
        }
        match Pin::new(&mut paced.body).poll_frame(context) {
            Poll::Ready(Some(Err(failure))) => paced.failure = Some(failure),
            Poll::Pending => {
                paced.note_awaited();
                return Poll::Pending;
            }
            ready => return ready,
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }

    fn is_end_stream(&self) -> bool {
        self.failure.is_none() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<B: Body> Drop for Paced<B> {
    fn drop(&mut self) {
        if self.is_awaited {
            self.progress.lock().end_body();
        }
    }
}

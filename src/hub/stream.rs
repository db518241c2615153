//! Stream of the actions for one page, as server-sent events.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use super::session::Session;

/// Body of an answer that has no end of its own.
pub(super) struct ActionStream {
    session: Session,
    number: u64,
    greeting: Option<Bytes>,
    pulse: Interval,
}

/// Pause after which a comment shows both sides, and the proxies between them, that the other one
/// is there.
const PULSE: Duration = Duration::from_secs(15);

impl ActionStream {
    /// Starts a stream behind an action that the page has.
    pub(super) fn new(session: Session, has: u64) -> Self {
        let number = session.attach(has);
        let id = session.id();
        let greeting = format!("retry: 1000\nid: {id}.{has}\nevent: session\ndata: {id}\n\n");
        let mut pulse = interval_at(Instant::now() + PULSE, PULSE);
        pulse.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { number, greeting: Some(greeting.into()), pulse, session }
    }
}

impl Body for ActionStream {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let piece = self.greeting.take().map(|greeting| Poll::Ready(Some(greeting)));
        let piece = piece.unwrap_or_else(|| self.session.poll_written(self.number, context));
        if let Poll::Ready(piece) = piece {
            return Poll::Ready(piece.map(|piece| Ok(Frame::data(piece))));
        }
        ready!(self.pulse.poll_tick(context));
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b":\n\n")))))
    }
}

impl Drop for ActionStream {
    fn drop(&mut self) {
        self.session.detach(self.number);
    }
}

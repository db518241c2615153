//! Deadlines of one connection, and the timer that holds it to them.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

use super::progress::{Phase, SharedProgress};

/// Time that a client is given.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadlines {
    /// To the first byte of the first request.
    pub(super) first: Duration,
    /// From a request's first byte to the end of its head.
    pub(super) header: Duration,
    /// To read an answer.
    pub(super) write: Duration,
    /// Between requests.
    pub(super) idle: Duration,
}

impl Deadlines {
    /// Time for which what a refused client still sends is read and dropped: longer than an answer
    /// takes to arrive, and short, since a client that never stops sending has all of it.
    const LINGER: Duration = Duration::from_secs(2);

    /// Returns the time for a phase. It is for the whole of the phase, and no byte resets it: a
    /// client that sends or reads a byte now and then (slow loris, slow read) would hold its
    /// connection for ever.
    fn of(&self, phase: Phase) -> Option<Duration> {
        match phase {
            Phase::New => Some(self.first),
            Phase::Idle => Some(self.idle),
            Phase::Head => Some(self.header),
            // The receiver has deadlines of its own, for the body and for the handler.
            Phase::Busy => None,
            Phase::Writing => Some(self.write),
            Phase::Lingering => Some(Self::LINGER),
        }
    }
}

/// Waits for a connection, and no longer than its deadlines.
pub(super) struct Patience<'a> {
    progress: &'a SharedProgress,
    deadlines: Deadlines,
    /// One timer for all the deadlines: set for the next of them, and set again only when that has
    /// passed. A connection at work hardly ever touches it.
    timer: Option<Pin<Box<Sleep>>>,
}

impl<'a> Patience<'a> {
    pub(super) fn new(progress: &'a SharedProgress, deadlines: Deadlines) -> Self {
        Self { progress, deadlines, timer: None }
    }

    /// Ends when a deadline has passed. To be polled whenever the connection has been.
    pub(super) async fn lost(&mut self) {
        poll_fn(|context| self.poll_lost(context)).await;
    }

    fn poll_lost(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some(deadline) = self.arm_deadline() else {
            return Poll::Pending;
        };
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
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

    /// Returns the time at which the current wait will have taken too long, counted from when it
    /// was
    /// first asked for; `None` for never.
    fn arm_deadline(&self) -> Option<Instant> {
        let mut progress = self.progress.lock();
        let phase = progress.phase();
        let limit = self.deadlines.of(phase)?;
        match progress.armed {
            Some((armed, deadline)) if armed == phase => Some(deadline),
            _ => {
                let deadline = Instant::now().checked_add(limit)?;
                progress.armed = Some((phase, deadline));
                Some(deadline)
            }
        }
    }
}

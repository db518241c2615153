//! Timer of one connection.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use tokio::time::{Instant, Sleep, sleep_until};

use super::progress::{Deadlines, Watch};

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

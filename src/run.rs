//! Runs a started handler to its end, even if its caller hangs up.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use tokio::runtime::Handle;
use tokio::sync::watch;
use tracing::instrument::Instrumented;
use tracing::{Instrument, Span};

use crate::endpoint::{Answer, Outcome};
use crate::log;
use crate::rejection::Rejection;

/// Counts the handlers that run on although their callers have hung up.
pub(crate) struct Abandoned(watch::Sender<usize>);

impl Default for Abandoned {
    fn default() -> Self {
        Self(watch::Sender::new(0))
    }
}

impl Abandoned {
    pub(crate) fn run_to_end<'a>(
        self: &'a Arc<Self>,
        outcome: Outcome,
        started: Instant,
        span: &'a Span,
    ) -> RunToEnd<'a> {
        let outcome = Some(outcome.instrument(span.clone()));
        RunToEnd { outcome, started, span, abandoned: self }
    }

    /// Waits until there are none.
    pub(crate) async fn finished(&self) {
        let _ = self.0.subscribe().wait_for(|count| *count == 0).await;
    }

    fn add(self: &Arc<Self>) -> Guard {
        self.0.send_modify(|count| *count += 1);
        Guard(Arc::clone(self))
    }
}

struct Guard(Arc<Abandoned>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.0.send_modify(|count| *count -= 1);
    }
}

/// Runs where it is awaited, and once it is dropped, on a task of its own.
pub(crate) struct RunToEnd<'a> {
    outcome: Option<Instrumented<Outcome>>,
    started: Instant,
    span: &'a Span,
    abandoned: &'a Arc<Abandoned>,
}

impl Future for RunToEnd<'_> {
    type Output = Result<Answer, Rejection>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let outcome = self.outcome.as_mut().expect("not polled again once ready");
        let result = ready!(Pin::new(outcome).poll(context));
        self.outcome = None;
        Poll::Ready(result)
    }
}

impl Drop for RunToEnd<'_> {
    fn drop(&mut self) {
        let (Some(outcome), Ok(runtime)) = (self.outcome.take(), Handle::try_current()) else {
            return;
        };
        let (guard, started, span) = (self.abandoned.add(), self.started, self.span.clone());
        let to_end = async move {
            log::outcome(&span, &outcome.await, started);
            drop(guard);
        };
        self.span.in_scope(|| tracing::debug!("the caller hung up"));
        runtime.spawn(to_end);
    }
}

//! Runs a started handler to its end, even if its caller hangs up.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::budget::Share;
use crate::endpoint::{Answer, Outcome};
use crate::log::RequestLog;
use crate::rejection::Rejection;

/// Counts the handlers that run on although their callers have hung up.
pub(crate) struct Abandoned(watch::Sender<usize>);

impl Default for Abandoned {
    fn default() -> Self {
        Self(watch::Sender::new(0))
    }
}

impl Abandoned {
    pub(crate) fn run_to_end(self: &Arc<Self>, run: Run) -> RunToEnd<'_> {
        RunToEnd { run: Some(run), abandoned: self }
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

/// A handler at work.
pub(crate) struct Run {
    outcome: Outcome,
    log: RequestLog,
    started: Instant,
    deadline: Duration,
    /// For what was read of the request, which the handler has.
    _memory: Option<Share>,
}

impl Run {
    pub(crate) fn start(
        outcome: Outcome,
        log: RequestLog,
        deadline: Duration,
        memory: Option<Share>,
    ) -> Self {
        Self { outcome, log, started: Instant::now(), deadline, _memory: memory }
    }
}

impl Future for Run {
    type Output = Result<Answer, Rejection>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { outcome, log, started, deadline, .. } = &mut *self;
        let poll = log.within(|| outcome.as_mut().poll(context));
        // Only a handler that blocks its thread is done after its deadline: any other is dropped by then.
        poll.map_ok(|answer| if started.elapsed() > *deadline { answer.late() } else { answer })
    }
}

/// Runs where it is awaited, and once it is dropped, on a task of its own.
pub(crate) struct RunToEnd<'a> {
    run: Option<Run>,
    abandoned: &'a Arc<Abandoned>,
}

impl Future for RunToEnd<'_> {
    type Output = Result<Answer, Rejection>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let run = self.run.as_mut().expect("not polled again once ready");
        let poll = Pin::new(run).poll(context);
        if poll.is_ready() {
            self.run = None;
        }
        poll
    }
}

impl Drop for RunToEnd<'_> {
    fn drop(&mut self) {
        let (Some(run), Ok(runtime)) = (self.run.take(), Handle::try_current()) else {
            return;
        };
        let (guard, log) = (self.abandoned.add(), run.log.clone());
        log.hung_up();
        runtime.spawn(async move {
            log.outcome(&run.await);
            drop(guard);
        });
    }
}

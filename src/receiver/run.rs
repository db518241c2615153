//! Runs a started handler to its end, even if its caller hangs up.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::watch;

use super::log::RequestLog;
use crate::endpoint::rejection::Rejection;
use crate::endpoint::{Answer, Outcome};
use crate::wire::budget::Share;

/// Counts the handlers that run on although their callers have hung up.
pub(crate) struct Abandoned(watch::Sender<usize>);

impl Default for Abandoned {
    fn default() -> Self {
        Self(watch::Sender::new(0))
    }
}

impl Abandoned {
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

/// When a handler started, and how long it may take.
#[derive(Clone, Copy)]
pub(crate) struct Time {
    /// `None` where there is no log, which alone tells of a handler that is late.
    pub(crate) started: Option<Instant>,
    pub(crate) deadline: Duration,
}

impl Time {
    /// Only a handler that blocks its thread is done after its deadline: any other is dropped by then.
    fn judge(self, result: Result<Answer, Rejection>) -> Result<Answer, Rejection> {
        if self.started.is_some_and(|started| started.elapsed() > self.deadline) {
            return result.map(Answer::late);
        }
        result
    }
}

/// Runs where it is awaited, and once it is dropped, on a task of its own.
pub(crate) struct RunToEnd<'a> {
    pub(crate) outcome: Option<Outcome>,
    pub(crate) time: Time,
    /// For what was read of the request, which the handler has.
    pub(crate) memory: Option<Share>,
    pub(crate) log: &'a RequestLog,
    pub(crate) abandoned: &'a Arc<Abandoned>,
}

impl Future for RunToEnd<'_> {
    type Output = Result<Answer, Rejection>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let run = &mut *self;
        let outcome = run.outcome.as_mut().expect("not polled again once ready");
        let result = ready!(run.log.within(|| outcome.as_mut().poll(context)));
        run.outcome = None;
        Poll::Ready(run.time.judge(result))
    }
}

impl Drop for RunToEnd<'_> {
    fn drop(&mut self) {
        let Some(mut outcome) = self.outcome.take() else { return };
        let Ok(runtime) = Handle::try_current() else { return };
        let (guard, log, time) = (self.abandoned.add(), self.log.clone(), self.time);
        let memory = self.memory.take();
        log.hung_up();
        runtime.spawn(async move {
            let result = poll_fn(|context| log.within(|| outcome.as_mut().poll(context))).await;
            log.outcome(&time.judge(result));
            drop((memory, guard));
        });
    }
}

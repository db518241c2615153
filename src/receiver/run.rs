//! Runs handlers: to their end or their deadline, even if their callers hang up.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::{Unconstrained, unconstrained};
use tokio::time::{Sleep, sleep};

use super::log::RequestLog;
use crate::endpoint::rejection::{Failure, Rejection};
use crate::endpoint::{Answer, Call, OnFailure, Pending};
use crate::panics::catch_panic;
use crate::wire::budget::Share;

/// Handler that has started, or is about to. When awaited, it runs to its end or its deadline; a
/// panic ends it, and nothing else.
pub(crate) struct Supervised<'w, T> {
    /// `None` once it is done.
    work: Option<Pending<'w, T>>,
    deadline: Duration,
    timer: Option<Pin<Box<Unconstrained<Sleep>>>>,
}

impl<'w, T> Supervised<'w, T> {
    pub(crate) fn new(work: Pending<'w, T>, deadline: Duration) -> Self {
        Self { work: Some(work), deadline, timer: None }
    }

    fn poll_work(&mut self, context: &mut Context<'_>) -> Poll<Result<T, Failure>> {
        let work = self.work.as_mut().expect("not polled again once ready");
        match catch_panic(|| work.as_mut().poll(context)) {
            Ok(Poll::Pending) => self.poll_timer(context),
            Ok(done) => done,
            Err(panicked) => Poll::Ready(Err(panicked.into())),
        }
    }

    /// Checks the deadline of work that has to wait.
    fn poll_timer(&mut self, context: &mut Context<'_>) -> Poll<Result<T, Failure>> {
        let deadline = self.deadline;
        // Created only now: a timer takes memory and a lock of the runtime's, and most bots answer
        // at once. Unconstrained: work that uses up its task's budget in every poll would otherwise
        // keep the timer from ever firing.
        let timer = self.timer.get_or_insert_with(|| Box::pin(unconstrained(sleep(deadline))));
        ready!(timer.as_mut().poll(context));
        Poll::Ready(Err(Failure::TimedOut(deadline)))
    }
}

impl<T> Future for Supervised<'_, T> {
    type Output = Result<T, Failure>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let result = ready!(self.poll_work(context));
        // What a handler holds is dropped with it, by its own code, which may panic: here, where it
        // is caught, and not with this future, where it would cost the connection.
        catch_panic(|| self.work = None)?;
        Poll::Ready(result)
    }
}

/// Call of a handler, from its start to the answer.
pub(crate) struct Run {
    work: Supervised<'static, Answer>,
    on_failure: Option<OnFailure>,
    /// `None` if there is no log: only the log reports a handler that is late.
    started: Option<Instant>,
}

impl Run {
    pub(crate) fn new(call: Call, deadline: Duration, started: Option<Instant>) -> Self {
        let work = Supervised::new(call.work, deadline);
        Self { work, on_failure: Some(call.on_failure), started }
    }

    /// Returns `true` if the handler blocked its thread: any other is dropped at its deadline.
    fn is_late(&self) -> bool {
        self.started.is_some_and(|started| started.elapsed() > self.work.deadline)
    }
}

impl Future for Run {
    type Output = Result<Answer, Rejection>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let result = match ready!(Pin::new(&mut self.work).poll(context)) {
            Ok(answer) => Ok(answer),
            Err(failure) => {
                let on_failure = self.on_failure.take().expect("not polled again once ready");
                on_failure(failure)
            }
        };
        Poll::Ready(if self.is_late() { result.map(Answer::late) } else { result })
    }
}

/// Future that runs a handler where it is awaited, and on a task of its own once it is dropped.
pub(crate) struct RunToEnd<'a> {
    pub(crate) run: Option<Run>,
    /// Memory for the parsed request, which the handler has.
    pub(crate) memory: Option<Share>,
    pub(crate) log: &'a RequestLog,
    pub(crate) abandoned: &'a Arc<Abandoned>,
}

impl Future for RunToEnd<'_> {
    type Output = Result<Answer, Rejection>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let run = this.run.as_mut().expect("not polled again once ready");
        let result = ready!(this.log.within(|| Pin::new(run).poll(context)));
        this.run = None;
        Poll::Ready(result)
    }
}

impl Drop for RunToEnd<'_> {
    fn drop(&mut self) {
        let Some(mut run) = self.run.take() else { return };
        let Ok(runtime) = Handle::try_current() else { return };
        // Counted here and not on the task: a shutdown between the two would miss it.
        let guard = self.abandoned.add();
        let memory = self.memory.take();
        let log = self.log.clone();
        log.hung_up();
        runtime.spawn(async move {
            let result = poll_fn(|context| log.within(|| Pin::new(&mut run).poll(context))).await;
            log.outcome(&result);
            drop((memory, guard));
        });
    }
}

/// Counter of the handlers that run on although their callers have hung up.
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

//! Span whose subscriber cannot harm the work in it.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;

use tracing::Span;

use crate::panics::{catch_panic, log_safely};

/// Span around work. If a subscriber panics, what it logs is lost, and not the work.
#[derive(Clone)]
pub(super) struct QuietSpan(Span);

impl QuietSpan {
    pub(super) fn new(span: impl FnOnce() -> Span) -> Self {
        Self(catch_panic(span).unwrap_or_else(|_| Span::none()))
    }

    fn within<T>(&self, work: impl FnOnce() -> T) -> T {
        let entered = catch_panic(|| self.0.enter());
        // Caught here: a subscriber that panics while a panic unwinds would end the process.
        let done = catch_unwind(AssertUnwindSafe(work));
        log_safely(|| drop(entered));
        done.unwrap_or_else(|thrown| resume_unwind(thrown))
    }

    /// Runs a future, entering the span at each poll.
    pub(super) async fn around<F: Future>(self, work: F) -> F::Output {
        let mut work = pin!(work);
        poll_fn(|context| self.within(|| work.as_mut().poll(context))).await
    }
}

impl Drop for QuietSpan {
    fn drop(&mut self) {
        let span = std::mem::replace(&mut self.0, Span::none());
        log_safely(|| drop(span));
    }
}

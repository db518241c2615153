//! A span that harms nobody.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;

use tracing::Span;

use crate::caught::{caught, quietly};

/// A span in which others run. A subscriber that panics over it costs what is told, and not what is run.
#[derive(Clone)]
pub(super) struct QuietSpan(Span);

impl QuietSpan {
    pub(super) fn new(span: impl FnOnce() -> Span) -> Self {
        Self(caught(span).unwrap_or_else(|_| Span::none()))
    }

    fn within<T>(&self, work: impl FnOnce() -> T) -> T {
        let entered = caught(|| self.0.enter());
        // Caught meanwhile: a subscriber that panics on the way out of a panic would end the process.
        let done = catch_unwind(AssertUnwindSafe(work));
        quietly(|| drop(entered));
        done.unwrap_or_else(|thrown| resume_unwind(thrown))
    }

    /// Runs what is polled again and again.
    pub(super) async fn around<F: Future>(self, work: F) -> F::Output {
        let mut work = pin!(work);
        poll_fn(|context| self.within(|| work.as_mut().poll(context))).await
    }
}

impl Drop for QuietSpan {
    fn drop(&mut self) {
        let span = std::mem::replace(&mut self.0, Span::none());
        quietly(|| drop(span));
    }
}

//! Keeps the panics of other people's code where they happen.

use std::fmt::Display;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;

use tracing::Span;

/// A panic, and nothing of what was thrown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Panicked;

/// What the work comes to, if it does not panic.
pub(crate) fn caught<T>(work: impl FnOnce() -> T) -> Result<T, Panicked> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|thrown| {
        // What was thrown is the panicking code's own, and may panic when it is dropped.
        if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(thrown))) {
            std::mem::forget(again);
        }
        Panicked
    })
}

/// The text of an error. It is told and dropped here and nowhere else: both run code of its own, which may
/// panic.
pub(crate) fn told(error: impl Display) -> Result<String, Panicked> {
    let told = caught(|| error.to_string());
    caught(|| drop(error))?;
    Ok(told.unwrap_or_else(|Panicked| "the error panicked".to_owned()))
}

/// Logs, and goes on where that panics: `tracing_subscriber::fmt` does when stderr is full or closed, and
/// the request that is told of must not fail for it.
pub(crate) fn quietly(log: impl FnOnce()) {
    let _ = caught(log);
}

/// A span in which others run. A subscriber that panics over it costs what is told, and not what is run.
#[derive(Clone)]
pub(crate) struct QuietSpan(Span);

impl QuietSpan {
    pub(crate) fn new(span: impl FnOnce() -> Span) -> Self {
        Self(caught(span).unwrap_or_else(|Panicked| Span::none()))
    }

    fn within<T>(&self, work: impl FnOnce() -> T) -> T {
        let entered = caught(|| self.0.enter());
        // Caught meanwhile: a subscriber that panics on the way out of a panic would end the process.
        let done = catch_unwind(AssertUnwindSafe(work));
        quietly(|| drop(entered));
        done.unwrap_or_else(|thrown| resume_unwind(thrown))
    }

    /// Runs what is polled again and again.
    pub(crate) async fn around<F: Future>(self, work: F) -> F::Output {
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

#[cfg(test)]
mod tests {
    use std::panic::panic_any;

    use super::*;

    struct Landmine;

    impl Drop for Landmine {
        fn drop(&mut self) {
            panic_any(Self);
        }
    }

    #[test]
    fn work_that_does_not_panic_comes_to_something() {
        assert_eq!(caught(|| 5), Ok(5));
    }

    #[test]
    fn a_panic_is_caught_whatever_was_thrown() {
        assert_eq!(caught(|| panic!("on purpose")), Err::<(), _>(Panicked));
        assert_eq!(caught(|| panic_any(Landmine)), Err::<(), _>(Panicked));
        assert_eq!(caught(|| drop(Landmine)), Err(Panicked));
        quietly(|| panic!("on purpose"));
    }
}

//! Panics of foreign code, caught where they happen: of handlers, errors and log subscribers.

use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Panic that was caught, without its payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Panicked;

/// Returns the output of the work, unless it panics.
pub(crate) fn catch_panic<T>(work: impl FnOnce() -> T) -> Result<T, Panicked> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|thrown| {
        // The payload is the panicking code's own, and may panic when it is dropped.
        if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(thrown))) {
            std::mem::forget(again);
        }
        Panicked
    })
}

/// Returns the text of an error, and drops the error. Both run the error's own code, which may
/// panic, so they are done here and nowhere else.
pub(crate) fn error_text(error: impl Display) -> Result<String, Panicked> {
    let text = catch_panic(|| error.to_string());
    catch_panic(|| drop(error))?;
    Ok(text.unwrap_or_else(|Panicked| "the error panicked".to_owned()))
}

/// Logs, and ignores a panic of the subscriber: `tracing_subscriber::fmt` panics when stderr is
/// full or closed, and the request must not fail because of its log line.
pub(crate) fn log_safely(log: impl FnOnce()) {
    let _ = catch_panic(log);
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
    fn work_that_does_not_panic_returns_its_output() {
        assert_eq!(catch_panic(|| 5), Ok(5));
    }

    #[test]
    fn a_panic_is_caught_whatever_was_thrown() {
        assert_eq!(catch_panic(|| panic!("on purpose")), Err::<(), _>(Panicked));
        assert_eq!(catch_panic(|| panic_any(Landmine)), Err::<(), _>(Panicked));
        assert_eq!(catch_panic(|| drop(Landmine)), Err(Panicked));
        log_safely(|| panic!("on purpose"));
    }
}

//! Keeps the panics of other people's code where they happen.

use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};

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

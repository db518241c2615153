//! Failures of a store.

use std::error::Error;
use std::sync::Arc;

use crate::error::{HandlerError, sentence_with_cause};

/// Failure of a store to be read or written.
///
/// The reason is its [`source`](Error::source). `{:?}` has both, in one line, for a `main` that
/// returns it and for a log.
#[derive(Clone)]
pub struct StoreError(Arc<dyn Error + Send + Sync>);

impl StoreError {
    /// Creates a failure with its cause.
    pub fn new(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(Arc::from(cause.into()))
    }

    /// Creates a failure that is the store's own already, or has another cause.
    pub(super) fn of(failure: HandlerError) -> Self {
        match failure.into_cause().downcast() {
            Ok(error) => *error,
            Err(cause) => Self::new(cause),
        }
    }
}

sentence_with_cause!(StoreError, "conversation store failed");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn main_tells_the_reason_too() {
        let error = StoreError::new("database is locked");
        assert_eq!(error.to_string(), "conversation store failed");
        let reason = error.source().map(ToString::to_string);
        assert_eq!(reason.as_deref(), Some("database is locked"));
        let told = format!("Error: {error:?}");
        assert_eq!(told, "Error: conversation store failed: database is locked");
        let told = format!("{:?}", StoreError::of(error.into()));
        assert_eq!(told, "conversation store failed: database is locked");
        let told = format!("{:?}", StoreError::of("not held any more".into()));
        assert_eq!(told, "conversation store failed: not held any more");
    }
}

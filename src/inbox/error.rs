//! Errors of an inbox itself.

use std::error::Error;
use std::sync::Arc;

use crate::error::sentence_with_cause;

/// Failure of an inbox to be opened, read or written.
///
/// The reason is its [`source`](Error::source). `{:?}` has both, in one line, for a `main` that
/// returns it and for a log.
#[derive(Clone)]
pub struct InboxError(pub(super) Arc<dyn Error + Send + Sync>);

impl InboxError {
    /// Returns the cause, if it is of this type.
    #[cfg(feature = "sqlite")]
    pub(super) fn cause<E: Error + 'static>(&self) -> Option<&E> {
        self.0.downcast_ref()
    }

    // In an `Arc`: a clone goes to everybody whose work was to be committed together.
    pub(super) fn new(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(Arc::from(cause.into()))
    }
}

sentence_with_cause!(InboxError, "inbox failed");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn main_tells_the_reason_too() {
        let error = InboxError::new("there is no room on the disk");
        assert_eq!(error.to_string(), "inbox failed");
        let reason = error.source().map(ToString::to_string);
        assert_eq!(reason.as_deref(), Some("there is no room on the disk"));
        let told = format!("Error: {error:?}");
        assert_eq!(told, "Error: inbox failed: there is no room on the disk");
    }
}

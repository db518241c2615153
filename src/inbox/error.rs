//! Errors of an inbox itself.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// Failure of an inbox to be opened, read or written, with its cause.
///
/// A clone is for everybody whose work was to be committed together.
#[derive(Debug, Clone)]
pub struct InboxError(pub(super) Arc<dyn Error + Send + Sync>);

impl InboxError {
    /// Returns the cause, if it is of this type.
    #[cfg(feature = "sqlite")]
    pub(super) fn cause<E: Error + 'static>(&self) -> Option<&E> {
        self.0.downcast_ref()
    }

    pub(super) fn new(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(Arc::from(cause.into()))
    }
}

impl fmt::Display for InboxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "inbox: {}", self.0)
    }
}

impl Error for InboxError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}

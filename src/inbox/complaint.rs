//! Complaint that is logged once.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::error::InboxError;
use crate::panics::log_safely;

/// Logs a problem once, however often it occurs, and its end once.
#[derive(Default)]
pub(super) struct Complaint(Mutex<Option<String>>);

impl Complaint {
    pub(super) fn error(&self, what: &str, error: &InboxError) {
        let reason = format!("{error:?}");
        if self.is_new(&reason) {
            log_safely(|| tracing::error!(reason, "{what}"));
        }
    }

    pub(super) fn over(&self, what: &str) {
        if self.lock().take().is_some() {
            log_safely(|| tracing::info!("{what}"));
        }
    }

    /// Returns whether this is another problem than the one logged last.
    pub(super) fn is_new(&self, reason: &str) -> bool {
        let mut last = self.lock();
        let is_new = last.as_deref() != Some(reason);
        if is_new {
            *last = Some(reason.to_owned());
        }
        is_new
    }

    fn lock(&self) -> MutexGuard<'_, Option<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

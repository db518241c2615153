//! How much may still come in.
//!
//! The stream's own limit is higher: where it holds, nothing could move up in its case any more.

use std::sync::atomic::{AtomicU64, Ordering};

use super::messages::Messages;
use crate::inbox::error::InboxError;

/// Which part of what is free a process may fill before it looks again: others fill it, too.
const PART: u64 = 16;

pub(super) struct Room {
    limit: Option<u64>,
    /// How many bytes may come in before the stream is looked at.
    left: AtomicU64,
}

impl Room {
    pub(super) fn new(limit: Option<u64>) -> Self {
        Self { limit, left: AtomicU64::new(0) }
    }

    /// Takes room for a message. Says whether there was enough.
    pub(super) async fn take(&self, size: u64, entries: &Messages) -> Result<bool, InboxError> {
        let Some(limit) = self.limit else { return Ok(true) };
        let less = |left: u64| left.checked_sub(size);
        if self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok() {
            return Ok(true);
        }
        let free = limit.saturating_sub(entries.state().await?.bytes);
        self.left.store((free / PART).saturating_sub(size), Ordering::Relaxed);
        Ok(size <= free)
    }
}

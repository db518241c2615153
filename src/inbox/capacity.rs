//! How much may still come in, without a look at what keeps it for each receipt.

use std::sync::atomic::{AtomicU64, Ordering};

/// Which part of what is free a process may fill before it looks again: others fill it, too.
const PART: u64 = 16;

/// The room below a size limit, in bytes.
pub(super) struct Capacity {
    limit: u64,
    /// How many bytes may come in before it is looked again.
    left: AtomicU64,
}

impl Capacity {
    pub(super) fn new(limit: u64) -> Self {
        Self { limit, left: AtomicU64::new(0) }
    }

    /// Takes room that was seen to be there. If this fails, it is time to look again.
    pub(super) fn take(&self, size: u64) -> bool {
        let less = |left: u64| left.checked_sub(size);
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
    }

    /// Takes room where this many bytes are seen to be used. Says whether there was enough.
    pub(super) fn take_beside(&self, used: u64, size: u64) -> bool {
        let free = self.limit.saturating_sub(used);
        self.left.store((free / PART).saturating_sub(size), Ordering::Relaxed);
        size <= free
    }
}

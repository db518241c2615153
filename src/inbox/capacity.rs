//! Capacity below a size limit, without measuring the engine's storage for each receipt.

use std::sync::atomic::{AtomicU64, Ordering};

/// Part of the free room that a process may fill before it measures again: others fill it, too.
const PART: u64 = 16;

/// Room below a size limit, in bytes.
pub(super) struct Capacity {
    limit: u64,
    /// Bytes that may come in before the next measurement.
    left: AtomicU64,
}

impl Capacity {
    pub(super) fn new(limit: u64) -> Self {
        Self { limit, left: AtomicU64::new(0) }
    }

    /// Takes room that was free at the last measurement. `false` if it is time to measure again.
    pub(super) fn take(&self, size: u64) -> bool {
        let less = |left: u64| left.checked_sub(size);
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
    }

    /// Takes room after a measurement of the bytes in use. Returns whether there was enough.
    pub(super) fn take_beside(&self, used: u64, size: u64) -> bool {
        let free = self.limit.saturating_sub(used);
        self.left.store((free / PART).saturating_sub(size), Ordering::Relaxed);
        size <= free
    }
}

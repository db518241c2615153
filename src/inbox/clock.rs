//! The time of day, which stands still in tests that pause tokio's time.

use std::time::{Instant, SystemTime};

use crate::timestamp::Timestamp;

/// The time now: while tokio's clock is paused or was advanced, as far from the system's time as
/// tokio's clock is from the system's.
pub(super) fn now() -> Timestamp {
    let (tokio, system) = (tokio::time::Instant::now().into_std(), Instant::now());
    let ahead = tokio.saturating_duration_since(system);
    let behind = system.saturating_duration_since(tokio);
    Timestamp::try_from(SystemTime::now() + ahead - behind).unwrap_or(Timestamp::MIN)
}

/// How long ago that was, in seconds.
pub(super) fn seconds_since(past: Timestamp) -> i64 {
    (now().as_millis() - past.as_millis()) / 1000
}

//! Time of day, which stands still in tests that pause tokio's time.

use std::time::{Instant, SystemTime};

use crate::timestamp::Timestamp;

/// Returns the current time. While tokio's clock is paused or was advanced, it is as far from the
/// system's time as tokio's clock is from the system's.
pub(crate) fn now() -> Timestamp {
    let (system, tokio) = (Instant::now(), tokio::time::Instant::now().into_std());
    let time = SystemTime::now();
    let time = match tokio.checked_duration_since(system) {
        Some(ahead) => time + ahead,
        None => time - system.duration_since(tokio),
    };
    Timestamp::try_from(time).unwrap_or(Timestamp::MIN)
}

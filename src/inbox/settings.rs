//! Settings that an engine reads.

use std::time::Duration;

use crate::backoff::Backoff;

/// Part of an inbox's options that its engine needs, whoever processes the entries.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) repeat_window: Duration,
    pub(super) done_retention: Duration,
    pub(super) size_limit: u64,
    pub(super) lease: Duration,
    /// Backoff, whose longest wait is the latest that a failed entry may be due: a clock may be set
    /// back.
    pub(super) backoff: Backoff,
    pub(super) must_exist: bool,
    #[cfg(feature = "nats")]
    pub(super) replicas: Option<usize>,
}

impl Default for Settings {
    fn default() -> Self {
        const HOUR: Duration = Duration::from_secs(60 * 60);
        Self {
            repeat_window: HOUR * 24,
            done_retention: HOUR,
            size_limit: 1024 * 1024 * 1024,
            lease: Duration::from_secs(60),
            backoff: Backoff { first: Duration::from_secs(1), longest: HOUR / 4 },
            must_exist: false,
            #[cfg(feature = "nats")]
            replicas: None,
        }
    }
}

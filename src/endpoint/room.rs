//! Terms on which a room behind a feature is mounted beside the APIs.

use std::time::Duration;

use super::Methods;

/// Terms of an endpoint that is no API of SnapEngage.
pub(crate) struct Room {
    /// Name in the log, in the place of an API's.
    pub(crate) name: &'static str,
    pub(crate) methods: Methods,
    /// Largest body, in bytes, if the receiver's own limit is not lower.
    pub(crate) body_limit: usize,
    /// Deadline of its handler.
    pub(crate) deadline: Duration,
    /// Mistakes that were made in it, which keep the receiver from being built.
    pub(crate) mistakes: Vec<String>,
}

//! State that the clones of an inbox share.

use std::fmt;
use std::sync::Arc;

use super::complaint::Complaint;
use super::engine::Engine;
use super::feeds::Feeds;
use super::monitor::Monitor;
use super::options::Options;
use crate::wire::budget::Budget;

/// Inbox that is open.
pub(super) struct Shared {
    pub(super) engine: Box<dyn Engine>,
    pub(super) options: Options,
    pub(super) feeds: Feeds,
    /// Memory for the parsed bodies of running handlers.
    pub(super) memory: Budget,
    pub(super) monitor: Monitor,
    /// Complaint that nothing can be claimed: logged once, whichever worker meets it.
    pub(super) claiming: Complaint,
    /// Complaint that no outcome can be stored.
    pub(super) noting: Complaint,
}

impl Shared {
    pub(super) fn new(engine: Box<dyn Engine>, options: Options) -> Self {
        Self {
            engine,
            memory: Budget::new(options.memory_limit),
            options,
            feeds: Feeds::default(),
            monitor: Monitor::default(),
            claiming: Complaint::default(),
            noting: Complaint::default(),
        }
    }

    /// Checks the inbox from time to time, without delaying the caller.
    pub(super) fn check_if_due(self: &Arc<Self>) {
        if self.monitor.is_due() {
            let shared = Arc::clone(self);
            tokio::spawn(async move { shared.monitor.look(&*shared.engine).await });
        }
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Inbox").field(&self.options).finish()
    }
}

//! State that the clones of an inbox share.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use super::complaint::Complaint;
use super::engine::Engine;
use super::event::{InboxEnd, InboxEvent};
use super::feeds::Feeds;
use super::monitor::Monitor;
use super::options::Options;
use crate::hook::Hook;
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
    /// Name of the file, or of the inbox on NATS.
    #[cfg_attr(not(feature = "metrics"), allow(dead_code, reason = "nothing else has use for it"))]
    pub(super) name: Arc<str>,
    pub(super) hook: Hook<InboxEvent>,
}

impl Shared {
    pub(super) fn new(engine: Box<dyn Engine>, options: Options, name: &str) -> Self {
        Self {
            engine,
            memory: Budget::new(options.memory_limit),
            options,
            feeds: Feeds::default(),
            monitor: Monitor::default(),
            claiming: Complaint::default(),
            noting: Complaint::default(),
            name: name.into(),
            hook: Hook::default(),
        }
    }

    /// Tells whoever observes of a receipt or an attempt that is over.
    pub(super) fn tell(&self, api: &str, end: InboxEnd, started: Instant) {
        self.hook.tell(|| {
            let (inbox, api) = (Arc::clone(&self.name), api.to_owned());
            InboxEvent { inbox, api, end, took: started.elapsed() }
        });
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

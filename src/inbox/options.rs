//! Options of an inbox.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::error::InboxError;
use super::settings::Settings;
use crate::backoff::Backoff;

/// Options of an [`Inbox`](super::Inbox).
///
/// ```no_run
/// use std::time::Duration;
/// use snapengage::inbox::Inbox;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let inbox = Inbox::options()
///     .concurrency(4)
///     .done_retention(Duration::from_secs(60))
///     .open("inbox.db")?;
/// # let _ = inbox;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct Options {
    pub(super) settings: Settings,
    pub(super) concurrency: usize,
    pub(super) memory_limit: usize,
    pub(super) max_attempts: u32,
    pub(super) deadline: Duration,
}

impl Options {
    pub(super) fn new() -> Self {
        Self {
            settings: Settings::default(),
            concurrency: 16,
            memory_limit: 512 * 1024 * 1024,
            max_attempts: 100,
            deadline: Duration::from_secs(10 * 60),
        }
    }

    /// Sets the time for which repeats are recognized, from the first receipt. 24 hours by default.
    pub fn repeat_window(mut self, window: Duration) -> Self {
        self.settings.repeat_window = window;
        self
    }

    /// Sets the time for which the payload of an entry that is done is kept. One hour by default.
    pub fn done_retention(mut self, retention: Duration) -> Self {
        self.settings.done_retention = retention;
        self
    }

    /// Sets the size limit of the inbox in bytes; beyond it, requests are answered 503. 1 GiB by
    /// default.
    ///
    /// The file does not shrink, but entries that are done make room in it. SQLite's log beside it
    /// adds some 16 MiB, and the reserve for a full disk 40. On NATS, as much again is set aside
    /// for dead letters, half of it for entries that are done, which are forgotten early if they do
    /// not fit, and 2 to 16 MiB for when the server is full.
    pub fn size_limit(mut self, bytes: u64) -> Self {
        self.settings.size_limit = bytes;
        self
    }

    /// Sets the number of handlers that may run at a time, each for another case or agent. 16 by
    /// default.
    pub fn concurrency(mut self, handlers: usize) -> Self {
        self.concurrency = handlers.max(1);
        self
    }

    /// Sets the memory that parsed bodies may take at once, in bytes, until their handlers are
    /// done: beyond it, a handler is called later. 512 MiB by default, estimated as by
    /// [`ReceiverBuilder::memory_limit`](crate::ReceiverBuilder::memory_limit), which bounds
    /// receipts.
    pub fn memory_limit(mut self, bytes: usize) -> Self {
        self.memory_limit = bytes;
        self
    }

    /// Sets the number of attempts before an entry becomes a dead letter. 100 by default: with the
    /// default backoff, most of a day.
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts.max(1);
        self
    }

    /// Sets the waits between attempts: from the one after the first failure, doubled by each
    /// further one, to the longest. From 1 second to 15 minutes by default. A random part of up to
    /// a half is subtracted.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # use snapengage::inbox::Inbox;
    /// let options =
    ///     Inbox::options().backoff(Duration::from_secs(5)..=Duration::from_secs(3600));
    /// # let _ = options;
    /// ```
    pub fn backoff(mut self, waits: RangeInclusive<Duration>) -> Self {
        let (first, longest) = waits.into_inner();
        self.settings.backoff = Backoff { first, longest };
        self
    }

    /// Sets the deadline of a handler. 10 minutes by default; after that it is dropped, which
    /// counts as a failure: it is retried. A shutdown waits no longer for it either.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Sets the time for which a worker that died keeps its entries from others. One minute by
    /// default. A handler may run longer, up to its [deadline](Self::deadline): its lease is
    /// renewed. Processes that share an inbox must have the same.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.settings.lease = lease.max(Duration::from_millis(30));
        self
    }

    /// Opens an inbox only if it exists, and unchanged: nothing is created, and on NATS, where
    /// streams hold the limits and times, nothing is set. For programs that inspect an inbox.
    pub fn must_exist(mut self) -> Self {
        self.settings.must_exist = true;
        self
    }

    /// Sets the number of servers of a NATS cluster that store the inbox, 1 to 5. One by default.
    ///
    /// Streams that exist already keep their number; with fewer, the inbox is not opened.
    #[cfg(feature = "nats")]
    pub fn replicas(mut self, servers: usize) -> Self {
        self.settings.replicas = Some(servers);
        self
    }

    /// Refuses options that could never work.
    pub(super) fn check(&self) -> Result<(), InboxError> {
        let zeros =
            [("size_limit", self.settings.size_limit == 0), ("deadline", self.deadline.is_zero())];
        match zeros.iter().find(|(_, is_zero)| *is_zero) {
            Some((setting, _)) => {
                Err(InboxError::new(format!("`{setting}`: expected more than zero")))
            }
            None => Ok(()),
        }
    }
}

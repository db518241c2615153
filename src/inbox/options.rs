//! Options of an inbox.

use std::time::Duration;

use super::backoff::Backoff;
use super::error::InboxError;
use super::settings::Settings;

/// Configures an [`Inbox`](super::Inbox).
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

    /// Time that a repeat is known for one, from the first receipt. 24 hours by default.
    pub fn repeat_window(mut self, window: Duration) -> Self {
        self.settings.repeat_window = window;
        self
    }

    /// Time that the payload of what is done is kept. One hour by default.
    pub fn done_retention(mut self, retention: Duration) -> Self {
        self.settings.done_retention = retention;
        self
    }

    /// Bytes that the inbox may hold; past it, requests are answered 503. 1 GiB by default.
    ///
    /// The file does not shrink, but what is done makes room in it. SQLite's log beside it adds some 16 MiB,
    /// and the reserve for a full disk 40. On NATS, as much again is set aside for dead letters, half of it
    /// for what is done, where what does not fit is forgotten early, and 2 to 16 MiB for when the server is
    /// full.
    pub fn size_limit(mut self, bytes: u64) -> Self {
        self.settings.size_limit = bytes;
        self
    }

    /// Number of handlers that may run at a time, each for another case or agent. 16 by default.
    pub fn concurrency(mut self, handlers: usize) -> Self {
        self.concurrency = handlers.max(1);
        self
    }

    /// The memory that what was read of bodies may take at once, in bytes, until their handlers are done:
    /// beyond it, a handler is called later. 512 MiB by default, estimated as by
    /// [`ReceiverBuilder::memory_limit`](crate::ReceiverBuilder::memory_limit), which bounds receipts.
    pub fn memory_limit(mut self, bytes: usize) -> Self {
        self.memory_limit = bytes;
        self
    }

    /// Number of calls of a handler before an entry becomes a dead letter. 100 times by default: with
    /// the default backoff, most of a day.
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts.max(1);
        self
    }

    /// The wait after the first failure, doubled by each other, and the longest wait. From 1 second to
    /// 15 minutes by default. A random part of up to a half is taken off.
    pub fn backoff(mut self, first: Duration, longest: Duration) -> Self {
        self.settings.backoff = Backoff { first, longest };
        self
    }

    /// Time that a handler may take. 10 minutes by default; after that it is dropped, which counts as a
    /// failure: it is retried. A shutdown waits no longer for it either.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Time that a worker which died keeps its entries from others. One minute by default. A handler may
    /// run longer, up to its [deadline](Self::deadline): its lease is renewed. Processes that share an
    /// inbox are to have the same.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.settings.lease = lease.max(Duration::from_millis(30));
        self
    }

    /// Opens an inbox only if it is there, and as it is: nothing is created, and on NATS, where streams
    /// know how much they may hold and for how long, nothing is set. For programs that look.
    pub fn must_exist(mut self) -> Self {
        self.settings.must_exist = true;
        self
    }

    /// Number of servers of a NATS cluster that keep the inbox, 1 to 5. One by default.
    ///
    /// Streams that are there already keep the number they have; with fewer, the inbox is not opened.
    #[cfg(feature = "nats")]
    pub fn replicas(mut self, servers: usize) -> Self {
        self.settings.replicas = Some(servers);
        self
    }

    /// Refuses what could never work.
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

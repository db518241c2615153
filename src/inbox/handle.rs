//! Handle of an inbox.

use std::fmt;
use std::sync::Arc;

use super::entry::{Entry, EntryId, Shown, State, Stats};
use super::error::InboxError;
#[cfg(feature = "metrics")]
use super::event::InboxEvent;
use super::feed::Feed;
use super::shared::Shared;
use super::worker::Worker;
use crate::clock;
#[cfg(feature = "metrics")]
use crate::hook::Hook;

/// Inbox that stores requests and processes them.
///
/// Cheap to clone: a clone is the same inbox.
#[derive(Clone)]
pub struct Inbox(pub(super) Arc<Shared>);

impl Inbox {
    /// Wraps a handler, so that its requests are stored here first.
    ///
    /// Mount it in the place of the handler. Requests that were stored before a restart are
    /// processed by the handler that is mounted on the same path after it.
    pub fn feed<H>(&self, handler: H) -> Feed<H> {
        Feed::new(Arc::clone(&self.0), handler)
    }

    /// Processes stored requests until `until` is ready, and returns its output.
    ///
    /// Around [`serve`](crate::serve), it runs both:
    ///
    /// ```no_run
    /// # use snapengage::{Receiver, inbox::Inbox, serve, shutdown_signal};
    /// # async fn example(inbox: Inbox, receiver: Receiver) -> std::io::Result<()> {
    /// let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
    /// inbox.run(serve(listener, receiver, shutdown_signal())).await;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// The server stops first, once it has answered its last request; then nothing more is claimed,
    /// and the handlers that have started are waited for. A request that was answered 200 and is
    /// not yet processed stays stored, for the next process.
    ///
    /// If the future is dropped before, the entries in process are processed again once the
    /// [lease](super::Options::lease) is over.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with time, which `#[tokio::main]` has.
    pub async fn run<F: Future>(&self, until: F) -> F::Output {
        Worker::new(Arc::clone(&self.0)).run(until).await
    }

    /// Has a function told of each receipt and each attempt that is over, of all clones.
    #[cfg(feature = "metrics")]
    pub(crate) fn hook(&self) -> &Hook<InboxEvent> {
        &self.0.hook
    }

    /// Returns the name of the file, or of the inbox on NATS.
    #[cfg(feature = "metrics")]
    pub(crate) fn name(&self) -> Arc<str> {
        Arc::clone(&self.0.name)
    }

    /// Counts the entries.
    ///
    /// # Errors
    ///
    /// If the inbox cannot be read.
    pub async fn stats(&self) -> Result<Stats, InboxError> {
        self.0.engine.stats().await
    }

    /// Lists at most `limit` entries of a state that come after `after`, in the order of receipt.
    ///
    /// # Errors
    ///
    /// If the inbox cannot be read.
    pub async fn list(
        &self,
        state: State,
        after: Option<EntryId>,
        limit: usize,
    ) -> Result<Vec<Entry>, InboxError> {
        self.0.engine.list(state, after, limit).await
    }

    /// Returns an entry and its body, if it exists. Once an entry is done, its body is removed
    /// first.
    ///
    /// # Errors
    ///
    /// If the inbox cannot be read.
    pub async fn show(&self, id: EntryId) -> Result<Option<Shown>, InboxError> {
        self.0.engine.show(id).await
    }

    /// Retries an entry at once: a dead letter, or one that waits for its next attempt. Returns
    /// `false` if there was none.
    ///
    /// # Errors
    ///
    /// If the inbox cannot be written.
    pub async fn retry(&self, id: EntryId) -> Result<bool, InboxError> {
        self.0.engine.retry(id, clock::now()).await
    }

    /// Discards an entry that is not being processed, dead or not, with its payload. Returns
    /// `false` if there was none.
    ///
    /// A repeat of it is treated as new.
    ///
    /// # Errors
    ///
    /// If the inbox cannot be written.
    pub async fn discard(&self, id: EntryId) -> Result<bool, InboxError> {
        self.0.engine.discard(id).await
    }
}

impl fmt::Debug for Inbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

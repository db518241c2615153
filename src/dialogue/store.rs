//! Stores of conversations.

use std::sync::Arc;

use async_trait::async_trait;

use super::error::StoreError;
use super::record::Record;
use crate::timestamp::Timestamp;

/// Store of conversations: one record each, replaced whole and only by whoever saw it last.
///
/// [`Bot`](super::Bot) makes turns atomic on top of this. A store of your own should pass the
/// [conformance suite](super::conformance), as this one does:
///
/// ```
/// use std::collections::HashMap;
/// use std::sync::{Mutex, MutexGuard};
///
/// use snapengage::dialogue::{Loaded, Record, Revision, Saved, Store, StoreError};
/// use snapengage::{Timestamp, async_trait};
///
/// #[derive(Default)]
/// struct Shelf(Mutex<Records>);
///
/// #[derive(Default)]
/// struct Records {
///     by_key: HashMap<String, Loaded>,
///     writes: u64,
/// }
///
/// impl Shelf {
///     fn records(&self) -> Result<MutexGuard<'_, Records>, StoreError> {
///         self.0.lock().map_err(|_| StoreError::new("a writer panicked"))
///     }
/// }
///
/// #[async_trait]
/// impl Store for Shelf {
///     async fn load(&self, key: &str) -> Result<Option<Loaded>, StoreError> {
///         Ok(self.records()?.by_key.get(key).cloned())
///     }
///
///     async fn save(
///         &self,
///         key: &str,
///         record: &Record,
///         seen: Option<Revision>,
///     ) -> Result<Saved, StoreError> {
///         let mut records = self.records()?;
///         if records.by_key.get(key).map(|found| found.revision) != seen {
///             return Ok(Saved::Conflict);
///         }
///         records.writes += 1;
///         let revision = Revision::new(records.writes);
///         records.by_key.insert(key.to_owned(), Loaded::new(record.clone(), revision));
///         Ok(Saved::Written(revision))
///     }
///
///     async fn remove(&self, key: &str, seen: Revision) -> Result<bool, StoreError> {
///         let by_key = &mut self.records()?.by_key;
///         let is_last = by_key.get(key).is_some_and(|found| found.revision == seen);
///         Ok(is_last && by_key.remove(key).is_some())
///     }
///
///     async fn sweep(&self, now: Timestamp) -> Result<u64, StoreError> {
///         let expired = |_: &String, found: &mut Loaded| found.record.expires_at() <= now;
///         let removed = self.records()?.by_key.extract_if(expired).count();
///         Ok(removed as u64)
///     }
/// }
/// # #[cfg(feature = "testing")]
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// #     let shelf = std::sync::Arc::new(Shelf::default());
/// #     snapengage::dialogue::conformance::run(async || shelf.clone()).await;
/// # }
/// # #[cfg(not(feature = "testing"))]
/// # fn main() {}
/// ```
///
/// Every `impl` needs [`#[async_trait]`](macro@crate::async_trait) as above. Without it, the
/// compiler reports E0195: "lifetime parameters or bounds on method `load` do not match the
/// trait declaration".
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a store of conversations",
    label = "expected a `MemoryStore`, `SqliteStore` or `NatsStore`, or a `Store` of yours"
)]
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Returns the record under a key, with its revision.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    async fn load(&self, key: &str) -> Result<Option<Loaded>, StoreError>;

    /// Writes a record if the one under the key still has the revision `seen`, or if there is none
    /// and `seen` is `None`.
    ///
    /// A record that was reported as written must outlast the process, in a store meant to.
    ///
    /// # Errors
    ///
    /// If the store cannot be written, or cannot tell whether it was: the record may have been
    /// written all the same.
    async fn save(
        &self,
        key: &str,
        record: &Record,
        seen: Option<Revision>,
    ) -> Result<Saved, StoreError>;

    /// Removes the record of a revision, and returns whether it did: not if there is another one by
    /// now.
    ///
    /// # Errors
    ///
    /// If the store cannot be written.
    async fn remove(&self, key: &str, seen: Revision) -> Result<bool, StoreError>;

    /// Removes the records that have expired, and returns their number. A bot calls it once an
    /// hour, concurrently with its turns, which should not have to wait for all of it.
    ///
    /// # Errors
    ///
    /// If the store cannot be written.
    async fn sweep(&self, now: Timestamp) -> Result<u64, StoreError>;

    /// Returns whether expired records are removed without a sweep, so that a bot need not call
    /// any. `false` by default.
    fn expires_by_itself(&self) -> bool {
        false
    }
}

#[async_trait]
impl<S: Store + ?Sized> Store for Arc<S> {
    async fn load(&self, key: &str) -> Result<Option<Loaded>, StoreError> {
        (**self).load(key).await
    }

    async fn save(
        &self,
        key: &str,
        record: &Record,
        seen: Option<Revision>,
    ) -> Result<Saved, StoreError> {
        (**self).save(key, record, seen).await
    }

    async fn remove(&self, key: &str, seen: Revision) -> Result<bool, StoreError> {
        (**self).remove(key, seen).await
    }

    async fn sweep(&self, now: Timestamp) -> Result<u64, StoreError> {
        (**self).sweep(now).await
    }

    fn expires_by_itself(&self) -> bool {
        (**self).expires_by_itself()
    }
}

/// Record as it was found, and the revision to save it over.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Loaded {
    /// Content of the record.
    pub record: Record,
    /// Revision of the record.
    pub revision: Revision,
}

impl Loaded {
    /// Creates a loaded record from the revision it was written with.
    pub fn new(record: Record, revision: Revision) -> Self {
        Self { record, revision }
    }
}

/// Outcome of a save that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub enum Saved {
    /// The record was written, and has this revision.
    Written(Revision),
    /// Nothing was written: another write was faster, and the record that was seen is not the last
    /// one.
    Conflict,
}

impl Saved {
    /// Returns the new revision, if there is one.
    pub fn revision(self) -> Option<Revision> {
        match self {
            Self::Written(revision) => Some(revision),
            Self::Conflict => None,
        }
    }
}

/// Identity of a write. Every write makes another one, after a removal too: a record that was
/// removed and written again never has a revision it had before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Revision(pub(super) u64);

impl Revision {
    /// Creates the revision that a store knows by this number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Returns the number that the store knows it by.
    pub const fn number(self) -> u64 {
        self.0
    }
}

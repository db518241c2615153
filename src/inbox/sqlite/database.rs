//! Open database: a connection that writes, one that reads, and the files below them.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::{Mutex, Notify};
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use super::files::{Files, Reserve};
use super::schema;
use crate::inbox::error::InboxError;
use crate::storage::group_commit::{CommitError, Group, cut_log};
use crate::storage::sqlite::OpenError;

/// Database with one connection that writes, in groups, and another that reads, and keeps nobody
/// from writing.
pub(super) struct Database {
    pub(super) files: Arc<Files>,
    writer: Group,
    reader: Arc<Mutex<Connection>>,
    changed: Notify,
    /// Held while the reserve is restored.
    restoring: Mutex<()>,
}

impl Database {
    pub(super) fn open(path: &Path, must_exist: bool) -> Result<Self, InboxError> {
        if must_exist && !path.exists() {
            return Err(InboxError::new(format!("{}: no such file", path.display())));
        }
        let ([writer, reader], given_up) = open(path).map_err(InboxError::new)?;
        let files = Files::of(path).map_err(InboxError::new)?;
        match given_up {
            Some(size) => files.reserve.resize(size),
            None if must_exist => {}
            None => files.reserve.make(),
        }
        for connection in [&writer, &reader] {
            schema::limit_log(connection, files.reserve.log_limit()).map_err(InboxError::new)?;
        }
        let files = Arc::new(files);
        Ok(Self {
            writer: Group::new(writer, Arc::clone(&files)),
            reader: Arc::new(Mutex::new(reader)),
            changed: Notify::new(),
            restoring: Mutex::default(),
            files,
        })
    }

    /// Restores the reserve if it is gone, unless that was tried a moment ago.
    pub(super) async fn restore_reserve(&self) -> Result<(), InboxError> {
        // Concurrent receipts wait for it, and are not refused for want of it.
        let _restoring = self.restoring.lock().await;
        let reserve = &self.files.reserve;
        if !reserve.is_restored() && reserve.is_due() {
            let files = Arc::clone(&self.files);
            let restore = move |connection: &Connection| {
                // If this fails, there is less room, and the next attempt fails.
                let _ = cut_log(connection);
                files.reserve.restore();
                schema::limit_log(connection, files.reserve.log_limit())
            };
            self.alone(restore).await?;
        }
        Ok(())
    }

    /// Writes in a transaction that others share.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl Fn(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, InboxError> {
        Ok(self.writer.run(work).await?)
    }

    /// Writes this many bytes of a body.
    pub(super) async fn write_sized<T: Send + 'static>(
        &self,
        size: usize,
        work: impl Fn(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, InboxError> {
        Ok(self.writer.run_sized(size, work).await?)
    }

    /// Works while nobody else writes, outside any transaction.
    pub(super) async fn alone<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, InboxError> {
        Ok(self.writer.alone(work).await?)
    }

    pub(super) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, InboxError> {
        let connection = Arc::clone(&self.reader).lock_owned().await;
        let worked = spawn_blocking(move || work(&connection)).await;
        worked.map_err(InboxError::new)?.map_err(InboxError::new)
    }

    /// Wakes a worker to claim what was written.
    pub(super) fn notify(&self) {
        self.changed.notify_one();
    }

    /// Waits until [`notify`](Self::notify) is called, or until this time has passed.
    pub(super) async fn changed(&self, at_most: Duration) {
        tokio::select! {
            () = self.changed.notified() => {}
            () = sleep(at_most) => {}
        }
    }
}

impl From<CommitError> for InboxError {
    fn from(error: CommitError) -> Self {
        Self(error.0)
    }
}

/// Opens a connection to write and one to read. If there is no room for that, the reserve is given
/// up, since the entries must be opened to be processed. Returns its size.
fn open(path: &Path) -> Result<([Connection; 2], Option<u64>), OpenError> {
    let open = || Ok::<_, OpenError>([schema::open(path)?, schema::open(path)?]);
    match open() {
        Err(error) if error.is_for_want_of_room => match Reserve::give_up(path) {
            Some(size) => Ok((open()?, Some(size))),
            None => Err(error),
        },
        opened => Ok((opened?, None)),
    }
}

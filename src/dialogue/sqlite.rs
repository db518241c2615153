//! Conversations in a SQLite file.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rusqlite::{Connection, MAIN_DB, OptionalExtension, TransactionBehavior, params};
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;

use super::store::{Record, Revision, Store, StoreError, unique};
use crate::timestamp::Timestamp;

/// Marks a file as one of ours: `SnAp`.
const APPLICATION_ID: i64 = 0x536e_4170;
const SCHEMA_VERSION: i64 = 1;

// No index on the time: it would be written with every turn, and read once a sweep.
const SCHEMA: &str = "
    CREATE TABLE conversation (
        key TEXT NOT NULL PRIMARY KEY,
        revision INTEGER NOT NULL,
        expires_at INTEGER NOT NULL,
        record TEXT NOT NULL
    ) STRICT;
    PRAGMA application_id = 0x536e4170;
    PRAGMA user_version = 1;
";

// No RETURNING either: its statement ends before the commit, and would hide that one failed.
const INSERT: &str = "
    INSERT INTO conversation (key, expires_at, record, revision) VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT DO NOTHING";
const UPDATE: &str = "
    UPDATE conversation SET expires_at = ?2, record = ?3, revision = ?4
    WHERE key = ?1 AND revision = ?5";

/// Conversations in a SQLite file, which outlast the process, the machine's power included.
///
/// Several processes on one machine may share a file. On several machines they may not: a network
/// file system does not lock as SQLite needs it to.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use snapengage::dialogue::SqliteStore;
///
/// let store = SqliteStore::open("conversations.db")?;
/// # let _ = store;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct SqliteStore {
    /// Whoever waits for it takes no thread, and comes in order.
    connection: Arc<Mutex<Connection>>,
}

impl SqliteStore {
    /// Opens a file, and creates it where there is none. Blocks while it does.
    ///
    /// # Errors
    ///
    /// Where the file cannot be read and written, is no SQLite database, is one of another program,
    /// or was written by a newer version of this crate.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref();
        let open = || {
            let mut connection = Connection::open(path)?;
            set_up(&mut connection)?;
            Ok(connection)
        };
        let connection = open()
            .map_err(|error: SetUpError| StoreError::new(format!("{}: {error}", path.display())))?;
        Ok(Self { connection: Arc::new(Mutex::new(connection)) })
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let connection = Arc::clone(&self.connection).lock_owned().await;
        let worked = spawn_blocking(move || work(&connection)).await;
        worked.map_err(StoreError::new)?.map_err(StoreError::new)
    }
}

type SetUpError = Box<dyn Error + Send + Sync>;

fn set_up(connection: &mut Connection) -> Result<(), SetUpError> {
    connection.busy_timeout(Duration::from_secs(5))?;
    let is_new = is_new(connection)?;
    if connection.is_readonly(MAIN_DB)? {
        return Err("the file is read-only".into());
    }
    let mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))?;
    if mode != "wal" {
        return Err(format!("journal mode `{mode}`, expected `wal`").into());
    }
    connection.pragma_update(None, "synchronous", "full")?;
    if is_new {
        create(connection)?;
    }
    Ok(())
}

/// Whether there is nothing in it yet. Fails if what is there is not ours.
fn is_new(connection: &Connection) -> Result<bool, SetUpError> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let (application_id, version) = (pragma("application_id")?, pragma("user_version")?);
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    match (application_id, version) {
        (0, 0) if tables == 0 => Ok(true),
        (APPLICATION_ID, SCHEMA_VERSION) => Ok(false),
        (APPLICATION_ID, _) => {
            Err(format!("schema version {version}, expected {SCHEMA_VERSION}").into())
        }
        _ => Err("a database of another program".into()),
    }
}

/// Looks again under the lock: another process may create the table at the same time.
fn create(connection: &mut Connection) -> Result<(), SetUpError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if is_new(&transaction)? {
        transaction.execute_batch(SCHEMA)?;
    }
    Ok(transaction.commit()?)
}

#[async_trait]
impl Store for SqliteStore {
    async fn load(&self, key: &str) -> Result<Option<(Record, Revision)>, StoreError> {
        const SELECT: &str = "SELECT record, revision FROM conversation WHERE key = ?1";
        let key = key.to_owned();
        self.run(move |connection| {
            let mut statement = connection.prepare_cached(SELECT)?;
            let row = statement.query_row([key], |row| {
                let record = Record::from_json(row.get_ref(0)?.as_bytes()?);
                Ok((record, Revision(row.get::<_, i64>(1)?.cast_unsigned())))
            });
            row.optional()
        })
        .await
    }

    async fn save(
        &self,
        key: &str,
        record: &Record,
        seen: Option<Revision>,
    ) -> Result<Option<Revision>, StoreError> {
        let (key, expires_at) = (key.to_owned(), record.expires_at().as_millis());
        let record = String::from_utf8(record.to_json()).map_err(StoreError::new)?;
        // A count of the record's own would start again after a removal.
        let next = Revision(unique());
        self.run(move |connection| {
            let next_number = number(next);
            let written = match seen {
                None => connection.prepare_cached(INSERT)?.execute(params![
                    key,
                    expires_at,
                    record,
                    next_number
                ])?,
                Some(seen) => connection.prepare_cached(UPDATE)?.execute(params![
                    key,
                    expires_at,
                    record,
                    next_number,
                    number(seen)
                ])?,
            };
            Ok((written > 0).then_some(next))
        })
        .await
    }

    async fn remove(&self, key: &str, seen: Revision) -> Result<bool, StoreError> {
        const DELETE: &str = "DELETE FROM conversation WHERE key = ?1 AND revision = ?2";
        let key = key.to_owned();
        self.run(move |connection| {
            let mut statement = connection.prepare_cached(DELETE)?;
            Ok(statement.execute(params![key, number(seen)])? > 0)
        })
        .await
    }

    async fn sweep(&self, now: Timestamp) -> Result<u64, StoreError> {
        const DELETE: &str = "DELETE FROM conversation WHERE expires_at <= ?1";
        let swept =
            self.run(move |connection| connection.execute(DELETE, [now.as_millis()])).await?;
        Ok(swept as u64)
    }
}

/// SQLite's integers have a sign.
fn number(revision: Revision) -> i64 {
    revision.0.cast_signed()
}

#[cfg(test)]
mod tests {
    use rusqlite::OpenFlags;

    use super::*;

    /// Not by the file's mode, which does not bind who runs tests as root.
    #[test]
    fn a_file_that_can_only_be_read_is_refused() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("conversations.db");
        drop(SqliteStore::open(&path).expect("a new file"));
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
        let mut connection = Connection::open_with_flags(&path, flags).expect("a file to read");
        let error = set_up(&mut connection).expect_err("a refusal");
        assert_eq!(error.to_string(), "the file is read-only");
    }
}

//! The SQLite file: its settings, its one table, and whose it is.

use std::error::Error;
use std::time::Duration;

use rusqlite::{Connection, MAIN_DB, TransactionBehavior};

/// Marks a file as one of ours: `SnIn`.
const APPLICATION_ID: i64 = 0x536e_496e;
const SCHEMA_VERSION: i64 = 1;

// Of each subject, one entry at most is ready or working, and it is the first of those not done; the
// others are queued. So a worker finds what it may do by one look into an index, however long the
// queues are. What is forgotten is kept for its key alone. The body comes last: SQLite reads a row
// from its start, as far as it needs.
const SCHEMA: &str = "
    CREATE TABLE entry (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        state INTEGER NOT NULL,      -- 0 ready, 1 working, 2 queued, 3 done, 4 dead, 5 forgotten
        due_at INTEGER NOT NULL,
        received_at INTEGER NOT NULL,
        tries INTEGER NOT NULL DEFAULT 0,
        leases INTEGER NOT NULL DEFAULT 0,
        api TEXT NOT NULL,
        path TEXT NOT NULL,
        event TEXT NOT NULL,
        subject TEXT NOT NULL,
        key TEXT,
        error TEXT,
        body BLOB NOT NULL
    ) STRICT;
    CREATE INDEX entry_due ON entry (state, due_at);
    CREATE INDEX entry_subject ON entry (subject) WHERE state <= 2;
    CREATE INDEX entry_age ON entry (received_at) WHERE state <= 2;
    CREATE UNIQUE INDEX entry_key ON entry (key) WHERE key IS NOT NULL;
    PRAGMA application_id = 0x536e496e;
    PRAGMA user_version = 1;
";

pub(super) type SetUpError = Box<dyn Error + Send + Sync>;

pub(super) fn set_up(connection: &mut Connection) -> Result<(), SetUpError> {
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
    // 16 MiB of log instead of 4: writers wait for a checkpoint, and the indexes' pages, which are
    // written again and again, go into the file once for many receipts.
    connection.pragma_update(None, "wal_autocheckpoint", 4096)?;
    connection.set_prepared_statement_cache_capacity(32);
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

#[cfg(test)]
mod tests {
    use rusqlite::OpenFlags;

    use super::*;

    /// Not by the file's mode, which does not bind who runs tests as root.
    #[test]
    fn a_file_that_can_only_be_read_is_refused() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("inbox.db");
        set_up(&mut Connection::open(&path).expect("a new file")).expect("set up");
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
        let mut connection = Connection::open_with_flags(&path, flags).expect("a file to read");
        let error = set_up(&mut connection).expect_err("a refusal");
        assert_eq!(error.to_string(), "the file is read-only");
    }
}

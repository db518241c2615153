//! Conversations in a SQLite file.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Row, params};
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;

use super::store::{Record, Revision, Store, StoreError, unique};
use crate::storage::sqlite::{self, Schema};
use crate::timestamp::Timestamp;

const SCHEMA: Schema = Schema {
    application_id: 0x536e_4170, // `SnAp`
    version: 1,
    // No index on the time: it would be written with every turn, and read once a sweep.
    sql: "
        CREATE TABLE conversation (
            key TEXT NOT NULL PRIMARY KEY,
            revision INTEGER NOT NULL,
            expires_at INTEGER NOT NULL,
            record TEXT NOT NULL
        ) STRICT;
    ",
    upgrades: &[],
};

// No RETURNING: its statement ends before the commit, and would hide that one failed.
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
        let connection = sqlite::open(path.as_ref(), &SCHEMA).map_err(StoreError::new)?;
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

#[async_trait]
impl Store for SqliteStore {
    async fn load(&self, key: &str) -> Result<Option<(Record, Revision)>, StoreError> {
        const SELECT: &str = "SELECT record, revision, expires_at FROM conversation WHERE key = ?1";
        let key = key.to_owned();
        self.run(move |connection| {
            let mut statement = connection.prepare_cached(SELECT)?;
            let row = statement.query_row([key], |row| {
                let mut record = Record::from_json(row.get_ref(0)?.as_bytes()?);
                // A sweep may have found that the clock was ahead.
                record.expires_at = record.expires_at.min(time(row.get(2)?));
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
        let mut swept = 0;
        let mut from = i64::MIN;
        while let Some((to, removed)) = self.run(move |rows| sweep(rows, from, now)).await? {
            from = to;
            swept += removed as u64;
        }
        Ok(swept)
    }
}

/// Sweeps some rows, so that turns need not wait for all. Says the last of them, and how many went;
/// `None` behind the last.
fn sweep(
    connection: &Connection,
    from: i64,
    now: Timestamp,
) -> rusqlite::Result<Option<(i64, usize)>> {
    let last = |row: &Row<'_>| row.get::<_, Option<i64>>(0);
    let Some(to) = connection.prepare_cached(LAST_OF_SLICE)?.query_row([from, SLICE], last)? else {
        return Ok(None);
    };
    let slice = [from, to, now.as_millis()];
    connection.prepare_cached(CAP)?.execute(slice)?;
    Ok(Some((to, connection.prepare_cached(DELETE_EXPIRED)?.execute(slice)?)))
}

const SLICE: i64 = 256;
const LAST_OF_SLICE: &str = "
    SELECT max(rowid) FROM (
        SELECT rowid FROM conversation WHERE rowid > ?1 ORDER BY rowid LIMIT ?2
    )";
const DELETE_EXPIRED: &str = "
    DELETE FROM conversation WHERE rowid > ?1 AND rowid <= ?2 AND expires_at <= ?3";
/// For rows from a clock that was ahead. Nothing is greater than NULL.
const CAP: &str = "
    UPDATE conversation SET expires_at = ?3 + json_extract(record, '$.lifetime_ms')
    WHERE rowid > ?1 AND rowid <= ?2 AND expires_at > ?3 + CASE
        WHEN json_valid(record) THEN json_extract(record, '$.lifetime_ms')
    END";

fn time(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis).unwrap_or(Timestamp::MIN)
}

/// SQLite's integers have a sign.
fn number(revision: Revision) -> i64 {
    revision.0.cast_signed()
}

//! Conversations in a SQLite file.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::{Value, json};

use super::error::StoreError;
use super::record::{Record, unique};
use super::store::{Loaded, Revision, Saved, Store};
use crate::error::HandlerError;
use crate::receiver::health::HealthCheck;
use crate::storage::files::DatabaseFiles;
use crate::storage::fresh::Fresh;
use crate::storage::group_commit::{Demand, Group};
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

/// Conversations in a SQLite file, which outlast the process and the machine's power.
///
/// A turn costs one flush to disk, which it shares with others that are committed at the same time.
/// It is flushed before its reply is sent: a power cut undoes no reply, and no state that one was
/// made from. All it can undo is a turn that was not answered, and mostly its lease as well: a
/// lease that another conversation's flush covered runs out by itself.
///
/// Several processes on one machine may share a file. Several machines may not: a network file
/// system does not lock as SQLite needs it to.
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
    // Reads go through the connection that writes, in turn: a separate one would miss a write that
    // was given up and is about to be done, and the undo of a turn would leave a lease behind.
    group: Group,
    health: Fresh<Result<Value, StoreError>>,
}

/// Reports `size`, the bytes that the conversations take. Measured once a second at most.
///
/// Fails if nothing can be stored, which it tries: if the disk is full, if the file is locked,
/// damaged, removed or replaced, or if it is read-only.
#[async_trait]
impl HealthCheck for SqliteStore {
    async fn check(&self) -> Result<Value, HandlerError> {
        let look = async {
            let size = self.run(Demand::Durable, |connection| {
                sqlite::probe(connection)?;
                size(connection)
            });
            Ok(json!({ "size": size.await? }))
        };
        Ok(self.health.get(look).await?)
    }
}

impl SqliteStore {
    /// Opens a file, and creates it if there is none. Blocks meanwhile.
    ///
    /// # Errors
    ///
    /// If the file cannot be read and written, is no SQLite database, belongs to another program,
    /// or was written by a newer version of this crate.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref();
        let connection = sqlite::open(path, &SCHEMA).map_err(StoreError::new)?;
        let files = DatabaseFiles::of(path).map_err(StoreError::new)?;
        Ok(Self { group: Group::new(connection, Arc::new(files)), health: Fresh::default() })
    }

    async fn run<T: Send + 'static>(
        &self,
        demand: Demand,
        work: impl Fn(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.group.run_for(demand, work).await.map_err(StoreError::new)
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn load(&self, key: &str) -> Result<Option<Loaded>, StoreError> {
        let key = key.to_owned();
        let found = self.run(Demand::Read, move |connection| find(connection, &key)).await?;
        // Parsed here, so that others need not wait for the connection meanwhile.
        Ok(found.map(|row| Loaded::new(row.record(), row.revision)))
    }

    async fn save(
        &self,
        key: &str,
        record: &Record,
        seen: Option<Revision>,
    ) -> Result<Saved, StoreError> {
        // A lease must be visible to other processes. A power cut ends them all, and with them the
        // purpose of the lease: the record that it was written over comes back, which is as durable
        // as its own commit was.
        let demand = if record.is_leased() { Demand::Visible } else { Demand::Durable };
        let row = NewRow {
            key: key.to_owned(),
            expires_at: record.expires_at().as_millis(),
            record: String::from_utf8(record.to_json()).map_err(StoreError::new)?,
            // A counter in the record would start again after a removal.
            revision: Revision(unique()),
        };
        self.run(demand, move |connection| row.write(connection, seen)).await
    }

    async fn remove(&self, key: &str, seen: Revision) -> Result<bool, StoreError> {
        const DELETE: &str = "DELETE FROM conversation WHERE key = ?1 AND revision = ?2";
        let key = key.to_owned();
        let remove = move |connection: &Connection| {
            let mut statement = connection.prepare_cached(DELETE)?;
            Ok(statement.execute(params![key, number(seen)])? > 0)
        };
        self.run(Demand::Durable, remove).await
    }

    async fn sweep(&self, now: Timestamp) -> Result<u64, StoreError> {
        let mut swept = 0;
        let mut from = i64::MIN;
        let slice = async |from| {
            self.run(Demand::Durable, move |connection| sweep(connection, from, now)).await
        };
        while let Some((to, removed)) = slice(from).await? {
            from = to;
            swept += removed as u64;
        }
        Ok(swept)
    }
}

/// Returns the bytes in use, without those of free pages.
fn size(connection: &Connection) -> rusqlite::Result<i64> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    Ok((pragma("page_count")? - pragma("freelist_count")?) * pragma("page_size")?)
}

/// Row as it was found.
struct FoundRow {
    record: Vec<u8>,
    revision: Revision,
    expires_at: Timestamp,
}

impl FoundRow {
    fn record(&self) -> Record {
        let mut record = Record::from_json(&self.record);
        // A sweep may have lowered it after it found that the clock was ahead.
        record.expires_at = record.expires_at.min(self.expires_at);
        record
    }
}

fn find(connection: &Connection, key: &str) -> rusqlite::Result<Option<FoundRow>> {
    const SELECT: &str = "SELECT record, revision, expires_at FROM conversation WHERE key = ?1";
    let found = |row: &Row<'_>| {
        Ok(FoundRow {
            record: row.get_ref(0)?.as_bytes()?.to_owned(),
            revision: Revision(row.get::<_, i64>(1)?.cast_unsigned()),
            expires_at: time(row.get(2)?),
        })
    };
    connection.prepare_cached(SELECT)?.query_row([key], found).optional()
}

/// Row to be written.
struct NewRow {
    key: String,
    expires_at: i64,
    record: String,
    revision: Revision,
}

impl NewRow {
    /// Writes the row over the revision `seen`, if that is still there.
    fn write(&self, connection: &Connection, seen: Option<Revision>) -> rusqlite::Result<Saved> {
        let Self { key, expires_at, record, revision } = self;
        let next = number(*revision);
        let written = match seen {
            None => connection
                .prepare_cached(INSERT)?
                .execute(params![key, expires_at, record, next])?,
            Some(seen) => connection.prepare_cached(UPDATE)?.execute(params![
                key,
                expires_at,
                record,
                next,
                number(seen)
            ])?,
        };
        Ok(if written > 0 { Saved::Written(*revision) } else { Saved::Conflict })
    }
}

/// Sweeps some rows, so that turns need not wait for all. Returns the last of them, and how many
/// were removed; `None` behind the last.
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
/// Caps the expiry of rows from a clock that was ahead. Nothing is greater than NULL.
const CAP: &str = "
    UPDATE conversation SET expires_at = ?3 + json_extract(record, '$.lifetime_ms')
    WHERE rowid > ?1 AND rowid <= ?2 AND expires_at > ?3 + CASE
        WHEN json_valid(record) THEN json_extract(record, '$.lifetime_ms')
    END";

fn time(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis).unwrap_or(Timestamp::MIN)
}

/// Converts a revision for SQLite, whose integers are signed.
fn number(revision: Revision) -> i64 {
    revision.0.cast_signed()
}

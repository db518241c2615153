//! Rows of entries: the states, and queries that several verbs share.

use std::collections::BTreeSet;

use bytes::Bytes;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Params, Row, params};

use super::schema::PAGE;
use crate::inbox::entry::EntryId;
use crate::timestamp::Timestamp;

// As in the schema. SQLite uses a partial index only where its condition stands in the query, so
// some queries spell out `state <= 2` or `due_at IS NOT NULL`.
pub(super) const READY: i64 = 0;
pub(super) const WORKING: i64 = 1;
pub(super) const QUEUED: i64 = 2;
pub(super) const NEW: i64 = 3;
pub(super) const DONE: i64 = 4;
pub(super) const DEAD: i64 = 5;
pub(super) const FORGOTTEN: i64 = 6;

pub(super) fn ids(
    connection: &Connection,
    query: &str,
    values: impl Params,
) -> rusqlite::Result<Vec<i64>> {
    connection.prepare_cached(query)?.query_map(values, |row| row.get(0))?.collect()
}

pub(super) fn without(damaged: &BTreeSet<i64>, mut ids: Vec<i64>) -> Vec<i64> {
    ids.retain(|id| !damaged.contains(id));
    ids
}

/// Converts a number of rows for SQLite.
pub(super) fn number(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

pub(super) fn state(connection: &Connection, id: EntryId) -> rusqlite::Result<Option<i64>> {
    const SELECT: &str = "SELECT state FROM entry WHERE id = ?1";
    connection.prepare_cached(SELECT)?.query_row([id.0], |row| row.get(0)).optional()
}

pub(super) fn subject(connection: &Connection, id: i64) -> rusqlite::Result<String> {
    const SUBJECT: &str = "SELECT subject FROM entry WHERE id = ?1";
    connection.prepare_cached(SUBJECT)?.query_row([id], |row| row.get(0))
}

/// Returns the body of an entry, given the part of it in the row.
pub(super) fn whole(connection: &Connection, id: i64, in_row: Bytes) -> rusqlite::Result<Bytes> {
    const SELECT: &str = "SELECT body FROM large WHERE id = ?1";
    if !in_row.is_empty() {
        return Ok(in_row);
    }
    let mut select = connection.prepare_cached(SELECT)?;
    let large = select.query_row([id], |row| row.get::<_, Vec<u8>>(0)).optional()?;
    Ok(large.map_or(in_row, Bytes::from))
}

/// Returns the state of an entry that is admitted now: the head of its subject's queue, or in it.
pub(super) fn place(connection: &Connection, subject: &str) -> rusqlite::Result<i64> {
    const OPEN: &str = "SELECT 1 FROM entry WHERE subject = ?1 AND state <= 2 LIMIT 1";
    let has_open = connection.prepare_cached(OPEN)?.exists([subject])?;
    Ok(if has_open { QUEUED } else { READY })
}

/// Moves the first of a subject's queue to its head, once the head is gone.
pub(super) fn promote(connection: &Connection, subject: &str, now: i64) -> rusqlite::Result<()> {
    // Due since its receipt: it must not wait behind other subjects once more.
    const UPDATE: &str = "
        UPDATE entry SET state = ?3, due_at = min(received_at, ?2) WHERE id = (
            SELECT id FROM entry WHERE subject = ?1 AND state <= 2 ORDER BY id LIMIT 1)";
    connection.prepare_cached(UPDATE)?.execute(params![subject, now, READY])?;
    Ok(())
}

pub(super) fn revive(connection: &Connection, id: EntryId, now: i64) -> rusqlite::Result<()> {
    const UPDATE: &str = "
        UPDATE entry SET state = ?2, due_at = ?3, tries = 0, error = NULL WHERE id = ?1";
    let state = place(connection, &subject(connection, id.0)?)?;
    connection.prepare_cached(UPDATE)?.execute([id.0, state, now])?;
    Ok(())
}

pub(super) fn delete(connection: &Connection, id: EntryId) -> rusqlite::Result<()> {
    for delete in ["DELETE FROM entry WHERE id = ?1", "DELETE FROM large WHERE id = ?1"] {
        connection.prepare_cached(delete)?.execute([id.0])?;
    }
    Ok(())
}

/// Returns the free bytes of the file.
pub(super) fn free(connection: &Connection) -> rusqlite::Result<u64> {
    Ok(pragma(connection, "PRAGMA freelist_count")? * PAGE.unsigned_abs())
}

/// Returns the bytes in use. Free pages do not count, since they are used again.
pub(super) fn size(connection: &Connection) -> rusqlite::Result<u64> {
    Ok(pragma(connection, "PRAGMA page_count")? * PAGE.unsigned_abs() - free(connection)?)
}

/// Reads a pragma. The functions of the same names in a query take longer than an insert.
fn pragma(connection: &Connection, pragma: &str) -> rusqlite::Result<u64> {
    connection.prepare_cached(pragma)?.query_row([], |row| count(row, 0))
}

pub(super) fn time(row: &Row<'_>, index: usize) -> rusqlite::Result<Timestamp> {
    let millis = row.get(index)?;
    let error = || rusqlite::Error::InvalidColumnType(index, "time".to_owned(), Type::Integer);
    Timestamp::from_millis(millis).ok_or_else(error)
}

pub(super) fn count(row: &Row<'_>, index: usize) -> rusqlite::Result<u64> {
    Ok(row.get::<_, i64>(index)?.unsigned_abs())
}

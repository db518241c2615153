//! Views of the entries, for people and programs.

use std::sync::Arc;

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, Row};

use super::damage::{Damage, is_damage};
use super::database::Database;
use super::rows::{
    DEAD, DONE, FORGOTTEN, NEW, QUEUED, READY, WORKING, count, ids, number, size, time, whole,
};
use crate::inbox::entry::{Entry, EntryId, Shown, State, Stats};
use crate::inbox::error::InboxError;
use crate::timestamp::Timestamp;

/// Without the number of an entry, which changes as more are found, so that it is logged once.
const UNFORGETTABLE: &str = "the file is damaged: some entries that are done cannot be forgotten";

/// Views of the entries.
pub(super) struct Views {
    database: Arc<Database>,
    damage: Arc<Damage>,
}

impl Views {
    pub(super) fn new(database: &Arc<Database>, damage: &Arc<Damage>) -> Self {
        Self { database: Arc::clone(database), damage: Arc::clone(damage) }
    }

    pub(super) async fn stats(&self) -> Result<Stats, InboxError> {
        self.database.read(stats).await
    }

    pub(super) async fn list(
        &self,
        state: State,
        after: Option<EntryId>,
        limit: usize,
    ) -> Result<Vec<Entry>, InboxError> {
        self.database.read(move |connection| list(connection, state, after, limit)).await
    }

    pub(super) async fn show(&self, id: EntryId) -> Result<Option<Shown>, InboxError> {
        self.database.read(move |connection| show(connection, id)).await
    }

    pub(super) async fn untaken(&self, now: Timestamp) -> Result<Option<String>, InboxError> {
        self.database.read(move |connection| untaken(connection, now.as_millis())).await
    }

    /// Fails while there is an entry that could not be read, and still cannot, or one that cannot
    /// be forgotten.
    pub(super) async fn check_damage(&self) -> Result<(), InboxError> {
        let damaged = self.damage.unreadable().clone();
        for id in damaged.ids() {
            self.show(id).await?;
            self.damage.unreadable().remove(id);
        }
        let is_any = !self.damage.unforgettable().is_empty();
        if is_any { Err(InboxError::new(UNFORGETTABLE)) } else { Ok(()) }
    }
}

fn stats(connection: &Connection) -> rusqlite::Result<Stats> {
    const COUNT: &str = "SELECT state, count(*), min(id) FROM entry GROUP BY state";
    let mut stats =
        Stats { waiting: 0, working: 0, done: 0, dead: 0, oldest: None, size: size(connection)? };
    let mut first_open = i64::MAX;
    let mut select = connection.prepare_cached(COUNT)?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let (state, count) = (row.get(0)?, count(row, 1)?);
        match state {
            READY | QUEUED | NEW => stats.waiting += count,
            WORKING => stats.working += count,
            DONE => stats.done += count,
            DEAD => stats.dead += count,
            _ => {}
        }
        if state <= NEW {
            first_open = first_open.min(row.get(2)?);
        }
    }
    stats.oldest = match received_at(connection, first_open) {
        Err(error) if is_damage(&error) => None,
        oldest => oldest?,
    };
    Ok(stats)
}

fn received_at(connection: &Connection, id: i64) -> rusqlite::Result<Option<Timestamp>> {
    const SELECT: &str = "SELECT received_at FROM entry WHERE id = ?1";
    connection.prepare_cached(SELECT)?.query_row([id], |row| time(row, 0)).optional()
}

const ENTRY: &str = "
    id, state, api, path, event, subject, received_at, tries, ifnull(due_at, received_at), error";

fn list(
    connection: &Connection,
    state: State,
    after: Option<EntryId>,
    limit: usize,
) -> rusqlite::Result<Vec<Entry>> {
    // One snapshot, so that an entry that changes its state meanwhile is listed once.
    let snapshot = connection.unchecked_transaction()?;
    let mut select = snapshot.prepare_cached(&page())?;
    let after = after.map_or(0, |id| id.0);
    let mut entries = Vec::new();
    for state in numbers(state) {
        for entry in select.query_map([*state, after, number(limit)], entry)? {
            entries.push(entry?);
        }
    }
    entries.sort_by_key(|entry| entry.id);
    entries.truncate(limit);
    Ok(entries)
}

/// Returns the numbers of a state in the file.
fn numbers(state: State) -> &'static [i64] {
    match state {
        State::Waiting => &[READY, QUEUED, NEW],
        State::Working => &[WORKING],
        State::Done => &[DONE],
        State::Dead => &[DEAD],
    }
}

/// Returns the query of a page: of one state each, so that an index has them in order.
fn page() -> String {
    format!("SELECT {ENTRY} FROM entry WHERE state = ?1 AND id > ?2 ORDER BY id LIMIT ?3")
}

fn show(connection: &Connection, id: EntryId) -> rusqlite::Result<Option<Shown>> {
    let query = format!("SELECT {ENTRY}, body FROM entry WHERE id = ?1 AND state < ?2");
    let mut select = connection.prepare_cached(&query)?;
    let read = |row: &Row<'_>| Ok((entry(row)?, Bytes::from(row.get::<_, Vec<u8>>(10)?)));
    let Some((entry, in_row)) = select.query_row([id.0, FORGOTTEN], read).optional()? else {
        return Ok(None);
    };
    let body = whole(connection, id.0, in_row)?;
    Ok(Some(Shown { entry, body }))
}

/// Returns the mark of the entry that a worker would claim first, if it is due and no worker has
/// any.
fn untaken(connection: &Connection, now: i64) -> rusqlite::Result<Option<String>> {
    const WORKERS: &str = "SELECT id FROM entry WHERE state = ?1 AND due_at > ?2 LIMIT 1";
    const FIRST: &str =
        "SELECT id FROM entry WHERE state = ?1 AND due_at <= ?2 ORDER BY due_at LIMIT 1";
    const FIRST_NEW: &str = "SELECT id FROM entry WHERE state = ?1 ORDER BY id LIMIT 1";
    const LEASES: &str = "SELECT leases FROM entry WHERE id = ?1";
    if !ids(connection, WORKERS, [WORKING, now])?.is_empty() {
        return Ok(None);
    }
    let mut first = ids(connection, FIRST, [READY, now])?;
    first.extend(ids(connection, FIRST, [WORKING, now])?);
    first.extend(ids(connection, FIRST_NEW, [NEW])?);
    let Some(id) = first.first() else { return Ok(None) };
    let leases = ids(connection, LEASES, [id])?;
    Ok(Some(format!("{id} {leases:?}")))
}

fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let state = match row.get(1)? {
        READY | QUEUED | NEW => State::Waiting,
        WORKING => State::Working,
        DONE => State::Done,
        _ => State::Dead,
    };
    Ok(Entry {
        id: EntryId(row.get(0)?),
        state,
        api: row.get(2)?,
        path: row.get(3)?,
        event: row.get(4)?,
        subject: row.get(5)?,
        received_at: time(row, 6)?,
        attempts: row.get(7)?,
        due_at: time(row, 8)?,
        error: row.get(9)?,
    })
}

#[cfg(test)]
mod tests {
    use super::super::schema;
    use super::*;

    /// However many others there are, of this state or another.
    #[test]
    fn a_page_is_read_in_order_by_an_index() {
        let dir = tempfile::tempdir().expect("a folder");
        let connection = schema::open(&dir.path().join("inbox.db")).expect("opened");
        let explain = format!("EXPLAIN QUERY PLAN {}", page());
        let mut select = connection.prepare(&explain).expect("prepared");
        let steps = select.query_map([DEAD, 0, 1000], |row| row.get(3)).expect("explained");
        let steps = steps.collect::<rusqlite::Result<Vec<String>>>().expect("read");
        assert_eq!(steps, ["SEARCH entry USING INDEX entry_state (state=? AND rowid>?)"]);
    }
}

//! Receipt of an entry.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::database::Database;
use super::files::Files;
use super::rows::{DEAD, DONE, NEW, delete, free, revive, size};
use crate::inbox::capacity::Capacity;
use crate::inbox::engine::{Arrival, Stored};
use crate::inbox::entry::EntryId;
use crate::inbox::error::InboxError;
use crate::storage::sqlite::probe;

const NO_ROOM: &str = "there is no room on the disk";

/// Estimated bytes of a row beside its body, with its part of the indexes.
const ROW: u64 = 512;

/// Largest body, in bytes, that is kept in its row: with the rest, which is small, it fits into a
/// page.
const FITS: usize = 3072;

/// Receipt of entries.
pub(super) struct Puts {
    database: Arc<Database>,
    keeping: Arc<Keeping>,
}

impl Puts {
    /// Creates it with a window for repeats, in milliseconds, and a size limit, in bytes.
    pub(super) fn new(database: &Arc<Database>, window: i64, size_limit: u64) -> Self {
        let capacity = Capacity::new(size_limit);
        let files = Arc::clone(&database.files);
        let keeping = Arc::new(Keeping { window, capacity, files });
        Self { database: Arc::clone(database), keeping }
    }

    pub(super) async fn put(&self, arrival: Arrival) -> Result<Stored, InboxError> {
        let reserve = &self.database.files.reserve;
        if !reserve.was_restored() {
            self.database.restore_reserve().await?;
        }
        let arrival = Arc::new(arrival);
        let stored = self.try_to_put(&arrival).await?;
        if stored != Stored::Full || reserve.is_whole() {
            return Ok(stored);
        }
        // Another process removed it since the last transaction here: there may be room by now.
        self.database.restore_reserve().await?;
        if !reserve.is_restored() {
            return Err(InboxError::new(NO_ROOM));
        }
        self.try_to_put(&arrival).await
    }

    async fn try_to_put(&self, arrival: &Arc<Arrival>) -> Result<Stored, InboxError> {
        let arrival = Arc::clone(arrival);
        let keeping = Arc::clone(&self.keeping);
        let size = arrival.body.len();
        let put = move |connection: &Connection| put(connection, &arrival, &keeping);
        let stored = self.database.write_sized(size, put).await;
        self.database.notify();
        stored
    }

    /// Fails while nothing can be stored.
    pub(super) async fn probe(&self) -> Result<(), InboxError> {
        self.database.restore_reserve().await?;
        let free = self.database.read(free).await?;
        let reserve = &self.database.files.reserve;
        if !reserve.is_whole() && !reserve.has_room(0, free) {
            return Err(InboxError::new(NO_ROOM));
        }
        self.database.write(probe).await
    }
}

/// Window for repeats, in milliseconds, and room for entries.
struct Keeping {
    window: i64,
    capacity: Capacity,
    files: Arc<Files>,
}

fn put(connection: &Connection, arrival: &Arrival, keeping: &Keeping) -> rusqlite::Result<Stored> {
    // Most receipts are new: whether one is a repeat is checked only when it cannot be inserted.
    if has_room(connection, arrival, keeping)? && insert(connection, arrival)? {
        return Ok(Stored::New);
    }
    let Some(known) = known(connection, arrival)? else { return Ok(Stored::Full) };
    let now = arrival.received_at.as_millis();
    if known.state == DEAD && arrival.unreadable.is_none() {
        replace(connection, known.id, arrival)?;
        revive(connection, known.id, now)?;
        return Ok(Stored::Revived);
    }
    let is_over = known.state >= DONE && known.state != DEAD;
    if !is_over || now < known.received_at + keeping.window {
        return Ok(Stored::Repeat);
    }
    delete(connection, known.id)?;
    put(connection, arrival, keeping)
}

struct KnownKey {
    id: EntryId,
    state: i64,
    received_at: i64,
}

fn known(connection: &Connection, arrival: &Arrival) -> rusqlite::Result<Option<KnownKey>> {
    const SELECT: &str = "SELECT id, state, received_at FROM entry WHERE key = ?1";
    let Some(key) = &arrival.key else { return Ok(None) };
    let known = |row: &Row<'_>| {
        Ok(KnownKey { id: EntryId(row.get(0)?), state: row.get(1)?, received_at: row.get(2)? })
    };
    connection.prepare_cached(SELECT)?.query_row([key], known).optional()
}

/// Inserts an arrival. Returns `false`, and inserts nothing, if its key is known.
fn insert(connection: &Connection, arrival: &Arrival) -> rusqlite::Result<bool> {
    const INSERT: &str = "
        INSERT INTO entry (state, due_at, received_at, api, path, event, subject, key, error, body)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
        ON CONFLICT DO NOTHING";
    let is_large = arrival.body.len() > FITS;
    let now = arrival.received_at.as_millis();
    let (state, due_at) = match arrival.unreadable {
        Some(_) => (DEAD, Some(now)),
        None => (NEW, None),
    };
    let inserted = connection.prepare_cached(INSERT)?.execute(params![
        state,
        due_at,
        now,
        arrival.api,
        arrival.path,
        arrival.event,
        arrival.subject,
        arrival.key,
        arrival.unreadable,
        if is_large { &[][..] } else { &*arrival.body },
    ])?;
    if inserted > 0 && is_large {
        const LARGE: &str = "INSERT INTO large (id, body) VALUES (last_insert_rowid(), ?1)";
        connection.prepare_cached(LARGE)?.execute([&*arrival.body])?;
    }
    Ok(inserted > 0)
}

/// Replaces a dead letter's content by its repeat: an earlier version may have been unable to read
/// it.
fn replace(connection: &Connection, id: EntryId, arrival: &Arrival) -> rusqlite::Result<()> {
    const UPDATE: &str = "UPDATE entry SET api = ?2, event = ?3, subject = ?4 WHERE id = ?1";
    let values = params![id.0, arrival.api, arrival.event, arrival.subject];
    connection.prepare_cached(UPDATE)?.execute(values)?;
    Ok(())
}

fn has_room(
    connection: &Connection,
    arrival: &Arrival,
    keeping: &Keeping,
) -> rusqlite::Result<bool> {
    let bytes = u64::try_from(arrival.body.len()).unwrap_or(u64::MAX).saturating_add(ROW);
    let reserve = &keeping.files.reserve;
    if !reserve.lets_grow() && !reserve.has_room(bytes, free(connection)?) {
        return Ok(false);
    }
    Ok(keeping.capacity.take(bytes) || keeping.capacity.take_beside(size(connection)?, bytes))
}

//! What is asked of the SQLite file. Each function is one job within a transaction.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use rusqlite::types::Type;
use rusqlite::{
    Connection, ErrorCode, OptionalExtension, Params, Row, Transaction, TransactionBehavior, params,
};

use super::files::Files;
use crate::inbox::capacity::Capacity;
use crate::inbox::engine::{Arrival, Claim, Stored, Ticket};
use crate::inbox::entry::{Entry, EntryId, Shown, State, Stats};
use crate::timestamp::Timestamp;

// As in the schema. SQLite uses a partial index only where its condition stands in the query, so
// some queries spell out `state <= 2` or `due_at IS NOT NULL`.
pub(super) const READY: i64 = 0;
const WORKING: i64 = 1;
const QUEUED: i64 = 2;
const NEW: i64 = 3;
pub(super) const DONE: i64 = 4;
pub(super) const DEAD: i64 = 5;
const FORGOTTEN: i64 = 6;

/// How many new entries are put into their subjects' queues in one job.
const ADMITTED_AT_ONCE: usize = 64;

/// How many entries are swept in one job.
const SWEPT_AT_ONCE: usize = 500;

/// SQLite's default.
pub(super) const PAGE: i64 = 4096;

/// How long repeats are known, in milliseconds, and how much is kept.
pub(super) struct Keeping {
    pub(super) window: i64,
    pub(super) capacity: Capacity,
    pub(super) files: Arc<Files>,
}

/// What a row takes beside its body, about, with its part of the indexes.
const ROW: u64 = 512;

pub(super) fn put(
    connection: &Connection,
    arrival: &Arrival,
    keeping: &Keeping,
) -> rusqlite::Result<Stored> {
    // Most receipts are new: whether one is a repeat is asked when it cannot be inserted.
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

struct Known {
    id: EntryId,
    state: i64,
    received_at: i64,
}

fn known(connection: &Connection, arrival: &Arrival) -> rusqlite::Result<Option<Known>> {
    const SELECT: &str = "SELECT id, state, received_at FROM entry WHERE key = ?1";
    let Some(key) = &arrival.key else { return Ok(None) };
    let known = |row: &Row<'_>| {
        Ok(Known { id: EntryId(row.get(0)?), state: row.get(1)?, received_at: row.get(2)? })
    };
    connection.prepare_cached(SELECT)?.query_row([key], known).optional()
}

/// What a row has beside its body is small, and both are to fit into a page.
const FITS: usize = 3072;

/// Says whether its key is new: nothing is inserted if it is not.
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

/// Where what is admitted now stands: at the head of its subject's queue, or in it.
fn place(connection: &Connection, subject: &str) -> rusqlite::Result<i64> {
    const OPEN: &str = "SELECT 1 FROM entry WHERE subject = ?1 AND state <= 2 LIMIT 1";
    let has_open = connection.prepare_cached(OPEN)?.exists([subject])?;
    Ok(if has_open { QUEUED } else { READY })
}

/// When there may be something to claim.
pub(super) fn next_due(connection: &Connection, latest: Latest) -> rusqlite::Result<Option<i64>> {
    const READY_AT: &str = "SELECT min(due_at) FROM entry WHERE state = 0 AND due_at IS NOT NULL";
    const FREE_AT: &str = "SELECT min(due_at) FROM entry WHERE state = 1 AND due_at IS NOT NULL";
    const NEW_AT: &str = "SELECT (SELECT 0 FROM entry WHERE state = 3 LIMIT 1)";
    let first = |query| connection.prepare_cached(query)?.query_row([], |row| row.get(0));
    let firsts: [Option<i64>; 3] = [first(READY_AT)?, first(FREE_AT)?, first(NEW_AT)?];
    if is_any_later(connection, latest)? {
        return Ok(Some(0));
    }
    Ok(firsts.into_iter().flatten().min())
}

/// The latest times that what is ready and what is leased may be due.
#[derive(Debug, Clone, Copy)]
pub(super) struct Latest {
    pub(super) ready: i64,
    pub(super) working: i64,
}

impl Latest {
    fn by_state(self) -> [(i64, i64); 2] {
        [(READY, self.ready), (WORKING, self.working)]
    }
}

fn is_any_later(connection: &Connection, latest: Latest) -> rusqlite::Result<bool> {
    const LATER: &str = "SELECT 1 FROM entry WHERE state = ?1 AND due_at > ?2 LIMIT 1";
    let mut select = connection.prepare_cached(LATER)?;
    let [ready, working] = latest.by_state().map(|(state, latest)| select.exists([state, latest]));
    Ok(ready? || working?)
}

/// Takes back what is due later than it may be.
fn clamp(connection: &Connection, latest: Latest, damaged: &Damaged) -> rusqlite::Result<()> {
    const UPDATE: &str = "UPDATE entry SET due_at = ?2 WHERE id = ?1";
    for (state, latest) in latest.by_state() {
        for id in late(connection, state, latest, damaged)? {
            connection.prepare_cached(UPDATE)?.execute([id, latest])?;
        }
    }
    Ok(())
}

/// The entries that cannot be read, because a page of them is damaged. They are left as they are: each stops
/// its case, and nothing else. After it has met such a page, SQLite writes nothing more in a transaction, so
/// they must be known before it begins.
#[derive(Debug, Clone, Default)]
pub(super) struct Damaged {
    rows: BTreeSet<i64>,
    /// Those whose row can be read, and written.
    bodies: BTreeSet<i64>,
}

impl Damaged {
    pub(super) fn len(&self) -> usize {
        self.rows.len() + self.bodies.len()
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = EntryId> {
        self.rows.iter().chain(&self.bodies).copied().map(EntryId)
    }

    pub(super) fn add(&mut self, mut others: Self) {
        self.rows.append(&mut others.rows);
        self.bodies.append(&mut others.bodies);
    }

    pub(super) fn remove(&mut self, id: EntryId) {
        self.rows.remove(&id.0);
        self.bodies.remove(&id.0);
    }
}

/// Which of those that a worker would take next, or take back, cannot be read.
pub(super) fn damaged(
    connection: &Connection,
    limit: usize,
    now: i64,
    latest: Latest,
    known: &Damaged,
) -> rusqlite::Result<Damaged> {
    let mut next = over(connection, now, known)?;
    for (state, latest) in latest.by_state() {
        next.extend(late(connection, state, latest, known)?);
    }
    next.extend(new(connection, known)?);
    next.extend(ready(connection, limit, now, known)?);
    let mut damaged = Damaged::default();
    for id in next {
        if is_damaged(row(connection, id))? {
            damaged.rows.insert(id);
        } else if is_damaged(claimed(connection, id))? {
            damaged.bodies.insert(id);
        }
    }
    Ok(damaged)
}

/// Reads all of a row, as far as it is kept with it.
fn row(connection: &Connection, id: i64) -> rusqlite::Result<Vec<u8>> {
    const SELECT: &str = "SELECT body FROM entry WHERE id = ?1";
    connection.prepare_cached(SELECT)?.query_row([id], |row| row.get(0))
}

fn is_damaged<T>(read: rusqlite::Result<T>) -> rusqlite::Result<bool> {
    match read {
        Err(error) if is_damage(&error) => Ok(true),
        // It was dropped meanwhile.
        Err(rusqlite::Error::QueryReturnedNoRows) => Ok(false),
        read => read.map(|_| false),
    }
}

pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::DatabaseCorrupt)
}

pub(super) fn claim(
    connection: &Connection,
    limit: usize,
    now: i64,
    latest: Latest,
    damaged: &Damaged,
) -> rusqlite::Result<Vec<Claim>> {
    clamp(connection, latest, damaged)?;
    end_leases(connection, now, damaged)?;
    admit(connection, now, damaged)?;
    let mut claims = Vec::new();
    for id in ready(connection, limit, now, damaged)?.into_iter().take(limit) {
        claims.push(claimed(connection, id)?);
        lease(connection, id, latest.working)?;
    }
    Ok(claims)
}

/// Ends the leases that are over.
fn end_leases(connection: &Connection, now: i64, damaged: &Damaged) -> rusqlite::Result<()> {
    const UPDATE: &str = "UPDATE entry SET state = ?2 WHERE id = ?1";
    for id in over(connection, now, damaged)? {
        connection.prepare_cached(UPDATE)?.execute([id, READY])?;
    }
    Ok(())
}

/// Puts the first of what is new into their subjects' queues.
fn admit(connection: &Connection, now: i64, damaged: &Damaged) -> rusqlite::Result<()> {
    const UPDATE: &str = "UPDATE entry SET state = ?2, due_at = min(received_at, ?3) WHERE id = ?1";
    for id in new(connection, damaged)? {
        let state = place(connection, &subject(connection, id)?)?;
        connection.prepare_cached(UPDATE)?.execute([id, state, now])?;
    }
    Ok(())
}

// Of each, so many more that those that are damaged keep none of the others waiting. The indexes say it, and
// no row is read for it.

fn late(
    connection: &Connection,
    state: i64,
    latest: i64,
    damaged: &Damaged,
) -> rusqlite::Result<Vec<i64>> {
    const LATE: &str = "SELECT id FROM entry WHERE state = ?1 AND due_at > ?2 LIMIT ?3";
    let most = number(SWEPT_AT_ONCE + damaged.len());
    Ok(without(&damaged.rows, ids(connection, LATE, [state, latest, most])?))
}

fn over(connection: &Connection, now: i64, damaged: &Damaged) -> rusqlite::Result<Vec<i64>> {
    const OVER: &str = "SELECT id FROM entry WHERE state = ?1 AND due_at <= ?2";
    Ok(without(&damaged.rows, ids(connection, OVER, [WORKING, now])?))
}

fn new(connection: &Connection, damaged: &Damaged) -> rusqlite::Result<Vec<i64>> {
    const FIRST: &str = "SELECT id FROM entry WHERE state = ?1 ORDER BY id LIMIT ?2";
    let most = number(ADMITTED_AT_ONCE + damaged.len());
    Ok(without(&damaged.rows, ids(connection, FIRST, [NEW, most])?))
}

fn ready(
    connection: &Connection,
    limit: usize,
    now: i64,
    damaged: &Damaged,
) -> rusqlite::Result<Vec<i64>> {
    const DUE: &str =
        "SELECT id FROM entry WHERE state = ?1 AND due_at <= ?2 ORDER BY due_at LIMIT ?3";
    let most = number(limit + damaged.len());
    let ready = ids(connection, DUE, [READY, now, most])?;
    Ok(without(&damaged.bodies, without(&damaged.rows, ready)))
}

fn without(damaged: &BTreeSet<i64>, mut ids: Vec<i64>) -> Vec<i64> {
    ids.retain(|id| !damaged.contains(id));
    ids
}

fn ids(connection: &Connection, query: &str, values: impl Params) -> rusqlite::Result<Vec<i64>> {
    connection.prepare_cached(query)?.query_map(values, |row| row.get(0))?.collect()
}

fn subject(connection: &Connection, id: i64) -> rusqlite::Result<String> {
    const SUBJECT: &str = "SELECT subject FROM entry WHERE id = ?1";
    connection.prepare_cached(SUBJECT)?.query_row([id], |row| row.get(0))
}

fn lease(connection: &Connection, id: i64, end: i64) -> rusqlite::Result<()> {
    const UPDATE: &str = "
        UPDATE entry SET state = ?2, due_at = ?3, leases = leases + 1, tries = tries + 1
        WHERE id = ?1";
    connection.prepare_cached(UPDATE)?.execute(params![id, WORKING, end])?;
    Ok(())
}

fn claimed(connection: &Connection, id: i64) -> rusqlite::Result<Claim> {
    const SELECT: &str = "
        SELECT leases + 1, tries + 1, api, path, event, subject, body FROM entry WHERE id = ?1";
    let claimed = |row: &Row<'_>| {
        Ok(Claim {
            ticket: Ticket { id: EntryId(id), lease: row.get(0)? },
            attempts: row.get(1)?,
            api: row.get(2)?,
            path: row.get(3)?,
            event: row.get(4)?,
            subject: row.get(5)?,
            body: row.get::<_, Vec<u8>>(6)?.into(),
        })
    };
    let claim = connection.prepare_cached(SELECT)?.query_row([id], claimed)?;
    Ok(Claim { body: whole(connection, id, claim.body)?, ..claim })
}

/// The body of an entry whose row has this one.
fn whole(connection: &Connection, id: i64, in_row: Bytes) -> rusqlite::Result<Bytes> {
    const SELECT: &str = "SELECT body FROM large WHERE id = ?1";
    if !in_row.is_empty() {
        return Ok(in_row);
    }
    let mut select = connection.prepare_cached(SELECT)?;
    let large = select.query_row([id], |row| row.get::<_, Vec<u8>>(0)).optional()?;
    Ok(large.map_or(in_row, Bytes::from))
}

pub(super) fn renew(connection: &Connection, ticket: Ticket, end: i64) -> rusqlite::Result<bool> {
    const UPDATE: &str = "
        UPDATE entry SET due_at = ?3 WHERE id = ?1 AND leases = ?2 AND state = 1";
    let renewed = connection.prepare_cached(UPDATE)?.execute([ticket.id.0, ticket.lease, end])?;
    Ok(renewed > 0)
}

/// End of a lease.
#[derive(Clone)]
pub(super) struct Ending {
    pub(super) state: i64,
    pub(super) due_at: i64,
    pub(super) error: Option<String>,
    pub(super) next: Next,
}

/// What becomes of the next of its case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    Promoted,
    /// It cannot be read: the case stops.
    Damaged,
}

pub(super) fn end_lease(
    connection: &Connection,
    ticket: Ticket,
    Ending { state, due_at, error, next }: &Ending,
    now: i64,
) -> rusqlite::Result<bool> {
    const UPDATE: &str = "
        UPDATE entry SET state = ?3, due_at = ?4, error = ?5
        WHERE id = ?1 AND leases = ?2 AND state = 1";
    let values = params![ticket.id.0, ticket.lease, state, due_at, error];
    let was_held = connection.prepare_cached(UPDATE)?.execute(values)? > 0;
    if was_held && *state != READY && *next == Next::Promoted {
        promote(connection, &subject(connection, ticket.id.0)?, now)?;
    }
    Ok(was_held)
}

/// Puts the first of a subject's queue at its head, once the head is gone.
fn promote(connection: &Connection, subject: &str, now: i64) -> rusqlite::Result<()> {
    // Due since it came in: it is not to wait behind other subjects once more.
    const UPDATE: &str = "
        UPDATE entry SET state = 0, due_at = min(received_at, ?2) WHERE id = (
            SELECT id FROM entry WHERE subject = ?1 AND state <= 2 ORDER BY id LIMIT 1)";
    connection.prepare_cached(UPDATE)?.execute(params![subject, now])?;
    Ok(())
}

/// Takes what a dead letter's body says anew: an earlier version may have been unable to read it.
fn replace(connection: &Connection, id: EntryId, arrival: &Arrival) -> rusqlite::Result<()> {
    const UPDATE: &str = "UPDATE entry SET api = ?2, event = ?3, subject = ?4 WHERE id = ?1";
    let values = params![id.0, arrival.api, arrival.event, arrival.subject];
    connection.prepare_cached(UPDATE)?.execute(values)?;
    Ok(())
}

fn revive(connection: &Connection, id: EntryId, now: i64) -> rusqlite::Result<()> {
    const UPDATE: &str = "
        UPDATE entry SET state = ?2, due_at = ?3, tries = 0, error = NULL WHERE id = ?1";
    let state = place(connection, &subject(connection, id.0)?)?;
    connection.prepare_cached(UPDATE)?.execute([id.0, state, now])?;
    Ok(())
}

pub(super) fn retry(connection: &Connection, id: EntryId, now: i64) -> rusqlite::Result<bool> {
    const HURRY: &str = "UPDATE entry SET due_at = ?2 WHERE id = ?1";
    match state(connection, id)? {
        Some(DEAD) => revive(connection, id, now)?,
        Some(READY) => {
            connection.prepare_cached(HURRY)?.execute([id.0, now])?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

pub(super) fn discard(connection: &Connection, id: EntryId, now: i64) -> rusqlite::Result<bool> {
    let state = match state(connection, id)? {
        None | Some(WORKING | FORGOTTEN) => return Ok(false),
        Some(state) => state,
    };
    let subject = subject(connection, id.0)?;
    delete(connection, id)?;
    if state == READY {
        promote(connection, &subject, now)?;
    }
    Ok(true)
}

fn delete(connection: &Connection, id: EntryId) -> rusqlite::Result<()> {
    for delete in ["DELETE FROM entry WHERE id = ?1", "DELETE FROM large WHERE id = ?1"] {
        connection.prepare_cached(delete)?.execute([id.0])?;
    }
    Ok(())
}

fn state(connection: &Connection, id: EntryId) -> rusqlite::Result<Option<i64>> {
    const SELECT: &str = "SELECT state FROM entry WHERE id = ?1";
    connection.prepare_cached(SELECT)?.query_row([id.0], |row| row.get(0)).optional()
}

/// Forgets payloads first, and keys when their window is over.
pub(super) fn sweep(
    connection: &Connection,
    window: i64,
    now: i64,
    kept: &BTreeSet<i64>,
) -> rusqlite::Result<bool> {
    let mut is_full = false;
    for state in [DONE, FORGOTTEN] {
        let ids = over_since(connection, state, now, kept)?;
        is_full |= ids.len() >= SWEPT_AT_ONCE;
        for id in ids {
            forget(connection, state, id, window, now)?;
        }
    }
    Ok(is_full)
}

/// Forgets what can be forgotten, in transactions of its own, and returns the entries that cannot: damaged
/// ones, and those whose page SQLite would merge with a damaged one when they are deleted. No read tells
/// the latter.
pub(super) fn sweep_around_damage(
    connection: &Connection,
    window: i64,
    now: i64,
    kept: &BTreeSet<i64>,
) -> rusqlite::Result<BTreeSet<i64>> {
    let mut found = BTreeSet::new();
    for state in [DONE, FORGOTTEN] {
        let mut parts = vec![over_since(connection, state, now, kept)?];
        while let Some(mut part) = parts.pop() {
            let forgotten = forget_together(connection, state, &part, window, now);
            if !is_damaged(forgotten)? {
                continue;
            }
            if part.len() == 1 {
                found.extend(part);
            } else {
                parts.push(part.split_off(part.len() / 2));
                parts.push(part);
            }
        }
    }
    Ok(found)
}

fn forget_together(
    connection: &Connection,
    state: i64,
    ids: &[i64],
    window: i64,
    now: i64,
) -> rusqlite::Result<()> {
    let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    for id in ids {
        forget(&transaction, state, *id, window, now)?;
    }
    transaction.commit()
}

fn over_since(
    connection: &Connection,
    state: i64,
    now: i64,
    kept: &BTreeSet<i64>,
) -> rusqlite::Result<Vec<i64>> {
    const OVER: &str =
        "SELECT id FROM entry WHERE state = ?1 AND due_at <= ?2 ORDER BY due_at LIMIT ?3";
    let most = number(SWEPT_AT_ONCE + kept.len());
    Ok(without(kept, ids(connection, OVER, [state, now, most])?))
}

/// Forgets what is left of an entry in this state.
fn forget(
    connection: &Connection,
    state: i64,
    id: i64,
    window: i64,
    now: i64,
) -> rusqlite::Result<()> {
    const FORGET_LARGE: &str = "DELETE FROM large WHERE id = ?1";
    const FORGET: &str = "
        UPDATE entry SET state = 6, body = x'', error = NULL,
            due_at = CASE WHEN key IS NULL THEN ?2 ELSE received_at + ?3 END
        WHERE id = ?1 AND state = 4";
    const DELETE: &str = "DELETE FROM entry WHERE id = ?1 AND state = 6";
    if state == FORGOTTEN {
        connection.prepare_cached(DELETE)?.execute([id])?;
    } else {
        connection.prepare_cached(FORGET_LARGE)?.execute([id])?;
        connection.prepare_cached(FORGET)?.execute([id, now, window])?;
    }
    Ok(())
}

fn has_room(
    connection: &Connection,
    arrival: &Arrival,
    keeping: &Keeping,
) -> rusqlite::Result<bool> {
    let bytes = u64::try_from(arrival.body.len()).unwrap_or(u64::MAX).saturating_add(ROW);
    let reserve = &keeping.files.reserve;
    if !reserve.is_whole() && !reserve.has_room(bytes, free(connection)?) {
        return Ok(false);
    }
    Ok(keeping.capacity.take(bytes) || keeping.capacity.take_beside(size(connection)?, bytes))
}

/// How many bytes of the file are free.
pub(super) fn free(connection: &Connection) -> rusqlite::Result<u64> {
    Ok(pragma(connection, "PRAGMA freelist_count")? * PAGE.unsigned_abs())
}

/// Bytes in use. Pages that are free are used again.
fn size(connection: &Connection) -> rusqlite::Result<u64> {
    Ok(pragma(connection, "PRAGMA page_count")? * PAGE.unsigned_abs() - free(connection)?)
}

/// Not by the functions of the same names in a query: those take longer than an insert.
fn pragma(connection: &Connection, pragma: &str) -> rusqlite::Result<u64> {
    connection.prepare_cached(pragma)?.query_row([], |row| count(row, 0))
}

pub(super) fn stats(connection: &Connection) -> rusqlite::Result<Stats> {
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

pub(super) fn list(
    connection: &Connection,
    state: State,
    after: Option<EntryId>,
    limit: usize,
) -> rusqlite::Result<Vec<Entry>> {
    let states: &[i64] = match state {
        State::Waiting => &[READY, QUEUED, NEW],
        State::Working => &[WORKING],
        State::Done => &[DONE],
        State::Dead => &[DEAD],
    };
    // What goes from one state to another meanwhile is listed once.
    let snapshot = connection.unchecked_transaction()?;
    let mut select = snapshot.prepare_cached(&page())?;
    let after = after.map_or(0, |id| id.0);
    let mut entries = Vec::new();
    for state in states {
        for entry in select.query_map([*state, after, number(limit)], entry)? {
            entries.push(entry?);
        }
    }
    entries.sort_by_key(|entry| entry.id);
    entries.truncate(limit);
    Ok(entries)
}

/// Of one state each, so that an index has them in order.
fn page() -> String {
    format!("SELECT {ENTRY} FROM entry WHERE state = ?1 AND id > ?2 ORDER BY id LIMIT ?3")
}

pub(super) fn show(connection: &Connection, id: EntryId) -> rusqlite::Result<Option<Shown>> {
    let query = format!("SELECT {ENTRY}, body FROM entry WHERE id = ?1 AND state < 6");
    let mut select = connection.prepare_cached(&query)?;
    let read = |row: &Row<'_>| Ok((entry(row)?, Bytes::from(row.get::<_, Vec<u8>>(10)?)));
    let Some((entry, in_row)) = select.query_row([id.0], read).optional()? else { return Ok(None) };
    let body = whole(connection, id.0, in_row)?;
    Ok(Some(Shown { entry, body }))
}

/// What a worker would take first, if it is due and no worker is at anything.
pub(super) fn untaken(connection: &Connection, now: i64) -> rusqlite::Result<Option<String>> {
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

fn time(row: &Row<'_>, index: usize) -> rusqlite::Result<Timestamp> {
    let millis = row.get(index)?;
    let error = || rusqlite::Error::InvalidColumnType(index, "time".to_owned(), Type::Integer);
    Timestamp::from_millis(millis).ok_or_else(error)
}

fn count(row: &Row<'_>, index: usize) -> rusqlite::Result<u64> {
    Ok(row.get::<_, i64>(index)?.unsigned_abs())
}

/// A number of rows, as SQLite takes it.
fn number(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
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

//! Leases: claim, renew, settle.

use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, Row, params};
use tokio::time::sleep;

use super::damage::{Damage, Damaged, is_damaged, met_damage};
use super::database::Database;
use super::rows::{
    DEAD, DONE, NEW, READY, WORKING, ids, number, place, promote, subject, whole, without,
};
use crate::clock;
use crate::inbox::engine::{Claim, Lease, Ticket, Verdict};
use crate::inbox::entry::EntryId;
use crate::inbox::error::InboxError;
use crate::inbox::settings::Settings;
use crate::panics::log_safely;
use crate::timestamp::Timestamp;

/// Pause between checks for the writes of other processes.
const POLL: Duration = Duration::from_secs(1);

/// New entries that are put into their subjects' queues in one job: receipts wait for it.
const ADMITTED_AT_ONCE: usize = 64;

/// Entries whose due times are lowered in one job.
const CLAMPED_AT_ONCE: usize = 500;

/// Leases of entries: the way to their handlers, and back.
pub(super) struct Claims {
    database: Arc<Database>,
    damage: Arc<Damage>,
    done_retention: Duration,
    lease: Duration,
    longest_backoff: Duration,
}

impl Claims {
    pub(super) fn new(database: &Arc<Database>, damage: &Arc<Damage>, settings: &Settings) -> Self {
        Self {
            database: Arc::clone(database),
            damage: Arc::clone(damage),
            done_retention: settings.done_retention,
            lease: settings.lease,
            longest_backoff: settings.backoff.longest,
        }
    }

    pub(super) async fn wait(&self) -> Result<(), InboxError> {
        loop {
            let now = clock::now();
            let latest = self.latest(now, self.lease);
            let due = self.database.read(move |connection| next_due(connection, latest)).await?;
            let nap = match due.map(|due| due - now.as_millis()) {
                Some(left) if left <= 0 => return Ok(()),
                Some(left) => POLL.min(Duration::from_millis(left.unsigned_abs())),
                None => POLL,
            };
            self.database.changed(nap).await;
        }
    }

    pub(super) async fn claim(&self, limit: usize, lease: Lease) -> Result<Vec<Claim>, InboxError> {
        let claims = match self.try_to_claim(limit, lease).await {
            Err(error) if met_damage(&error) && self.find_damaged(limit, lease).await? => {
                self.try_to_claim(limit, lease).await?
            }
            claims => claims?,
        };
        let is_damaged = self.damage.unreadable().len() > 0;
        if claims.is_empty() && is_damaged {
            // A damaged entry is due for ever: without a pause, this would spin.
            sleep(POLL).await;
        }
        Ok(claims)
    }

    async fn try_to_claim(&self, limit: usize, lease: Lease) -> Result<Vec<Claim>, InboxError> {
        let now = lease.now.as_millis();
        let latest = self.latest(lease.now, lease.length);
        let damaged = self.damage.unreadable().clone();
        self.database.write(move |connection| claim(connection, limit, now, latest, &damaged)).await
    }

    /// Finds entries that cannot be read. Returns whether there are any that were not known.
    async fn find_damaged(&self, limit: usize, lease: Lease) -> Result<bool, InboxError> {
        let now = lease.now.as_millis();
        let latest = self.latest(lease.now, lease.length);
        let known = self.damage.unreadable().clone();
        let look = move |connection: &Connection| damaged(connection, limit, now, latest, &known);
        let found = self.database.read(look).await?;
        for id in found.ids() {
            let problem = "the file is damaged: an entry cannot be read, and its case stops";
            log_safely(|| tracing::error!(%id, "{problem}"));
        }
        let is_any = found.len() > 0;
        self.damage.unreadable().add(found);
        Ok(is_any)
    }

    /// Returns the latest times that anything may be due.
    fn latest(&self, now: Timestamp, lease: Duration) -> Latest {
        let latest = |longest| now.saturating_add(longest).as_millis();
        Latest { ready: latest(self.longest_backoff), working: latest(lease) }
    }

    pub(super) async fn renew(&self, ticket: Ticket, lease: Lease) -> Result<bool, InboxError> {
        let end = lease.end().as_millis();
        self.database.write(move |connection| renew(connection, ticket, end)).await
    }

    pub(super) async fn settle(
        &self,
        ticket: Ticket,
        verdict: Verdict,
        now: Timestamp,
    ) -> Result<bool, InboxError> {
        let ending = self.ending(verdict, now);
        let now = now.as_millis();
        match self.try_to_settle(ticket, ending.clone(), now).await {
            Err(error) if met_damage(&error) => {
                let ending = Ending { next: Successor::Damaged, ..ending };
                let settled = self.try_to_settle(ticket, ending, now).await?;
                let problem = "the case stops: its next entry cannot be read";
                log_safely(|| tracing::error!(reason = ?error, "{problem}"));
                Ok(settled)
            }
            settled => settled,
        }
    }

    fn ending(&self, verdict: Verdict, now: Timestamp) -> Ending {
        let (state, due_at, error) = match verdict {
            Verdict::Done => (DONE, now.saturating_add(self.done_retention), None),
            Verdict::Again { after, error } => (READY, now.saturating_add(after), Some(error)),
            Verdict::Dead { error } => (DEAD, now, Some(error)),
        };
        Ending { state, due_at: due_at.as_millis(), error, next: Successor::Promoted }
    }

    async fn try_to_settle(
        &self,
        ticket: Ticket,
        ending: Ending,
        now: i64,
    ) -> Result<bool, InboxError> {
        let settle = move |connection: &Connection| settle(connection, ticket, &ending, now);
        let settled = self.database.write(settle).await;
        self.database.notify();
        settled
    }
}

/// Returns the time from which there may be something to claim.
fn next_due(connection: &Connection, latest: Latest) -> rusqlite::Result<Option<i64>> {
    const DUE: &str = "SELECT min(due_at) FROM entry WHERE state = ?1 AND due_at IS NOT NULL";
    const ANY: &str = "SELECT (SELECT 0 FROM entry WHERE state = ?1 LIMIT 1)";
    let first =
        |query, state: i64| connection.prepare_cached(query)?.query_row([state], |row| row.get(0));
    let firsts: [Option<i64>; 3] = [first(DUE, READY)?, first(DUE, WORKING)?, first(ANY, NEW)?];
    if is_any_later(connection, latest)? {
        return Ok(Some(0));
    }
    Ok(firsts.into_iter().flatten().min())
}

/// Latest times that entries that are ready and entries that are leased may be due.
#[derive(Debug, Clone, Copy)]
struct Latest {
    ready: i64,
    working: i64,
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

/// Lowers due times that are later than they may be.
fn clamp(connection: &Connection, latest: Latest, damaged: &Damaged) -> rusqlite::Result<()> {
    const UPDATE: &str = "UPDATE entry SET due_at = ?2 WHERE id = ?1";
    for (state, latest) in latest.by_state() {
        for id in late(connection, state, latest, damaged)? {
            connection.prepare_cached(UPDATE)?.execute([id, latest])?;
        }
    }
    Ok(())
}

/// Finds the entries that a worker would claim next, or whose lease is over, and that cannot be
/// read.
fn damaged(
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

fn claim(
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

/// Ends the leases that have expired.
fn end_leases(connection: &Connection, now: i64, damaged: &Damaged) -> rusqlite::Result<()> {
    const UPDATE: &str = "UPDATE entry SET state = ?2 WHERE id = ?1";
    for id in over(connection, now, damaged)? {
        connection.prepare_cached(UPDATE)?.execute([id, READY])?;
    }
    Ok(())
}

/// Puts the first of the new entries into their subjects' queues.
fn admit(connection: &Connection, now: i64, damaged: &Damaged) -> rusqlite::Result<()> {
    const UPDATE: &str = "UPDATE entry SET state = ?2, due_at = min(received_at, ?3) WHERE id = ?1";
    for id in new(connection, damaged)? {
        let state = place(connection, &subject(connection, id)?)?;
        connection.prepare_cached(UPDATE)?.execute([id, state, now])?;
    }
    Ok(())
}

// The limit is raised by the number of damaged entries, so that they keep none of the others
// waiting. The indexes answer it, and no row is read for it.

fn late(
    connection: &Connection,
    state: i64,
    latest: i64,
    damaged: &Damaged,
) -> rusqlite::Result<Vec<i64>> {
    const LATE: &str = "SELECT id FROM entry WHERE state = ?1 AND due_at > ?2 LIMIT ?3";
    let most = number(CLAMPED_AT_ONCE + damaged.len());
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

fn renew(connection: &Connection, ticket: Ticket, end: i64) -> rusqlite::Result<bool> {
    const UPDATE: &str = "
        UPDATE entry SET due_at = ?3 WHERE id = ?1 AND leases = ?2 AND state = ?4";
    let renewed =
        connection.prepare_cached(UPDATE)?.execute([ticket.id.0, ticket.lease, end, WORKING])?;
    Ok(renewed > 0)
}

/// End of a lease.
#[derive(Clone)]
struct Ending {
    state: i64,
    due_at: i64,
    error: Option<String>,
    next: Successor,
}

/// State of the next entry of the case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Successor {
    Promoted,
    /// It cannot be read: the case stops.
    Damaged,
}

fn settle(
    connection: &Connection,
    ticket: Ticket,
    Ending { state, due_at, error, next }: &Ending,
    now: i64,
) -> rusqlite::Result<bool> {
    const UPDATE: &str = "
        UPDATE entry SET state = ?3, due_at = ?4, error = ?5
        WHERE id = ?1 AND leases = ?2 AND state = ?6";
    let values = params![ticket.id.0, ticket.lease, state, due_at, error, WORKING];
    let was_held = connection.prepare_cached(UPDATE)?.execute(values)? > 0;
    if was_held && *state != READY && *next == Successor::Promoted {
        promote(connection, &subject(connection, ticket.id.0)?, now)?;
    }
    Ok(was_held)
}

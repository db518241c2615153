//! Sweeps: removal of what need not be kept.

use std::collections::BTreeSet;
use std::sync::Arc;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::damage::{Damage, is_damaged, met_damage};
use super::database::Database;
use super::rows::{DONE, FORGOTTEN, ids, number, without};
use crate::inbox::error::InboxError;
use crate::storage::group_commit::checkpoint;
use crate::storage::sqlite::probe;
use crate::timestamp::Timestamp;

/// Entries that are forgotten in one job: enough to make the flush negligible, few enough to keep
/// receipts from waiting.
const SWEPT_AT_ONCE: usize = 500;

/// Sweeps of entries that are done.
pub(super) struct Sweeps {
    database: Arc<Database>,
    damage: Arc<Damage>,
    /// Window for repeats, in milliseconds.
    window: i64,
}

impl Sweeps {
    pub(super) fn new(database: &Arc<Database>, damage: &Arc<Damage>, window: i64) -> Self {
        Self { database: Arc::clone(database), damage: Arc::clone(damage), window }
    }

    pub(super) async fn sweep(&self, now: Timestamp) -> Result<bool, InboxError> {
        self.shrink_log().await?;
        let window = self.window;
        let now = now.as_millis();
        let kept = self.damage.unforgettable().clone();
        let swept = self.database.write(move |connection| sweep(connection, window, now, &kept));
        match swept.await {
            Err(error) if met_damage(&error) => self.sweep_around_damage(now).await,
            swept => swept,
        }
    }

    /// Shrinks the log. SQLite cuts it when it begins it anew, which takes a write after it was
    /// written to the database.
    async fn shrink_log(&self) -> Result<(), InboxError> {
        let files = &self.database.files;
        if files.log_size() <= files.reserve.log_limit() * 2 {
            return Ok(());
        }
        let shrink = |connection: &Connection| {
            checkpoint(connection, "PASSIVE").and_then(|()| probe(connection))
        };
        self.database.alone(shrink).await
    }

    /// Sweeps in transactions of its own: others' jobs would fail with an entry that cannot be
    /// forgotten. Returns whether any was found.
    async fn sweep_around_damage(&self, now: i64) -> Result<bool, InboxError> {
        let window = self.window;
        let kept = self.damage.unforgettable().clone();
        let sweep =
            move |connection: &Connection| sweep_around_damage(connection, window, now, &kept);
        let mut found = self.database.alone(sweep).await?;
        let is_any = !found.is_empty();
        self.damage.unforgettable().append(&mut found);
        Ok(is_any)
    }
}

/// Forgets payloads first, and keys when their window is over.
fn sweep(
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

/// Forgets what can be forgotten, in transactions of its own, and returns the entries that cannot:
/// damaged ones, and those whose page SQLite would merge with a damaged one when they are deleted.
/// No read recognizes the latter.
fn sweep_around_damage(
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
        UPDATE entry SET state = ?4, body = x'', error = NULL,
            due_at = CASE WHEN key IS NULL THEN ?2 ELSE received_at + ?3 END
        WHERE id = ?1 AND state = ?5";
    const DELETE: &str = "DELETE FROM entry WHERE id = ?1 AND state = ?2";
    if state == FORGOTTEN {
        connection.prepare_cached(DELETE)?.execute([id, FORGOTTEN])?;
    } else {
        connection.prepare_cached(FORGET_LARGE)?.execute([id])?;
        connection.prepare_cached(FORGET)?.execute([id, now, window, FORGOTTEN, DONE])?;
    }
    Ok(())
}

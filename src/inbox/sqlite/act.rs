//! Actions on entries, by people and programs.

use std::sync::Arc;

use rusqlite::Connection;

use super::database::Database;
use super::rows::{DEAD, FORGOTTEN, READY, WORKING, delete, promote, revive, state, subject};
use crate::clock;
use crate::inbox::entry::EntryId;
use crate::inbox::error::InboxError;
use crate::timestamp::Timestamp;

/// Actions on entries.
pub(super) struct Acts {
    database: Arc<Database>,
}

impl Acts {
    pub(super) fn new(database: &Arc<Database>) -> Self {
        Self { database: Arc::clone(database) }
    }

    pub(super) async fn retry(&self, id: EntryId, now: Timestamp) -> Result<bool, InboxError> {
        self.write(move |connection| retry(connection, id, now.as_millis())).await
    }

    pub(super) async fn discard(&self, id: EntryId) -> Result<bool, InboxError> {
        let now = clock::now().as_millis();
        self.write(move |connection| discard(connection, id, now)).await
    }

    async fn write(
        &self,
        act: impl Fn(&Connection) -> rusqlite::Result<bool> + Send + 'static,
    ) -> Result<bool, InboxError> {
        let written = self.database.write(act).await;
        self.database.notify();
        written
    }
}

fn retry(connection: &Connection, id: EntryId, now: i64) -> rusqlite::Result<bool> {
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

fn discard(connection: &Connection, id: EntryId, now: i64) -> rusqlite::Result<bool> {
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

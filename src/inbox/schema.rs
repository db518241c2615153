//! The SQLite file: its one table, and its settings.

use std::path::Path;

use rusqlite::Connection;

use crate::sqlite::{self, OpenError, Schema};

// A receipt goes to the end of the table, and of each index that it has a part in: pages that it would
// change anywhere else cost more than its own. So what is new has no place in its subject's queue before
// a worker looks.
//
// Of each subject, one entry at most is ready or working, and it is the first of those not done; the
// others are queued, or new. So a worker finds what it may do by one look into an index, however long
// the queues are. What is forgotten is kept for its key alone. The body comes last: SQLite reads a row
// from its start, as far as it needs.
const SCHEMA: Schema = Schema {
    application_id: 0x536e_496e, // `SnIn`
    version: 1,
    sql: "
        CREATE TABLE entry (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            -- 0 ready, 1 working, 2 queued, 3 new, 4 done, 5 dead, 6 forgotten
            state INTEGER NOT NULL,
            due_at INTEGER,              -- NULL while it is new
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
        CREATE INDEX entry_state ON entry (state);
        CREATE INDEX entry_due ON entry (state, due_at) WHERE due_at IS NOT NULL;
        CREATE INDEX entry_subject ON entry (subject) WHERE state <= 2;
        CREATE UNIQUE INDEX entry_key ON entry (key) WHERE key IS NOT NULL;
    ",
};

pub(super) fn open(path: &Path) -> Result<Connection, OpenError> {
    let connection = sqlite::open(path, &SCHEMA)?;
    // 16 MiB of log instead of 4: writers wait for a checkpoint, and the indexes' pages, which are
    // written again and again, go into the file once for many receipts.
    connection.pragma_update(None, "wal_autocheckpoint", 4096)?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(connection)
}

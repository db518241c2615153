//! Schema of the SQLite file, and its settings.

use std::path::Path;

use rusqlite::{Connection, Row};

use crate::storage::sqlite::{self, OpenError, Schema};

// A receipt goes to the end of the table, and of each index that it has a part in: pages that it
// would change anywhere else cost more than its own. So a new entry has no place in its subject's
// queue before a worker admits it.
//
// Of each subject, one entry at most is ready or working, and it is the first of those not done;
// the others are queued, or new. So a worker finds the entries it may claim by one look into an
// index, however long the queues are. A forgotten entry is kept for its key alone. The body comes
// last: SQLite reads a row from its start, as far as it needs.
//
// When a row changes its length, SQLite rewrites it, and a row of another state has another length:
// so a body that does not fit into the row's page is in a table of its own, and is written once.
const SCHEMA: Schema = Schema {
    application_id: 0x536e_496e, // `SnIn`
    version: 2,
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
            body BLOB NOT NULL           -- empty while it is in `large`
        ) STRICT;
        CREATE TABLE large (id INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;
        CREATE INDEX entry_state ON entry (state);
        CREATE INDEX entry_due ON entry (state, due_at) WHERE due_at IS NOT NULL;
        CREATE INDEX entry_subject ON entry (subject) WHERE state <= 2;
        CREATE UNIQUE INDEX entry_key ON entry (key) WHERE key IS NOT NULL;
    ",
    upgrades: &["CREATE TABLE large (id INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;"],
};

/// SQLite's default page size, in bytes.
pub(super) const PAGE: i64 = 4096;

pub(super) fn open(path: &Path) -> Result<Connection, OpenError> {
    let connection = sqlite::open(path, &SCHEMA)?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(connection)
}

/// Sets the size in bytes at which the log is written to the database, and to which it is cut if it
/// has grown beyond it: it does while another program reads from the file.
///
/// 16 MiB if there is room for it, instead of SQLite's 4: writers wait for a checkpoint, and the
/// indexes' pages, which are written again and again, go into the file once for many receipts.
pub(super) fn limit_log(connection: &Connection, bytes: u64) -> rusqlite::Result<()> {
    let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
    connection.pragma_update(None, "wal_autocheckpoint", bytes / PAGE)?;
    let limit = |row: &Row<'_>| row.get::<_, i64>(0);
    connection.pragma_update_and_check(None, "journal_size_limit", bytes, limit)?;
    Ok(())
}

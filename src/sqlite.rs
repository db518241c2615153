//! A SQLite file of ours: its settings, its schema, and whose it is.

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, MAIN_DB, TransactionBehavior};

/// What is in a file, and what marks it.
#[derive(Debug)]
pub(crate) struct Schema {
    pub(crate) application_id: i64,
    pub(crate) version: i64,
    pub(crate) sql: &'static str,
}

pub(crate) type OpenError = Box<dyn Error + Send + Sync>;

/// Opens a file whose commits outlast the machine's power, and creates it where there is none.
pub(crate) fn open(path: &Path, schema: &Schema) -> Result<Connection, OpenError> {
    let open = || {
        let mut connection = Connection::open(path)?;
        set_up(&mut connection, schema)?;
        Ok(connection)
    };
    open().map_err(|error: OpenError| format!("{}: {error}", path.display()).into())
}

fn set_up(connection: &mut Connection, schema: &Schema) -> Result<(), OpenError> {
    connection.busy_timeout(Duration::from_secs(5))?;
    let is_new = is_new(connection, schema)?;
    if connection.is_readonly(MAIN_DB)? {
        return Err("the file is read-only".into());
    }
    let mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))?;
    if mode != "wal" {
        return Err(format!("journal mode `{mode}`, expected `wal`").into());
    }
    connection.pragma_update(None, "synchronous", "full")?;
    if is_new {
        create(connection, schema)?;
    }
    Ok(())
}

/// Whether there is nothing in it yet. Fails if what is there is not of this schema.
fn is_new(connection: &Connection, schema: &Schema) -> Result<bool, OpenError> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let (application_id, version) = (pragma("application_id")?, pragma("user_version")?);
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if (application_id, version, tables) == (0, 0, 0) {
        return Ok(true);
    }
    if application_id != schema.application_id {
        return Err("a database of another program".into());
    }
    if version != schema.version {
        return Err(format!("schema version {version}, expected {}", schema.version).into());
    }
    Ok(false)
}

/// Looks again under the lock: another process may create the tables at the same time.
fn create(connection: &mut Connection, schema: &Schema) -> Result<(), OpenError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if is_new(&transaction, schema)? {
        transaction.execute_batch(schema.sql)?;
        transaction.pragma_update(None, "application_id", schema.application_id)?;
        transaction.pragma_update(None, "user_version", schema.version)?;
    }
    Ok(transaction.commit()?)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use rusqlite::OpenFlags;
    use tempfile::TempDir;

    use super::*;

    const SCHEMA: Schema =
        Schema { application_id: 0x5465_7374, version: 2, sql: "CREATE TABLE note (text TEXT)" };

    fn file() -> (TempDir, PathBuf) {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("test.db");
        drop(open(&path, &SCHEMA).expect("a new file"));
        (dir, path)
    }

    #[test]
    fn a_file_is_created_once() {
        let (_dir, path) = file();
        open(&path, &SCHEMA).expect("a file that is there");
    }

    /// Not by the file's mode, which does not bind who runs tests as root.
    #[test]
    fn a_file_that_can_only_be_read_is_refused() {
        let (_dir, path) = file();
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
        let mut connection = Connection::open_with_flags(&path, flags).expect("a file to read");
        let error = set_up(&mut connection, &SCHEMA).expect_err("a refusal");
        assert_eq!(error.to_string(), "the file is read-only");
    }

    #[test]
    fn a_file_of_another_schema_is_refused() {
        let (_dir, path) = file();
        let refusal = |schema| open(&path, &schema).expect_err("a refusal").to_string();
        let other_program = refusal(Schema { application_id: 1, ..SCHEMA });
        let newer = refusal(Schema { version: 3, ..SCHEMA });
        let path = path.display();
        assert_eq!(other_program, format!("{path}: a database of another program"));
        assert_eq!(newer, format!("{path}: schema version 2, expected 3"));
    }
}

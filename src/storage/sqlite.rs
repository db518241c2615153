//! SQLite file of this crate: its settings, its schema, and its owner.

use std::error::Error;
use std::fmt;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, MAIN_DB, TransactionBehavior, ffi};

/// Tables of a file, and its marks.
#[derive(Debug)]
pub(crate) struct Schema {
    pub(crate) application_id: i64,
    pub(crate) version: i64,
    pub(crate) sql: &'static str,
    /// Steps that upgrade each version from the one before it, the second first.
    pub(crate) upgrades: &'static [&'static str],
}

/// Size in bytes to which the log beside a file is cut, once another program has read what it
/// wanted: as large as SQLite lets it grow without one.
const LOG_LIMIT: i64 = 4 * 1024 * 1024;

/// Time for which a write waits for that of another process.
pub(crate) const BUSY: Duration = Duration::from_secs(5);

type BoxError = Box<dyn Error + Send + Sync>;

/// Failure to open a file, with its cause.
#[derive(Debug)]
pub(crate) struct OpenError {
    text: String,
    pub(crate) is_for_want_of_room: bool,
}

impl OpenError {
    fn new(path: &Path, failure: &BoxError) -> Self {
        let is_for_want_of_room = failure.downcast_ref().is_some_and(is_for_want_of_room);
        Self { text: format!("{}: {failure}", path.display()), is_for_want_of_room }
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        f.write_str(if self.is_for_want_of_room { ": there is no room on the disk" } else { "" })
    }
}

impl Error for OpenError {}

/// Returns whether something failed because the disk is full: by a write, or by the memory that
/// connections share, which is a file, too.
pub(crate) fn is_for_want_of_room(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error().map(|error| error.extended_code);
    matches!(code, Some(ffi::SQLITE_FULL | ffi::SQLITE_IOERR_SHMSIZE))
}

/// Opens a file whose commits outlast the machine's power, and creates it if there is none.
pub(crate) fn open(path: &Path, schema: &Schema) -> Result<Connection, OpenError> {
    let open = || {
        let mut connection = Connection::open(path)?;
        set_up(&mut connection, schema)?;
        Ok(connection)
    };
    open().map_err(|failure| OpenError::new(path, &failure))
}

fn set_up(connection: &mut Connection, schema: &Schema) -> Result<(), BoxError> {
    connection.busy_timeout(BUSY)?;
    let found = version(connection, schema)?;
    if connection.is_readonly(MAIN_DB)? {
        return Err("the file is read-only".into());
    }
    let mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))?;
    if mode != "wal" {
        return Err(format!("journal mode `{mode}`, expected `wal`").into());
    }
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update_and_check(None, "journal_size_limit", LOG_LIMIT, |_| Ok(()))?;
    if found != Some(schema.version) {
        create(connection, schema)?;
    }
    Ok(())
}

/// Returns the version of the tables, `None` if there are none yet. Fails if they cannot be
/// upgraded to this schema.
fn version(connection: &Connection, schema: &Schema) -> Result<Option<i64>, BoxError> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let (application_id, version) = (pragma("application_id")?, pragma("user_version")?);
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if (application_id, version, tables) == (0, 0, 0) {
        return Ok(None);
    }
    if application_id != schema.application_id {
        return Err("a database of another program".into());
    }
    if !(1..=schema.version).contains(&version) {
        return Err(format!("schema version {version}, expected {}", schema.version).into());
    }
    Ok(Some(version))
}

/// Creates or upgrades the tables. Checks the version again under the lock: another process may do
/// so at the same time.
fn create(connection: &mut Connection, schema: &Schema) -> Result<(), BoxError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    match version(&transaction, schema)? {
        None => transaction.execute_batch(schema.sql)?,
        Some(version) => {
            let is_done = usize::try_from(version - 1)?;
            for upgrade in schema.upgrades.iter().skip(is_done) {
                transaction.execute_batch(upgrade)?;
            }
        }
    }
    transaction.pragma_update(None, "application_id", schema.application_id)?;
    transaction.pragma_update(None, "user_version", schema.version)?;
    Ok(transaction.commit()?)
}

/// Writes a value that is there already, to see whether the file can be written.
pub(crate) fn probe(connection: &Connection) -> rusqlite::Result<()> {
    let version =
        connection.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0))?;
    connection.pragma_update(None, "user_version", version)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use rusqlite::OpenFlags;
    use tempfile::TempDir;

    use super::*;

    const SCHEMA: Schema = Schema {
        application_id: 0x5465_7374,
        version: 2,
        sql: "CREATE TABLE note (text TEXT)",
        upgrades: &["ALTER TABLE memo RENAME TO note"],
    };

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

    #[test]
    fn a_file_of_an_earlier_version_is_upgraded_once() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("test.db");
        let first = Schema { version: 1, sql: "CREATE TABLE memo (text TEXT)", ..SCHEMA };
        drop(open(&path, &first).expect("a new file"));
        for _ in 0..2 {
            let connection = open(&path, &SCHEMA).expect("a file of this version");
            connection.execute_batch("SELECT text FROM note").expect("a table");
        }
        let error = open(&path, &first).expect_err("a refusal").to_string();
        assert_eq!(error, format!("{}: schema version 2, expected 1", path.display()));
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
        let newer = refusal(Schema { version: 1, ..SCHEMA });
        let path = path.display();
        assert_eq!(other_program, format!("{path}: a database of another program"));
        assert_eq!(newer, format!("{path}: schema version 2, expected 1"));
    }
}

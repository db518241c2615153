//! Files of a SQLite database, and the check that they are still those that were opened.

use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use super::group_commit::{CommitError, Volume};

/// Database and log, as they were opened.
#[derive(Debug)]
pub(crate) struct DatabaseFiles {
    database: Opened,
    log: Opened,
}

impl DatabaseFiles {
    /// Identifies the files of a database that is open.
    pub(crate) fn of(database: &Path) -> io::Result<Self> {
        let database = database.canonicalize()?;
        Ok(Self { log: Opened::at(beside(&database, "-wal"))?, database: Opened::at(database)? })
    }

    pub(crate) fn database(&self) -> &Path {
        &self.database.path
    }

    /// Returns the size of the log in bytes.
    pub(crate) fn log_size(&self) -> u64 {
        fs::metadata(&self.log.path).map_or(0, |metadata| metadata.len())
    }
}

/// No reserve, and transactions of any size.
impl Volume for DatabaseFiles {
    /// Fails if a file was removed or replaced: writes to the one that is open are lost when the
    /// process ends.
    fn check(&self) -> Result<(), CommitError> {
        for opened in [&self.database, &self.log] {
            if !opened.is_there() {
                let path = opened.path.display();
                let error = format!("{path}: the file was removed or replaced, restart to open it");
                return Err(CommitError::new(error));
            }
        }
        Ok(())
    }

    fn transaction_limit(&self) -> u64 {
        u64::MAX
    }

    fn free_reserve(&self) {}
}

/// Returns the path of a file beside a database.
pub(crate) fn beside(database: &Path, suffix: &str) -> PathBuf {
    let mut path = OsString::from(database);
    path.push(suffix);
    path.into()
}

/// File, and its identity among others of its name.
#[derive(Debug)]
struct Opened {
    path: PathBuf,
    identity: FileIdentity,
}

impl Opened {
    fn at(path: PathBuf) -> io::Result<Self> {
        Ok(Self { identity: identity(&fs::metadata(&path)?), path })
    }

    fn is_there(&self) -> bool {
        fs::metadata(&self.path).is_ok_and(|metadata| identity(&metadata) == self.identity)
    }
}

#[cfg(unix)]
type FileIdentity = (u64, u64);

#[cfg(unix)]
fn identity(metadata: &Metadata) -> FileIdentity {
    use std::os::unix::fs::MetadataExt;

    (metadata.dev(), metadata.ino())
}

/// Elsewhere, a file that is open cannot be removed.
#[cfg(not(unix))]
type FileIdentity = ();

#[cfg(not(unix))]
fn identity(_: &Metadata) -> FileIdentity {}

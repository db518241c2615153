//! File that keeps the state over a restart.

use std::error::Error;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::hash::Hasher;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

use siphasher::sip128::{Hasher128, SipHasher13};
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;

use super::Simulator;
use super::snapshot::SnapshotError;
use crate::error::debug_is_text;
use crate::panics::log_safely;

/// First line of the file, before the checksum of the rest.
const HEAD: &str = "snapengage simulator state, siphash ";

/// File in which the state is kept.
#[derive(Debug)]
pub(super) struct StateFile {
    path: Arc<Path>,
    /// Number of the last change that is in it. Whoever writes holds it.
    written: Arc<Mutex<u64>>,
}

impl Simulator {
    /// Takes the state that is in a file, if there is one, and keeps it there from now on: chats,
    /// the status of agents, deliveries and those to come, bans, and the time.
    ///
    /// It is written before each answer of [`serve`](Self::serve) that depends on it, so that what
    /// was shown is there after the process was killed. The file is replaced as a whole, is for its
    /// owner alone, and has no token in it.
    ///
    /// # Errors
    ///
    /// If the file cannot be read or written, or is damaged: then it stays as it is. If there is
    /// one already.
    pub fn keep_in(&self, path: impl Into<PathBuf>) -> Result<(), StateFileError> {
        let path = path.into();
        let wrong = |problem| StateFileError { path: path.clone(), problem };
        match fs::read(&path) {
            Ok(bytes) => {
                let state = checked(&bytes).ok_or_else(|| wrong(Problem::Damaged))?;
                self.restore(state).map_err(|error| wrong(Problem::Unreadable(error)))?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(wrong(Problem::Io(error))),
        }
        // Through a link, so that it stays one.
        let place = path.canonicalize().unwrap_or_else(|_| path.clone());
        let revision = self.revision();
        write(&place, &self.snapshot()).map_err(|error| wrong(Problem::Io(error)))?;
        let written = Arc::new(Mutex::new(revision));
        let file = StateFile { path: place.into(), written };
        let mut kept = self.0.state_file.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.is_some() {
            return Err(wrong(Problem::Second));
        }
        *kept = Some(Arc::new(file));
        Ok(())
    }

    /// Waits until the state is in its file, as it is now or later.
    pub(super) async fn keep(&self) -> io::Result<()> {
        let file = self.0.state_file.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(file) = file else { return Ok(()) };
        let kept = file.keep(self).await;
        if let Err(error) = &kept {
            log_safely(|| tracing::error!(%error, "the state could not be written"));
        }
        kept
    }
}

impl StateFile {
    async fn keep(&self, simulator: &Simulator) -> io::Result<()> {
        let needed = simulator.revision();
        let mut written = Arc::clone(&self.written).lock_owned().await;
        // Others who waited for the same may have written it.
        if *written >= needed {
            return Ok(());
        }
        let revision = simulator.revision();
        let (state, path) = (simulator.snapshot(), Arc::clone(&self.path));
        // The lock goes along: the write goes on if the caller hangs up.
        let writing = spawn_blocking(move || {
            write(&path, &state)?;
            *written = revision;
            Ok(())
        });
        writing.await.unwrap_or_else(|_| Err(io::Error::other("it panicked")))
    }
}

/// Writes the state beside the file, and puts it in its place.
fn write(path: &Path, state: &[u8]) -> io::Result<()> {
    let beside = beside(path);
    let mut file = create(&beside)?;
    file.write_all(format!("{HEAD}{:032x}\n", checksum(state)).as_bytes())?;
    file.write_all(state)?;
    // Else a power cut could leave an empty file in the place of a whole one.
    file.sync_data()?;
    drop(file);
    fs::rename(&beside, path)
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    name.into()
}

/// Creates a file for the owner alone: visitors have written what is in it.
fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Returns what is behind the first line, if it is what was written there.
fn checked(bytes: &[u8]) -> Option<&[u8]> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let (head, state) = (str::from_utf8(&bytes[..end]).ok()?, &bytes[end + 1..]);
    let expected = u128::from_str_radix(head.strip_prefix(HEAD)?, 16).ok()?;
    (checksum(state) == expected).then_some(state)
}

fn checksum(state: &[u8]) -> u128 {
    let mut hasher = SipHasher13::new();
    hasher.write(state);
    hasher.finish128().as_u128()
}

/// Failure to keep the state in a file.
pub struct StateFileError {
    path: PathBuf,
    problem: Problem,
}

#[derive(Debug)]
enum Problem {
    Io(io::Error),
    /// Not what was written there.
    Damaged,
    Unreadable(SnapshotError),
    Second,
}

impl fmt::Display for StateFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.path.display())?;
        f.write_str(match &self.problem {
            Problem::Io(_) => "the state cannot be kept",
            Problem::Damaged => "no state of a simulator, or damaged",
            Problem::Unreadable(_) => "the state cannot be taken",
            Problem::Second => "the state is kept in another file",
        })
    }
}

debug_is_text!(StateFileError);

impl Error for StateFileError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.problem {
            Problem::Io(error) => Some(error),
            Problem::Unreadable(error) => Some(error),
            Problem::Damaged | Problem::Second => None,
        }
    }
}

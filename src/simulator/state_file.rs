//! File that keeps the state over a restart.

use std::error::Error;
use std::fmt;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};

use tokio::sync::Mutex;
use tokio::task::spawn_blocking;

use super::Simulator;
use super::snapshot::{Marks, Snapshot, SnapshotError};
use super::state_journal::{self, StateJournal};
use crate::error::debug_is_text;
use crate::panics::log_safely;

/// File in which the state is kept.
#[derive(Debug)]
pub(super) struct StateFile {
    /// Whoever writes holds it.
    writer: Arc<Mutex<StateWriter>>,
    /// Number of the last change that is in it.
    written: Arc<AtomicU64>,
}

#[derive(Debug)]
struct StateWriter {
    journal: StateJournal,
    /// Marks of the last write; `None` if the whole has to be written.
    marks: Option<Marks>,
    /// Keeps others from writing the same file, until it is dropped.
    _lock: File,
}

impl Simulator {
    /// Takes the state that is in a file, if there is one, and keeps it there from now on: chats
    /// and their keys, the status of agents, what the Provisioning API has changed, deliveries and
    /// those to come, bans, and the time. Faults are not kept.
    ///
    /// It is written before each answer of [`serve`](Self::serve) that depends on it, so that what
    /// was shown is there after the process was killed: what has changed is appended, and now and
    /// then the file is replaced as a whole. It is for its owner alone, and has no token in it.
    ///
    /// As long as there is a clone of the simulator, nobody else can keep a state there: a file of
    /// the same name with `.lock` behind it is locked. That one stays, and it is unlocked however
    /// the process ends.
    ///
    /// # Errors
    ///
    /// If another simulator uses the file, if it cannot be read or written, or is damaged: then it
    /// stays as it is. If there is one already.
    pub fn keep_in(&self, path: impl Into<PathBuf>) -> Result<(), StateFileError> {
        let path = path.into();
        let mut kept = self.0.state_file.lock().unwrap_or_else(PoisonError::into_inner);
        let file = if kept.is_some() { Err(Problem::Second) } else { self.open_state(&path) };
        *kept = Some(Arc::new(file.map_err(|problem| StateFileError { path, problem })?));
        Ok(())
    }

    fn open_state(&self, path: &Path) -> Result<StateFile, Problem> {
        // Through a link, so that it stays one.
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let lock = state_journal::lock(&path)?.ok_or(Problem::InUse)?;
        match fs::read(&path) {
            Ok(bytes) => self.take_over(&bytes)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
        let journal = StateJournal::new(path);
        let mut writer = StateWriter { journal, marks: None, _lock: lock };
        let written = Arc::new(AtomicU64::new(writer.write(self)?));
        Ok(StateFile { writer: Arc::new(Mutex::new(writer)), written })
    }

    fn take_over(&self, bytes: &[u8]) -> Result<(), Problem> {
        let mut lines = state_journal::checked(bytes).ok_or(Problem::Damaged)?;
        let mut state = Snapshot::read(lines.next().unwrap_or_default())?;
        for line in lines {
            state.follow(Snapshot::read(line)?);
        }
        self.act(|world| world.restore(state));
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
        let (needed, ()) = simulator.look(|_| ());
        let is_written = || self.written.load(Ordering::Relaxed) >= needed;
        if is_written() {
            return Ok(());
        }
        let mut writer = Arc::clone(&self.writer).lock_owned().await;
        // Others who waited for the same may have written it: one write is for all of them.
        if is_written() {
            return Ok(());
        }
        let (simulator, written) = (simulator.clone(), Arc::clone(&self.written));
        // The lock goes along: the write goes on if the caller hangs up.
        let writing = spawn_blocking(move || {
            written.store(writer.write(&simulator)?, Ordering::Relaxed);
            Ok(())
        });
        writing.await.unwrap_or_else(|_| Err(io::Error::other("it panicked")))
    }
}

impl StateWriter {
    /// Writes what has changed; returns the number of the last change.
    fn write(&mut self, simulator: &Simulator) -> io::Result<u64> {
        // Taken: whatever fails or panics, the whole is written next, as changes are told once.
        if let Some(marks) = self.marks.take().filter(|_| !self.journal.is_long())
            && let Some(revision) = self.write_changes(simulator, marks)?
        {
            return Ok(revision);
        }
        let (revision, state) = simulator.look(|world| {
            world.track();
            Snapshot::whole(world, &simulator.0.configured)
        });
        self.journal.replace(&state.to_json())?;
        self.marks = Some(state.marks);
        Ok(revision)
    }

    /// Appends what has changed; returns `None` if that is not enough.
    fn write_changes(&mut self, simulator: &Simulator, marks: Marks) -> io::Result<Option<u64>> {
        let (revision, changes) = simulator.look(|world| {
            world.is_tracked.then(|| Snapshot::changes(world, &simulator.0.configured))
        });
        let Some(changes) = changes else { return Ok(None) };
        let is_same = changes.is_empty() && changes.marks == marks;
        if !is_same && !self.journal.append(&changes.to_json())? {
            return Ok(None);
        }
        self.marks = Some(changes.marks);
        Ok(Some(revision))
    }
}

/// Failure to keep the state in a file.
pub struct StateFileError {
    path: PathBuf,
    problem: Problem,
}

#[derive(Debug)]
enum Problem {
    Io(io::Error),
    /// Another simulator keeps its state there.
    InUse,
    /// Not what was written there.
    Damaged,
    Unreadable(SnapshotError),
    Second,
}

impl From<io::Error> for Problem {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<SnapshotError> for Problem {
    fn from(error: SnapshotError) -> Self {
        Self::Unreadable(error)
    }
}

impl fmt::Display for StateFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.path.display())?;
        f.write_str(match &self.problem {
            Problem::Io(_) => "the state cannot be kept",
            Problem::InUse => "another process, or another simulator of this one, uses it",
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
            Problem::InUse | Problem::Damaged | Problem::Second => None,
        }
    }
}

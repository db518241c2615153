//! Writer of a recording: a thread that redacts exchanges and writes their files.
//!
//! Whoever answers a request only puts the exchange into a queue, which is bounded in number and in
//! bytes: past that, exchanges are dropped, counted and logged.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::error::RecordingError;
use super::exchange::Exchange;
use super::folder::{Folder, FolderLimits};
use super::redact::{Redaction, Redactor};
use crate::clock;
use crate::error::WithCauses;
use crate::panics::{Panicked, catch_panic, log_safely};
use crate::timestamp::Timestamp;

/// Exchanges that wait at most.
const QUEUE: usize = 1024;

/// Bytes of the exchanges that wait at most. A larger one is taken where none waits.
const QUEUE_BYTES: usize = 32 << 20;

/// Time between two looks for files that are too old.
const SWEEP: Duration = Duration::from_secs(3600);

/// Time after one that failed.
const SWEEP_AGAIN: Duration = Duration::from_secs(60);

/// Time that the last handle waits for what is in the queue.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Debug, Clone)]
pub(super) struct WriterOptions {
    pub(super) folder: PathBuf,
    pub(super) redaction: Redaction,
    pub(super) limits: FolderLimits,
}

/// Paths of what is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RecordedPaths {
    /// Their secrets are replaced already, by the route.
    Known,
    /// Any segment that may be a secret is replaced.
    Unknown,
}

/// Handle of the thread. Once it is dropped, the thread writes what is in the queue and ends.
pub(super) struct RecordWriter {
    shared: Arc<WriterShared>,
    paths: RecordedPaths,
    started: Timestamp,
}

struct WriterShared {
    state: Mutex<WriterState>,
    /// Something is to be done, or the thread is done.
    changed: Condvar,
    /// Number of jobs that are done.
    done: watch::Sender<u64>,
}

#[derive(Default)]
struct WriterState {
    queue: VecDeque<WriterJob>,
    /// Bytes of the exchanges in the queue.
    bytes: usize,
    /// Number of jobs that were ever put into the queue.
    put: u64,
    recorded: u64,
    dropped: u64,
    /// Number of those that were dropped since there was room in the queue last.
    dropped_in_row: u64,
    problem: Option<String>,
    stage: WriterStage,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum WriterStage {
    #[default]
    Running,
    /// It ends when the queue is empty.
    Closing,
    Ended,
}

enum WriterJob {
    /// Exchange, and what is to be found out about it.
    Record(Box<Exchange>, Completion),
    /// Try whether files can be written.
    Probe,
}

/// Work on an exchange that is not done where its answer waits.
pub(super) type Completion = fn(&mut Exchange);

/// Figures of a recorder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) recorded: u64,
    pub(super) dropped: u64,
    pub(super) waiting: usize,
}

impl RecordWriter {
    pub(super) fn start(options: WriterOptions, paths: RecordedPaths) -> Self {
        let started = clock::now();
        let (done, _) = watch::channel(0);
        let shared = WriterShared { state: Mutex::default(), changed: Condvar::new(), done };
        let shared = Arc::new(shared);
        let of_thread = Arc::clone(&shared);
        let disk = Disk { options, redactor: None, folder: None, was_open: false, next: 1 };
        let thread = thread::Builder::new().name("snapengage-recorder".to_owned());
        if let Err(error) = thread.spawn(move || of_thread.run(disk)) {
            let mut state = shared.lock();
            state.stage = WriterStage::Ended;
            drop(state);
            shared.note(Err(format!("recorder without a thread: {error}")));
        }
        Self { shared, paths, started }
    }

    #[cfg_attr(not(feature = "client"), allow(dead_code, reason = "the proxy asks"))]
    pub(super) fn paths(&self) -> RecordedPaths {
        self.paths
    }

    /// Returns when the recording began.
    pub(super) fn started(&self) -> Timestamp {
        self.started
    }

    /// Puts an exchange into the queue, or drops it where that is full.
    pub(super) fn put(&self, exchange: Exchange, completion: Completion) {
        let size = size(&exchange);
        let mut state = self.shared.lock();
        let is_full = state.queue.len() >= QUEUE || state.bytes + size > QUEUE_BYTES;
        if state.stage != WriterStage::Running || is_full && !state.queue.is_empty() {
            state.dropped += 1;
            state.dropped_in_row += 1;
            let is_first = state.dropped_in_row == 1;
            drop(state);
            if is_first {
                log_safely(|| tracing::warn!("the disk is too slow, exchanges are not recorded"));
            }
            return;
        }
        state.bytes += size;
        state.push(WriterJob::Record(Box::new(exchange), completion));
        drop(state);
        self.shared.changed.notify_all();
    }

    /// Waits until all that was put so far is written or given up.
    pub(super) async fn flush(&self) {
        let put = self.shared.lock().put;
        self.shared.done(put).await;
    }

    /// Tries whether files can be written, and returns the reason if they cannot.
    pub(super) async fn check(&self) -> Result<Counts, String> {
        if let Some(put) = self.probe() {
            self.shared.done(put).await;
        }
        let state = self.shared.lock();
        match &state.problem {
            Some(problem) => Err(problem.clone()),
            None => Ok(state.counts()),
        }
    }

    /// Asks for a probe, unless one waits already, and returns its number; `None` if there is no
    /// thread.
    fn probe(&self) -> Option<u64> {
        let mut state = self.shared.lock();
        if state.stage != WriterStage::Running {
            return None;
        }
        if !matches!(state.queue.back(), Some(WriterJob::Probe)) {
            state.push(WriterJob::Probe);
        }
        self.shared.changed.notify_all();
        Some(state.put)
    }

    pub(super) fn counts(&self) -> Counts {
        self.shared.lock().counts()
    }
}

impl Drop for RecordWriter {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        if state.stage == WriterStage::Ended {
            return;
        }
        state.stage = WriterStage::Closing;
        self.shared.changed.notify_all();
        let goes_on = |state: &mut WriterState| state.stage != WriterStage::Ended;
        let waited = self.shared.changed.wait_timeout_while(state, PATIENCE, goes_on);
        let (state, waited) = waited.unwrap_or_else(PoisonError::into_inner);
        let left = state.queue.len();
        drop(state);
        if waited.timed_out() {
            log_safely(|| tracing::error!(left, "the disk is too slow, exchanges may be lost"));
        }
    }
}

impl WriterState {
    fn push(&mut self, job: WriterJob) {
        self.queue.push_back(job);
        self.put += 1;
    }

    fn counts(&self) -> Counts {
        let waiting = self.queue.iter().filter(|job| matches!(job, WriterJob::Record(..))).count();
        Counts { recorded: self.recorded, dropped: self.dropped, waiting }
    }
}

impl WriterShared {
    fn lock(&self) -> MutexGuard<'_, WriterState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn done(&self, put: u64) {
        // The sender is in `self`, so that it is not closed.
        let _ = self.done.subscribe().wait_for(|done| *done >= put).await;
    }

    /// Carries out jobs until the handle is dropped and none is left.
    fn run(&self, mut disk: Disk) {
        let mut next_sweep = Instant::now();
        loop {
            if next_sweep <= Instant::now() {
                let result = caught(|| disk.sweep());
                next_sweep = Instant::now() + if result.is_ok() { SWEEP } else { SWEEP_AGAIN };
                self.note(result);
            }
            match self.next(next_sweep) {
                (Some(job), _) => {
                    self.carry_out(job, &mut disk);
                    self.done.send_modify(|done| *done += 1);
                }
                (None, WriterStage::Running) => {}
                (None, _) => break,
            }
        }
        // First, so that the next recorder finds the folder free.
        drop(disk);
        self.lock().stage = WriterStage::Ended;
        self.changed.notify_all();
    }

    fn carry_out(&self, job: WriterJob, disk: &mut Disk) {
        let result = match job {
            WriterJob::Probe => caught(|| disk.probe()),
            WriterJob::Record(exchange, completion) => {
                let result = caught(|| disk.record(*exchange, completion));
                let mut state = self.lock();
                match result {
                    Ok(()) => state.recorded += 1,
                    Err(_) => state.dropped += 1,
                }
                result
            }
        };
        self.note(result);
    }

    /// Waits for a job, but no longer than until then.
    fn next(&self, until: Instant) -> (Option<WriterJob>, WriterStage) {
        let is_idle =
            |state: &mut WriterState| state.queue.is_empty() && state.stage == WriterStage::Running;
        let time = until.saturating_duration_since(Instant::now());
        let waited = self.changed.wait_timeout_while(self.lock(), time, is_idle);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let job = state.queue.pop_front();
        if let Some(WriterJob::Record(exchange, _)) = &job {
            state.bytes -= size(exchange);
        }
        let dropped =
            if state.queue.is_empty() { std::mem::take(&mut state.dropped_in_row) } else { 0 };
        let stage = state.stage;
        drop(state);
        if dropped > 0 {
            log_safely(|| tracing::warn!(dropped, "exchanges are recorded again"));
        }
        (job, stage)
    }

    /// Takes note of what became of a job. A problem is logged when it begins, and when it is over.
    fn note(&self, result: Result<(), String>) {
        let problem = result.err();
        let before = std::mem::replace(&mut self.lock().problem, problem.clone());
        match (problem, before) {
            (Some(problem), before) if before.as_ref() != Some(&problem) => {
                log_safely(|| tracing::error!(reason = problem, "exchanges are not recorded"));
            }
            (None, Some(_)) => log_safely(|| tracing::info!("exchanges are recorded again")),
            _ => {}
        }
    }
}

fn caught(work: impl FnOnce() -> Result<(), RecordingError>) -> Result<(), String> {
    match catch_panic(work) {
        Ok(done) => done.map_err(|error| WithCauses(&error).to_string()),
        Err(Panicked) => Err("the recorder panicked".to_owned()),
    }
}

/// Returns about how many bytes of memory an exchange takes.
fn size(exchange: &Exchange) -> usize {
    let answer = exchange.response.as_ref().map(|response| &response.message);
    let messages = [&exchange.request].into_iter().chain(answer);
    messages
        .map(|message| {
            let headers = message.headers.iter().map(|(name, value)| name.len() + value.len() + 64);
            256 + message.start_line.len() + headers.sum::<usize>() + message.body.len()
        })
        .sum()
}

/// Files on the thread's side.
struct Disk {
    options: WriterOptions,
    redactor: Option<Redactor>,
    folder: Option<Folder>,
    /// `true` once the folder was there. One that is gone is not made again: it may be on a disk
    /// that is not mounted.
    was_open: bool,
    next: u64,
}

impl Disk {
    fn record(
        &mut self,
        mut exchange: Exchange,
        completion: Completion,
    ) -> Result<(), RecordingError> {
        completion(&mut exchange);
        self.redactor()?.apply(&mut exchange);
        self.with_folder(|folder| folder.write(&mut exchange))
    }

    fn probe(&mut self) -> Result<(), RecordingError> {
        self.redactor()?;
        self.with_folder(|folder| folder.probe())
    }

    fn sweep(&mut self) -> Result<(), RecordingError> {
        self.redactor()?;
        self.with_folder(|folder| folder.sweep(Timestamp::now()))
    }

    fn redactor(&mut self) -> Result<&Redactor, RecordingError> {
        if self.redactor.is_none() {
            // The folder first: the key must not be in it.
            self.with_folder(|_| Ok(()))?;
            let redactor = self.options.redaction.redactor(&[&self.options.folder])?;
            return Ok(self.redactor.insert(redactor));
        }
        Ok(self.redactor.as_ref().expect("it was looked at"))
    }

    /// Opens the folder if it is not open, and once more if it has gone since.
    fn with_folder(
        &mut self,
        mut work: impl FnMut(&mut Folder) -> std::io::Result<()>,
    ) -> Result<(), RecordingError> {
        let path = self.options.folder.clone();
        let result = self.open().and_then(&mut work);
        let result = match result {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                self.folder = None;
                self.open().and_then(work)
            }
            result => result,
        };
        self.next = self.folder.as_ref().map_or(self.next, Folder::next);
        result.map_err(|error| RecordingError::io(&path, error))
    }

    fn open(&mut self) -> std::io::Result<&mut Folder> {
        if self.folder.is_none() {
            if !self.was_open {
                std::fs::create_dir_all(&self.options.folder)?;
            }
            let folder = Folder::open(&self.options.folder, self.options.limits, self.next)?;
            self.was_open = true;
            self.folder = Some(folder);
        }
        Ok(self.folder.as_mut().expect("it was opened"))
    }
}

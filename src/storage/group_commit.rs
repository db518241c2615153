//! Group commit: whoever writes takes along what others have waiting, so that they share one flush
//! to disk.

use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::{OwnedMutexGuard, oneshot};
use tokio::task::{spawn_blocking, yield_now};

use super::sqlite::{BUSY, is_for_want_of_room};
use crate::caught::quietly;

/// How many jobs share a transaction: enough for the flush not to matter, few enough for others to come
/// in while they are written.
const AT_ONCE: usize = 128;
/// After how many turns of the runtime that brought nothing more a commit begins. Other threads of the
/// runtime may take more than one to bring what they are at.
const IDLE_TURNS: u32 = 4;

/// Files of a group, and the room on their disk.
pub(crate) trait Volume: Send + Sync + 'static {
    /// Fails where what is written now would be lost.
    fn check(&self) -> Result<(), CommitError>;

    /// How many bytes go into one transaction.
    fn transaction_limit(&self) -> u64;

    /// Gives up what was set aside for the time when the disk is full.
    fn free_reserve(&self);
}

/// Work that was not committed, and why.
///
/// A clone is for everybody whose work was to be committed together.
#[derive(Debug, Clone)]
pub(crate) struct CommitError(pub(crate) Arc<dyn Error + Send + Sync>);

impl CommitError {
    pub(crate) fn new(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(Arc::from(cause.into()))
    }
}

impl fmt::Display for CommitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for CommitError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}

/// The one connection that writes.
pub(crate) struct Group {
    /// Whoever waits for it takes no thread.
    connection: Arc<tokio::sync::Mutex<Connection>>,
    queue: Arc<JobQueue>,
    volume: Arc<dyn Volume>,
}

type JobQueue = Mutex<Vec<Box<dyn Job>>>;

impl Group {
    pub(crate) fn new(connection: Connection, volume: Arc<impl Volume>) -> Self {
        let connection = Arc::new(tokio::sync::Mutex::new(connection));
        Self { connection, queue: Arc::default(), volume }
    }

    /// Does the work in a transaction, with that of others. Durable when this is done; if it fails,
    /// nobody's work is.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, CommitError> {
        self.run_sized(0, work).await
    }

    /// The same for work that writes so many bytes.
    pub(crate) async fn run_sized<T: Send + 'static>(
        &self,
        size: usize,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, CommitError> {
        let (answer, mut answered) = oneshot::channel();
        lock(&self.queue).push(Box::new(Task { work: Some(work), value: None, size, answer }));
        loop {
            tokio::select! {
                biased;
                done = &mut answered => return done.map_err(CommitError::new)?,
                connection = Arc::clone(&self.connection).lock_owned() => {
                    self.gather().await;
                    self.commit(connection);
                }
            }
        }
    }

    /// Does the work while nobody else writes, in no transaction.
    pub(crate) async fn alone<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, CommitError> {
        let connection = Arc::clone(&self.connection).lock_owned().await;
        let worked = spawn_blocking(move || work(&connection)).await;
        worked.map_err(CommitError::new)?.map_err(CommitError::new)
    }

    /// Waits while each turn of the runtime brings more. Whoever was answered by the last commit is
    /// about to come back: the first of them, gone ahead alone, would cost the others a flush.
    async fn gather(&self) {
        let mut count = 0;
        let mut idle_turns = 0;
        while idle_turns < IDLE_TURNS && count < AT_ONCE {
            yield_now().await;
            let now = lock(&self.queue).len();
            idle_turns = if now > count { 0 } else { idle_turns + 1 };
            count = now;
        }
    }

    /// Commits what waits, and goes on as long as enough for another transaction does.
    fn commit(&self, mut connection: OwnedMutexGuard<Connection>) {
        let queue = Arc::clone(&self.queue);
        let volume = Arc::clone(&self.volume);
        spawn_blocking(move || {
            commit(&mut connection, &queue, &*volume);
            while lock(&queue).len() >= AT_ONCE {
                commit(&mut connection, &queue, &*volume);
            }
        });
    }
}

fn lock(queue: &JobQueue) -> MutexGuard<'_, Vec<Box<dyn Job>>> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One job, and as many more as may share a transaction.
fn take(queue: &JobQueue, limit: u64) -> Vec<Box<dyn Job>> {
    let mut queue = lock(queue);
    let mut size = 0;
    let mut count = 0;
    while count < queue.len().min(AT_ONCE) {
        size += queue[count].size();
        if count > 0 && size > limit {
            break;
        }
        count += 1;
    }
    queue.drain(..count).filter(|job| job.is_wanted()).collect()
}

fn commit(connection: &mut Connection, queue: &JobQueue, volume: &dyn Volume) {
    let mut jobs = take(queue, volume.transaction_limit());
    if jobs.is_empty() {
        return;
    }
    let committed = volume.check().and_then(|()| {
        let committed = in_transaction(connection, &mut jobs);
        committed
            .inspect_err(|error| make_room(connection, volume, error))
            .map_err(CommitError::new)
    });
    // In a task, so that the connection does not wait for it: many wake-ups from outside the runtime
    // take as long as a flush.
    tokio::spawn(async move {
        for job in jobs {
            job.answer(committed.clone());
        }
    });
}

fn in_transaction(connection: &mut Connection, jobs: &mut [Box<dyn Job>]) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for job in jobs {
        job.work(&transaction)?;
    }
    transaction.commit()
}

/// Gives the reserve up if the disk is full, and writes the log to the database, so that the log has room to
/// be written from its start again. What failed now is tried again by whoever needs it.
fn make_room(connection: &Connection, volume: &dyn Volume, error: &rusqlite::Error) {
    if !is_for_want_of_room(error) {
        return;
    }
    volume.free_reserve();
    if let Err(error) = cut_log(connection) {
        quietly(|| tracing::error!(reason = %error, "the log cannot be written to the database"));
    }
}

/// Writes the log to the database, unless somebody reads from it, and takes its room.
pub(crate) fn cut_log(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(Duration::ZERO)?;
    let cut = checkpoint(connection, "TRUNCATE");
    connection.busy_timeout(BUSY)?;
    cut
}

pub(crate) fn checkpoint(connection: &Connection, how: &str) -> rusqlite::Result<()> {
    connection.query_row(&format!("PRAGMA wal_checkpoint({how})"), [], |_| Ok(()))
}

trait Job: Send {
    /// How many bytes it writes, about; 0 for few.
    fn size(&self) -> u64;

    /// Whether somebody still waits for it.
    fn is_wanted(&self) -> bool;

    fn work(&mut self, connection: &Connection) -> rusqlite::Result<()>;

    fn answer(self: Box<Self>, committed: Result<(), CommitError>);
}

struct Task<T, W> {
    work: Option<W>,
    value: Option<T>,
    size: usize,
    answer: oneshot::Sender<Result<T, CommitError>>,
}

impl<T, W> Job for Task<T, W>
where
    T: Send,
    W: FnOnce(&Connection) -> rusqlite::Result<T> + Send,
{
    fn size(&self) -> u64 {
        u64::try_from(self.size).unwrap_or(u64::MAX)
    }

    fn is_wanted(&self) -> bool {
        !self.answer.is_closed()
    }

    fn work(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        if let Some(work) = self.work.take() {
            self.value = Some(work(connection)?);
        }
        Ok(())
    }

    fn answer(self: Box<Self>, committed: Result<(), CommitError>) {
        let Self { value, answer, .. } = *self;
        let worked = || value.ok_or_else(|| CommitError::new("the work was not begun"));
        // Whoever is gone needs no answer.
        let _ = answer.send(committed.and_then(|()| worked()));
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    struct Unbounded;

    impl Volume for Unbounded {
        fn check(&self) -> Result<(), CommitError> {
            Ok(())
        }

        fn transaction_limit(&self) -> u64 {
            u64::MAX
        }

        fn free_reserve(&self) {}
    }

    fn group(pages: u32) -> (TempDir, Group) {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("notes.db");
        let connection = Connection::open(&path).expect("opened");
        connection.pragma_update(None, "journal_mode", "wal").expect("with a log");
        connection.execute_batch("CREATE TABLE note (text)").expect("created");
        connection.pragma_update(None, "max_page_count", pages).expect("bounded");
        (dir, Group::new(connection, Arc::new(Unbounded)))
    }

    async fn write(group: &Group, bytes: usize) -> Result<usize, CommitError> {
        let text = "x".repeat(bytes);
        group
            .run(move |connection| connection.execute("INSERT INTO note VALUES (?1)", [text]))
            .await
    }

    async fn count(group: &Group) -> i64 {
        let count = "SELECT count(*) FROM note";
        let counted = group.run(|connection| connection.query_row(count, [], |row| row.get(0)));
        counted.await.expect("counted")
    }

    async fn commits_what_waits(jobs: usize) {
        let (_dir, group) = group(1000);
        let group = Arc::new(group);
        let others = group.connection.clone().lock_owned().await;
        let mut writers = tokio::task::JoinSet::new();
        for _ in 0..jobs {
            let group = Arc::clone(&group);
            writers.spawn(async move { write(&group, 1).await });
        }
        while lock(&group.queue).len() < jobs {
            yield_now().await;
        }
        group.commit(others);
        assert!(writers.join_all().await.into_iter().all(|written| written.is_ok()));
        assert!(lock(&group.queue).is_empty());
        assert_eq!(usize::try_from(count(&group).await), Ok(jobs));
    }

    #[tokio::test]
    async fn jobs_that_wait_are_committed_together() {
        commits_what_waits(10).await;
    }

    #[tokio::test]
    async fn jobs_of_several_transactions_are_committed() {
        commits_what_waits(3 * AT_ONCE + 10).await;
    }

    #[tokio::test]
    async fn jobs_fail_together_where_the_disk_is_full() {
        let (_dir, group) = group(10);
        let (small, large) = tokio::join!(write(&group, 1), write(&group, 1_000_000));
        let error = large.expect_err("too much").to_string();
        assert_eq!(error, "database or disk is full");
        let expected = i64::from(small.is_ok());
        assert_eq!(count(&group).await, expected);
        write(&group, 1).await.expect("there is room for that");
        assert_eq!(count(&group).await, expected + 1);
    }

    #[tokio::test]
    async fn a_job_that_panics_is_not_the_last() {
        let (_dir, group) = group(1000);
        let panicked = group.run(|_| -> rusqlite::Result<()> { panic!("a bug") }).await;
        assert!(panicked.is_err());
        write(&group, 1).await.expect("written");
        assert_eq!(count(&group).await, 1);
    }
}

//! Group commit: a writer takes along the jobs that others have waiting, so that they share one
//! flush to disk.

use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, TransactionBehavior};
use tokio::sync::{OwnedMutexGuard, oneshot};
use tokio::task::{spawn_blocking, yield_now};

use super::sqlite::{BUSY, is_for_want_of_room};
use crate::panics::log_safely;

/// Jobs that share a transaction: enough to make the flush negligible, few enough for others to
/// come in while they are written.
const AT_ONCE: usize = 128;
/// Turns of the runtime without a new job after which a commit begins. Other threads of the runtime
/// may need more than one turn to bring a job.
const IDLE_TURNS: u32 = 4;

/// Files of a group, and the room on their disk.
pub(crate) trait Volume: Send + Sync + 'static {
    /// Fails if a write now would be lost.
    fn check(&self) -> Result<(), CommitError>;

    /// Returns the most bytes that go into one transaction.
    fn transaction_limit(&self) -> u64;

    /// Gives up the reserve that is set aside for a full disk.
    fn free_reserve(&self);
}

/// Work that was not committed, with the cause.
///
/// A clone is for everybody whose work was to be committed together.
#[derive(Debug, Clone)]
pub(crate) struct CommitError(pub(crate) Arc<dyn Error + Send + Sync>);

impl CommitError {
    pub(crate) fn new(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(Arc::from(cause.into()))
    }

    fn is_damage(&self) -> bool {
        let cause = self.0.downcast_ref().and_then(rusqlite::Error::sqlite_error_code);
        cause == Some(ErrorCode::DatabaseCorrupt)
    }
}

impl fmt::Display for CommitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// No source: that of SQLite's errors repeats the text.
impl Error for CommitError {}

/// Demand of a job on its transaction, the least first. One transaction meets the greatest of its
/// jobs.
///
/// SQLite appends a commit to the log, which is in the memory that all processes of the machine
/// share: each sees it at once, and a process that is killed takes none of it away. A power cut
/// takes what was not flushed: the end of the log, from a whole commit on, because each carries a
/// checksum over all before it. A flush is of the whole file, so a commit that is
/// [`Durable`](Self::Durable) makes durable all those before it, of any process. A power cut can
/// therefore take a row of visible commits after the last durable one, and never a durable one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Demand {
    /// It reads.
    Read,
    /// It writes, and others see that; it outlasts this process.
    Visible,
    /// It writes, and that outlasts the machine's power.
    Durable,
}

/// Connection that writes, shared by a group.
pub(crate) struct Group {
    /// Asynchronous, so that waiting for it blocks no thread.
    writer: Arc<tokio::sync::Mutex<Writer>>,
    queue: Arc<JobQueue>,
    volume: Arc<dyn Volume>,
}

struct Writer {
    connection: Connection,
    /// Flush of the log with each commit; `None` if that is unknown.
    flushes: Option<bool>,
}

type JobQueue = Mutex<Vec<Box<dyn Job>>>;

impl Group {
    pub(crate) fn new(connection: Connection, volume: Arc<impl Volume>) -> Self {
        let writer = Arc::new(tokio::sync::Mutex::new(Writer { connection, flushes: None }));
        Self { writer, queue: Arc::default(), volume }
    }

    /// Runs a job in a transaction, together with those of others. It is durable on return; if it
    /// fails, nobody's job is done, unless a page is damaged: then each is run again alone.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl Fn(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, CommitError> {
        self.submit(Demand::Durable, 0, work).await
    }

    /// Runs a job that writes this many bytes.
    pub(crate) async fn run_sized<T: Send + 'static>(
        &self,
        size: usize,
        work: impl Fn(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, CommitError> {
        self.submit(Demand::Durable, size, work).await
    }

    /// Runs a job that may demand less.
    pub(crate) async fn run_for<T: Send + 'static>(
        &self,
        demand: Demand,
        work: impl Fn(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, CommitError> {
        self.submit(demand, 0, work).await
    }

    async fn submit<T: Send + 'static>(
        &self,
        demand: Demand,
        size: usize,
        work: impl Fn(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, CommitError> {
        let (answer, mut answered) = oneshot::channel();
        lock(&self.queue).push(Box::new(Task { work, value: None, demand, size, answer }));
        loop {
            tokio::select! {
                biased;
                done = &mut answered => return done.map_err(CommitError::new)?,
                writer = Arc::clone(&self.writer).lock_owned() => {
                    self.gather().await;
                    self.commit(writer);
                }
            }
        }
    }

    /// Runs work while nobody else writes, outside any transaction.
    pub(crate) async fn alone<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, CommitError> {
        let mut writer = Arc::clone(&self.writer).lock_owned().await;
        let worked = spawn_blocking(move || work(writer.flushing(true)?)).await;
        worked.map_err(CommitError::new)?.map_err(CommitError::new)
    }

    /// Waits while each turn of the runtime brings more. The callers of the last commit are about
    /// to come back: the first of them, if it went alone, would cost the others a flush.
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

    /// Commits the jobs that wait, and goes on as long as there are enough for another transaction.
    fn commit(&self, mut writer: OwnedMutexGuard<Writer>) {
        let queue = Arc::clone(&self.queue);
        let volume = Arc::clone(&self.volume);
        spawn_blocking(move || {
            let mut committed = commit(&mut writer, &queue, &*volume);
            while lock(&queue).len() >= AT_ONCE {
                committed.answer();
                committed = commit(&mut writer, &queue, &*volume);
            }
            // Released first: the callers come back for it as soon as they are answered.
            drop(writer);
            committed.answer();
        });
    }
}

impl fmt::Debug for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group").finish_non_exhaustive()
    }
}

impl Writer {
    /// Returns the connection, set to flush commits or not: SQLite allows the change between
    /// transactions.
    fn flushing(&mut self, flushes: bool) -> rusqlite::Result<&mut Connection> {
        if self.flushes != Some(flushes) {
            self.flushes = None;
            // NORMAL still flushes the log before a checkpoint, and its first page before others,
            // so that a power cut leaves a file that is whole. See
            // <https://www.sqlite.org/pragma.html#pragma_synchronous>.
            let level = if flushes { "full" } else { "normal" };
            self.connection.pragma_update(None, "synchronous", level)?;
            self.flushes = Some(flushes);
        }
        Ok(&mut self.connection)
    }
}

fn lock(queue: &JobQueue) -> MutexGuard<'_, Vec<Box<dyn Job>>> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes one job, and as many more as may share a transaction.
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

/// Jobs of one transaction, and the result of each.
struct Committed(Vec<(Box<dyn Job>, Result<(), CommitError>)>);

impl Committed {
    fn answer(self) {
        let is_one = self.0.len() == 1;
        let answer = || self.0.into_iter().for_each(|(job, result)| job.answer(result));
        // Several callers are answered in a task, so that the connection does not wait for it: many
        // wake-ups from outside the runtime take as long as a flush. One wake-up costs no more than
        // starting that task.
        if is_one {
            answer();
        } else {
            tokio::spawn(async move { answer() });
        }
    }
}

fn commit(writer: &mut Writer, queue: &JobQueue, volume: &dyn Volume) -> Committed {
    let mut jobs = take(queue, volume.transaction_limit());
    let committed = match commit_together(writer, &mut jobs, volume) {
        // A damaged page stops only the jobs that need it.
        Err(error) if error.is_damage() && jobs.len() > 1 => {
            let alone = |mut job: Box<dyn Job>| {
                let result = commit_together(writer, std::slice::from_mut(&mut job), volume);
                (job, result)
            };
            jobs.into_iter().map(alone).collect()
        }
        result => jobs.into_iter().map(|job| (job, result.clone())).collect(),
    };
    Committed(committed)
}

fn commit_together(
    writer: &mut Writer,
    jobs: &mut [Box<dyn Job>],
    volume: &dyn Volume,
) -> Result<(), CommitError> {
    let Some(demand) = jobs.iter().map(|job| job.demand()).max() else { return Ok(()) };
    volume.check()?;
    let committed = in_transaction(writer, demand, jobs);
    committed.map_err(|error| {
        make_room(&writer.connection, volume, &error);
        CommitError::new(error)
    })
}

fn in_transaction(
    writer: &mut Writer,
    demand: Demand,
    jobs: &mut [Box<dyn Job>],
) -> rusqlite::Result<()> {
    // A reader's transaction must not keep the writers of other processes waiting.
    let behavior = match demand {
        Demand::Read => TransactionBehavior::Deferred,
        Demand::Visible | Demand::Durable => TransactionBehavior::Immediate,
    };
    let connection = match demand {
        Demand::Read => &mut writer.connection,
        _ => writer.flushing(demand == Demand::Durable)?,
    };
    let transaction = connection.transaction_with_behavior(behavior)?;
    for job in jobs {
        job.work(&transaction)?;
    }
    transaction.commit()
}

/// Gives up the reserve if the disk is full, and writes the log to the database, so that the log
/// can be written from its start again. The callers retry what failed now.
fn make_room(connection: &Connection, volume: &dyn Volume, error: &rusqlite::Error) {
    if !is_for_want_of_room(error) {
        return;
    }
    volume.free_reserve();
    if let Err(error) = cut_log(connection) {
        log_safely(
            || tracing::error!(reason = %error, "the log cannot be written to the database"),
        );
    }
}

/// Writes the log to the database, unless somebody reads from it, and truncates it.
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
    fn demand(&self) -> Demand;

    /// Returns the estimated bytes that it writes; 0 for few.
    fn size(&self) -> u64;

    /// Returns whether somebody still waits for it.
    fn is_wanted(&self) -> bool;

    fn work(&mut self, connection: &Connection) -> rusqlite::Result<()>;

    fn answer(self: Box<Self>, committed: Result<(), CommitError>);
}

struct Task<T, W> {
    work: W,
    value: Option<T>,
    demand: Demand,
    size: usize,
    answer: oneshot::Sender<Result<T, CommitError>>,
}

impl<T, W> Job for Task<T, W>
where
    T: Send,
    W: Fn(&Connection) -> rusqlite::Result<T> + Send,
{
    fn demand(&self) -> Demand {
        self.demand
    }

    fn size(&self) -> u64 {
        u64::try_from(self.size).unwrap_or(u64::MAX)
    }

    fn is_wanted(&self) -> bool {
        !self.answer.is_closed()
    }

    fn work(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        self.value = Some((self.work)(connection)?);
        Ok(())
    }

    fn answer(self: Box<Self>, committed: Result<(), CommitError>) {
        let Self { value, answer, .. } = *self;
        let worked = || value.ok_or_else(|| CommitError::new("the work was not begun"));
        // A caller that is gone needs no answer.
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
            .run(move |connection| connection.execute("INSERT INTO note VALUES (?1)", [&text]))
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
        let others = group.writer.clone().lock_owned().await;
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
    async fn a_commit_is_flushed_where_a_job_demands_it() {
        const FULL: i64 = 2;
        const NORMAL: i64 = 1;
        let (_dir, group) = group(1000);
        let level = |connection: &Connection| {
            connection.pragma_query_value(None, "synchronous", |row| row.get::<_, i64>(0))
        };
        let durable = group.run(level);
        assert_eq!(durable.await.expect("written"), FULL);
        let visible = group.run_for(Demand::Visible, level);
        assert_eq!(visible.await.expect("written"), NORMAL);
        let (visible, durable) =
            tokio::join!(group.run_for(Demand::Visible, level), group.run(level));
        assert_eq!([visible.expect("written"), durable.expect("written")], [FULL, FULL]);
    }

    #[tokio::test]
    async fn a_damaged_page_fails_those_jobs_alone_that_meet_it() {
        let (_dir, group) = group(1000);
        let damage = || {
            let error = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
            rusqlite::Error::SqliteFailure(error, None)
        };
        let meets_it = group.run(move |_| -> rusqlite::Result<()> { Err(damage()) });
        let (damaged, written) = tokio::join!(meets_it, write(&group, 1));
        assert!(damaged.is_err());
        written.expect("written");
        assert_eq!(count(&group).await, 1);
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

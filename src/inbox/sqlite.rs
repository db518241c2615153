//! Entries in a SQLite file.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use rusqlite::Connection;
use tokio::sync::{Mutex, Notify};
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use super::engine::{Arrival, Claim, Engine, Lease, Outcome, Stored, Ticket, clamped, later};
use super::entry::{Entry, EntryId, State, Stats};
use super::error::InboxError;
use super::group::Group;
use super::options::Options;
use super::room::Room;
use super::{schema, sql};
use crate::clock;
use crate::timestamp::Timestamp;

/// How often to look for what other processes have written.
const POLL: Duration = Duration::from_secs(1);

/// One connection writes, in groups; another reads, and keeps nobody from writing.
pub(super) struct Sqlite {
    writer: Group,
    reader: Arc<Mutex<Connection>>,
    changed: Notify,
    keeping: Arc<sql::Keeping>,
    keep_done: Duration,
    lease: Duration,
    longest_backoff: Duration,
}

impl Sqlite {
    pub(super) fn open(path: &Path, options: &Options) -> Result<Self, InboxError> {
        if options.existing && !path.exists() {
            return Err(InboxError::new(format!("{}: no such file", path.display())));
        }
        let open = || schema::open(path).map_err(InboxError::new);
        Ok(Self {
            writer: Group::new(open()?),
            reader: Arc::new(Mutex::new(open()?)),
            changed: Notify::new(),
            keeping: Arc::new(sql::Keeping {
                window: millis(options.window),
                room: Room::new(options.size_limit),
            }),
            keep_done: options.keep_done,
            lease: options.lease,
            longest_backoff: options.backoff.longest,
        })
    }

    /// The latest times that anything may be due.
    fn latest(&self, now: Timestamp, lease: Duration) -> sql::Latest {
        let latest = |longest| clamped(Timestamp::MAX, now, longest).as_millis();
        sql::Latest { ready: latest(self.longest_backoff), working: latest(lease) }
    }

    /// Writes, and has the worker look at it.
    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, InboxError> {
        let written = self.writer.run(work).await;
        self.changed.notify_one();
        written
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, InboxError> {
        let connection = Arc::clone(&self.reader).lock_owned().await;
        let worked = spawn_blocking(move || work(&connection)).await;
        worked.map_err(InboxError::new)?.map_err(InboxError::new)
    }
}

#[async_trait]
impl Engine for Sqlite {
    async fn put(&self, arrival: Arrival) -> Result<Stored, InboxError> {
        let keeping = Arc::clone(&self.keeping);
        self.write(move |connection| sql::put(connection, &arrival, &keeping)).await
    }

    async fn wait(&self) -> Result<(), InboxError> {
        loop {
            let now = clock::now();
            let latest = self.latest(now, self.lease);
            let due = self.read(move |connection| sql::next_due(connection, latest)).await?;
            let nap = match due.map(|due| due - now.as_millis()) {
                Some(left) if left <= 0 => return Ok(()),
                Some(left) => POLL.min(Duration::from_millis(left.unsigned_abs())),
                None => POLL,
            };
            tokio::select! {
                () = self.changed.notified() => {}
                () = sleep(nap) => {}
            }
        }
    }

    async fn claim(&self, limit: usize, lease: Lease) -> Result<Vec<Claim>, InboxError> {
        let (now, latest) = (lease.now.as_millis(), self.latest(lease.now, lease.length));
        self.writer.run(move |connection| sql::claim(connection, limit, now, latest)).await
    }

    async fn renew(&self, ticket: Ticket, lease: Lease) -> Result<bool, InboxError> {
        let end = lease.end().as_millis();
        self.writer.run(move |connection| sql::renew(connection, ticket, end)).await
    }

    async fn settle(
        &self,
        ticket: Ticket,
        outcome: Outcome,
        now: Timestamp,
    ) -> Result<bool, InboxError> {
        let keep_done = self.keep_done;
        let (state, due_at, error) = match outcome {
            Outcome::Done => (sql::DONE, later(now, keep_done), None),
            Outcome::Again { after, error } => (sql::READY, later(now, after), Some(error)),
            Outcome::Dead { error } => (sql::DEAD, now, Some(error)),
        };
        let now = now.as_millis();
        let ending = sql::Ending { state, due_at: due_at.as_millis(), error };
        self.write(move |connection| sql::end_lease(connection, ticket, &ending, now)).await
    }

    async fn probe(&self) -> Result<(), InboxError> {
        self.writer.run(sql::probe).await
    }

    async fn sweep(&self, now: Timestamp) -> Result<bool, InboxError> {
        let window = self.keeping.window;
        self.writer.run(move |connection| sql::sweep(connection, window, now.as_millis())).await
    }

    async fn stats(&self) -> Result<Stats, InboxError> {
        self.read(sql::stats).await
    }

    async fn list(
        &self,
        state: State,
        after: Option<EntryId>,
        limit: usize,
    ) -> Result<Vec<Entry>, InboxError> {
        self.read(move |connection| sql::list(connection, state, after, limit)).await
    }

    async fn show(&self, id: EntryId) -> Result<Option<(Entry, Bytes)>, InboxError> {
        self.read(move |connection| sql::show(connection, id)).await
    }

    async fn retry(&self, id: EntryId, now: Timestamp) -> Result<bool, InboxError> {
        self.write(move |connection| sql::retry(connection, id, now.as_millis())).await
    }

    async fn discard(&self, id: EntryId) -> Result<bool, InboxError> {
        let now = clock::now().as_millis();
        self.write(move |connection| sql::discard(connection, id, now)).await
    }
}

fn millis(duration: Duration) -> i64 {
    // Bounded, so that adding it to a time cannot overflow.
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX).min(i64::MAX / 4)
}

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

use super::engine::{Arrival, Claim, Engine, Lease, Outcome, Stored, Ticket, later};
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
        })
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
            let due = self.read(sql::next_due).await?;
            let nap = match due.map(|due| due - clock::now().as_millis()) {
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
        let (now, end) = (lease.now.as_millis(), lease.end().as_millis());
        self.writer.run(move |connection| sql::claim(connection, limit, now, end)).await
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
        self.write(move |connection| match outcome {
            Outcome::Done => sql::done(connection, ticket, later(now, keep_done).as_millis()),
            Outcome::Again { after, error } => {
                sql::again(connection, ticket, later(now, after).as_millis(), &error)
            }
            Outcome::Dead { error } => sql::dead(connection, ticket, now.as_millis(), &error),
        })
        .await
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
        self.write(move |connection| sql::discard(connection, id)).await
    }
}

fn millis(duration: Duration) -> i64 {
    // Bounded, so that adding it to a time cannot overflow.
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX).min(i64::MAX / 4)
}

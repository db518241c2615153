//! Entries in a SQLite file.

mod files;
mod queries;
mod schema;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use rusqlite::Connection;
use tokio::sync::{Mutex, Notify};
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use self::files::{Files, Reserve};
use crate::caught::quietly;
use crate::clock;
use crate::inbox::capacity::Capacity;
use crate::inbox::engine::{
    Arrival, Claim, Engine, Lease, Stored, Ticket, Verdict, clamped, later,
};
use crate::inbox::entry::{Entry, EntryId, Shown, State, Stats};
use crate::inbox::error::InboxError;
use crate::inbox::settings::Settings;
use crate::storage::group_commit::{CommitError, Group, checkpoint, cut_log};
use crate::storage::sqlite::{self, OpenError};
use crate::timestamp::Timestamp;

/// How often to look for what other processes have written.
const POLL: Duration = Duration::from_secs(1);

const NO_ROOM: &str = "there is no room on the disk";
/// With no entry's number, which changes as more are found, so that it is logged once.
const UNFORGETTABLE: &str = "the file is damaged: some of what is done cannot be forgotten";

/// One connection writes, in groups; another reads, and keeps nobody from writing.
pub(super) struct Sqlite {
    writer: Group,
    reader: Arc<Mutex<Connection>>,
    changed: Notify,
    keeping: Arc<queries::Keeping>,
    files: Arc<Files>,
    /// The entries that were found to be unreadable.
    damaged: std::sync::Mutex<queries::Damaged>,
    /// Those that were found to be impossible to forget, for the same reason.
    kept: std::sync::Mutex<BTreeSet<i64>>,
    keep_done: Duration,
    lease: Duration,
    longest_backoff: Duration,
}

impl Sqlite {
    pub(super) fn open(path: &Path, settings: &Settings) -> Result<Self, InboxError> {
        if settings.must_exist && !path.exists() {
            return Err(InboxError::new(format!("{}: no such file", path.display())));
        }
        let ([writer, reader], given_up) = open(path).map_err(InboxError::new)?;
        let files = Files::of(path).map_err(InboxError::new)?;
        match given_up {
            Some(size) => files.reserve.resize(size),
            None if settings.must_exist => {}
            None => files.reserve.make(),
        }
        for connection in [&writer, &reader] {
            schema::limit_log(connection, files.reserve.log_limit()).map_err(InboxError::new)?;
        }
        let files = Arc::new(files);
        Ok(Self {
            writer: Group::new(writer, Arc::clone(&files)),
            reader: Arc::new(Mutex::new(reader)),
            damaged: std::sync::Mutex::default(),
            kept: std::sync::Mutex::default(),
            changed: Notify::new(),
            keeping: Arc::new(queries::Keeping {
                window: millis(settings.repeat_window),
                capacity: Capacity::new(settings.size_limit),
                files: Arc::clone(&files),
            }),
            files,
            keep_done: settings.done_retention,
            lease: settings.lease,
            longest_backoff: settings.backoff.longest,
        })
    }

    /// The latest times that anything may be due.
    fn latest(&self, now: Timestamp, lease: Duration) -> queries::Latest {
        let latest = |longest| clamped(Timestamp::MAX, now, longest).as_millis();
        queries::Latest { ready: latest(self.longest_backoff), working: latest(lease) }
    }

    async fn restore_reserve(&self) -> Result<(), InboxError> {
        let reserve = &self.files.reserve;
        if !reserve.is_restored() && reserve.is_due() {
            let files = Arc::clone(&self.files);
            let restore = move |connection: &Connection| {
                // Where this fails, there is less room.
                let _ = cut_log(connection);
                files.reserve.restore();
                schema::limit_log(connection, files.reserve.log_limit())
            };
            self.writer.alone(restore).await?;
        }
        Ok(())
    }

    /// SQLite cuts the log when it begins it anew, which takes a write after it was written to the database.
    async fn shrink_log(&self) -> Result<(), InboxError> {
        if self.files.log_size() <= self.files.reserve.log_limit() * 2 {
            return Ok(());
        }
        let shrink = |connection: &Connection| {
            checkpoint(connection, "PASSIVE").and_then(|()| sqlite::probe(connection))
        };
        Ok(self.writer.alone(shrink).await?)
    }

    async fn try_to_claim(&self, limit: usize, lease: Lease) -> Result<Vec<Claim>, InboxError> {
        let (now, latest) = (lease.now.as_millis(), self.latest(lease.now, lease.length));
        let damaged = self.damaged().clone();
        let claim =
            move |connection: &Connection| queries::claim(connection, limit, now, latest, &damaged);
        Ok(self.writer.run(claim).await?)
    }

    async fn end_lease(
        &self,
        ticket: Ticket,
        ending: queries::Ending,
        now: i64,
    ) -> Result<bool, InboxError> {
        self.write(move |connection| queries::end_lease(connection, ticket, &ending, now)).await
    }

    /// Looks which entries cannot be read. Says whether there are any that were not known.
    async fn find_damaged(&self, limit: usize, lease: Lease) -> Result<bool, InboxError> {
        let (now, latest) = (lease.now.as_millis(), self.latest(lease.now, lease.length));
        let known = self.damaged().clone();
        let look =
            move |connection: &Connection| queries::damaged(connection, limit, now, latest, &known);
        let found = self.read(look).await?;
        for id in found.ids() {
            quietly(
                || tracing::error!(%id, "the file is damaged: an entry cannot be read, and its case stops"),
            );
        }
        let is_any = found.len() > 0;
        self.damaged().add(found);
        Ok(is_any)
    }

    fn damaged(&self) -> MutexGuard<'_, queries::Damaged> {
        self.damaged.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fails while an entry that could not be read is there, and still cannot, or one cannot be forgotten.
    async fn check_damaged(&self) -> Result<(), InboxError> {
        let damaged = self.damaged().clone();
        for id in damaged.ids() {
            self.show(id).await?;
            self.damaged().remove(id);
        }
        if self.kept().is_empty() { Ok(()) } else { Err(InboxError::new(UNFORGETTABLE)) }
    }

    /// Not with others' jobs: each would fail with the entry that cannot be forgotten. Says whether any was found.
    async fn sweep_around_damage(&self, now: i64) -> Result<bool, InboxError> {
        let (window, kept) = (self.keeping.window, self.kept().clone());
        let sweep = move |connection: &Connection| {
            queries::sweep_around_damage(connection, window, now, &kept)
        };
        let mut found = self.writer.alone(sweep).await?;
        let is_any = !found.is_empty();
        self.kept().append(&mut found);
        Ok(is_any)
    }

    fn kept(&self) -> MutexGuard<'_, BTreeSet<i64>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes, and has the worker look at it.
    async fn write<T: Send + 'static>(
        &self,
        work: impl Fn(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, InboxError> {
        let written = self.writer.run(work).await;
        self.changed.notify_one();
        Ok(written?)
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
        self.restore_reserve().await?;
        let (keeping, size) = (Arc::clone(&self.keeping), arrival.body.len());
        let put = move |connection: &Connection| queries::put(connection, &arrival, &keeping);
        let stored = self.writer.run_sized(size, put).await;
        self.changed.notify_one();
        match stored? {
            Stored::Full if !self.files.reserve.is_whole() => Err(InboxError::new(NO_ROOM)),
            stored => Ok(stored),
        }
    }

    async fn wait(&self) -> Result<(), InboxError> {
        loop {
            let now = clock::now();
            let latest = self.latest(now, self.lease);
            let due = self.read(move |connection| queries::next_due(connection, latest)).await?;
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
        let claims = match self.try_to_claim(limit, lease).await {
            Err(error) if is_damage(&error) && self.find_damaged(limit, lease).await? => {
                self.try_to_claim(limit, lease).await?
            }
            claims => claims?,
        };
        if claims.is_empty() && self.damaged().len() > 0 {
            // What is damaged is due for ever.
            sleep(POLL).await;
        }
        Ok(claims)
    }

    async fn renew(&self, ticket: Ticket, lease: Lease) -> Result<bool, InboxError> {
        let end = lease.end().as_millis();
        Ok(self.writer.run(move |connection| queries::renew(connection, ticket, end)).await?)
    }

    async fn settle(
        &self,
        ticket: Ticket,
        verdict: Verdict,
        now: Timestamp,
    ) -> Result<bool, InboxError> {
        let keep_done = self.keep_done;
        let (state, due_at, error) = match verdict {
            Verdict::Done => (queries::DONE, later(now, keep_done), None),
            Verdict::Again { after, error } => (queries::READY, later(now, after), Some(error)),
            Verdict::Dead { error } => (queries::DEAD, now, Some(error)),
        };
        let now = now.as_millis();
        let next = queries::Next::Promoted;
        let ending = queries::Ending { state, due_at: due_at.as_millis(), error, next };
        match self.end_lease(ticket, ending.clone(), now).await {
            Err(error) if is_damage(&error) => {
                let ending = queries::Ending { next: queries::Next::Damaged, ..ending };
                let ended = self.end_lease(ticket, ending, now).await?;
                quietly(
                    || tracing::error!(reason = %error, "the case stops: its next entry cannot be read"),
                );
                Ok(ended)
            }
            ended => ended,
        }
    }

    async fn probe(&self) -> Result<(), InboxError> {
        self.restore_reserve().await?;
        let free = self.read(queries::free).await?;
        if !self.files.reserve.has_room(0, free) {
            return Err(InboxError::new(NO_ROOM));
        }
        self.writer.run(sqlite::probe).await?;
        self.check_damaged().await
    }

    async fn untaken(&self, now: Timestamp) -> Result<Option<String>, InboxError> {
        self.read(move |connection| queries::untaken(connection, now.as_millis())).await
    }

    async fn sweep(&self, now: Timestamp) -> Result<bool, InboxError> {
        self.shrink_log().await?;
        let (window, now, kept) = (self.keeping.window, now.as_millis(), self.kept().clone());
        let sweep = move |connection: &Connection| queries::sweep(connection, window, now, &kept);
        match self.writer.run(sweep).await.map_err(InboxError::from) {
            Err(error) if is_damage(&error) => self.sweep_around_damage(now).await,
            swept => swept,
        }
    }

    async fn stats(&self) -> Result<Stats, InboxError> {
        self.read(queries::stats).await
    }

    async fn list(
        &self,
        state: State,
        after: Option<EntryId>,
        limit: usize,
    ) -> Result<Vec<Entry>, InboxError> {
        self.read(move |connection| queries::list(connection, state, after, limit)).await
    }

    async fn show(&self, id: EntryId) -> Result<Option<Shown>, InboxError> {
        self.read(move |connection| queries::show(connection, id)).await
    }

    async fn retry(&self, id: EntryId, now: Timestamp) -> Result<bool, InboxError> {
        self.write(move |connection| queries::retry(connection, id, now.as_millis())).await
    }

    async fn discard(&self, id: EntryId) -> Result<bool, InboxError> {
        let now = clock::now().as_millis();
        self.write(move |connection| queries::discard(connection, id, now)).await
    }
}

/// Opens a connection to write and one to read. Where there is no room for that, the reserve is given up: to
/// process what is stored, one must get at it. Says how large it was.
fn open(path: &Path) -> Result<([Connection; 2], Option<u64>), OpenError> {
    let open = || Ok::<_, OpenError>([schema::open(path)?, schema::open(path)?]);
    match open() {
        Err(error) if error.is_for_want_of_room => match Reserve::give_up(path) {
            Some(size) => Ok((open()?, Some(size))),
            None => Err(error),
        },
        opened => Ok((opened?, None)),
    }
}

impl From<CommitError> for InboxError {
    fn from(error: CommitError) -> Self {
        Self(error.0)
    }
}

fn is_damage(error: &InboxError) -> bool {
    error.cause().is_some_and(queries::is_damage)
}

fn millis(duration: Duration) -> i64 {
    // Bounded, so that adding it to a time cannot overflow.
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX).min(i64::MAX / 4)
}

//! Pages that are open, by the ids of their sessions.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::session::Session;
use super::stream::ActionStream;
use crate::endpoint::rejection::Rejection;

/// Pages that are open, up to a bound.
pub(super) struct OpenPages {
    max_pages: usize,
    max_waiting: usize,
    table: Mutex<SessionTable>,
}

#[derive(Default)]
struct SessionTable {
    sessions: HashMap<Box<str>, Session>,
    /// Sessions so far.
    count: u64,
    /// Number of sessions at which those that are over are looked for: then each costs nothing more
    /// than its own place, however many there are.
    sweep_at: usize,
    is_draining: bool,
    ids: SessionIds,
}

impl OpenPages {
    pub(super) fn new(max_pages: usize, max_waiting: usize) -> Self {
        Self { max_pages, max_waiting, table: Mutex::default() }
    }

    /// Starts the stream of a page: of the session that the page had, by the id of the last message
    /// that it got, or of a new one.
    pub(super) fn open(&self, last: &str) -> Result<ActionStream, Rejection> {
        let mut table = self.lock();
        if table.is_draining {
            return Err(Rejection::draining());
        }
        if let Some((session, has)) = table.known(last) {
            return Ok(ActionStream::new(session, has));
        }
        table.make_room(self.max_pages)?;
        let session = table.create(self.max_waiting);
        Ok(ActionStream::new(session, 0))
    }

    /// Returns the session of an id, unless it is over.
    pub(super) fn session(&self, id: &str) -> Option<Session> {
        let session = self.lock().sessions.get(id).cloned()?;
        session.is_open().then_some(session)
    }

    /// Ends all of them, and opens no more.
    pub(super) fn drain(&self) {
        let mut table = self.lock();
        table.is_draining = true;
        table.sessions.drain().for_each(|(_, session)| session.end());
    }

    fn lock(&self) -> MutexGuard<'_, SessionTable> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SessionTable {
    fn known(&self, last: &str) -> Option<(Session, u64)> {
        let (id, has) = last.split_once('.')?;
        let session = self.sessions.get(id).filter(|session| session.is_open())?;
        Some((session.clone(), has.parse().ok()?))
    }

    fn create(&mut self, max_waiting: usize) -> Session {
        self.count += 1;
        let session = Session::new(self.ids.id(self.count), max_waiting);
        self.sessions.insert(session.id().into(), session.clone());
        session
    }

    /// Makes room for one more: in the place of those that are over, or of the one whose connection
    /// was lost first.
    fn make_room(&mut self, max: usize) -> Result<(), Rejection> {
        if self.sessions.len() < self.sweep_at.min(max) {
            return Ok(());
        }
        self.sessions.retain(|_, session| session.is_open());
        self.sweep_at = (2 * self.sessions.len()).max(64);
        if self.sessions.len() < max {
            return Ok(());
        }
        let lost = self.sessions.values().filter_map(|session| Some((session.lost_at()?, session)));
        let Some((_, first)) = lost.min_by_key(|(since, _)| *since) else {
            return Err(Rejection::too_many_pages(max));
        };
        first.end();
        let id = first.id().to_owned();
        self.sessions.remove(&*id);
        Ok(())
    }
}

/// Ids that nobody can guess: SipHash of a number, under keys that the system drew. Whoever knows
/// the id of a session reads its actions.
#[derive(Default)]
struct SessionIds([RandomState; 2]);

impl SessionIds {
    fn id(&self, number: u64) -> Box<str> {
        let [one, other] = &self.0;
        format!("{:016x}{:016x}", one.hash_one(number), other.hash_one(number)).into()
    }
}

//! Tally of one call, for whoever observes the client: how it ended, and after how many attempts.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::Client;
use super::error::Failure;
use super::operation::Operation;

/// Call that is over.
#[derive(Debug)]
#[cfg_attr(not(feature = "metrics"), allow(dead_code, reason = "nothing else observes"))]
pub(crate) struct CallEnded {
    pub(crate) operation: Operation,
    /// `ok`, or the kind of its failure; `dropped` if nobody waited for the end.
    pub(crate) outcome: &'static str,
    pub(crate) attempts: u32,
    /// Time from its start to the end of its last answer, waits between attempts included.
    pub(crate) took: Duration,
    /// Names of the documented fields of the answer whose values are not as documented.
    pub(crate) odd_fields: Vec<&'static str>,
}

/// Tally of a call that may still be made; nothing if nobody observes. The call is over when it is
/// dropped, which is after its answer was read.
pub(super) struct Tally(Option<Box<Counted>>);

struct Counted {
    client: Client,
    operation: Operation,
    progress: Mutex<Progress>,
}

#[derive(Default)]
struct Progress {
    started: Option<Instant>,
    attempts: u32,
    ended: Option<Instant>,
    failed: Option<&'static str>,
    odd_fields: Vec<&'static str>,
}

impl Tally {
    pub(super) fn new(client: &Client, operation: Operation) -> Self {
        let counted = client.0.ended.is_set().then(|| {
            let progress = Mutex::default();
            Box::new(Counted { client: client.clone(), operation, progress })
        });
        Self(counted)
    }

    pub(super) fn attempt(&self) {
        self.note(|progress| {
            progress.started.get_or_insert_with(Instant::now);
            progress.attempts += 1;
        });
    }

    /// Takes note that the whole of an answer is there.
    pub(super) fn answered(&self) {
        self.note(|progress| progress.ended = Some(Instant::now()));
    }

    pub(super) fn failed(&self, failure: &Failure) {
        self.note(|progress| {
            progress.failed = Some(kind(failure));
            progress.ended.get_or_insert_with(Instant::now);
        });
    }

    /// Reads an answer, which lists its odd fields if anybody observes.
    pub(super) fn reading<T>(&self, read: impl FnOnce(Option<&mut Vec<&'static str>>) -> T) -> T {
        match &self.0 {
            None => read(None),
            Some(counted) => read(Some(&mut counted.progress().odd_fields)),
        }
    }

    fn note(&self, change: impl FnOnce(&mut Progress)) {
        if let Some(counted) = &self.0 {
            change(&mut counted.progress());
        }
    }
}

impl Counted {
    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let Progress { started, attempts, ended, failed, odd_fields } =
            std::mem::take(&mut *self.progress());
        // Of a call that was never sent there is nothing to tell, unless it was a mistake.
        let Some(end) = ended.or(started.map(|_| Instant::now())) else { return };
        let outcome = failed.unwrap_or(if ended.is_some() { "ok" } else { "dropped" });
        let took = started.map_or(Duration::ZERO, |started| end - started);
        let operation = self.operation;
        let told = || CallEnded { operation, outcome, attempts, took, odd_fields };
        self.client.0.ended.tell(told);
    }
}

fn kind(failure: &Failure) -> &'static str {
    match failure {
        Failure::Mistake(_) => "mistake",
        Failure::NotSent(_) => "not-connected",
        Failure::Broken(_) => "broken",
        Failure::TimedOut(_) => "timed-out",
        Failure::Status { status, .. } => match status.as_u16() {
            401 | 403 => "unauthorized",
            404 => "not-found",
            429 => "too-many-requests",
            500.. => "server-error",
            _ => "client-error",
        },
        Failure::Malformed { .. } => "malformed",
        Failure::Refused { .. } => "refused",
        Failure::TooLarge(_) => "too-large",
        Failure::Astray(_) | Failure::SeeOther => "redirected",
        Failure::NotWritten(_) => "not-written",
    }
}

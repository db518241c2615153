//! Monitor of an inbox, for the health route and for the log.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::complaint::Complaint;
use super::engine::Engine;
use super::entry::Stats;
use super::error::InboxError;
use crate::clock;
use crate::panics::log_safely;
use crate::storage::fresh::Fresh;

/// Time that entries may be due while no worker has any.
const PATIENCE: Duration = Duration::from_secs(60);
/// Pause between checks while requests come in, even if nobody asks for the health.
const CHECK_PAUSE: Duration = Duration::from_secs(30);

const FORGOTTEN: &str =
    "entries wait, and none was claimed for a minute or more: is `inbox.run` running?";

/// Health of an inbox, shared by all who ask.
#[derive(Default)]
pub(super) struct Monitor {
    /// A check writes, and a million entries take 40 ms to count.
    last: Fresh<Result<Stats, InboxError>>,
    /// Entry that a worker would claim first, and since when.
    untaken: Mutex<Option<(String, Instant)>>,
    last_check: Mutex<Option<Instant>>,
    complaint: Complaint,
}

impl Monitor {
    /// Checks the inbox. Callers during a check wait for its result. A problem is logged once,
    /// whoever asked.
    pub(super) async fn look(&self, engine: &dyn Engine) -> Result<Stats, InboxError> {
        self.last.get(self.check(engine)).await
    }

    async fn check(&self, engine: &dyn Engine) -> Result<Stats, InboxError> {
        let looked = match all_of(engine).await {
            Ok((stats, untaken)) => self.is_taken(untaken).map(|()| stats),
            Err(error) => {
                self.complaint.error("the inbox is unhealthy", &error);
                Err(error)
            }
        };
        if looked.is_ok() {
            self.complaint.over("the inbox is healthy again");
        }
        looked
    }

    fn is_taken(&self, untaken: Option<String>) -> Result<(), InboxError> {
        let mut seen = self.untaken.lock().unwrap_or_else(PoisonError::into_inner);
        let before = seen.take();
        let since = before.filter(|(mark, _)| Some(mark) == untaken.as_ref()).map(|(_, at)| at);
        *seen = untaken.map(|mark| (mark, since.unwrap_or_else(Instant::now)));
        if since.is_none_or(|since| since.elapsed() < PATIENCE) {
            return Ok(());
        }
        if self.complaint.is_new(FORGOTTEN) {
            log_safely(|| tracing::warn!("{FORGOTTEN}"));
        }
        Err(InboxError::new(FORGOTTEN))
    }

    /// Returns whether it is time to check: nobody else may, if the inbox is not run and its health
    /// not asked for.
    pub(super) fn is_due(&self) -> bool {
        let mut last = self.last_check.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = last.is_some_and(|at| at.elapsed() >= CHECK_PAUSE);
        if is_due || last.is_none() {
            *last = Some(Instant::now());
        }
        is_due
    }
}

async fn all_of(engine: &dyn Engine) -> Result<(Stats, Option<String>), InboxError> {
    engine.probe().await?;
    Ok((engine.stats().await?, engine.untaken(clock::now()).await?))
}

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

/// Time for which a result is kept: anybody may ask for one, a check writes, and a million entries
/// take 40 ms to count.
const FRESH: Duration = Duration::from_secs(1);
/// Time that entries may be due while no worker has any.
const PATIENCE: Duration = Duration::from_secs(60);
/// Pause between checks while requests come in, even if nobody asks for the health.
const CHECK_PAUSE: Duration = Duration::from_secs(30);

const FORGOTTEN: &str =
    "entries wait, and none was claimed for a minute or more: is `inbox.run` running?";

/// Result of the last check, shared by all who ask.
#[derive(Default)]
pub(super) struct Monitor {
    seen: tokio::sync::Mutex<Seen>,
    last_check: Mutex<Option<Instant>>,
    complaint: Complaint,
}

#[derive(Default)]
struct Seen {
    last: Option<(Instant, Result<Stats, InboxError>)>,
    /// Entry that a worker would claim first, and since when.
    untaken: Option<(String, Instant)>,
}

impl Monitor {
    /// Checks the inbox. Callers during a check wait for its result. A problem is logged once,
    /// whoever asked.
    pub(super) async fn look(&self, engine: &dyn Engine) -> Result<Stats, InboxError> {
        let mut seen = self.seen.lock().await;
        if let Some((at, looked)) = &seen.last
            && at.elapsed() < FRESH
        {
            return looked.clone();
        }
        let looked = match all_of(engine).await {
            Ok((stats, untaken)) => self.is_taken(untaken, &mut seen).map(|()| stats),
            Err(error) => {
                self.complaint.error("the inbox is unhealthy", &error);
                Err(error)
            }
        };
        if looked.is_ok() {
            self.complaint.over("the inbox is healthy again");
        }
        seen.last = Some((Instant::now(), looked.clone()));
        looked
    }

    fn is_taken(&self, untaken: Option<String>, seen: &mut Seen) -> Result<(), InboxError> {
        let before = seen.untaken.take();
        let since = before.filter(|(mark, _)| Some(mark) == untaken.as_ref()).map(|(_, at)| at);
        seen.untaken = untaken.map(|mark| (mark, since.unwrap_or_else(Instant::now)));
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

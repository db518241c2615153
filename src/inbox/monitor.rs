//! The state of an inbox, for the health route and for the log.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::complaint::Complaint;
use super::engine::Engine;
use super::entry::Stats;
use super::error::InboxError;
use crate::caught::quietly;
use crate::clock;

/// Time that a look stands: anybody may ask for one, it writes, and a million entries take 40 ms to count.
const FRESH: Duration = Duration::from_secs(1);
/// Time that entries may wait while nobody is at any.
const PATIENCE: Duration = Duration::from_secs(60);
/// Pause between looks while requests come in, whoever asks for them.
const GLANCE: Duration = Duration::from_secs(30);

const FORGOTTEN: &str =
    "entries wait, and none was taken for a minute or more: is `inbox.run` running?";

/// The last look, which all who ask share.
#[derive(Default)]
pub(super) struct Monitor {
    seen: tokio::sync::Mutex<Seen>,
    last_glance: Mutex<Option<Instant>>,
    complaint: Complaint,
}

#[derive(Default)]
struct Seen {
    last: Option<(Instant, Result<Stats, InboxError>)>,
    /// The entry a worker would take first, and since when.
    untaken: Option<(String, Instant)>,
}

impl Monitor {
    /// Whoever asks while somebody looks waits for what is seen. What is wrong is logged once, whoever looked.
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
                self.complaint.error("the inbox is not well", &error);
                Err(error)
            }
        };
        if looked.is_ok() {
            self.complaint.over("the inbox is well again");
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
            quietly(|| tracing::warn!("{FORGOTTEN}"));
        }
        Err(InboxError::new(FORGOTTEN))
    }

    /// Says whether it is time to look: nobody may, where the inbox is not run, and not asked how it is.
    pub(super) fn is_due(&self) -> bool {
        let mut last = self.last_glance.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = last.is_some_and(|at| at.elapsed() >= GLANCE);
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

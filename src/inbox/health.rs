//! How an inbox is, for the health route and for the log.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::engine::Engine;
use super::{Inbox, InboxError, Inner, Stats};
use crate::caught::quietly;
use crate::clock;
use crate::error::HandlerError;
use crate::receiver::health::HealthCheck;

/// How long a look stands: anybody may ask for one, it writes, and a million entries take 40 ms to count.
const FRESH: Duration = Duration::from_secs(1);
/// How long entries may wait while nobody is at any.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often it is looked while requests come in, whoever asks for it.
const GLANCE: Duration = Duration::from_secs(30);

const FORGOTTEN: &str =
    "entries wait, and none was taken for a minute or more: is `inbox.run` running?";

/// Shows `waiting`, `working`, `done` and `dead`, how many entries there are of each; `oldest_s`, for
/// how many whole seconds the oldest has been there that is not done, `null` if all are; and `size`
/// in bytes. Looked at once a second at most.
///
/// Fails where the inbox cannot be read, where nothing can be stored (it tries to), where a damaged page keeps
/// entries from being processed or forgotten, and where entries have been due for a minute while nobody was at
/// any.
#[async_trait]
impl HealthCheck for Inbox {
    async fn check(&self) -> Result<Value, HandlerError> {
        let stats = self.0.watch.look(&*self.0.engine).await?;
        Ok(json!({
            "waiting": stats.waiting,
            "working": stats.working,
            "done": stats.done,
            "dead": stats.dead,
            "oldest_s": stats.oldest_s(),
            "size": stats.size,
        }))
    }
}

/// What was seen last.
#[derive(Default)]
pub(super) struct Watch {
    seen: tokio::sync::Mutex<Seen>,
    last_glance: Mutex<Option<Instant>>,
    complaint: Complaint,
}

#[derive(Default)]
struct Seen {
    last: Option<(Instant, Result<Stats, InboxError>)>,
    /// What a worker would take first, and since when.
    untaken: Option<(String, Instant)>,
}

impl Watch {
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

    /// Whether it is time to look: nobody may, where the inbox is not run, and not asked how it is.
    fn is_due(&self) -> bool {
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

impl Inner {
    /// Looks how it is now and then, beside what is done.
    pub(super) fn glance(self: &Arc<Self>) {
        if self.watch.is_due() {
            let inner = Arc::clone(self);
            tokio::spawn(async move { inner.watch.look(&*inner.engine).await });
        }
    }
}

/// Says once what is wrong, however often it is met, and once that it is over.
#[derive(Default)]
pub(super) struct Complaint(Mutex<Option<String>>);

impl Complaint {
    pub(super) fn error(&self, what: &str, error: &InboxError) {
        let reason = error.to_string();
        if self.is_new(&reason) {
            quietly(|| tracing::error!(reason, "{what}"));
        }
    }

    pub(super) fn over(&self, what: &str) {
        if self.said().take().is_some() {
            quietly(|| tracing::info!("{what}"));
        }
    }

    fn is_new(&self, reason: &str) -> bool {
        let mut said = self.said();
        let is_new = said.as_deref() != Some(reason);
        if is_new {
            *said = Some(reason.to_owned());
        }
        is_new
    }

    fn said(&self) -> MutexGuard<'_, Option<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! What the health route shows of an inbox.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::engine::Engine;
use super::{Inbox, InboxError, Stats};
use crate::error::HandlerError;
use crate::health::HealthCheck;

/// How long a count stands: anybody may ask for one, and of a million entries it takes 40 ms.
const FRESH: Duration = Duration::from_secs(1);

/// Shows `waiting`, `working`, `done` and `dead`, how many entries there are of each; `oldest_s`, for
/// how many whole seconds the oldest has been there that is not done, `null` if all are; and `size`
/// in bytes. Counted once a second at most. Fails where the inbox cannot be read, and where nothing can be
/// stored: it tries to.
#[async_trait]
impl HealthCheck for Inbox {
    async fn check(&self) -> Result<Value, HandlerError> {
        let stats = self.0.last_count.stats(&*self.0.engine).await?;
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

/// What was counted last, and when.
#[derive(Default)]
pub(super) struct LastCount(Mutex<Option<(Instant, Stats)>>);

impl LastCount {
    /// Whoever asks while it is counted waits for that count.
    async fn stats(&self, engine: &dyn Engine) -> Result<Stats, InboxError> {
        let mut last = self.0.lock().await;
        if let Some((at, stats)) = &*last
            && at.elapsed() < FRESH
        {
            return Ok(stats.clone());
        }
        engine.probe().await?;
        let stats = engine.stats().await?;
        *last = Some((Instant::now(), stats.clone()));
        Ok(stats)
    }
}

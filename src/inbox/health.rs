//! An inbox as a check of the health route.

use async_trait::async_trait;
use serde_json::{Value, json};

use super::handle::Inbox;
use crate::error::HandlerError;
use crate::receiver::health::HealthCheck;

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
        let stats = self.0.monitor.look(&*self.0.engine).await?;
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

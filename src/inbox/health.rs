//! Inbox as a check of the health route.

use async_trait::async_trait;
use serde_json::{Value, json};

use super::handle::Inbox;
use crate::error::HandlerError;
use crate::receiver::health::HealthCheck;

/// Reports `waiting`, `working`, `done` and `dead`, the number of entries in each state;
/// `oldest_s`, the age in whole seconds of the oldest entry that is not done, `null` if all are;
/// and `size` in bytes. Measured once a second at most.
///
/// Fails if the inbox cannot be read, if nothing can be stored, which it tries, if a damaged page
/// keeps entries from being processed or forgotten, and if entries have been due for a minute while
/// no worker had any.
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

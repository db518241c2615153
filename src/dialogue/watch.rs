//! Health of a store, looked at once a second at most.

use std::fmt;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::store::StoreError;
use crate::error::HandlerError;

/// Time for which a look stands: anybody may ask for one, and it writes.
const FRESH: Duration = Duration::from_secs(1);

/// The last look at a store, and when it was taken.
#[derive(Default)]
pub(super) struct Watch(Mutex<Option<(Instant, Result<Value, String>)>>);

impl Watch {
    /// Looks, unless somebody did just now. Whoever asks while somebody looks waits for what is
    /// seen.
    pub(super) async fn look(
        &self,
        look: impl Future<Output = Result<Value, StoreError>>,
    ) -> Result<Value, HandlerError> {
        let mut last = self.0.lock().await;
        let seen = match last.take() {
            Some((at, seen)) if at.elapsed() < FRESH => (at, seen),
            // With its causes: the error itself is for one who asks.
            _ => {
                (Instant::now(), look.await.map_err(|error| HandlerError::from(error).to_string()))
            }
        };
        Ok(last.insert(seen).1.clone()?)
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}

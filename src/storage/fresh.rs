//! Health of a store, checked once a second at most.

use std::fmt;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::error::StoreError;
use crate::error::HandlerError;

/// Time for which a result is kept: anybody may ask for one, and a check writes.
const FRESH: Duration = Duration::from_secs(1);

/// Last result, and when it was taken.
#[derive(Default)]
pub(super) struct Watch(Mutex<Option<(Instant, Result<Value, StoreError>)>>);

impl Watch {
    /// Checks, unless somebody did just now. Callers during a check wait for its result.
    pub(super) async fn look(
        &self,
        look: impl Future<Output = Result<Value, StoreError>>,
    ) -> Result<Value, HandlerError> {
        let mut last = self.0.lock().await;
        let seen = match last.take() {
            Some((at, seen)) if at.elapsed() < FRESH => (at, seen),
            _ => (Instant::now(), look.await),
        };
        Ok(last.insert(seen).1.clone()?)
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}

//! Result that is shared for a second.

use std::fmt;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

/// Time for which a result is kept.
const FRESH: Duration = Duration::from_secs(1);

/// Last result of a check that anybody may ask for and that takes time, or writes.
pub(crate) struct Fresh<T>(Mutex<Option<(Instant, T)>>);

impl<T> Default for Fresh<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone> Fresh<T> {
    /// Checks, unless somebody did within the last second. Callers during a check wait for its
    /// result.
    pub(crate) async fn get(&self, check: impl Future<Output = T>) -> T {
        let mut last = self.0.lock().await;
        if let Some((at, result)) = &*last
            && at.elapsed() < FRESH
        {
            return result.clone();
        }
        let result = check.await;
        *last = Some((Instant::now(), result.clone()));
        result
    }
}

impl<T> fmt::Debug for Fresh<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fresh").finish_non_exhaustive()
    }
}

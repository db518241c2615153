//! Sweeper of expired records, which runs now and then for as long as a bot is there.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time::sleep;

use super::store::Store;
use crate::clock::now;
use crate::panics::log_safely;

const INTERVAL: Duration = Duration::from_secs(60 * 60);

/// Sweeps a store on a task of its own, so that no turn waits for it.
#[derive(Debug, Default)]
pub(super) struct Sweeper {
    is_running: Arc<AtomicBool>,
}

impl Sweeper {
    /// Starts to sweep, unless a sweep is running already: at the first turn, and after a runtime
    /// has ended.
    pub(super) fn wake<S: Store>(&self, store: &Arc<S>) {
        let is_running = &self.is_running;
        let is_needed =
            || !S::expires_by_itself(store) && !is_running.swap(true, Ordering::Relaxed);
        if !is_running.load(Ordering::Relaxed) && is_needed() {
            let running = Running(Arc::clone(is_running));
            tokio::spawn(sweep(Arc::downgrade(store), running));
        }
    }
}

/// Sweeps until the store is gone.
async fn sweep<S: Store>(store: Weak<S>, _running: Running) {
    while let Some(store) = store.upgrade() {
        if let Err(error) = S::sweep(&store, now()).await {
            log_safely(|| tracing::warn!(?error, "a store was not swept"));
        }
        drop(store);
        sleep(INTERVAL).await;
    }
}

struct Running(Arc<AtomicBool>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

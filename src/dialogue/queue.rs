//! Queues in which the turns of one conversation wait for each other, first come, first served.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Mutex as Turnstile, OwnedMutexGuard};

/// Queues of the turns of each conversation in this process.
#[derive(Debug, Default)]
pub(super) struct TurnQueues(Mutex<Turnstiles>);

#[derive(Debug, Default)]
struct Turnstiles {
    by_key: HashMap<Arc<str>, Arc<Turnstile<()>>>,
    /// Number of queues at which the empty ones are removed.
    limit: usize,
}

impl TurnQueues {
    /// Waits until nobody is ahead. Dropping the guard lets the next one in.
    pub(super) async fn enter(&self, key: &Arc<str>) -> OwnedMutexGuard<()> {
        let turnstile = self.turnstile(key);
        turnstile.lock_owned().await
    }

    fn turnstile(&self, key: &Arc<str>) -> Arc<Turnstile<()>> {
        let mut turnstiles = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if turnstiles.by_key.len() >= turnstiles.limit {
            turnstiles.by_key.retain(|_, turnstile| Arc::strong_count(turnstile) > 1);
            turnstiles.limit = 64 + 2 * turnstiles.by_key.len();
        }
        Arc::clone(turnstiles.by_key.entry(Arc::clone(key)).or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn empty_queues_are_cleared_away_and_others_are_not() {
        let queues = TurnQueues::default();
        let key = Arc::from("held");
        let held = queues.enter(&key).await;
        for number in 0..1_000 {
            drop(queues.enter(&number.to_string().into()).await);
        }
        let turnstiles = queues.0.lock().expect("not poisoned");
        assert!(turnstiles.by_key.len() < 100, "{} turnstiles", turnstiles.by_key.len());
        assert!(turnstiles.by_key[&key].try_lock().is_err());
        drop(held);
    }
}

//! The turns of one conversation wait for each other here, first come, first served.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Mutex as Turnstile, OwnedMutexGuard};

/// Who waits for which conversation in this process.
#[derive(Debug, Default)]
pub(super) struct Queue(Mutex<HashMap<Box<str>, Arc<Turnstile<()>>>>);

/// A place at the front of a queue.
pub(super) struct Place<'a> {
    queue: &'a Queue,
    key: &'a str,
    turnstile: Option<OwnedMutexGuard<()>>,
}

impl Queue {
    /// Waits until nobody is before.
    pub(super) async fn enter<'a>(&'a self, key: &'a str) -> Place<'a> {
        let turnstile = Arc::clone(self.turnstiles().entry(key.into()).or_default());
        let mut place = Place { queue: self, key, turnstile: None };
        place.turnstile = Some(turnstile.lock_owned().await);
        place
    }

    fn turnstiles(&self) -> MutexGuard<'_, HashMap<Box<str>, Arc<Turnstile<()>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The last to leave takes the turnstile along.
impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut turnstiles = self.queue.turnstiles();
        self.turnstile = None;
        if turnstiles.get(self.key).is_some_and(|turnstile| Arc::strong_count(turnstile) == 1) {
            turnstiles.remove(self.key);
        }
    }
}

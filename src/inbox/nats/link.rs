//! Connection to the server: whether it is there, and whether the server has room.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_nats::Client;
use async_nats::connection::State;
use tokio::time::{interval, timeout};

use crate::inbox::error::InboxError;

/// Time that the server has to answer. A request that a lost connection took along is never
/// answered.
pub(super) const TIMEOUT: Duration = Duration::from_secs(2);

/// Time for which it is left alone before it is asked again.
pub(super) const PAUSE: Duration = Duration::from_millis(20);

pub(super) struct Link {
    client: Client,
    is_full: AtomicBool,
}

impl Link {
    pub(super) fn new(client: Client) -> Self {
        Self { client, is_full: AtomicBool::new(false) }
    }

    pub(super) fn is_connected(&self) -> bool {
        self.client.connection_state() == State::Connected
    }

    /// Waits for a lost connection, as long as for an answer.
    ///
    /// # Errors
    ///
    /// If there is none by then. Nothing has been sent.
    pub(super) async fn connected(&self) -> Result<(), InboxError> {
        // The client buffers what is sent without a connection, in memory, for as long as there is
        // none.
        let mut turns = interval(PAUSE);
        let connected = async {
            while !self.is_connected() {
                turns.tick().await;
            }
        };
        let lost = |_| InboxError::new("no connection to the server");
        timeout(TIMEOUT, connected).await.map_err(lost)
    }

    /// Returns whether the last message that was not stored was refused for lack of room.
    pub(super) fn is_full(&self) -> bool {
        self.is_full.load(Ordering::Relaxed)
    }

    pub(super) fn set_full(&self, is_full: bool) {
        self.is_full.store(is_full, Ordering::Relaxed);
    }
}

//! Whether the server can be reached, and has room.

use std::sync::atomic::{AtomicBool, Ordering};

use async_nats::Client;
use async_nats::connection::State;
use tokio::time::{interval, timeout};

use super::{PAUSE, TIMEOUT};
use crate::inbox::error::InboxError;

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
    /// Where there is none by then. Nothing has been sent: what is sent without a connection takes memory
    /// until there is one.
    pub(super) async fn connected(&self) -> Result<(), InboxError> {
        let mut turns = interval(PAUSE);
        let connected = async {
            while !self.is_connected() {
                turns.tick().await;
            }
        };
        let lost = |_| InboxError::new("no connection to the server");
        timeout(TIMEOUT, connected).await.map_err(lost)
    }

    /// Whether the last that was not stored was not for lack of room.
    pub(super) fn is_full(&self) -> bool {
        self.is_full.load(Ordering::Relaxed)
    }

    pub(super) fn set_full(&self, is_full: bool) {
        self.is_full.store(is_full, Ordering::Relaxed);
    }
}

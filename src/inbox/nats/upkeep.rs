//! Upkeep of an inbox on its server: a connection, streams and a consumer that are there, and room.

use std::sync::Arc;

use super::link::Link;
use super::reserve::ReserveStream;
use super::setup::Setup;
use super::streams::Streams;
use crate::inbox::capacity::Capacity;
use crate::inbox::error::InboxError;

pub(super) struct Upkeep {
    pub(super) link: Arc<Link>,
    pub(super) setup: Setup,
    streams: Arc<Streams>,
    reserve: ReserveStream,
    capacity: Capacity,
}

impl Upkeep {
    pub(super) fn new(
        link: Arc<Link>,
        setup: Setup,
        streams: &Arc<Streams>,
        reserve: ReserveStream,
    ) -> Self {
        let streams = Arc::clone(streams);
        Self { link, setup, capacity: Capacity::new(streams.size_limit), streams, reserve }
    }

    /// Restores what is missing, or makes room if there is none, so that a failed operation may
    /// succeed the next time.
    pub(super) async fn recover(&self) {
        if self.link.is_full() {
            self.reserve.release().await;
        } else {
            // If it fails, the next operation does too, with the reason.
            let _ = self.setup.restore().await;
        }
    }

    /// Fails while entries or notes on them cannot be stored.
    pub(super) async fn try_to_store(&self) -> Result<(), InboxError> {
        for messages in self.streams.all() {
            // One is enough to see whether the server stores, but each may fail for itself.
            if std::ptr::eq(messages, &self.streams.ended.seen) || !messages.stores() {
                messages.probe().await?;
            }
        }
        Ok(())
    }

    /// Sets room aside for when the server is full. Fails if there is none.
    pub(super) async fn set_aside(&self) -> Result<(), InboxError> {
        self.reserve.set_aside(self.try_to_store()).await
    }

    /// Returns whether room is set aside.
    pub(super) fn has_reserve(&self) -> bool {
        self.reserve.is_there()
    }

    /// Returns whether an entry of this size may come in.
    pub(super) async fn has_room(&self, size: usize) -> Result<bool, InboxError> {
        self.set_aside().await?;
        let size = u64::try_from(size).unwrap_or(u64::MAX);
        let has_room = self.capacity.take(size)
            || self.capacity.take_beside(self.streams.cases.entries.state().await?.bytes, size);
        Ok(has_room)
    }
}

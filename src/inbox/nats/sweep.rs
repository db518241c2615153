//! Sweep: repairs of what a process or a server that died at a bad moment has left.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_nats::jetstream::consumer::PullConsumer;

use super::letter::Letter;
use super::streams::Streams;
use super::upkeep::Upkeep;
use crate::inbox::error::InboxError;

/// Heads and tails that are looked at in one round.
const AT_ONCE: usize = 1_000;

pub(super) struct Repairs {
    consumer: PullConsumer,
    streams: Arc<Streams>,
    upkeep: Arc<Upkeep>,
    /// Number of the last tail that was looked at.
    looked_at: AtomicU64,
}

impl Repairs {
    pub(super) fn new(
        consumer: PullConsumer,
        streams: &Arc<Streams>,
        upkeep: &Arc<Upkeep>,
    ) -> Self {
        let streams = Arc::clone(streams);
        let upkeep = Arc::clone(upkeep);
        Self { consumer, streams, upkeep, looked_at: AtomicU64::new(0) }
    }

    /// Repairs cases. What is kept for a time only, the server deletes by itself.
    pub(super) async fn sweep(&self) -> Result<bool, InboxError> {
        self.upkeep.setup.restore().await?;
        let is_more_back = self.store_again_what_came_back().await?;
        Ok(self.give_tails_a_head().await? || is_more_back)
    }

    /// Stores heads again that a server brought back when it was killed: they are delivered, found
    /// to be over, and dropped. Returns whether there may be more.
    async fn store_again_what_came_back(&self) -> Result<bool, InboxError> {
        // As they are, they would not be delivered: the consumer knows that they are over.
        let info = self.consumer.get_info().await.map_err(InboxError::new)?;
        let cases = &self.streams.cases;
        for _ in 0..AT_ONCE {
            let Some(head) = cases.first_head().await? else { return Ok(false) };
            let subject = head.subject.to_string();
            let head = Letter::stored(head);
            if head.number > info.ack_floor.stream_sequence {
                return Ok(false);
            }
            // Where another entry is in its place, it is only removed: it must be over.
            cases.replace(&subject, &head, head.header.attempts).await?;
        }
        Ok(true)
    }

    /// Fills the heads of cases that have a tail alone, as a worker leaves one that dies between
    /// the end of one entry and the next. Returns whether there may be more.
    async fn give_tails_a_head(&self) -> Result<bool, InboxError> {
        let cases = &self.streams.cases;
        for _ in 0..AT_ONCE {
            let from = self.looked_at.load(Ordering::Relaxed) + 1;
            let Some(tail) = cases.first_in_a_tail(from).await? else {
                self.looked_at.store(0, Ordering::Relaxed);
                return Ok(false);
            };
            self.looked_at.store(tail.number, Ordering::Relaxed);
            cases.heal(&tail.header).await?;
        }
        Ok(true)
    }
}

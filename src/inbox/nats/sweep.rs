//! What is put right now and then.

use std::sync::atomic::Ordering;

use super::Nats;
use super::letter::Letter;
use crate::inbox::error::InboxError;

/// How many heads and tails are looked at in one round.
const AT_ONCE: usize = 1_000;

impl Nats {
    /// Puts right what a process that died at a bad moment has left. Says whether there may be more.
    pub(super) async fn put_right(&self) -> Result<bool, InboxError> {
        let is_more_back = self.hand_in_what_came_back().await?;
        Ok(self.give_tails_a_head().await? || is_more_back)
    }

    /// A server that is killed may bring back what was removed. It is not delivered, since the consumer
    /// knows that it is over; so it is put in anew, and dropped where it is handed out.
    async fn hand_in_what_came_back(&self) -> Result<bool, InboxError> {
        let info = self.pull.consumer().get_info().await.map_err(InboxError::new)?;
        for _ in 0..AT_ONCE {
            let head = self.streams.entries.first(&self.subjects.heads(), 1).await?;
            let Some(head) = head else { return Ok(false) };
            let (subject, number) = (head.subject.to_string(), head.sequence);
            if number > info.ack_floor.stream_sequence {
                return Ok(false);
            }
            // Where another is in its place, it is over.
            let head = Letter::stored(head);
            self.renew_head(&subject, &head, head.header.tries).await?;
        }
        Ok(true)
    }

    /// A worker that died between the end of one entry and the next has left the next in the tail.
    async fn give_tails_a_head(&self) -> Result<bool, InboxError> {
        for _ in 0..AT_ONCE {
            let from = self.looked_through.load(Ordering::Relaxed) + 1;
            let tail = self.streams.entries.first(&self.subjects.tails(), from).await?;
            let Some(tail) = tail.map(Letter::stored) else {
                self.looked_through.store(0, Ordering::Relaxed);
                return Ok(false);
            };
            self.looked_through.store(tail.number, Ordering::Relaxed);
            self.heal(&self.case(&tail.header)).await?;
        }
        Ok(true)
    }
}

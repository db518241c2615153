//! Receipt of an entry: put, and the return of a dead letter to its case.

use std::sync::Arc;

use async_nats::Client;
use async_nats::jetstream::message::PublishMessage;
use bytes::Bytes;

use super::letter::{EntryHeader, Letter, NOTED_LATER, name_of};
use super::messages::Published;
use super::setup::Found;
use super::streams::Streams;
use super::upkeep::Upkeep;
use crate::inbox::engine::{Arrival, Stored};
use crate::inbox::error::InboxError;

/// Bytes of headers that a server stores with a message: it counts them in 16 bits.
const LONGEST_HEADERS: usize = 65_535;

/// Receipt of entries.
pub(super) struct Receipts {
    client: Client,
    streams: Arc<Streams>,
    upkeep: Arc<Upkeep>,
}

impl Receipts {
    pub(super) fn new(client: Client, streams: &Arc<Streams>, upkeep: &Arc<Upkeep>) -> Self {
        Self { client, streams: Arc::clone(streams), upkeep: Arc::clone(upkeep) }
    }

    pub(super) async fn put(&self, arrival: &Arrival) -> Result<Stored, InboxError> {
        self.upkeep.link.connected().await?;
        let stored = self.store(arrival).await;
        if stored.is_err() && self.upkeep.setup.restore().await? == Found::Restored {
            return self.store(arrival).await;
        }
        stored
    }

    async fn store(&self, arrival: &Arrival) -> Result<Stored, InboxError> {
        let key = arrival.key.as_deref().map_or_else(|| self.key_used_once(), name_of);
        let header = EntryHeader::new(arrival, key);
        let size = header.size()? + arrival.body.len();
        self.check_size(size, &arrival.body)?;
        if arrival.unreadable.is_some() {
            return self.bury(&header, arrival.body.clone()).await;
        }
        if !self.upkeep.has_room(size).await? {
            let is_known = self.is_known(&header).await?;
            return Ok(if is_known { Stored::Repeat } else { Stored::Full });
        }
        let message = header.around(arrival.body.clone())?.message_id(&header.key);
        match self.streams.cases.append(&header, message).await? {
            Published::Duplicate(number) => {
                self.repeated(&header, arrival.body.clone(), number).await
            }
            Published::Stored | Published::Conflict => Ok(Stored::New),
        }
    }

    fn check_size(&self, size: usize, body: &Bytes) -> Result<(), InboxError> {
        // With the notes on it later: an entry that fits only without could be stored, but
        // neither moved up in its case nor become a dead letter, and its case would wait for good.
        let size = size + NOTED_LATER;
        if size - body.len() > LONGEST_HEADERS || size > self.client.max_payload() {
            return Err(InboxError::new("larger than what the server stores"));
        }
        Ok(())
    }

    fn key_used_once(&self) -> String {
        name_of(&self.client.new_inbox())
    }

    /// Stores an entry that cannot be read as a dead letter.
    async fn bury(&self, header: &EntryHeader, body: Bytes) -> Result<Stored, InboxError> {
        self.upkeep.set_aside().await?;
        if self.streams.ended.dead_letter(&header.key).await?.is_some() {
            return Ok(Stored::Repeat);
        }
        self.streams.ended.bury(&header.key, header.around(body)?).await?;
        Ok(Stored::New)
    }

    /// Decides on a message whose id the server knows, by the message of a number.
    ///
    /// It is a repeat only if that entry is there or was processed: the server also knows ids of
    /// entries that were discarded, and in a cluster of messages that it refused.
    async fn repeated(
        &self,
        header: &EntryHeader,
        body: Bytes,
        mut number: u64,
    ) -> Result<Stored, InboxError> {
        loop {
            if self.is_there(header, number).await? {
                return Ok(Stored::Repeat);
            }
            if let Some(dead) = self.streams.ended.dead_letter(&header.key).await? {
                self.revive_as(&dead, header.around(body)?).await?;
                return Ok(Stored::Revived);
            }
            // Under another id, which the first number makes the same for all repeats of this one:
            // of those, too, only one is stored.
            let message = header.around(body.clone())?;
            let message = message.message_id(format!("{}.{number}", header.key));
            match self.streams.cases.append(header, message).await? {
                Published::Duplicate(other) => number = other,
                Published::Stored | Published::Conflict => return Ok(Stored::New),
            }
        }
    }

    /// Returns whether the entry is open, first stored in the message of a number, or done.
    async fn is_there(&self, header: &EntryHeader, number: u64) -> Result<bool, InboxError> {
        // In the order in which an entry moves: by its first number, at its case's head, done, and
        // after this dead. In another, one that moves meanwhile would be missed in both places, and
        // stored a second time.
        let stored = self.streams.cases.get(number).await?;
        let is_stored = stored.is_some_and(|letter| letter.header.key == header.key);
        Ok(is_stored || self.is_known(header).await?)
    }

    /// Returns whether the entry is its case's head, or was processed.
    async fn is_known(&self, header: &EntryHeader) -> Result<bool, InboxError> {
        let head = self.streams.cases.head(header).await?;
        if head.is_some_and(|head| head.header.key == header.key) {
            return Ok(true);
        }
        self.streams.ended.is_done(&header.key).await
    }

    /// Moves a dead letter back to its case. Returns whether it was still there.
    pub(super) async fn revive(&self, dead: &Letter) -> Result<bool, InboxError> {
        self.revive_as(dead, dead.revived()?).await
    }

    async fn revive_as(&self, dead: &Letter, message: PublishMessage) -> Result<bool, InboxError> {
        if !self.upkeep.has_room(dead.header.size()? + dead.body.len()).await? {
            return Err(InboxError::new("the size limit is reached"));
        }
        // Stored first: a crash in between leaves the dead letter beside the entry, and it is
        // removed when the entry is delivered.
        self.streams.cases.append(&dead.header, message).await?;
        self.streams.ended.exhume(dead).await
    }
}

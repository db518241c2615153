//! How an entry comes in.

use async_nats::jetstream::message::PublishMessage;
use bytes::Bytes;

use super::Nats;
use super::letter::{EntryHeader, Letter, NOTED_LATER, name_of};
use super::messages::Published;
use crate::inbox::engine::{Arrival, Stored};
use crate::inbox::error::InboxError;

/// How many bytes of headers a stream stores.
const LONGEST_HEADERS: usize = 65_535;

impl Nats {
    pub(super) async fn receive(&self, arrival: &Arrival) -> Result<Stored, InboxError> {
        let key = arrival.key.as_deref().map_or_else(|| self.number_once(), name_of);
        let header = EntryHeader::new(arrival, key);
        let size = header.size()? + arrival.body.len();
        self.check_size(size, &arrival.body)?;
        if arrival.unreadable.is_some() {
            return self.bury(&header, arrival.body.clone()).await;
        }
        if !self.has_room(size).await? {
            let is_known = self.is_known(&header).await?;
            return Ok(if is_known { Stored::Repeat } else { Stored::Full });
        }
        let message = header.around(arrival.body.clone())?.message_id(&header.key);
        match self.append(&self.case(&header), message).await? {
            Published::Duplicate(number) => {
                self.repeated(&header, arrival.body.clone(), number).await
            }
            Published::Stored | Published::Conflict => Ok(Stored::New),
        }
    }

    /// What has no room for what is noted of it later could never be done with.
    fn check_size(&self, size: usize, body: &Bytes) -> Result<(), InboxError> {
        let size = size + NOTED_LATER;
        if size - body.len() > LONGEST_HEADERS || size > self.client.max_payload() {
            return Err(InboxError::new("larger than what the server stores"));
        }
        Ok(())
    }

    fn number_once(&self) -> String {
        name_of(&self.client.new_inbox())
    }

    async fn bury(&self, header: &EntryHeader, body: Bytes) -> Result<Stored, InboxError> {
        self.has_reserve().await?;
        let subject = self.subjects.dead(&header.key);
        if self.streams.dead.last(&subject).await?.is_some() {
            return Ok(Stored::Repeat);
        }
        self.streams.dead.publish(&subject, header.around(body)?).await?;
        Ok(Stored::New)
    }

    /// What the server takes for a repeat is one only if what it repeats is there, or was processed.
    /// Looked for where an entry goes, in that order, so that none is missed on its way.
    async fn repeated(
        &self,
        header: &EntryHeader,
        body: Bytes,
        mut number: u64,
    ) -> Result<Stored, InboxError> {
        loop {
            let stored = self.streams.entries.get(number).await?.map(Letter::stored);
            let is_there = stored.is_some_and(|letter| letter.header.key == header.key);
            if is_there || self.is_known(header).await? {
                return Ok(Stored::Repeat);
            }
            let dead = self.subjects.dead(&header.key);
            if let Some(dead) = self.streams.dead.last(&dead).await? {
                self.revive_as(&Letter::stored(dead), header.around(body)?).await?;
                return Ok(Stored::Revived);
            }
            // Under another id: repeats of this one are to be known, too.
            let message = header.around(body.clone())?;
            let message = message.message_id(format!("{}.{number}", header.key));
            match self.append(&self.case(header), message).await? {
                Published::Duplicate(other) => number = other,
                Published::Stored | Published::Conflict => return Ok(Stored::New),
            }
        }
    }

    /// Whether it is its case's head, or was processed.
    async fn is_known(&self, header: &EntryHeader) -> Result<bool, InboxError> {
        let head = self.head(&self.case(header)).await?;
        if head.is_some_and(|head| head.header.key == header.key) {
            return Ok(true);
        }
        Ok(self.streams.seen.last(&self.subjects.seen(&header.key)).await?.is_some())
    }

    async fn has_room(&self, size: usize) -> Result<bool, InboxError> {
        self.has_reserve().await?;
        let size = u64::try_from(size).unwrap_or(u64::MAX);
        let has_room = self.capacity.take(size)
            || self.capacity.take_beside(self.streams.entries.state().await?.bytes, size);
        Ok(has_room)
    }

    pub(super) async fn revive(&self, dead: &Letter) -> Result<bool, InboxError> {
        self.revive_as(dead, dead.revived()?).await
    }

    async fn revive_as(&self, dead: &Letter, message: PublishMessage) -> Result<bool, InboxError> {
        if !self.has_room(dead.header.size()? + dead.body.len()).await? {
            return Err(InboxError::new("the size limit is reached"));
        }
        self.append(&self.case(&dead.header), message).await?;
        self.forget_dead(dead).await
    }

    pub(super) async fn forget_dead(&self, dead: &Letter) -> Result<bool, InboxError> {
        self.streams.dead.remove(dead.number).await
    }
}

//! An entry as a message: the body as it came, and in one header what is known of it.

use async_nats::HeaderMap;
use async_nats::jetstream::Message;
use async_nats::jetstream::message::{PublishMessage, StreamMessage};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use siphasher::sip128::SipHasher13;

use crate::inbox::engine::Arrival;
use crate::inbox::error::InboxError;
use crate::timestamp::Timestamp;

const HEADER: &str = "Snapengage-Entry";

/// What is wrong with a message that somebody else has put there.
pub(super) const FOREIGN: &str = "not stored by an inbox";

/// How much of an error is kept, in bytes: a header has no room for all a handler may say.
const LONGEST_ERROR: usize = 1024;

/// How many bytes may be noted of an entry later, and take other headers: JSON has six for one of an error.
pub(super) const NOTED_LATER: usize = 6 * LONGEST_ERROR + 1024;

/// What is known of a body. JSON, since what was sent may hold what a header may not.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct EntryHeader {
    pub(super) api: String,
    pub(super) path: String,
    pub(super) event: String,
    pub(super) subject: String,
    /// Tells repeats from others: a hash, or a number that comes once.
    pub(super) key: String,
    pub(super) received_at: Timestamp,
    /// The number of the message it came from, where it was moved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) origin: Option<u64>,
    /// How often a handler was called before it was moved here.
    #[serde(default)]
    pub(super) tries: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
    /// When it died, or when what is done goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) due_at: Option<Timestamp>,
}

impl EntryHeader {
    pub(super) fn new(arrival: &Arrival, key: String) -> Self {
        Self {
            api: arrival.api.to_owned(),
            path: arrival.path.clone(),
            event: arrival.event.clone(),
            subject: arrival.subject.clone(),
            key,
            received_at: arrival.received_at,
            origin: None,
            tries: 0,
            error: arrival.unreadable.as_deref().map(shortened),
            due_at: None,
        }
    }

    pub(super) fn is_foreign(&self) -> bool {
        self.api.is_empty()
    }

    /// The bytes it takes.
    pub(super) fn size(&self) -> Result<usize, InboxError> {
        Ok(serde_json::to_vec(self).map_err(InboxError::new)?.len())
    }

    pub(super) fn around(&self, body: Bytes) -> Result<PublishMessage, InboxError> {
        let header = serde_json::to_string(self).map_err(InboxError::new)?;
        Ok(PublishMessage::build().header(HEADER, header).payload(body))
    }

    /// Of a message that somebody else has put there, nothing is known.
    fn from_headers(headers: Option<&HeaderMap>, number: u64) -> Self {
        let header = headers.and_then(|headers| headers.get(HEADER));
        let header = header.and_then(|header| serde_json::from_str(header.as_str()).ok());
        header.unwrap_or_else(|| Self {
            api: String::new(),
            path: String::new(),
            event: String::new(),
            subject: String::new(),
            key: name_of(&number.to_string()),
            received_at: Timestamp::MIN,
            origin: None,
            tries: 0,
            error: None,
            due_at: None,
        })
    }
}

/// An entry that is in a stream.
#[derive(Debug, Clone)]
pub(super) struct Letter {
    /// The message's sequence number in its stream.
    pub(super) number: u64,
    pub(super) header: EntryHeader,
    pub(super) body: Bytes,
}

impl Letter {
    pub(super) fn stored(message: StreamMessage) -> Self {
        let StreamMessage { sequence: number, headers, payload: body, .. } = message;
        Self { number, header: EntryHeader::from_headers(Some(&headers), number), body }
    }

    pub(super) fn delivered(message: &Message, number: u64) -> Self {
        let header = EntryHeader::from_headers(message.headers.as_ref(), number);
        Self { number, header, body: message.payload.clone() }
    }

    /// The number it was first stored under.
    pub(super) fn origin(&self) -> u64 {
        self.header.origin.unwrap_or(self.number)
    }

    /// Whether it is the same entry, maybe under another number.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.origin() == other.origin()
    }

    /// The same entry, to be stored under another number.
    pub(super) fn moved(&self, tries: u32) -> Result<PublishMessage, InboxError> {
        let header = EntryHeader { origin: Some(self.origin()), tries, ..self.header.clone() };
        header.around(self.body.clone())
    }

    /// What is kept of it when it is over.
    pub(super) fn ended(
        &self,
        tries: u32,
        error: Option<&str>,
        due_at: Timestamp,
    ) -> Result<PublishMessage, InboxError> {
        let (origin, due_at) = (Some(self.origin()), Some(due_at));
        let error = error.map(shortened);
        let header = EntryHeader { origin, tries, error, due_at, ..self.header.clone() };
        header.around(self.body.clone())
    }

    /// The same as new: of a dead letter that is to be tried again.
    pub(super) fn revived(&self) -> Result<PublishMessage, InboxError> {
        let header = EntryHeader {
            origin: None,
            tries: 0,
            error: None,
            due_at: None,
            ..self.header.clone()
        };
        header.around(self.body.clone())
    }
}

/// A name for a text of any length and form, as a subject may have it.
pub(super) fn name_of(text: &str) -> String {
    format!("{:032x}", SipHasher13::new().hash(text.as_bytes()).as_u128())
}

pub(super) fn shortened(error: &str) -> String {
    let end = error.floor_char_boundary(LONGEST_ERROR);
    error[..end].to_owned()
}

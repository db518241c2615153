//! Entry as a message: the body as it came, one header with all that is known of it, and its id.

use async_nats::HeaderMap;
use async_nats::jetstream::Message;
use async_nats::jetstream::message::{PublishMessage, StreamMessage};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use siphasher::sip128::SipHasher13;

use crate::inbox::engine::Arrival;
use crate::inbox::entry::EntryId;
use crate::inbox::error::InboxError;
use crate::timestamp::Timestamp;

const HEADER: &str = "Snapengage-Entry";

/// Error of a message that somebody else has stored.
pub(super) const FOREIGN: &str = "not stored by an inbox";

/// Bytes of an error that are kept: a header has no room for all that a handler may say.
const LONGEST_ERROR: usize = 1024;

/// Bytes that may be noted of an entry later, with those of other headers: JSON has six for one of
/// an error.
pub(super) const NOTED_LATER: usize = 6 * LONGEST_ERROR + 1024;

/// Properties of an entry. JSON, since what was sent may hold characters that a header may not.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct EntryHeader {
    pub(super) api: String,
    pub(super) path: String,
    pub(super) event: String,
    pub(super) subject: String,
    /// Identity for repeats: a hash, or a name that is used once.
    pub(super) key: String,
    pub(super) received_at: Timestamp,
    /// Number of the message that it was moved from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) origin: Option<u64>,
    /// Attempts before it was moved here.
    #[serde(default, rename = "tries")]
    pub(super) attempts: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
    /// Time at which it died, or at which an entry that is done is deleted.
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
            attempts: 0,
            error: arrival.unreadable.as_deref().map(shortened),
            due_at: None,
        }
    }

    pub(super) fn is_foreign(&self) -> bool {
        self.api.is_empty()
    }

    /// Returns the size as JSON, in bytes.
    pub(super) fn size(&self) -> Result<usize, InboxError> {
        Ok(serde_json::to_vec(self).map_err(InboxError::new)?.len())
    }

    pub(super) fn around(&self, body: Bytes) -> Result<PublishMessage, InboxError> {
        let header = serde_json::to_string(self).map_err(InboxError::new)?;
        Ok(PublishMessage::build().header(HEADER, header).payload(body))
    }

    /// Reads the header, or makes an empty one for a message that somebody else has stored.
    fn from_headers(headers: Option<&HeaderMap>, number: u64) -> Self {
        let text = headers.and_then(|headers| headers.get(HEADER));
        let header = text.and_then(|text| serde_json::from_str(text.as_str()).ok());
        header.unwrap_or_else(|| Self {
            api: String::new(),
            path: String::new(),
            event: String::new(),
            subject: String::new(),
            key: name_of(&number.to_string()),
            received_at: Timestamp::MIN,
            origin: None,
            attempts: 0,
            error: None,
            due_at: None,
        })
    }
}

/// Entry that is in a stream.
#[derive(Debug, Clone)]
pub(super) struct Letter {
    /// Sequence number of its message in the stream.
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

    /// Returns the number that it was first stored under.
    pub(super) fn origin(&self) -> u64 {
        self.header.origin.unwrap_or(self.number)
    }

    /// Returns whether both are the same entry, maybe under two numbers.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.origin() == other.origin()
    }

    /// Returns the message that stores the entry under another number.
    pub(super) fn moved(&self, attempts: u32) -> Result<PublishMessage, InboxError> {
        let header = EntryHeader { origin: Some(self.origin()), attempts, ..self.header.clone() };
        header.around(self.body.clone())
    }

    /// Returns the message that keeps the entry once it is over.
    pub(super) fn ended(
        &self,
        attempts: u32,
        error: Option<&str>,
        due_at: Timestamp,
    ) -> Result<PublishMessage, InboxError> {
        let header = EntryHeader {
            origin: Some(self.origin()),
            attempts,
            error: error.map(shortened),
            due_at: Some(due_at),
            ..self.header.clone()
        };
        header.around(self.body.clone())
    }

    /// Returns the message that stores a dead letter as a new entry.
    pub(super) fn revived(&self) -> Result<PublishMessage, InboxError> {
        let header = EntryHeader {
            origin: None,
            attempts: 0,
            error: None,
            due_at: None,
            ..self.header.clone()
        };
        header.around(self.body.clone())
    }
}

/// Stream that an entry is in, encoded in its id: ten times the number of its message, and a last
/// digit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Position {
    /// To be processed.
    Open,
    Done,
    Dead,
}

impl Position {
    /// Returns the id of the entry in this number's message.
    pub(super) fn id(self, number: u64) -> EntryId {
        let digit = match self {
            Self::Open => 0,
            Self::Done => 1,
            Self::Dead => 2,
        };
        EntryId(i64::try_from(number).unwrap_or(i64::MAX / 10) * 10 + digit)
    }

    /// Returns the position and number that an id stands for. No entry has an id of another last
    /// digit.
    pub(super) fn of(id: EntryId) -> (Option<Self>, u64) {
        let position = match id.0 % 10 {
            0 => Some(Self::Open),
            1 => Some(Self::Done),
            2 => Some(Self::Dead),
            _ => None,
        };
        (position, u64::try_from(id.0 / 10).unwrap_or(0))
    }
}

/// Returns the token of a subject for a text of any length and form.
pub(super) fn name_of(text: &str) -> String {
    format!("{:032x}", SipHasher13::new().hash(text.as_bytes()).as_u128())
}

pub(super) fn shortened(error: &str) -> String {
    let end = error.floor_char_boundary(LONGEST_ERROR);
    error[..end].to_owned()
}

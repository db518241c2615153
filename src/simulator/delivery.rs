//! Requests that the simulator sent to the feeds, and what came back.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::api::Api;
use crate::id::CaseId;
use crate::timestamp::Timestamp;

/// Request that was sent to a feed, and its answer: the wire, with tokens as `<redacted>`.
///
/// Its JSON is that of the HTTP face. One that is under way has neither a response nor an error.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DeliveryRecord {
    /// Number, from 1, in the order of what caused them.
    pub n: u64,
    /// Feed it was sent to.
    #[serde(serialize_with = "write_feed", deserialize_with = "read_feed")]
    pub feed: Api,
    /// Case it is about; absent for the status of an agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case_id: Option<CaseId>,
    /// Number of the attempt, from 1.
    pub attempt: u32,
    /// Address it was sent to: a path if it went straight to a receiver. What may be a secret in it
    /// is `<secret>`: a user and a password before the host, and in that of Get Contact the end of
    /// the path and the values of a query that was configured.
    pub url: String,
    /// Simulated time it was sent.
    pub at: Timestamp,
    /// Time until the answer, in milliseconds, by the real clock; 0 before, and with a
    /// [seed](super::SimulatorBuilder::seed), as time stands still.
    pub duration_ms: u64,
    /// The request.
    pub request: RecordedRequest,
    /// The answer; absent if there was none.
    pub response: Option<RecordedResponse>,
    /// Failure: no answer, or one of a bot that cannot be read, which is beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// `true` for the last attempt of all: SnapEngage gives up, and writes an email to the
    /// customer.
    #[serde(default, skip_serializing_if = "is_false")]
    pub mailed: bool,
    /// `true` for a request that is not sent yet: a [fault](super::FaultTrigger::reorder) holds it
    /// back.
    #[serde(default, skip_serializing_if = "is_false")]
    pub held: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields by reference")]
pub(super) fn is_false(flag: &bool) -> bool {
    !*flag
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields by reference")]
fn write_feed<S: Serializer>(feed: &Api, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(feed.as_str())
}

fn read_feed<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Api, D::Error> {
    let name = String::deserialize(deserializer)?;
    feed_named(&name).ok_or_else(|| de::Error::custom("unknown `feed`"))
}

/// All feeds.
pub(super) const FEEDS: [Api; 5] =
    [Api::Bot, Api::Integration, Api::Conversation, Api::AgentStatus, Api::Contact];

/// Returns the feed of this name in JSON, such as `conversation-events`.
pub(super) fn feed_named(name: &str) -> Option<Api> {
    FEEDS.into_iter().find(|feed| feed.as_str() == name)
}

/// Request as it was sent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RecordedRequest {
    /// Headers, by their names in lower case.
    pub headers: BTreeMap<String, String>,
    /// Body, as on the wire; empty in a GET.
    pub body: String,
}

/// Answer as it came.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RecordedResponse {
    /// Status code.
    pub status: u16,
    /// Headers, by their names in lower case.
    pub headers: BTreeMap<String, String>,
    /// Body, as on the wire, up to 1 MiB.
    pub body: String,
}

impl DeliveryRecord {
    /// Returns `true` once it was answered or given up.
    pub fn is_finished(&self) -> bool {
        self.response.is_some() || self.error.is_some()
    }

    /// Returns `true` if the feed took it: 2xx.
    pub fn is_accepted(&self) -> bool {
        let status = self.response.as_ref().map_or(0, |response| response.status);
        self.error.is_none() && (200..300).contains(&status)
    }
}

/// Choice of deliveries: those that are of all that is named.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeliveryFilter {
    /// Feed; absent: all.
    pub feed: Option<Api>,
    /// Case; absent: all, and those that are about none.
    pub case: Option<CaseId>,
    /// Number that they come after; 0: all.
    pub after: u64,
}

impl DeliveryFilter {
    /// Returns the same, of this feed alone.
    #[must_use]
    pub fn feed(self, feed: Api) -> Self {
        Self { feed: Some(feed), ..self }
    }

    /// Returns the same, of this case alone.
    #[must_use]
    pub fn case(self, case: impl Into<CaseId>) -> Self {
        Self { case: Some(case.into()), ..self }
    }

    /// Returns the same, of those after this number alone.
    #[must_use]
    pub fn after(self, number: u64) -> Self {
        Self { after: number, ..self }
    }

    pub(super) fn takes(&self, record: &DeliveryRecord) -> bool {
        self.feed.is_none_or(|feed| feed == record.feed)
            && (self.case.is_none() || self.case == record.case_id)
            && record.n > self.after
    }
}

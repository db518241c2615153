//! Lines of a transcript, and their dates.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::timestamp::Timestamp;
#[cfg(feature = "contract")]
use crate::wire::described::{Definitions, Described};
use crate::wire::lenient::{Lenient, Scalar};
use crate::wire::model::model;
use crate::wire::open_set::open_set;

/// Date as SnapEngage writes it.
///
/// Text is kept as it came. It claims to be in GMT, and in the vendor's own sample it is not: times
/// are read from the fields beside it if they are present.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum Date {
    /// Text: `Oct 3, 2014 2:14:31 PM`, or `Mon Oct 18 01:48:27 UTC 2010` in XML.
    Text(String),
    /// Epoch milliseconds, as the Logs API has it.
    Time(Timestamp),
}

impl Date {
    /// Returns the time, in GMT if the text names no zone. `None` for text in an unknown form.
    pub fn time(&self) -> Option<Timestamp> {
        match self {
            Self::Text(text) => Timestamp::from_text(text),
            Self::Time(time) => Some(*time),
        }
    }
}

impl Lenient for Date {
    fn from_scalar(value: Scalar<'_>) -> Option<Self> {
        match value {
            Scalar::Text(text) => Some(Self::Text(text.to_owned())),
            _ => Timestamp::from_scalar(value).map(Self::Time),
        }
    }
}

#[cfg(feature = "contract")]
impl Described for Date {
    fn schema(_: &mut Definitions) -> serde_json::Value {
        let (first, last) = (Timestamp::MIN.as_millis(), Timestamp::MAX.as_millis());
        let time = serde_json::json!({ "type": "integer", "minimum": first, "maximum": last });
        serde_json::json!({ "anyOf": [{ "type": "string" }, time] })
    }
}

/// Returns the time in the fields SnapEngage has for it, if they are present.
pub(super) fn time(
    seconds: Option<i64>,
    milliseconds: Option<i64>,
    date: Option<&Date>,
) -> Option<Timestamp> {
    let from_parts = seconds.and_then(|seconds| Timestamp::from_parts(seconds, milliseconds));
    from_parts.or_else(|| date?.time())
}

model! {
    /// Line of a transcript.
    #[derive(Default)]
    pub struct TranscriptLine {
        /// Id of the speaker: an agent's id, absent for a visitor, or in 2018 the visitor's email
        /// address.
        pub id: Option<String> = "id",
        /// Time of the line, as it came; see [`sent_at`](Self::sent_at).
        pub date: Option<Date> = "date",
        /// Time of the line, in epoch seconds.
        pub date_seconds: Option<i64> = "date_seconds",
        /// Milliseconds within that second, 0 to 999. Not in XML.
        pub date_milliseconds: Option<i64> = "date_milliseconds",
        /// Name of the speaker.
        pub alias: Option<String> = "alias",
        /// Text of the line.
        pub message: String = "message",
        /// Translations of the text, by their ISO 639-1 codes.
        pub translations: BTreeMap<String, String> = "translations",
        /// Side that spoke. Not in XML; see [`is_from_visitor`](Self::is_from_visitor).
        pub sender: Option<Sender> = "sender",
    }
}

impl TranscriptLine {
    /// Returns `true` if the visitor spoke: by the sender, or if there is none, as in XML and in
    /// 2018, by the id, which a visitor has not, or by the alias `visitor`.
    pub fn is_from_visitor(&self) -> bool {
        match &self.sender {
            Some(sender) => *sender == Sender::Visitor,
            None if self.extra.contains_key("sender") || self.extra.contains_key("id") => false,
            None => self.id.is_none() || self.alias.as_deref() == Some("visitor"),
        }
    }

    /// Returns `true` if an agent spoke: by the sender, or if there is none, as in XML and in 2018,
    /// by the id.
    pub fn is_from_agent(&self) -> bool {
        match &self.sender {
            Some(sender) => *sender == Sender::Agent,
            None => {
                self.id.is_some() && !self.extra.contains_key("sender") && !self.is_from_visitor()
            }
        }
    }

    /// Returns the time of the line: from the two fields, else from the [`date`](Self::date).
    pub fn sent_at(&self) -> Option<Timestamp> {
        time(self.date_seconds, self.date_milliseconds, self.date.as_ref())
    }
}

open_set! {
    /// Speakers of a line of a transcript.
    pub enum Sender {
        /// SnapEngage.
        System = "SYSTEM",
        /// An agent.
        Agent = "AGENT",
        /// A bot.
        Bot = "BOT",
        /// The visitor.
        Visitor = "VISITOR",
    }
}

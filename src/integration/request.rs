//! Model of a support request, the same for both forms.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::requester::RequesterDetails;
use super::transcript::{Date, TranscriptLine, time};
use crate::id::{AgentId, CaseId, WidgetId};
use crate::timestamp::Timestamp;
#[cfg(feature = "contract")]
use crate::wire::described::{Definitions, Described};
use crate::wire::lenient::{Lenient, Scalar};
use crate::wire::model::model;
use crate::wire::open_set::open_set;

model! {
    /// Finished chat or offline message.
    ///
    /// Only `id` is always present. Fields marked XML come in the legacy XML form alone, and those
    /// marked Logs are documented for the Logs API, which shares the form.
    ///
    /// See [SnapEngage docs/Integration API](https://developer.snapengage.com/#integration-api).
    pub struct SupportRequest {
        required {
            /// Id of the conversation. The same one may be sent more than once.
            pub id: CaseId = "id",
        }
        /// Id of the widget the conversation came in by. Not in XML.
        pub widget_id: Option<WidgetId> = "widget_id",
        /// Address of the conversation in the dashboard.
        pub url: Option<String> = "url",
        /// Picture of the visitor's page. Deprecated by the vendor.
        pub snapshot_image_url: Option<String> = "snapshot_image_url",
        /// Kind, chat or offline message: `type` in JSON. Not in XML; see
        /// [`is_offline`](Self::is_offline).
        pub kind: Option<RequestKind> = "type",
        /// Visitor's email address; if none is known, `unknown@example.com` or `unknown`.
        pub requested_by: Option<String> = "requested_by",
        /// Details of the visitor from online services.
        pub requester_details: Option<Box<RequesterDetails>> = "requester_details",
        /// First message, or the text of the offline message.
        pub description: Option<String> = "description",
        /// Time of creation, as it came; see [`created_at`](Self::created_at).
        pub created_at_date: Option<Date> = "created_at_date",
        /// Time of creation, in epoch seconds.
        pub created_at_seconds: Option<i64> = "created_at_seconds",
        /// Milliseconds within that second, 0 to 999.
        pub created_at_milliseconds: Option<i64> = "created_at_milliseconds",
        /// `true` if the chat was proposed to the visitor. Not in XML; see
        /// [`is_proactive`](Self::is_proactive).
        pub proactive_chat: Option<bool> = "proactive_chat",
        /// Address of the page the conversation started on; may be `unknown`.
        pub page_url: Option<String> = "page_url",
        /// Address of the site the visitor came from.
        pub referrer_url: Option<String> = "referrer_url",
        /// Address of the first page of the visit.
        pub entry_url: Option<String> = "entry_url",
        /// Visitor's IP address.
        pub ip_address: Option<String> = "ip_address",
        /// Visitor's `User-Agent`. Not in XML.
        pub user_agent: Option<String> = "user_agent",
        /// Visitor's browser and its version.
        pub browser: Option<String> = "browser",
        /// Visitor's operating system.
        pub os: Option<String> = "os",
        /// Visitor's country, in two letters.
        pub country_code: Option<String> = "country_code",
        /// Visitor's country.
        pub country: Option<String> = "country",
        /// Visitor's region: a FIPS number, or letters.
        pub region: Option<String> = "region",
        /// Visitor's city.
        pub city: Option<String> = "city",
        /// Visitor's latitude, in degrees.
        pub latitude: Option<f64> = "latitude",
        /// Visitor's longitude, in degrees.
        pub longitude: Option<f64> = "longitude",
        /// Origin of the conversation.
        pub source_id: Option<SourceId> = "source_id",
        /// Time that the visitor waited for an agent, in seconds.
        pub chat_waittime: Option<i64> = "chat_waittime",
        /// Duration of the chat, in seconds.
        pub chat_duration: Option<i64> = "chat_duration",
        /// Party that ended the chat. Not in XML.
        pub chat_ended_by: Option<ChatEndedBy> = "chat_ended_by",
        /// `true` if an agent responded. Logs.
        pub chat_responded: Option<bool> = "chat_responded",
        /// Id of the agent. Logs.
        pub chat_agent_id: Option<AgentId> = "chat_agent_id",
        /// Agent's name, as visitors see it. Logs.
        pub chat_agent_alias: Option<String> = "chat_agent_alias",
        /// Visitor's score, 0 to 100. Logs.
        pub survey_score: Option<i64> = "survey_score",
        /// Visitor's comment. Logs.
        pub survey_comments: Option<String> = "survey_comments",
        /// Languages of the visitor's browser, as in `Accept-Language`. Not in XML.
        pub language_code: Option<String> = "language_code",
        /// Languages of the visitor's browser. XML.
        pub languages: Vec<Language> = "languages",
        /// Lines of the transcript, not always in the order of time. Empty for offline messages.
        pub transcripts: Vec<TranscriptLine> = "transcripts",
        /// Plug-ins of the visitor's browser. Deprecated by the vendor.
        pub plugins: Vec<Variable> = "plugins",
        /// Variables of the page.
        pub javascript_variables: Vec<Variable> = "javascript_variables",
        /// Variables that the agents filled in.
        pub operator_variables: Vec<Variable> = "operator_variables",
        /// Labels set on the conversation.
        pub labels: Vec<Variable> = "labels",
        /// Address that the transcript was sent to. Logs.
        pub destination_url: Option<String> = "destination_url",
        /// Email address that the visitor had the transcript sent to. Logs.
        pub visitor_transcript_email: Option<String> = "visitor_transcript_email",
    }
}

impl SupportRequest {
    /// Returns the case's id, the key for a handler to commit its effect under.
    ///
    /// A case that comes again with more in it, a survey or the rest of the transcript, has the
    /// same key: the later one replaces what was stored under it.
    ///
    /// ```
    /// use snapengage::integration::SupportRequest;
    ///
    /// let first = SupportRequest::from_body(br#"{"id": "case-1"}"#)?;
    /// let again = SupportRequest::from_body(br#"{"id": "case-1", "survey_score": 100}"#)?;
    /// assert_eq!(first.key(), again.key());
    /// # Ok::<_, snapengage::DecodeError>(())
    /// ```
    pub fn key(&self) -> &str {
        self.id.as_str()
    }

    /// Returns `true` if it is a message left while nobody was there: by [`kind`](Self::kind), or
    /// in XML, which has none, by [`source_id`](Self::source_id).
    pub fn is_offline(&self) -> bool {
        match self.kind {
            Some(RequestKind::Offline) => true,
            Some(RequestKind::Chat) => false,
            _ => self.source_id == Some(SourceId::Offline),
        }
    }

    /// Returns `true` if it is a chat that was proposed to the visitor: by
    /// [`proactive_chat`](Self::proactive_chat), or in XML, which has none, by
    /// [`source_id`](Self::source_id).
    pub fn is_proactive(&self) -> bool {
        self.proactive_chat.unwrap_or(self.source_id == Some(SourceId::Proactive))
    }

    /// Returns the time of creation: from the two fields, else from
    /// [`created_at_date`](Self::created_at_date), or from `created_at` as old exports have it.
    pub fn created_at(&self) -> Option<Timestamp> {
        let (seconds, milliseconds) = (self.created_at_seconds, self.created_at_milliseconds);
        time(seconds, milliseconds, self.created_at_date.as_ref()).or_else(|| {
            match self.extra.get("created_at")? {
                Value::String(text) => Timestamp::from_text(text),
                number => Timestamp::from_millis(number.as_i64()?),
            }
        })
    }
}

open_set! {
    /// Kinds of support requests.
    pub enum RequestKind {
        /// Chat.
        Chat = "chat",
        /// Message left while nobody was there.
        Offline = "offline",
    }
}

open_set! {
    /// Parties that can end a chat.
    pub enum ChatEndedBy {
        /// The agent.
        Agent = "agent",
        /// The visitor.
        Visitor = "visitor",
        /// Nobody: the chat was idle for too long.
        TimedOut = "timed_out",
        /// Nobody: there was no agent to take it.
        NoAgentsFound = "no_agents_found",
    }
}

/// Origin of a support request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SourceId {
    /// 1: an offline message.
    Offline,
    /// 2: a chat that the visitor started.
    Chat,
    /// 3: a chat that was proposed to the visitor.
    Proactive,
    /// Number that is not documented, as [`as_i64`](Self::as_i64) returns it.
    Unknown(UndocumentedSource),
}

/// Number outside the documented ones of [`SourceId`]. Made only by reading, or by
/// `SourceId::from`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct UndocumentedSource(i64);

impl SourceId {
    /// Returns the number as SnapEngage writes it.
    pub fn as_i64(self) -> i64 {
        match self {
            Self::Offline => 1,
            Self::Chat => 2,
            Self::Proactive => 3,
            Self::Unknown(UndocumentedSource(number)) => number,
        }
    }
}

impl From<i64> for SourceId {
    fn from(number: i64) -> Self {
        match number {
            1 => Self::Offline,
            2 => Self::Chat,
            3 => Self::Proactive,
            _ => Self::Unknown(UndocumentedSource(number)),
        }
    }
}

impl Lenient for SourceId {
    fn from_scalar(value: Scalar<'_>) -> Option<Self> {
        i64::from_scalar(value).map(Self::from)
    }
}

#[cfg(feature = "contract")]
impl Described for SourceId {
    fn schema(definitions: &mut Definitions) -> Value {
        let known = [Self::Offline, Self::Chat, Self::Proactive].map(Self::as_i64);
        definitions.open_numbers(&known)
    }
}

impl Serialize for SourceId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(self.as_i64())
    }
}

impl<'de> Deserialize<'de> for SourceId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        i64::deserialize(deserializer).map(Self::from)
    }
}

model! {
    /// Name and value of a variable, a label or a plug-in.
    #[derive(Default)]
    pub struct Variable {
        /// Its name.
        pub name: Option<String> = "name",
        /// Its value.
        pub value: Option<String> = "value",
    }
}

model! {
    /// Language of the visitor's browser.
    #[derive(Default)]
    pub struct Language {
        /// Name of the language: `German`.
        pub name: Option<String> = "name",
        /// Code of the language: `de-DE`. In XML also as `<value>`, or as bare text beside the
        /// name.
        pub code: Option<String> = "code",
    }
}

//! Events that the Hub tells the page of an agent link.

use std::collections::BTreeMap;

use serde::de::{Error as _, MapAccess};
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::detail::details;
use super::envelope::EventEnvelope;
use super::message::MessageData;
use crate::error::DecodeError;
use crate::id::{AgentId, ConversationId};
#[cfg(feature = "contract")]
use crate::wire::described::{Definitions, Described, Title};
use crate::wire::json;
use crate::wire::lenient::Lenient;
use crate::wire::model::{Model, model};
use crate::wire::open_set::open_set;

/// Event of a conversation, as the Hub tells the page of an agent link.
///
/// See [SnapEngage docs/Hub SDK](https://developer.snapengage.com/#hub-sdk).
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Event {
    /// Id of the conversation, to be sent back in actions as it came.
    pub conversation_id: ConversationId,
    /// Email address of the agent. Not sent with `conversation_closed_by_visitor`.
    pub agent_email: Option<AgentId>,
    /// Event, with its data.
    pub detail: EventDetail,
    /// Fields that are not documented, or not of the documented type, by the vendor's names.
    pub extra: BTreeMap<String, Value>,
}

impl Event {
    /// Creates an event without the agent.
    pub fn new(conversation_id: impl Into<ConversationId>, detail: EventDetail) -> Self {
        let conversation_id = conversation_id.into();
        Self { conversation_id, agent_email: None, detail, extra: BTreeMap::new() }
    }

    /// Reads an event as the Hub posts it, in JSON.
    ///
    /// # Errors
    ///
    /// If it is not a JSON object, or lacks `type` or `conversationId`.
    pub fn from_json(body: &[u8]) -> Result<Self, DecodeError> {
        json::from_json(WHAT, body)
    }

    /// Reads an event as a page relays it, and logs the names of its odd fields.
    pub(super) fn from_request(
        body: &[u8],
        odd_fields: Option<&mut Vec<&'static str>>,
    ) -> Result<Self, DecodeError> {
        json::from_request(WHAT, body, odd_fields)
    }
}

const WHAT: &str = "hub event";

impl Model for Event {
    fn read_map<'de, A: MapAccess<'de>>(map: A) -> Result<Self, A::Error> {
        let EventEnvelope { kind, conversation_id, agent_email, data, mut extra } =
            EventEnvelope::read_map(map)?;
        let (detail, left) = EventDetail::read(&kind, data).map_err(A::Error::custom)?;
        extra.extend(left.map(|left| ("data".to_owned(), left)));
        Ok(Self { conversation_id, agent_email, detail, extra })
    }
}

impl Lenient for Event {
    fn odd_fields(&self, report: &mut dyn FnMut(&'static str)) {
        self.to_envelope().odd_fields(report);
        self.detail.report_odd_data(report);
    }

    fn names(&self) -> &'static [&'static str] {
        self.to_envelope().names()
    }
}

impl Event {
    fn to_envelope(&self) -> EventEnvelope {
        EventEnvelope {
            agent_email: self.agent_email.clone(),
            data: self.detail.data(),
            extra: self.extra.clone(),
            ..EventEnvelope::new(self.detail.name(), self.conversation_id.clone())
        }
    }
}

#[cfg(feature = "contract")]
impl Described for Event {
    fn schema(definitions: &mut Definitions) -> Value {
        let title = Title {
            module: module_path!(),
            name: "Event",
            docs: &["Event of a conversation, as the Hub tells the page of an agent link."],
        };
        let envelope = EventEnvelope::schema(definitions);
        let known = EventDetail::schemas(definitions, "HubEvent", &envelope);
        let unknown = definitions.rename(&envelope, "HubEventUnknown".to_owned());
        definitions.told_apart(&title, "type", known, &unknown)
    }
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_envelope().serialize(serializer)
    }
}

details! {
    /// Events of a conversation, with their data.
    ///
    /// See [SnapEngage docs/Hub SDK](https://developer.snapengage.com/#hub-sdk).
    pub enum EventDetail {
        /// A visitor started a conversation. It is not told of conversations that a bot began.
        ConversationStarted(MessageData) = "conversation_started",
        /// The agent noted the visitor's name, with `/name=`.
        NameCaptured(CapturedName) = "name_captured",
        /// The agent noted the visitor's phone number, with `/phone=`.
        PhoneCaptured(CapturedPhone) = "phone_captured",
        /// The agent noted the visitor's email address, with `/email=`.
        EmailCaptured(CapturedEmail) = "email_captured",
        /// The agent wrote a message.
        AgentMessageReceived(MessageData) = "agent_message_received",
        /// The visitor wrote a message.
        VisitorMessageReceived(MessageData) = "visitor_message_received",
        /// The visitor is typing: the letters so far. Only if the widget has "Sneak Peek".
        VisitorTyping(MessageData) = "visitor_typing",
        /// The visitor loaded a page again, or another one.
        VisitorPageUpdate(VisitedPage) = "visitor_page_update",
        /// The visitor ended the conversation.
        ConversationClosedByVisitor = "conversation_closed_by_visitor",
        /// The agent reclaims a conversation that was transferred.
        ReclaimTransferRequest = "reclaim_transfer_request",
        /// The visitor was asked for a file.
        RequestFile = "request_file",
        /// The visitor was asked for data that is kept secret; the data itself is not told.
        RequestSecureData(RequestedData) = "request_secure_data",
        /// The visitor was banned, by cookie or by IP address.
        BanUser = "ban_user",
        /// The visitor asked for a call.
        CallMe = "call_me",
        /// The visitor asked for the transcript.
        VisitorTranscriptRequest = "visitor_transcript_request",
        /// The agent switched to another widget.
        WidgetChanged(ChangedWidget) = "widget_changed",
        /// The transcript will not be sent to the CRM.
        Ignore = "ignore",
        /// The transcript will be sent to the CRM.
        Record = "record",
        /// The agent turned automatic translation on.
        AutoTranslateEnabled = "auto_translate_enabled",
        /// The agent turned automatic translation off.
        AutoTranslateDisabled = "auto_translate_disabled",
        /// The agent chose another language for automatic translation. It is not told which.
        AutoTranslateLanguageChanged = "auto_translate_language_changed",
        /// The weather at the visitor's place became known.
        WeatherInfoCaptured(Weather) = "weather_info_captured",
    }
}

model! {
    /// Name of a visitor, as the agent noted it.
    #[derive(Default)]
    pub struct CapturedName {
        /// Name of the visitor.
        pub name: Option<String> = "name",
    }
}

model! {
    /// Phone number of a visitor, as the agent noted it. It is not checked.
    #[derive(Default)]
    pub struct CapturedPhone {
        /// Phone number of the visitor.
        pub phone: Option<String> = "phone",
    }
}

model! {
    /// Email address of a visitor, as the agent noted it.
    #[derive(Default)]
    pub struct CapturedEmail {
        /// Email address of the visitor. The vendor's page has it under `phone`.
        pub email: Option<String> = "email",
        /// Email address of the visitor, as the vendor's page has it.
        pub phone: Option<String> = "phone",
    }
}

impl CapturedEmail {
    /// Returns the email address, whatever it came as.
    pub fn address(&self) -> Option<&str> {
        self.email.as_deref().or(self.phone.as_deref())
    }
}

model! {
    /// Page that a visitor loaded.
    #[derive(Default)]
    pub struct VisitedPage {
        /// Address of the page.
        pub page: Option<String> = "page",
    }
}

model! {
    /// Kind of the data that a visitor was asked for.
    #[derive(Default)]
    pub struct RequestedData {
        /// Kind of the data.
        pub kind: Option<SecureDataKind> = "secure_data_type",
    }
}

open_set! {
    /// Kinds of data that are kept secret.
    pub enum SecureDataKind {
        /// Social security number.
        Ssn = "SSN",
        /// Details of a credit card.
        CreditCard = "Credit Card",
        /// Any other note.
        SecureNote = "Secure Note",
    }
}

model! {
    /// Widget that an agent switched to.
    #[derive(Default)]
    pub struct ChangedWidget {
        /// Name of the widget.
        pub changed_widget: Option<String> = "changed_widget",
    }
}

model! {
    /// Weather at a visitor's place.
    #[derive(Default)]
    pub struct Weather {
        /// Temperature, in degrees Celsius.
        pub celsius: Option<f64> = "temperature_celsius",
        /// Temperature, in degrees Fahrenheit.
        pub fahrenheit: Option<f64> = "temperature_fahrenheit",
        /// Description, in words.
        pub description: Option<String> = "description",
    }
}

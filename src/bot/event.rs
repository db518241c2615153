//! Events that SnapEngage sends to a bot.

use std::borrow::Cow;

use serde::de::MapAccess;
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::error::DecodeError;
use crate::id::{CaseId, WidgetId};
use crate::timestamp::Timestamp;
use crate::wire::json;
use crate::wire::lenient::{Lenient, others, read_name, require};
use crate::wire::model::{Model, Name, ReadAhead, model};
use crate::wire::open_set::open_set;

const WHAT: &str = "bot request";

/// Any event that SnapEngage sends to a bot.
///
/// See [SnapEngage docs/Bot API](https://developer.snapengage.com/#bot-api).
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// `chatStarted`.
    ChatStarted(Box<ChatStarted>),
    /// `message`.
    Message(Message),
    /// `commandResult`.
    CommandResult(CommandResult),
    /// `chatClosed`.
    ChatClosed(ChatClosed),
    /// Any other event.
    Unknown(Unknown),
}

impl Event {
    /// Reads the body of a request.
    ///
    /// # Errors
    ///
    /// If the body is not a JSON object, lacks `event`, or is a documented event without
    /// `widget_id` or `case_id`.
    pub fn from_json(body: &[u8]) -> Result<Self, DecodeError> {
        json::from_json(WHAT, body)
    }

    /// Reads the body of a request into a box, since an event is moved a dozen times before a
    /// handler has it.
    pub(super) fn from_request(body: &[u8]) -> Result<Box<Self>, DecodeError> {
        json::from_request(WHAT, body)
    }

    /// Returns the event's name, as SnapEngage writes it.
    pub fn name(&self) -> &str {
        match self {
            Self::Unknown(unknown) => &unknown.event,
            _ => self.documented_name().unwrap_or_default(),
        }
    }

    /// Returns the name, for use when the event is gone; that of a documented event needs no
    /// allocation.
    pub(super) fn to_name(&self) -> Cow<'static, str> {
        self.documented_name().map_or_else(|| self.name().to_owned().into(), Cow::Borrowed)
    }

    fn documented_name(&self) -> Option<&'static str> {
        match self {
            Self::ChatStarted(_) => Some(ChatStarted::EVENT),
            Self::Message(_) => Some(Message::EVENT),
            Self::CommandResult(_) => Some(CommandResult::EVENT),
            Self::ChatClosed(_) => Some(ChatClosed::EVENT),
            Self::Unknown(_) => None,
        }
    }

    /// Returns the widget the chat came in by. Only an unknown event may lack it.
    pub fn widget_id(&self) -> Option<&WidgetId> {
        match self {
            Self::ChatStarted(event) => Some(&event.widget_id),
            Self::Message(event) => Some(&event.widget_id),
            Self::CommandResult(event) => Some(&event.widget_id),
            Self::ChatClosed(event) => Some(&event.widget_id),
            Self::Unknown(event) => event.widget_id.as_ref(),
        }
    }

    /// Returns the id of the conversation. Only an unknown event may lack it.
    pub fn case_id(&self) -> Option<&CaseId> {
        match self {
            Self::ChatStarted(event) => Some(&event.case_id),
            Self::Message(event) => Some(&event.case_id),
            Self::CommandResult(event) => Some(&event.case_id),
            Self::ChatClosed(event) => Some(&event.case_id),
            Self::Unknown(event) => event.case_id.as_ref(),
        }
    }
}

impl From<ChatStarted> for Event {
    fn from(event: ChatStarted) -> Self {
        Self::ChatStarted(Box::new(event))
    }
}

impl Lenient for Event {
    fn odd_fields(&self, report: &mut dyn FnMut(&'static str)) {
        match self {
            Self::ChatStarted(event) => event.odd_fields(report),
            Self::Message(event) => event.odd_fields(report),
            Self::CommandResult(event) => event.odd_fields(report),
            Self::ChatClosed(event) => event.odd_fields(report),
            Self::Unknown(event) => event.odd_fields(report),
        }
    }

    fn names(&self) -> &'static [&'static str] {
        match self {
            Self::ChatStarted(event) => event.names(),
            Self::Message(event) => event.names(),
            Self::CommandResult(event) => event.names(),
            Self::ChatClosed(event) => event.names(),
            Self::Unknown(event) => event.names(),
        }
    }
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::ChatStarted(event) => event.serialize(serializer),
            Self::Message(event) => event.serialize(serializer),
            Self::CommandResult(event) => event.serialize(serializer),
            Self::ChatClosed(event) => event.serialize(serializer),
            Self::Unknown(event) => event.serialize(serializer),
        }
    }
}

/// Reads up to `event`, which says how to read the rest. If it is repeated, the first counts.
impl Model for Event {
    fn read_map<'de, A: MapAccess<'de>>(mut map: A) -> Result<Self, A::Error> {
        let mut before = Vec::new();
        let mut event = None;
        while event.is_none() {
            match map.next_key()? {
                Some(Name(name)) if name == "event" => event = read_name("event", &mut map)?,
                Some(Name(name)) => before.push((name, map.next_value()?)),
                None => break,
            }
        }
        let event = require(event, "event")?;
        let map = ReadAhead::new(before, map);
        match &*event {
            ChatStarted::EVENT => ChatStarted::read_map(map).map(Box::new).map(Self::ChatStarted),
            Message::EVENT => Message::read_map(map).map(Self::Message),
            CommandResult::EVENT => CommandResult::read_map(map).map(Self::CommandResult),
            ChatClosed::EVENT => ChatClosed::read_map(map).map(Self::ChatClosed),
            _ => {
                let mut unknown = Unknown::read_map(map.with("event", &*event))?;
                unknown.keep_first_event(event.into_owned());
                Ok(Self::Unknown(unknown))
            }
        }
    }
}

model! {
    /// Start of a chat: a visitor was put through to the bot.
    ///
    /// See [SnapEngage docs/Bot API](https://developer.snapengage.com/#bot-api).
    pub struct ChatStarted {
        required {
            /// Id of the widget the chat came in by.
            pub widget_id: WidgetId = "widget_id",
            /// Id of the conversation.
            pub case_id: CaseId = "case_id",
        }
        constant {
            /// Name of the event.
            "event" = Self::EVENT,
        }
        /// Time of the event, in epoch milliseconds.
        pub timestamp: Option<Timestamp> = "timestamp",
        /// Email address of the visitor.
        pub email: Option<String> = "email",
        /// Message that proposed the chat to the visitor; absent if the visitor started the chat.
        pub proactive_message: Option<String> = "proactive_message",
        /// First message of the visitor, as the vendor's table has it; see
        /// [`first_message`](Self::first_message).
        pub description: Option<String> = "description",
        /// First message of the visitor, as the vendor's sample has it; see
        /// [`first_message`](Self::first_message).
        pub text: Option<String> = "text",
        /// Tags set when the chat started. The vendor does not say in what form.
        pub tags: Option<String> = "tags",
        /// Location of the visitor.
        pub geo: Option<Geo> = "geo",
        /// `User-Agent` of the visitor.
        pub user_agent: Option<String> = "user_agent",
        /// Address of the first page of the visit.
        pub entry_url: Option<String> = "entry_url",
        /// Address of the site the visitor came from.
        pub referrer_url: Option<String> = "referrer_url",
        /// Address of the page the chat started on.
        pub page_url: Option<String> = "page_url",
        /// IP address of the visitor.
        pub ip_address: Option<String> = "ip_address",
        /// Variables of the page: names and values, separated by commas. The vendor does not say
        /// more of the form. `jsVariables` in JSON.
        pub js_variables: Option<String> = "jsVariables",
        /// Result of verifying the visitor's identity: `hmacVerificationResult` in JSON.
        pub hmac_verification_result: Option<HmacVerificationResult> = "hmacVerificationResult",
        /// Context id that the last reply in this conversation set; sent back once.
        pub context_id: Option<String> = "context_id",
    }
}

impl ChatStarted {
    const EVENT: &str = "chatStarted";

    /// Returns the visitor's first message, if there is one.
    ///
    /// Not the text with the visitor's contact details that SnapEngage itself puts into a chat.
    pub fn first_message(&self) -> Option<&str> {
        let mut texts = [&self.description, &self.text].into_iter().filter_map(Option::as_deref);
        texts.find(|text| !text.trim().is_empty() && !is_contact_details(text))
    }

    /// Returns the visitor's first message, if there is one, as the message it would have been in a
    /// chat that was already open.
    ///
    /// ```
    /// use snapengage::bot::ChatStarted;
    ///
    /// let mut chat = ChatStarted::new("ff7b3314", "ab992c69");
    /// assert_eq!(chat.to_message(), None);
    /// chat.text = Some("Pricing".to_owned());
    /// assert_eq!(chat.to_message().map(|message| message.text), Some("Pricing".to_owned()));
    /// ```
    pub fn to_message(&self) -> Option<Message> {
        let mut message = Message::new(self.widget_id.clone(), self.case_id.clone());
        message.text = self.first_message()?.to_owned();
        message.timestamp = self.timestamp;
        message.from = Some(Speaker::Visitor);
        message.context_id.clone_from(&self.context_id);
        Some(message)
    }

    /// Returns the visitor's email address if SnapEngage verified that it is the visitor's.
    pub fn verified_email(&self) -> Option<&str> {
        let result = self.hmac_verification_result.as_ref()?;
        let property = result.verification_property.as_ref()?.property.as_ref()?;
        let is_verified = result.status == Some(VerificationStatus::Verified)
            && *property == VerifiedProperty::CaseEmail;
        result.content.as_deref().filter(|_| is_verified)
    }
}

model! {
    /// Location of a visitor, derived from the IP address.
    #[derive(Default)]
    pub struct Geo {
        /// City.
        pub city: Option<String> = "city",
        /// Region: a FIPS number, or letters.
        pub region: Option<String> = "region",
        /// Country, in two letters.
        pub country_code: Option<String> = "country_code",
    }
}

model! {
    /// Result of verifying the visitor's identity.
    ///
    /// See [SnapEngage docs/Bot API](https://developer.snapengage.com/#bot-api).
    #[derive(Default)]
    pub struct HmacVerificationResult {
        /// Property that was verified: `verificationProperty` in JSON.
        pub verification_property: Option<VerificationProperty> = "verificationProperty",
        /// Value of the property, such as the visitor's email address.
        pub content: Option<String> = "content",
        /// Outcome of the verification.
        pub status: Option<VerificationStatus> = "status",
    }
}

model! {
    /// Property of a visitor that can be verified.
    #[derive(Default)]
    pub struct VerificationProperty {
        /// Name of the property.
        pub property: Option<VerifiedProperty> = "property",
    }
}

open_set! {
    /// Properties that can be verified.
    pub enum VerifiedProperty {
        /// Email address of the visitor.
        CaseEmail = "CaseEmail",
    }
}

open_set! {
    /// Outcomes of a verification.
    pub enum VerificationStatus {
        /// The visitor is who the page says.
        Verified = "VERIFIED",
    }
}

model! {
    /// Message in a chat, as a rule the visitor's.
    ///
    /// See [SnapEngage docs/Bot API](https://developer.snapengage.com/#bot-api).
    pub struct Message {
        required {
            /// Id of the widget the chat came in by.
            pub widget_id: WidgetId = "widget_id",
            /// Id of the conversation.
            pub case_id: CaseId = "case_id",
        }
        constant {
            /// Name of the event.
            "event" = Self::EVENT,
        }
        /// Time of the message, in epoch milliseconds.
        pub timestamp: Option<Timestamp> = "timestamp",
        /// Speaker of the message.
        pub from: Option<Speaker> = "from",
        /// Text of the message, or of the button that was clicked.
        pub text: String = "text",
        /// Id of the button that was clicked, not of the message; absent if the button had none,
        /// and if text was typed.
        pub id: Option<String> = "id",
        /// Context id that the last reply in this conversation set; sent back once.
        pub context_id: Option<String> = "context_id",
    }
}

impl Message {
    const EVENT: &str = "message";

    /// Returns `true` if the message is the visitor's.
    ///
    /// It is not if `from` names somebody else, or if it is the text with the visitor's contact
    /// details that SnapEngage itself puts into a chat: one that starts with `[Contact Details` and
    /// is no click on a button. Upper and lower case in `from` are the same.
    pub fn is_from_visitor(&self) -> bool {
        let is_the_visitors =
            |from: &Speaker| from.as_str().trim().eq_ignore_ascii_case(Speaker::Visitor.as_str());
        let is_as_documented = matches!(self.from, None | Some(Speaker::Visitor));
        (is_as_documented || self.from.as_ref().is_some_and(is_the_visitors))
            && !self.extra.contains_key("from")
            && (self.id.is_some() || !is_contact_details(&self.text))
    }
}

/// Returns `true` if SnapEngage itself put the text into the chat. Only the start is looked at,
/// since a visitor may well write of "my [Contact Details]".
fn is_contact_details(text: &str) -> bool {
    text.trim_start().starts_with("[Contact Details")
}

open_set! {
    /// Speakers of a message.
    pub enum Speaker {
        /// The visitor.
        Visitor = "visitor",
    }
}

model! {
    /// Failure of commands of a reply: of transfers, as far as is documented.
    ///
    /// See [SnapEngage docs/Bot API](https://developer.snapengage.com/#bot-api).
    pub struct CommandResult {
        required {
            /// Id of the widget the chat came in by.
            pub widget_id: WidgetId = "widget_id",
            /// Id of the conversation.
            pub case_id: CaseId = "case_id",
        }
        constant {
            /// Name of the event.
            "event" = Self::EVENT,
        }
        /// Time of the failure, in epoch milliseconds.
        pub timestamp: Option<Timestamp> = "timestamp",
        /// Commands that failed: `failedCommands` in JSON.
        pub failed_commands: Vec<FailedCommand> = "failedCommands",
        /// Context id that the last reply in this conversation set; sent back once.
        pub context_id: Option<String> = "context_id",
    }
}

impl CommandResult {
    pub(super) const EVENT: &str = "commandResult";
}

model! {
    /// Command that failed, and the reason.
    #[derive(Default)]
    pub struct FailedCommand {
        /// Name of the command, as [`Command::operation`](super::Command::operation) writes it.
        pub operation: Option<String> = "operation",
        /// Parameters of the command, as they were sent.
        pub params: Option<Value> = "params",
        /// Reason of the failure.
        pub error: Option<CommandError> = "error",
    }
}

open_set! {
    /// Reasons for which a command can fail.
    pub enum CommandError {
        /// The command's parameter is missing.
        MissingParam = "MISSING_PARAM",
        /// There is no widget of this id.
        WidgetNotFound = "WIDGET_NOT_FOUND",
        /// The chat may not go there.
        TransferNotAllowed = "TRANSFER_NOT_ALLOWED",
        /// Nobody is there to take the chat.
        NoAgentsAvailable = "NO_AGENTS_AVAILABLE",
    }
}

model! {
    /// End of a chat.
    ///
    /// See [SnapEngage docs/Bot API](https://developer.snapengage.com/#bot-api).
    pub struct ChatClosed {
        required {
            /// Id of the widget the chat came in by.
            pub widget_id: WidgetId = "widget_id",
            /// Id of the conversation.
            pub case_id: CaseId = "case_id",
        }
        constant {
            /// Name of the event.
            "event" = Self::EVENT,
        }
        /// Time of the end, in epoch milliseconds.
        pub timestamp: Option<Timestamp> = "timestamp",
        /// Context id that the last reply in this conversation set; sent back once.
        pub context_id: Option<String> = "context_id",
    }
}

impl ChatClosed {
    pub(super) const EVENT: &str = "chatClosed";
}

model! {
    /// Event that is not documented.
    pub struct Unknown {
        required {
            /// Name of the event.
            pub event: String = "event",
        }
        /// Id of the widget the chat came in by.
        pub widget_id: Option<WidgetId> = "widget_id",
        /// Id of the conversation.
        pub case_id: Option<CaseId> = "case_id",
        /// Time of the event, in epoch milliseconds.
        pub timestamp: Option<Timestamp> = "timestamp",
    }
}

impl Unknown {
    /// Keeps the first event's name, since that said how to read the rest.
    fn keep_first_event(&mut self, first: String) {
        let last = std::mem::replace(&mut self.event, first);
        let others = self.extra.get_mut(others!("event")).and_then(Value::as_array_mut);
        let first = others.into_iter().flatten().find(|other| **other == self.event);
        if let Some(first) = first.filter(|_| last != self.event) {
            *first = last.into();
        }
    }
}

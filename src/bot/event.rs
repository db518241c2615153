//! Events that SnapEngage sends to a bot.

use std::borrow::Cow;

use serde::de::MapAccess;
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::chat_started::ChatStarted;
use super::command_result::CommandResult;
use super::message::Message;
use crate::error::DecodeError;
use crate::id::{CaseId, WidgetId};
use crate::timestamp::Timestamp;
#[cfg(feature = "contract")]
use crate::wire::described::{Definitions, Described, Title};
use crate::wire::json;
use crate::wire::lenient::{Lenient, others, read_name, require};
use crate::wire::model::{Model, Name, ReadAhead, model};

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
    /// Names of the documented events.
    #[cfg_attr(
        not(any(feature = "metrics", feature = "record")),
        allow(dead_code, reason = "nothing else lists them")
    )]
    pub(crate) const DOCUMENTED: [&str; 4] =
        [ChatStarted::EVENT, Message::EVENT, CommandResult::EVENT, ChatClosed::EVENT];

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
    pub(super) fn from_request(
        body: &[u8],
        odd_fields: Option<&mut Vec<&'static str>>,
    ) -> Result<Box<Self>, DecodeError> {
        json::from_request(WHAT, body, odd_fields)
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

#[cfg(feature = "contract")]
impl Described for Event {
    fn schema(definitions: &mut Definitions) -> Value {
        let title = Title {
            module: module_path!(),
            name: "Event",
            docs: &["Any event that SnapEngage sends to a bot."],
        };
        let known = vec![
            ChatStarted::schema(definitions),
            Message::schema(definitions),
            CommandResult::schema(definitions),
            ChatClosed::schema(definitions),
        ];
        let unknown = Unknown::schema(definitions);
        definitions.told_apart(&title, "event", known, &unknown)
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

//! Replies that a bot sends back to SnapEngage.

use serde::de::{Deserializer, Error as _};
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};

use super::command::{Cards, Command, Label, WireCommand};
use crate::id::{AgentId, CaseId, WidgetId};
#[cfg(feature = "contract")]
use crate::wire::described::{Definitions, Described, Title};
use crate::wire::plain::plain;

/// Messages for the visitor and commands for SnapEngage, in order.
///
/// The ids of the conversation are not part of it: they are filled in when it is sent.
///
/// ```
/// use snapengage::bot::{Button, Reply};
///
/// let yes = Button::new("Yes").id("btn-123");
/// let question = Reply::say("Which one?").button(yes).button("No");
/// let handover = Reply::say("One moment").to_human();
/// let silence = Reply::new();
/// # let _ = (question, handover, silence);
/// ```
///
/// See [SnapEngage docs/Bot API](https://developer.snapengage.com/#bot-api).
#[derive(Debug, Clone, Default, PartialEq)]
#[must_use]
pub struct Reply {
    content: Vec<Content>,
    context_id: Option<String>,
}

impl Reply {
    /// Creates an empty reply: the visitor sees nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Creates a reply with one message.
    pub fn say(text: impl Into<String>) -> Self {
        Self::new().and_say(text)
    }

    /// Adds a message of its own.
    pub fn and_say(self, text: impl Into<String>) -> Self {
        self.and(Text::new(text))
    }

    /// Offers a button below the last message; the visitor may still type something else.
    ///
    /// If there is no message yet, the button is shown below an empty one.
    pub fn button(mut self, button: impl Into<Button>) -> Self {
        if !matches!(self.content.last(), Some(Content::Message(_))) {
            self.content.push(Content::Message(Text::new("")));
        }
        if let Some(Content::Message(text)) = self.content.last_mut() {
            text.display_responses.push(button.into());
        }
        self
    }

    /// Puts the visitor through to any human agent on the same widget: `HUMAN_TRANSFER`.
    pub fn to_human(self) -> Self {
        self.and(Command::HumanTransfer)
    }

    /// Puts the visitor through to an agent, by email address: `TRANSFER`. An id with the prefix
    /// `wc:` is accepted as well.
    pub fn to_agent(self, agent: impl Into<AgentId>) -> Self {
        self.and(Command::Transfer(agent.into().email().to_owned()))
    }

    /// Puts the visitor through to another widget: `WIDGET_TRANSFER`.
    pub fn to_widget(self, widget_id: impl Into<WidgetId>) -> Self {
        self.and(Command::WidgetTransfer(widget_id.into()))
    }

    /// Puts the visitor through to a human agent on another widget: `WIDGET_HUMAN_TRANSFER`.
    pub fn to_widget_human(self, widget_id: impl Into<WidgetId>) -> Self {
        self.and(Command::WidgetHumanTransfer(widget_id.into()))
    }

    /// Puts the visitor through to the agents, bots among them, that have these tags:
    /// `TAG_TRANSFER`.
    pub fn to_tags<T: Into<String>>(
        self,
        widget_id: impl Into<WidgetId>,
        tags: impl IntoIterator<Item = T>,
    ) -> Self {
        self.and(Command::TagTransfer {
            widget_id: widget_id.into(),
            tags: tags.into_iter().map(Into::into).collect(),
        })
    }

    /// Sets a label to one or more values: `LABEL`. Labels in a row become one command.
    pub fn label<V: Into<String>>(
        mut self,
        name: impl Into<String>,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        let label = Label::new(name, values);
        if let Some(Content::Command(Command::Label(labels))) = self.content.last_mut() {
            labels.push(label);
            return self;
        }
        self.and(Command::Label(vec![label]))
    }

    /// Sends the visitor to another page: `GOTO`.
    pub fn goto(self, url: impl Into<String>) -> Self {
        self.and(Command::Goto(url.into()))
    }

    /// Shows cards: `CARDS`.
    pub fn cards(self, cards: Cards) -> Self {
        self.and(Command::Cards(cards))
    }

    /// Ends the chat: `BYE`.
    pub fn bye(self) -> Self {
        self.and(Command::Bye)
    }

    /// Bans the visitor for a while: `BAN`.
    pub fn ban(self) -> Self {
        self.and(Command::Ban)
    }

    /// Bans the visitor's IP address for good: `BAN_IP`.
    pub fn ban_ip(self) -> Self {
        self.and(Command::BanIp)
    }

    /// Adds anything: a [`Text`], a [`Command`], or [`Content`] of either kind.
    pub fn and(mut self, content: impl Into<Content>) -> Self {
        self.content.push(content.into());
        self
    }

    /// Sets an id that SnapEngage sends back with the next request of the conversation, once.
    pub fn context_id(mut self, context_id: impl Into<String>) -> Self {
        self.context_id = Some(context_id.into()).filter(|id| !id.is_empty());
        self
    }

    /// Returns the messages and commands, in order.
    pub fn content(&self) -> &[Content] {
        &self.content
    }

    /// Iterates over the messages' texts, in order.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.content.iter().filter_map(|content| match content {
            Content::Message(text) => Some(text.text.as_str()),
            _ => None,
        })
    }

    /// Iterates over the commands, in order.
    pub fn commands(&self) -> impl Iterator<Item = &Command> {
        self.content.iter().filter_map(|content| match content {
            Content::Command(command) => Some(command),
            _ => None,
        })
    }

    /// Returns the id that SnapEngage is to send back, if any.
    pub fn returned_context_id(&self) -> Option<&str> {
        self.context_id.as_deref()
    }

    /// Returns `true` if the visitor sees nothing of it and is sent nowhere: labels are for agents.
    pub(super) fn shows_nothing(&self) -> bool {
        self.content.iter().all(|content| match content {
            Content::Message(text) => {
                text.text.trim().is_empty() && text.display_responses.is_empty()
            }
            Content::Command(command) => matches!(command, Command::Label(_)),
            Content::Other(_) => false,
        })
    }

    /// Returns the same reply, followed by the content of another.
    pub(super) fn and_all(mut self, rest: &Self) -> Self {
        self.content.extend_from_slice(&rest.content);
        self.context_id = self.context_id.or_else(|| rest.context_id.clone());
        self
    }

    /// Returns `true` if the reply has neither message nor command.
    pub fn is_empty(&self) -> bool {
        self.content.is_empty()
    }

    /// Returns the JSON that SnapEngage reads.
    pub fn to_json(&self, widget_id: &WidgetId, case_id: &CaseId) -> Vec<u8> {
        self.encode(Some(widget_id), Some(case_id))
    }

    pub(super) fn encode(&self, widget_id: Option<&WidgetId>, case_id: Option<&CaseId>) -> Vec<u8> {
        let envelope = Envelope { widget_id, case_id, reply: self };
        let mut json = Vec::with_capacity(512);
        serde_json::to_writer(&mut json, &envelope).expect("text and JSON can be written as JSON");
        json
    }
}

impl From<&str> for Reply {
    fn from(text: &str) -> Self {
        Self::say(text)
    }
}

impl From<String> for Reply {
    fn from(text: String) -> Self {
        Self::say(text)
    }
}

impl From<Text> for Reply {
    fn from(text: Text) -> Self {
        Self::new().and(text)
    }
}

impl From<Command> for Reply {
    fn from(command: Command) -> Self {
        Self::new().and(command)
    }
}

/// Reply as SnapEngage reads it.
struct Envelope<'a> {
    widget_id: Option<&'a WidgetId>,
    case_id: Option<&'a CaseId>,
    reply: &'a Reply,
}

impl Serialize for Envelope<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if let Some(widget_id) = self.widget_id {
            map.serialize_entry("widget_id", widget_id)?;
        }
        if let Some(case_id) = self.case_id {
            map.serialize_entry("case_id", case_id)?;
        }
        if let Some(context_id) = &self.reply.context_id {
            map.serialize_entry("context_id", context_id)?;
        }
        map.serialize_entry("content", &self.reply.content)?;
        map.end()
    }
}

#[cfg(feature = "contract")]
impl Described for Reply {
    fn schema(definitions: &mut Definitions) -> Value {
        let title = Title {
            module: module_path!(),
            name: "Reply",
            docs: &["Messages for the visitor and commands for SnapEngage, in order."],
        };
        definitions.strictly(|definitions| {
            definitions.object(&title, |reply| {
                reply.required::<WidgetId>("widget_id", &["Id of the widget, from the request."]);
                reply.required::<CaseId>("case_id", &["Id of the conversation, from the request."]);
                let context_id = ["Id that SnapEngage sends back with the next request, once."];
                reply.optional::<Option<String>>("context_id", &context_id);
                reply.required::<Vec<Content>>("content", &["Messages and commands, in order."]);
            })
        })
    }
}

#[cfg(feature = "contract")]
impl Described for Content {
    fn schema(definitions: &mut Definitions) -> Value {
        let known = [Text::schema(definitions), Command::schema(definitions)];
        definitions.content(known)
    }
}

/// Writes the JSON that SnapEngage reads, without the ids of the conversation.
impl Serialize for Reply {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Envelope { widget_id: None, case_id: None, reply: self }.serialize(serializer)
    }
}

/// Reads a reply back, and drops the ids of the conversation.
impl<'de> Deserialize<'de> for Reply {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Wire {
            #[serde(default)]
            context_id: Option<String>,
            #[serde(default)]
            content: Vec<Content>,
        }

        let object = Map::deserialize(deserializer)?;
        let Wire { context_id, content } =
            serde_json::from_value(object.into()).map_err(D::Error::custom)?;
        Ok(Self { content, context_id: context_id.filter(|id| !id.is_empty()) })
    }
}

/// One piece of a reply.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Content {
    /// Message to the visitor.
    Message(Text),
    /// Command to SnapEngage.
    Command(Command),
    /// Anything else, as it is in JSON.
    Other(Value),
}

impl From<Text> for Content {
    fn from(text: Text) -> Self {
        Self::Message(text)
    }
}

impl From<Command> for Content {
    fn from(command: Command) -> Self {
        Self::Command(command)
    }
}

impl Serialize for Content {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Message(text) => text.serialize(serializer),
            Self::Command(command) => command.serialize(serializer),
            Self::Other(value) => value.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        match value.get("type").and_then(Value::as_str) {
            Some("message") => {
                Text::deserialize(value).map(Self::Message).map_err(D::Error::custom)
            }
            Some("command") => WireCommand::deserialize(value)
                .map(|wire| Self::Command(wire.into()))
                .map_err(D::Error::custom),
            _ => Ok(Self::Other(value)),
        }
    }
}

plain! {
    /// Message to the visitor, and the buttons below it.
    #[derive(Debug, Clone, PartialEq, Deserialize)]
    #[non_exhaustive]
    pub struct Text {
        constant {
            /// Kind of the content.
            "type" = "message",
        }
        /// Text of the message.
        #[serde(default)]
        pub text: String,
        /// Buttons below the message, in order.
        #[serde(default)]
        pub display_responses: Vec<Button> as optional,
    }
}

impl Text {
    /// Creates a message without buttons.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), display_responses: Vec::new() }
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", "message")?;
        map.serialize_entry("text", &self.text)?;
        if !self.display_responses.is_empty() {
            map.serialize_entry("display_responses", &self.display_responses)?;
        }
        map.end()
    }
}

plain! {
    /// Button: `display_responses` in the vendor's words.
    ///
    /// A click comes back as a message with the button's text, and with its id if it has one.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
    #[non_exhaustive]
    pub struct Button {
        /// Text on the button.
        pub text: String,
        /// Id of the button, which distinguishes it from others of the same text; absent if it has
        /// none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub id: Option<String>,
    }
}

impl Button {
    /// Creates a button without an id.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), id: None }
    }

    /// Returns the same button with an id.
    #[must_use]
    pub fn id(self, id: impl Into<String>) -> Self {
        Self { id: Some(id.into()), ..self }
    }
}

impl<T: Into<String>> From<T> for Button {
    fn from(text: T) -> Self {
        Self::new(text)
    }
}

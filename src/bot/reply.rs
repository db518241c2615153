//! What SnapEngage reads back from a bot.

use serde::de::{Deserializer, Error as _};
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value, json};

use crate::id::{CaseId, WidgetId};
use crate::open_set::open_set;

/// What the visitor gets to see, and what SnapEngage is told to do, in this order.
///
/// The ids of the conversation are not in it: they are filled in when it is sent.
///
/// ```
/// use snapengage::bot::{Button, Reply};
///
/// let question = Reply::say("Which one?").button(Button::new("Yes").id("btn-123")).button("No");
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
    /// A reply with nothing in it: the visitor sees nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// A reply that says something.
    pub fn say(text: impl Into<String>) -> Self {
        Self::new().and_say(text)
    }

    /// Says something more, in a message of its own.
    pub fn and_say(self, text: impl Into<String>) -> Self {
        self.and(Text::new(text))
    }

    /// Offers a button below the last message; the visitor may still type something else.
    ///
    /// Where nothing was said yet, the button stands below an empty message.
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

    /// Puts the visitor through to an agent, by email address: `TRANSFER`.
    pub fn to_agent(self, email: impl Into<String>) -> Self {
        self.and(Command::Transfer(email.into()))
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

    /// An id that SnapEngage sends back with the next request of the conversation, once.
    pub fn context_id(mut self, context_id: impl Into<String>) -> Self {
        self.context_id = Some(context_id.into()).filter(|id| !id.is_empty());
        self
    }

    /// What is said and done, in order.
    pub fn content(&self) -> &[Content] {
        &self.content
    }

    /// The messages' texts, in order.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.content.iter().filter_map(|content| match content {
            Content::Message(text) => Some(text.text.as_str()),
            _ => None,
        })
    }

    /// The commands, in order.
    pub fn commands(&self) -> impl Iterator<Item = &Command> {
        self.content.iter().filter_map(|content| match content {
            Content::Command(command) => Some(command),
            _ => None,
        })
    }

    /// The id that SnapEngage is to send back, if any.
    pub fn returned_context_id(&self) -> Option<&str> {
        self.context_id.as_deref()
    }

    /// Whether the visitor sees nothing and nothing is done.
    pub fn is_empty(&self) -> bool {
        self.content.is_empty()
    }

    /// The JSON that SnapEngage reads.
    pub fn to_json(&self, widget_id: &WidgetId, case_id: &CaseId) -> Vec<u8> {
        self.encode(Some(widget_id), Some(case_id))
    }

    pub(super) fn encode(&self, widget_id: Option<&WidgetId>, case_id: Option<&CaseId>) -> Vec<u8> {
        let envelope = Envelope { widget_id, case_id, reply: self };
        serde_json::to_vec(&envelope).expect("texts and JSON values can be written as JSON")
    }
}

impl From<Command> for Reply {
    fn from(command: Command) -> Self {
        Self::new().and(command)
    }
}

/// A reply as SnapEngage reads it.
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

/// The JSON that SnapEngage reads, without the ids of the conversation.
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

/// One thing in a reply.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Content {
    /// Something the visitor is told.
    Message(Text),
    /// Something SnapEngage is to do.
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

/// A message to the visitor, and the buttons below it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct Text {
    /// What is said.
    #[serde(default)]
    pub text: String,
    /// The buttons, in order.
    #[serde(default)]
    pub display_responses: Vec<Button>,
}

impl Text {
    /// A message without buttons.
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

/// A button: `display_responses` in the vendor's words.
///
/// A click comes back as a message with the button's text, and with its id if it has one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Button {
    /// What is written on it.
    pub text: String,
    /// What tells it from others of the same text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

impl Button {
    /// A button without an id.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), id: None }
    }

    /// The same button with an id.
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

/// Something SnapEngage is to do.
///
/// See [SnapEngage docs/Available Bot Commands](https://developer.snapengage.com/#bot-api).
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Command {
    /// `BAN`: bans the visitor for a while.
    Ban,
    /// `BAN_IP`: bans the visitor's IP address for good.
    BanIp,
    /// `BYE`: ends the chat.
    Bye,
    /// `GOTO`: sends the visitor to the page of this address.
    Goto(String),
    /// `TRANSFER`: puts the visitor through to the agent of this email address.
    Transfer(String),
    /// `HUMAN_TRANSFER`: puts the visitor through to any human agent on the same widget.
    HumanTransfer,
    /// `LABEL`: sets labels.
    Label(Vec<Label>),
    /// `TAG_TRANSFER`: puts the visitor through to the agents, bots among them, with these tags.
    TagTransfer {
        /// Where the agents are. It has no spaces.
        widget_id: WidgetId,
        /// The agents' tags.
        tags: Vec<String>,
    },
    /// `WIDGET_TRANSFER`: puts the visitor through to another widget.
    WidgetTransfer(WidgetId),
    /// `WIDGET_HUMAN_TRANSFER`: puts the visitor through to a human agent on another widget.
    WidgetHumanTransfer(WidgetId),
    /// `CARDS`: shows cards.
    Cards(Cards),
    /// A command that is not documented, or not in this form.
    Other {
        /// Its name, as SnapEngage writes it.
        operation: String,
        /// Its parameters, as they are in JSON.
        parameters: Option<Value>,
    },
}

impl Command {
    /// The command's name, as SnapEngage writes it.
    pub fn operation(&self) -> &str {
        match self {
            Self::Ban => "BAN",
            Self::BanIp => "BAN_IP",
            Self::Bye => "BYE",
            Self::Goto(_) => "GOTO",
            Self::Transfer(_) => "TRANSFER",
            Self::HumanTransfer => "HUMAN_TRANSFER",
            Self::Label(_) => "LABEL",
            Self::TagTransfer { .. } => "TAG_TRANSFER",
            Self::WidgetTransfer(_) => "WIDGET_TRANSFER",
            Self::WidgetHumanTransfer(_) => "WIDGET_HUMAN_TRANSFER",
            Self::Cards(_) => "CARDS",
            Self::Other { operation, .. } => operation,
        }
    }

    /// The command's parameters, as SnapEngage writes them.
    pub fn parameters(&self) -> Option<Value> {
        match self {
            Self::Ban | Self::BanIp | Self::Bye | Self::HumanTransfer => None,
            Self::Goto(text) | Self::Transfer(text) => Some(text.as_str().into()),
            Self::WidgetTransfer(widget_id) | Self::WidgetHumanTransfer(widget_id) => {
                Some(widget_id.as_str().into())
            }
            Self::Label(labels) => Some(labels_to_text(labels).into()),
            Self::TagTransfer { widget_id, tags } => Some(tags_to_text(widget_id, tags).into()),
            Self::Cards(cards) => Some(json!(cards)),
            Self::Other { parameters, .. } => parameters.clone(),
        }
    }

    /// The documented command of this name and these parameters, if there is one.
    fn documented(operation: &str, parameters: Option<&Value>) -> Option<Self> {
        let text = parameters.and_then(Value::as_str);
        match (operation, parameters) {
            ("BAN", None) => Some(Self::Ban),
            ("BAN_IP", None) => Some(Self::BanIp),
            ("BYE", None) => Some(Self::Bye),
            ("HUMAN_TRANSFER", None) => Some(Self::HumanTransfer),
            ("GOTO", _) => Some(Self::Goto(text?.to_owned())),
            ("TRANSFER", _) => Some(Self::Transfer(text?.to_owned())),
            ("WIDGET_TRANSFER", _) => Some(Self::WidgetTransfer(text?.into())),
            ("WIDGET_HUMAN_TRANSFER", _) => Some(Self::WidgetHumanTransfer(text?.into())),
            ("LABEL", _) => labels_from_text(text?).map(Self::Label),
            ("TAG_TRANSFER", _) => tags_from_text(text?),
            ("CARDS", _) => Cards::deserialize(parameters?).ok().map(Self::Cards),
            _ => None,
        }
    }
}

impl Serialize for Command {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", "command")?;
        map.serialize_entry("operation", self.operation())?;
        if let Self::Cards(cards) = self {
            map.serialize_entry("parameters", cards)?;
        } else if let Some(parameters) = self.parameters() {
            map.serialize_entry("parameters", &parameters)?;
        }
        map.end()
    }
}

#[derive(Deserialize)]
struct WireCommand {
    operation: String,
    #[serde(default)]
    parameters: Option<Value>,
}

impl From<WireCommand> for Command {
    fn from(wire: WireCommand) -> Self {
        let WireCommand { operation, parameters } = wire;
        Self::documented(&operation, parameters.as_ref())
            .unwrap_or(Self::Other { operation, parameters })
    }
}

/// A label and the values it is set to.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Label {
    /// The label's name.
    pub name: String,
    /// One value or more.
    pub values: Vec<String>,
}

impl Label {
    /// A label of these values.
    pub fn new<V: Into<String>>(
        name: impl Into<String>,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        Self { name: name.into(), values: values.into_iter().map(Into::into).collect() }
    }
}

/// `[{"name": ["value","value"]},{"name": ["value"]}]`, with spaces where the vendor's sample has them.
fn labels_to_text(labels: &[Label]) -> String {
    let labels = labels.iter().map(|label| {
        let values = label.values.iter().map(|value| quoted(value));
        format!("{{{}: [{}]}}", quoted(&label.name), join(values, ","))
    });
    format!("[{}]", join(labels, ","))
}

fn labels_from_text(text: &str) -> Option<Vec<Label>> {
    let labels: Vec<Map<String, Value>> = serde_json::from_str(text).ok()?;
    labels
        .into_iter()
        .map(|label| {
            let mut pairs = label.into_iter();
            let (name, values) = pairs.next()?;
            let values: Vec<String> = serde_json::from_value(values).ok()?;
            pairs.next().is_none().then_some(Label { name, values })
        })
        .collect()
}

/// `widget-id ["tag", "tag"]`, with spaces where the vendor's sample has them.
fn tags_to_text(widget_id: &WidgetId, tags: &[String]) -> String {
    format!("{widget_id} [{}]", join(tags.iter().map(|tag| quoted(tag)), ", "))
}

fn tags_from_text(text: &str) -> Option<Command> {
    let (widget_id, tags) = text.split_once(' ')?;
    let tags = serde_json::from_str(tags).ok()?;
    Some(Command::TagTransfer { widget_id: widget_id.into(), tags })
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

fn join(parts: impl Iterator<Item = String>, separator: &str) -> String {
    parts.collect::<Vec<_>>().join(separator)
}

/// Cards: titled links with a line about each.
///
/// ```
/// use snapengage::bot::{Card, Cards, Reply};
///
/// let cards = Cards::vertical()
///     .card(Card::new("Plans").excerpt("From one seat up").link("https://example.com/plans"));
/// let reply = Reply::say("Here you are").cards(cards);
/// # let _ = reply;
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
#[must_use]
pub struct Cards {
    /// How they are laid out.
    pub layout: Layout,
    /// The cards, in order.
    pub cards: Vec<Card>,
}

impl Serialize for Cards {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", "cards")?;
        map.serialize_entry("layout", &self.layout)?;
        map.serialize_entry("cards", &self.cards)?;
        map.end()
    }
}

impl Cards {
    /// Cards one below the other.
    pub fn vertical() -> Self {
        Self { layout: Layout::Vertical, cards: Vec::new() }
    }

    /// Cards side by side.
    pub fn horizontal() -> Self {
        Self { layout: Layout::Horizontal, cards: Vec::new() }
    }

    /// Adds a card.
    pub fn card(mut self, card: Card) -> Self {
        self.cards.push(card);
        self
    }
}

open_set! {
    /// How cards are laid out.
    pub enum Layout {
        /// One below the other.
        Vertical = "VERTICAL",
        /// Side by side.
        Horizontal = "HORIZONTAL",
    }
}

/// A titled link with a line about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
#[must_use]
pub struct Card {
    /// What is written on top.
    pub title: String,
    /// A line about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excerpt: Option<String>,
    /// The address a click leads to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
}

impl Card {
    /// A card with a title only.
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), excerpt: None, link: None }
    }

    /// The same card with a line about it.
    pub fn excerpt(self, excerpt: impl Into<String>) -> Self {
        Self { excerpt: Some(excerpt.into()), ..self }
    }

    /// The same card with an address.
    pub fn link(self, link: impl Into<String>) -> Self {
        Self { link: Some(link.into()), ..self }
    }
}

//! Commands that a bot can give SnapEngage, in the odd forms SnapEngage reads them in.

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value, json};

use crate::id::WidgetId;
#[cfg(feature = "contract")]
use crate::wire::described::{CommandForm, Definitions, Described};
use crate::wire::open_set::open_set;
use crate::wire::plain::{plain, variants};

variants! {
    /// Command for SnapEngage to carry out.
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
        /// `TRANSFER`: puts the visitor through to the agent of this email address, without `wc:`.
        Transfer(String),
        /// `HUMAN_TRANSFER`: puts the visitor through to any human agent on the same widget.
        HumanTransfer,
        /// `LABEL`: sets labels.
        Label(Vec<Label>),
        /// `TAG_TRANSFER`: puts the visitor through to the agents, bots among them, with these
        /// tags.
        TagTransfer {
            /// Widget of the agents, by an id without spaces.
            widget_id: WidgetId,
            /// Tags of the agents.
            tags: Vec<String>,
        },
        /// `WIDGET_TRANSFER`: puts the visitor through to another widget.
        WidgetTransfer(WidgetId),
        /// `WIDGET_HUMAN_TRANSFER`: puts the visitor through to a human agent on another widget.
        WidgetHumanTransfer(WidgetId),
        /// `CARDS`: shows cards.
        Cards(Cards),
        /// Command that is not documented, or not in this form.
        Other {
            /// Name, as SnapEngage writes it.
            operation: String,
            /// Parameters, as they are in JSON.
            parameters: Option<Value>,
        },
    }
}

impl Command {
    /// Returns the command's name, as SnapEngage writes it.
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

    /// Returns the command's parameters, as SnapEngage writes them.
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

    /// Returns the documented command of this name and these parameters, if there is one.
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

#[cfg(feature = "contract")]
impl Described for Command {
    fn schema(definitions: &mut Definitions) -> Value {
        let cards = Cards::schema(definitions);
        let widget_id = || WidgetId::from("");
        let documented = [
            Self::Ban,
            Self::BanIp,
            Self::Bye,
            Self::Goto(String::new()),
            Self::Transfer(String::new()),
            Self::HumanTransfer,
            Self::Label(Vec::new()),
            Self::TagTransfer { widget_id: widget_id(), tags: Vec::new() },
            Self::WidgetTransfer(widget_id()),
            Self::WidgetHumanTransfer(widget_id()),
            Self::Cards(Cards::vertical()),
        ];
        let forms = documented.iter().zip(Self::VARIANTS).map(|(command, (variant, docs))| {
            let parameters = command.parameters().map(|parameters| match parameters {
                Value::String(_) => json!({ "type": "string" }),
                _ => cards.clone(),
            });
            CommandForm { variant, docs, operation: command.operation(), parameters }
        });
        definitions.commands(forms.collect())
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

/// Command as SnapEngage reads it.
#[derive(Deserialize)]
pub(super) struct WireCommand {
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

/// Label and the values it is set to.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Label {
    /// Name of the label.
    pub name: String,
    /// Values: one or more.
    pub values: Vec<String>,
}

impl Label {
    /// Creates a label of these values.
    pub fn new<V: Into<String>>(
        name: impl Into<String>,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        Self { name: name.into(), values: values.into_iter().map(Into::into).collect() }
    }
}

/// Writes `[{"name": ["value","value"]},{"name": ["value"]}]`, with spaces where the vendor's
/// sample has them.
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

/// Writes `widget-id ["tag", "tag"]`, with spaces where the vendor's sample has them.
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

plain! {
    /// Cards: titled links with a line about each.
    ///
    /// ```
    /// use snapengage::bot::{Card, Cards, Reply};
    ///
    /// let plans = Card::new("Plans").excerpt("From one seat up");
    /// let cards = Cards::vertical().card(plans.link("https://example.com/plans"));
    /// let reply = Reply::say("Here you are").cards(cards);
    /// # let _ = reply;
    /// ```
    #[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
    #[non_exhaustive]
    #[must_use]
    pub struct Cards {
        constant {
            /// Kind of the parameters.
            "type" = "cards",
        }
        /// Arrangement of the cards.
        pub layout: Layout,
        /// Cards, in order.
        pub cards: Vec<Card>,
    }
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
    /// Creates cards one below the other.
    pub fn vertical() -> Self {
        Self { layout: Layout::Vertical, cards: Vec::new() }
    }

    /// Creates cards side by side.
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
    /// Arrangement of cards.
    pub enum Layout {
        /// One below the other.
        Vertical = "VERTICAL",
        /// Side by side.
        Horizontal = "HORIZONTAL",
    }
}

plain! {
    /// Titled link with a line about it.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
    #[non_exhaustive]
    #[must_use]
    pub struct Card {
        /// Title, shown at the top.
        pub title: String,
        /// Line about it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub excerpt: Option<String>,
        /// Address that a click leads to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub link: Option<String>,
    }
}

impl Card {
    /// Creates a card with a title only.
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), excerpt: None, link: None }
    }

    /// Returns the same card with a line about it.
    pub fn excerpt(self, excerpt: impl Into<String>) -> Self {
        Self { excerpt: Some(excerpt.into()), ..self }
    }

    /// Returns the same card with an address.
    pub fn link(self, link: impl Into<String>) -> Self {
        Self { link: Some(link.into()), ..self }
    }
}

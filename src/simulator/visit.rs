//! Visits: chats as visitors and agents see them, in the form of the HTTP face.

use std::collections::BTreeMap;

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use crate::id::{CaseId, WidgetId};
use crate::integration::ChatEndedBy;
use crate::timestamp::Timestamp;

/// Chat as its visitor and its agents see it.
///
/// Its JSON is that of the HTTP face.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct VisitView {
    /// Case of the chat.
    pub case_id: CaseId,
    /// Widget it is on now: a transfer to another one changes it.
    pub widget: WidgetId,
    /// State of the chat.
    pub state: VisitState,
    /// Name of the visitor, if it is known.
    #[serde(default)]
    pub name: Option<String>,
    /// Email address of the visitor, if it is known.
    #[serde(default)]
    pub email: Option<String>,
    /// Page the visitor is on, if it is known.
    #[serde(default)]
    pub page_url: Option<String>,
    /// Variables of the visitor's page.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    /// Email address of the agent who has it, or had it last; absent if none took it.
    #[serde(default)]
    pub agent: Option<String>,
    /// Party that ended it; absent before.
    #[serde(default)]
    pub ended_by: Option<ChatEndedBy>,
    /// Lines that were shown, in their order; in the list of all visits, none.
    #[serde(default)]
    pub lines: Vec<VisitLine>,
    /// Labels that were set.
    pub labels: Vec<VisitLabel>,
    /// Tags that were asked for by the last `TAG_TRANSFER`; absent without one.
    #[serde(default)]
    pub tags: Option<Vec<String>>,
    /// Ban that the bot spoke; absent without one.
    #[serde(default)]
    pub banned: Option<BanKind>,
    /// Id that the bot gets back with the next request; absent if there is none.
    #[serde(default)]
    pub context_id: Option<String>,
}

impl VisitView {
    /// Writes the fields, always in the same order: with lines or without them.
    fn write<S: Serializer>(
        &self,
        serializer: S,
        lines: Option<&[VisitLine]>,
    ) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("case_id", &self.case_id)?;
        map.serialize_entry("widget", &self.widget)?;
        map.serialize_entry("state", &self.state)?;
        entry(&mut map, "name", self.name.as_ref())?;
        entry(&mut map, "email", self.email.as_ref())?;
        entry(&mut map, "page_url", self.page_url.as_ref())?;
        let variables = Some(&self.variables).filter(|variables| !variables.is_empty());
        entry(&mut map, "variables", variables)?;
        entry(&mut map, "agent", self.agent.as_ref())?;
        entry(&mut map, "ended_by", self.ended_by.as_ref())?;
        entry(&mut map, "lines", lines)?;
        map.serialize_entry("labels", &self.labels)?;
        entry(&mut map, "tags", self.tags.as_ref())?;
        entry(&mut map, "banned", self.banned.as_ref())?;
        entry(&mut map, "context_id", self.context_id.as_ref())?;
        map.end()
    }
}

/// Writes a field that is there.
fn entry<M: SerializeMap>(
    map: &mut M,
    name: &'static str,
    value: Option<impl Serialize>,
) -> Result<(), M::Error> {
    value.map_or(Ok(()), |value| map.serialize_entry(name, &value))
}

impl Serialize for VisitView {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.write(serializer, Some(&self.lines))
    }
}

/// Visit without its lines, as the list of all and the stream of events have it.
#[derive(Debug)]
pub(super) struct VisitRow(pub(super) VisitView);

impl Serialize for VisitRow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.write(serializer, None)
    }
}

/// State of a chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum VisitState {
    /// A bot has it.
    Bot,
    /// It waits for an agent to take it.
    Queued,
    /// An agent has it.
    Agent,
    /// It has ended.
    Closed,
}

/// Ban of a visitor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum BanKind {
    /// The visitor, for an hour: `BAN`.
    Visitor,
    /// The address, for good: `BAN_IP`.
    Ip,
}

/// Line of a visit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct VisitLine {
    /// Number of the line, from 1.
    pub n: u64,
    /// Simulated time it was shown.
    pub at: Timestamp,
    /// Author of the line.
    pub from: LineAuthor,
    /// Name of a bot or an agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    /// Text; absent in a line that is something else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Buttons below the text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub buttons: Option<Vec<ShownButton>>,
    /// Cards of a `CARDS`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cards: Option<ShownCards>,
    /// Address of a `GOTO`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goto: Option<String>,
    /// `true` for what the visitor's page says to agents, and the visitor does not see.
    #[serde(default, skip_serializing_if = "is_false")]
    pub hidden: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields by reference")]
fn is_false(flag: &bool) -> bool {
    !*flag
}

/// Author of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum LineAuthor {
    /// The visitor.
    Visitor,
    /// The bot of the widget.
    Bot,
    /// An agent.
    Agent,
    /// The simulator: what went wrong, for the developer.
    System,
}

/// Button that a visitor sees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ShownButton {
    /// Text of the button.
    pub text: String,
    /// Id that a click on it sends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

/// Cards that a visitor sees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ShownCards {
    /// `VERTICAL` or `HORIZONTAL`.
    pub layout: String,
    /// The cards, in their order.
    pub cards: Vec<ShownCard>,
}

/// Card that a visitor sees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ShownCard {
    /// Title.
    pub title: String,
    /// Line about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excerpt: Option<String>,
    /// Address that a click leads to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
}

/// Label of a chat, with one value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct VisitLabel {
    /// Name.
    pub name: String,
    /// Value. A label that has several is there several times.
    pub value: String,
}

/// Visitor who comes to a widget, and all that is known of them.
///
/// Its JSON is what the HTTP face takes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct NewVisit {
    /// Widget; absent: the only one.
    pub widget: Option<WidgetId>,
    /// Email address.
    pub email: Option<String>,
    /// Name.
    pub name: Option<String>,
    /// First message.
    pub text: Option<String>,
    /// Page the chat is opened on.
    pub page_url: Option<String>,
    /// First page of the site that they saw.
    pub entry_url: Option<String>,
    /// Page they came to the site from.
    pub referrer_url: Option<String>,
    /// IP address; absent: one of 198.18.0.0/15, by the number of the case.
    pub ip_address: Option<String>,
    /// Name of their browser.
    pub user_agent: Option<String>,
    /// Language.
    pub locale: Option<String>,
    /// Visitor's cookie, by which a ban holds. Absent: somebody new.
    pub visitor: Option<String>,
    /// Variables of the page, among which `__hmacSignature`, `__hmacNonce` and `__hmacTimestamp`
    /// say who the visitor is.
    pub variables: BTreeMap<String, Value>,
    /// Message that was shown to them unasked.
    pub proactive_message: Option<String>,
}

/// Message that is left while nobody is there.
///
/// Its JSON is what the HTTP face takes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct OfflineMessage {
    /// Widget; absent: the only one.
    pub widget: Option<WidgetId>,
    /// Email address to answer to.
    pub email: String,
    /// Message.
    pub text: String,
    /// Variables of the page.
    pub variables: BTreeMap<String, Value>,
}

//! Requests of the Bot API.

use std::borrow::Cow;

use bytes::Bytes;
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value, json};

use crate::bot::{Button, Command, CommandError};
use crate::id::{CaseId, WidgetId};
use crate::identity::VARIABLES;
use crate::simulator::case::Case;
use crate::simulator::vendor::gson;
use crate::timestamp::Timestamp;

/// Event of a chat, for its bot.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::simulator) struct BotEvent {
    pub(in crate::simulator) kind: BotEventKind,
    /// Widget whose bot it is.
    pub(in crate::simulator) widget: WidgetId,
    pub(in crate::simulator) at: Timestamp,
    name: String,
    fields: Vec<(Cow<'static, str>, Value)>,
    more: Map<String, Value>,
}

/// Kinds of events, by what becomes of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::simulator) enum BotEventKind {
    /// It is carried out; without one, the chat goes to a human.
    Usual,
    /// It is carried out; without one, nothing happens.
    CommandResult,
    /// Nobody is there to see it.
    Closed,
}

/// Command that was not carried out.
#[derive(Debug)]
pub(in crate::simulator) struct Failed {
    pub(in crate::simulator) operation: String,
    pub(in crate::simulator) parameters: Option<Value>,
    pub(in crate::simulator) error: CommandError,
}

impl Failed {
    pub(in crate::simulator) fn new(command: &Command, error: CommandError) -> Self {
        let operation = command.operation().to_owned();
        Self { operation, parameters: command.parameters(), error }
    }
}

impl BotEvent {
    fn new(kind: BotEventKind, name: &str, widget: WidgetId, at: Timestamp) -> Self {
        let (fields, more) = (Vec::new(), Map::new());
        Self { kind, widget, at, name: name.to_owned(), fields, more }
    }

    fn usual(name: &str, widget: WidgetId, at: Timestamp) -> Self {
        Self::new(BotEventKind::Usual, name, widget, at)
    }

    /// Returns the event that opens a chat.
    pub(in crate::simulator) fn started(
        case: &Case,
        widget: WidgetId,
        text: Option<&str>,
        at: Timestamp,
    ) -> Self {
        let visitor = &case.visitor;
        let mut event = Self::usual("chatStarted", widget, at);
        event.put("email", visitor.email.as_deref());
        event.put("proactive_message", visitor.proactive_message.as_deref());
        event.put("text", text);
        event.put("user_agent", visitor.user_agent.as_deref());
        event.put("entry_url", visitor.entry_url.as_deref());
        event.put("referrer_url", visitor.referrer_url.as_deref());
        event.put("page_url", visitor.page_url.as_deref());
        event.put("ip_address", Some(&*case.ip_address()));
        event.put("jsVariables", variables(case).as_deref());
        if let Some(identity) = &visitor.identity {
            let status = if identity.is_verified { "VERIFIED" } else { "NOT_VERIFIED" };
            let result = json!({
                "verificationProperty": { "property": "CaseEmail" },
                "content": identity.email,
                "status": status,
            });
            event.fields.push(("hmacVerificationResult".into(), result));
        }
        event
    }

    /// Returns what the visitor said, or the button they clicked.
    pub(in crate::simulator) fn message(
        widget: WidgetId,
        text: &str,
        button: Option<&Button>,
        at: Timestamp,
    ) -> Self {
        let mut event = Self::usual("message", widget, at);
        event.put("from", Some("visitor"));
        event.put("text", Some(text));
        event.put("id", button.and_then(|button| button.id.as_deref()));
        event
    }

    pub(in crate::simulator) fn command_result(
        widget: WidgetId,
        failed: &[Failed],
        at: Timestamp,
    ) -> Self {
        let failed = failed.iter().map(|failed| {
            let mut command = Map::new();
            command.insert("operation".to_owned(), failed.operation.as_str().into());
            if let Some(parameters) = &failed.parameters {
                command.insert("params".to_owned(), parameters.clone());
            }
            command.insert("error".to_owned(), failed.error.as_str().into());
            Value::Object(command)
        });
        let failed = failed.collect();
        let mut event = Self::new(BotEventKind::CommandResult, "commandResult", widget, at);
        event.fields.push(("failedCommands".into(), failed));
        event
    }

    pub(in crate::simulator) fn closed(widget: WidgetId, at: Timestamp) -> Self {
        Self::new(BotEventKind::Closed, "chatClosed", widget, at)
    }

    /// Returns any event, as a developer wants it sent.
    pub(in crate::simulator) fn any(
        widget: WidgetId,
        name: &str,
        fields: Map<String, Value>,
        at: Timestamp,
    ) -> Self {
        Self { more: fields, ..Self::usual(name, widget, at) }
    }

    fn put(&mut self, name: &'static str, value: Option<&str>) {
        self.fields.extend(value.map(|value| (name.into(), value.into())));
    }

    /// Returns the body, with the context id of the last reply.
    pub(in crate::simulator) fn body(&self, case: &CaseId, context_id: Option<&str>) -> Bytes {
        gson::write(&Written { event: self, case, context_id })
    }
}

/// Event in the order of the vendor's samples.
struct Written<'e> {
    event: &'e BotEvent,
    case: &'e CaseId,
    context_id: Option<&'e str>,
}

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (event, more) = (self.event, &self.event.more);
        let mut map = serializer.serialize_map(None)?;
        let timestamp = event.at.as_millis();
        let own = [
            ("widget_id".into(), json!(event.widget)),
            ("case_id".into(), json!(self.case)),
            ("timestamp".into(), timestamp.into()),
            ("event".into(), event.name.as_str().into()),
        ];
        let context_id = self.context_id.map(|id| ("context_id".into(), id.into()));
        let all = own.iter().chain(&event.fields).chain(&context_id);
        for (name, value) in all.filter(|(name, _)| !more.contains_key(&**name)) {
            map.serialize_entry(name, value)?;
        }
        more.iter().try_for_each(|(name, value)| map.serialize_entry(name, value))?;
        map.end()
    }
}

/// Writes the variables of the page; `None` if there are none.
fn variables(case: &Case) -> Option<String> {
    let variables = case.visitor.variables.iter();
    let variables = variables.filter(|(name, _)| !VARIABLES.contains(&name.as_str()));
    let written: Vec<_> = variables.map(|(name, value)| format!("{name}={value}")).collect();
    (!written.is_empty()).then(|| written.join(","))
}

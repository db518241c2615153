//! SnapEngage's side of a chat: the next request, and the effect of the answer.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use serde_json::{Map, Value, json};

use super::Visitor;
use super::chat_event::ChatEvent;
use super::reading::{self, is_transfer};
use super::script_lines;
use crate::bot::{Button, Command, CommandError, Reply};
use crate::id::{CaseId, WidgetId};
use crate::timestamp::Timestamp;

/// Chat as SnapEngage sees it.
#[derive(Debug, Clone)]
pub(super) struct VendorSide {
    pub(super) widget_id: WidgetId,
    pub(super) case_id: CaseId,
    /// Time of the next event; `None` if requests have no time.
    clock: Option<Timestamp>,
    /// `true` once the bot has received the chat.
    is_open: bool,
    /// Context id to be sent back with the next request.
    context_id: Option<String>,
    /// Buttons shown last.
    buttons: Vec<Button>,
    last_request: Option<Bytes>,
    replies: Vec<Reply>,
    transcript: String,
}

type Fields = Map<String, Value>;

impl VendorSide {
    pub(super) fn new(case_id: CaseId) -> Self {
        Self {
            widget_id: "ff7b3314-24de-4a4c-b48b-1cf38d19acf0".into(),
            case_id,
            clock: Timestamp::from_millis(START),
            is_open: false,
            context_id: None,
            buttons: Vec::new(),
            last_request: None,
            replies: Vec::new(),
            transcript: String::new(),
        }
    }

    pub(super) fn stop_clock(&mut self) {
        self.clock = None;
    }

    pub(super) fn wait(&mut self, duration: Duration) {
        self.clock = self.clock.map(|now| now.saturating_add(duration));
    }

    /// Joins a chat that is open already.
    pub(super) fn join(&mut self) {
        self.is_open = true;
    }

    pub(super) fn last_reply(&self) -> Option<&Reply> {
        self.replies.last()
    }

    /// Returns all replies, in the order they were read.
    pub(super) fn replies(&self) -> &[Reply] {
        &self.replies
    }

    /// Returns the chat so far, as a chat script.
    pub(super) fn transcript(&self) -> &str {
        &self.transcript
    }

    pub(super) fn note(&mut self, line: &str) {
        self.transcript.push_str(line);
        self.transcript.push('\n');
    }

    /// Returns the request for a step, or the reason why there can be no such step now.
    pub(super) fn request(&mut self, step: &ChatEvent) -> Result<Bytes, String> {
        let (event, fields) = match step {
            ChatEvent::Open(visitor) => ("chatStarted", visitor.fields().clone()),
            // The visitor's first message comes with the event that opens the chat.
            ChatEvent::Say(text) if !self.is_open => {
                ("chatStarted", Visitor::new().first_message(text).fields().clone())
            }
            ChatEvent::Say(text) => ("message", message(text, None)),
            ChatEvent::Click(button) => ("message", self.click(button)?),
            ChatEvent::FailTransfer(error) => ("commandResult", self.failed_transfer(error)?),
            ChatEvent::Close => ("chatClosed", Fields::new()),
            ChatEvent::Send { event, fields } => (event.as_str(), fields.clone()),
            ChatEvent::Again => {
                return self.last_request.clone().ok_or("nothing was sent yet".into());
            }
        };
        self.is_open = true;
        let body = self.body(event, fields);
        self.last_request = Some(body.clone());
        Ok(body)
    }

    fn body(&mut self, event: &str, mut fields: Fields) -> Bytes {
        fields.insert("event".to_owned(), event.into());
        fields.insert("widget_id".to_owned(), self.widget_id.as_str().into());
        fields.insert("case_id".to_owned(), self.case_id.as_str().into());
        if let Some(now) = self.clock {
            fields.insert("timestamp".to_owned(), now.as_millis().into());
        }
        if let Some(context_id) = self.context_id.take() {
            fields.insert("context_id".to_owned(), context_id.into());
        }
        self.wait(Duration::from_secs(1));
        Value::Object(fields).to_string().into()
    }

    fn click(&self, wanted: &Button) -> Result<Fields, String> {
        let button = reading::button(&self.buttons, wanted)?;
        Ok(message(&button.text, button.id.as_deref()))
    }

    /// Returns the transfer of the last reply. A chat that is joined in the middle has none yet,
    /// and may have been handed over before.
    fn failed_transfer(&self, error: &CommandError) -> Result<Fields, String> {
        let command = match self.last_reply() {
            Some(reply) => reply.commands().filter(|command| is_transfer(command)).last(),
            None => Some(&Command::HumanTransfer),
        };
        let command = command.ok_or("there is no transfer in the last reply that could fail")?;
        let mut failed = Fields::new();
        failed.insert("operation".to_owned(), command.operation().into());
        if let Some(parameters) = command.parameters() {
            failed.insert("params".to_owned(), parameters);
        }
        failed.insert("error".to_owned(), error.as_str().into());
        Ok(Fields::from_iter([("failedCommands".to_owned(), json!([failed]))]))
    }

    /// Reads the answer to a step, or returns the reason why SnapEngage could not.
    pub(super) fn answered(
        &mut self,
        step: &ChatEvent,
        status: StatusCode,
        body: &[u8],
    ) -> Result<&Reply, String> {
        self.note(&step.to_string());
        let reply = self.read(status, body)?;
        let lines = script_lines::reply(&reply);
        if !lines.is_empty() {
            self.note(&lines);
        }
        if let Some(buttons) = reading::buttons(&reply) {
            self.buttons = buttons;
        }
        self.context_id = reply.returned_context_id().map(str::to_owned);
        self.replies.push(reply);
        Ok(self.last_reply().expect("just pushed"))
    }

    fn read(&self, status: StatusCode, body: &[u8]) -> Result<Reply, String> {
        let text = || String::from_utf8_lossy(body);
        if status != StatusCode::OK {
            return Err(format!("the bot answered {status}: {}", text()));
        }
        let reply = reading::reply(body, &self.widget_id, &self.case_id);
        reply.map_err(|problem| format!("{problem}: {}", text()))
    }
}

fn message(text: &str, id: Option<&str>) -> Fields {
    let mut fields = Fields::new();
    fields.insert("from".to_owned(), "visitor".into());
    fields.insert("text".to_owned(), text.into());
    if let Some(id) = id {
        fields.insert("id".to_owned(), id.into());
    }
    fields
}

/// Time of the first event, as in SnapEngage's sample.
const START: i64 = 1_554_321_077_338;

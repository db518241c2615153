//! Requests and answers of a chat that took place, as a chat script.

use http::StatusCode;
use serde_json::{Map, Value};

use super::Visitor;
use super::chat_event::ChatEvent;
use super::reading;
use super::script::Script;
use super::vendor_side::VendorSide;
use crate::bot::Button;
use crate::id::{CaseId, WidgetId};

/// Writer of a chat script: it goes through a chat as SnapEngage does, and finds for each request
/// the step of which it would come.
#[derive(Debug)]
pub(crate) struct Transcriber {
    side: VendorSide,
    last: Option<Vec<u8>>,
}

impl Transcriber {
    pub(crate) fn new(widget_id: WidgetId, case_id: CaseId) -> Self {
        let mut side = VendorSide::new(case_id);
        side.widget_id = widget_id;
        side.stop_clock();
        Self { side, last: None }
    }

    /// Takes a request and its answer. One that the bot did not answer as SnapEngage reads it is no
    /// part of a script, and is left out with a comment.
    pub(crate) fn take(&mut self, request: &[u8], status: StatusCode, answer: &[u8]) {
        let readable = match status {
            StatusCode::OK => {
                reading::reply(answer, &self.side.widget_id, &self.side.case_id).map(drop)
            }
            status => Err(format!("answered {status}")),
        };
        let step = readable.and_then(|()| self.step(request).ok_or("no event of a chat".into()));
        match step {
            Ok((step, side)) => {
                self.side = side;
                // Both were tried above.
                let _ = self.side.answered(&step, status, answer);
                self.last = Some(request.to_vec());
            }
            Err(problem) => {
                self.side.note(&format!("# left out: {}", problem.replace(['\r', '\n'], " ")));
            }
        }
    }

    pub(crate) fn into_script(self) -> String {
        self.side.transcript().to_owned()
    }

    /// Returns the step whose request this is, and the chat after it: the plainest one, and else
    /// the event by its name and all of its fields.
    fn step(&self, request: &[u8]) -> Option<(ChatEvent, VendorSide)> {
        let recorded = fields(request)?;
        let mut steps = Vec::new();
        if self.last.as_deref() == Some(request) {
            steps.push(ChatEvent::Again);
        }
        let event = recorded.get("event")?.as_str()?;
        steps.extend(plain(event, &recorded));
        let is_own = |name: &str| matches!(name, "event" | "widget_id" | "case_id");
        let mut rest = recorded.clone();
        rest.retain(|name, _| !is_own(name));
        steps.push(ChatEvent::Send { event: event.to_owned(), fields: rest });
        steps.into_iter().find_map(|step| {
            let mut side = self.side.clone();
            // As it is read from its script: white space at the ends of a text, say, is not there.
            let step = Script::parse(&step.to_string()).ok()?.into_step()?;
            let made = fields(&side.request(&step).ok()?)?;
            (made == recorded).then_some((step, side))
        })
    }
}

/// Returns the fields of a request, but for its time.
fn fields(request: &[u8]) -> Option<Map<String, Value>> {
    let mut fields: Map<String, Value> = serde_json::from_slice(request).ok()?;
    fields.remove("timestamp");
    Some(fields)
}

/// Returns the steps by which an event may have come about.
fn plain(event: &str, fields: &Map<String, Value>) -> Vec<ChatEvent> {
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    match event {
        "chatStarted" => {
            let own = ["event", "widget_id", "case_id", "context_id"];
            let fields = fields.iter().filter(|(name, _)| !own.contains(&name.as_str()));
            let visitor = fields
                .fold(Visitor::new(), |visitor, (name, value)| visitor.field(name, value.clone()));
            vec![ChatEvent::Open(visitor)]
        }
        "message" => {
            let Some(said) = text("text") else { return Vec::new() };
            vec![match text("id") {
                Some(id) => ChatEvent::Click(Button::new(said).id(id)),
                None => ChatEvent::Say(said.to_owned()),
            }]
        }
        "commandResult" => {
            let error = fields.get("failedCommands").and_then(|failed| failed.pointer("/0/error"));
            let error = error.and_then(Value::as_str);
            error.map(|error| ChatEvent::FailTransfer(error.into())).into_iter().collect()
        }
        "chatClosed" => vec![ChatEvent::Close],
        _ => Vec::new(),
    }
}

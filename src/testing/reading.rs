//! SnapEngage's reading of a bot's answer: the only one, for tests and for the simulator.

use serde::Deserialize;
use serde_json::{Error, Map, Value};

use super::mismatch::{described, kind, mismatch};
use super::script_lines;
use crate::bot::{Button, Command, Content, Reply};
use crate::id::{CaseId, WidgetId};

/// Reads the body of a bot's answer, or returns the reason why SnapEngage could not: the field, and
/// nothing that the answer says.
pub(crate) fn reply(body: &[u8], widget_id: &WidgetId, case_id: &CaseId) -> Result<Reply, String> {
    let unreadable = |problem: String| format!("the bot's answer cannot be read: {problem}");
    let answer = object(body).map_err(unreadable)?;
    for (name, expected) in [("widget_id", widget_id.as_str()), ("case_id", case_id.as_str())] {
        match answer.get(name) {
            Some(Value::String(id)) if id == expected => {}
            Some(Value::String(_)) => {
                let problem = format!("`{name}` is not that of the request");
                return Err(format!("the bot's answer is for another conversation: {problem}"));
            }
            None => return Err(unreadable(format!("missing field `{name}`"))),
            Some(other) => {
                let problem = mismatch("a string", kind(other));
                return Err(unreadable(format!("`{name}`: {problem}")));
            }
        }
    }
    serde_json::from_slice(body).map_err(|error| unreadable(placed(&answer, &error)))
}

/// Reads the body of an answer as an object.
fn object(body: &[u8]) -> Result<Map<String, Value>, String> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(other) => Err(mismatch("an object", kind(&other))),
        // Of what is no JSON, serde_json says where, and repeats nothing.
        Err(error) => Err(format!("not JSON: {error}")),
    }
}

/// Describes an error with the field that it is in, such as `content[0]: missing field
/// `operation``.
fn placed(answer: &Map<String, Value>, error: &Error) -> String {
    let content = match answer.get("content") {
        None => &[][..],
        Some(Value::Array(content)) => content,
        Some(other) => return format!("`content`: {}", mismatch("an array", kind(other))),
    };
    let problem = |value: &Value| Content::deserialize(value).err();
    let found = content.iter().enumerate().find_map(|(n, value)| Some((n, problem(value)?)));
    match (found, answer.get("context_id")) {
        (Some((n, error)), _) => format!("`content[{n}]`: {}", described(&error)),
        (None, Some(id)) if !id.is_string() && !id.is_null() => {
            format!("`context_id`: {}", mismatch("a string", kind(id)))
        }
        _ => described(error),
    }
}

/// Returns the buttons that a visitor sees after a reply; `None` if those above it are still there,
/// since it has no text.
pub(crate) fn buttons(reply: &Reply) -> Option<Vec<Button>> {
    let buttons = reply.content().iter().filter_map(|content| match content {
        Content::Message(text) => Some(&text.display_responses),
        _ => None,
    });
    reply.texts().next()?;
    Some(buttons.flatten().cloned().collect())
}

/// Returns the button to click, of those shown; a wanted one without an id stands for any of its
/// text.
pub(crate) fn button<'b>(shown: &'b [Button], wanted: &Button) -> Result<&'b Button, String> {
    let is_wanted = |button: &&Button| {
        button.text == wanted.text && (wanted.id.is_none() || wanted.id == button.id)
    };
    let mut found = shown.iter().filter(is_wanted);
    match (found.next(), found.next()) {
        (Some(button), None) => Ok(button),
        (Some(_), Some(_)) => {
            Err(format!("there are several buttons `{}`: click one by its id", wanted.text))
        }
        (None, _) => {
            let shown: Vec<String> = shown.iter().map(script_lines::button).collect();
            let shown = if shown.is_empty() { "none".to_owned() } else { shown.join(" ") };
            let wanted = script_lines::button(wanted);
            Err(format!("there is no button {wanted} to click; shown last: {shown}"))
        }
    }
}

/// Returns `true` for a command that puts the visitor through to somebody else.
pub(crate) fn is_transfer(command: &Command) -> bool {
    matches!(
        command,
        Command::Transfer(_)
            | Command::HumanTransfer
            | Command::TagTransfer { .. }
            | Command::WidgetTransfer(_)
            | Command::WidgetHumanTransfer(_)
    )
}

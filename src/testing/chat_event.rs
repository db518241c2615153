//! Events of a chat.

use std::fmt;

use serde_json::{Map, Value};

use super::Visitor;
use super::script_lines;
use crate::bot::{Button, CommandError};

/// Event of a chat. Its text is its line in a chat script.
#[derive(Debug, Clone)]
pub(super) enum ChatEvent {
    Open(Visitor),
    Say(String),
    /// Button that is clicked; one without an id stands for any of its text.
    Click(Button),
    FailTransfer(CommandError),
    Close,
    Send {
        event: String,
        fields: Map<String, Value>,
    },
    Again,
}

impl fmt::Display for ChatEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open(visitor) => {
                f.write_str("chat opens")?;
                let mut fields = visitor.fields().iter();
                fields.try_for_each(|(name, value)| write!(f, "\n  {name}: {}", field(value)))
            }
            Self::Say(text) => f.write_str(&script_lines::text("visitor:", text)),
            Self::Click(Button { text, id: None }) => write!(f, "visitor clicks: {text}"),
            Self::Click(button) => write!(f, "visitor clicks: {}", script_lines::button(button)),
            Self::FailTransfer(error) => write!(f, "transfer fails: {error}"),
            Self::Close => f.write_str("chat closes"),
            Self::Send { event, fields } => {
                write!(f, "event: {event} {}", Value::Object(fields.clone()))
            }
            Self::Again => f.write_str("same again"),
        }
    }
}

/// Writes a field's value: as it is if it is a plain text, and as JSON if it is not, or if it would
/// be read as JSON.
fn field(value: &Value) -> String {
    match value.as_str() {
        Some(text) if is_plain(text) => text.to_owned(),
        _ => value.to_string(),
    }
}

fn is_plain(text: &str) -> bool {
    !is_json(text) && text.trim() == text && !text.contains('\n')
}

/// Returns `true` if a field's value is meant as JSON.
pub(super) fn is_json(text: &str) -> bool {
    text.starts_with(['{', '[', '"'])
}

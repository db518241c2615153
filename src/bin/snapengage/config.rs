//! Configuration of the simulator: a file of TOML.
//!
//! ```toml
//! seed = 1
//! [[widget]]
//! id = "sales"
//! name = "Sales"
//! email_required = false
//! message_required = false
//! [[agent]]
//! email = "jane@example.com"
//! alias = "Jane"
//! status = "online"
//! widgets = ["sales"]
//! ```
//!
//! A key that is not known is an error: one that is misspelt would have no effect otherwise.

use std::fs;
use std::path::Path;

use serde::Deserialize;
use snapengage::agent_status::Status;

use super::Outcome;

/// What a file sets.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Seed of the ids and the time.
    pub(crate) seed: Option<u64>,
    #[serde(default, rename = "widget")]
    pub(crate) widgets: Vec<WidgetTable>,
    #[serde(default, rename = "agent")]
    pub(crate) agents: Vec<AgentTable>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WidgetTable {
    pub(crate) id: String,
    pub(crate) name: Option<String>,
    #[serde(default)]
    pub(crate) email_required: bool,
    #[serde(default)]
    pub(crate) message_required: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AgentTable {
    pub(crate) email: String,
    pub(crate) alias: Option<String>,
    #[serde(default)]
    pub(crate) status: AgentState,
    /// All widgets, if absent.
    pub(crate) widgets: Option<Vec<String>>,
}

#[derive(Debug, Default, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum AgentState {
    #[default]
    Online,
    Pause,
    Offline,
}

impl From<AgentState> for Status {
    fn from(state: AgentState) -> Self {
        match state {
            AgentState::Online => Self::Online,
            AgentState::Pause => Self::Pause,
            AgentState::Offline => Self::Offline,
        }
    }
}

impl Config {
    /// Returns what is there without a file.
    pub(crate) fn local() -> Self {
        let widget = WidgetTable {
            id: "local".to_owned(),
            name: None,
            email_required: false,
            message_required: false,
        };
        Self { seed: None, widgets: vec![widget], agents: Vec::new() }
    }

    /// Reads a file. Its errors name the line and the key, and never a value.
    pub(crate) fn read(path: &Path) -> Outcome<Self> {
        let text = fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
        toml::from_str(&text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start));
            let line = before.map_or(1, |before| before.matches('\n').count() + 1);
            let problem = without_value(error.message());
            format!("{}: line {line}: {problem}", path.display()).into()
        })
    }
}

/// Takes the value out of a message: `invalid type: integer `1`, expected a string`.
fn without_value(message: &str) -> &str {
    let has_value = ["invalid type: ", "invalid value: ", "unknown variant "];
    if !has_value.iter().any(|start| message.starts_with(start)) {
        return message;
    }
    message.rfind("expected ").map_or("not as expected", |at| &message[at..])
}

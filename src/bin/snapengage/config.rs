//! Configuration of the simulator: a file of TOML.
//!
//! `simulator.toml` beside this is one that has all keys; the long help shows it.
//!
//! A key that is not known is an error: one that is misspelt would have no effect otherwise.

use std::fs;
use std::num::NonZeroU32;
use std::path::Path;

use serde::Deserialize;
use snapengage::agent_status::Status;
use snapengage::simulator::IntegrationForm;

use super::Outcome;

/// Settings of a file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Seed of the ids and the time.
    pub(crate) seed: Option<u64>,
    /// Seconds of the simulator's in one of the machine's.
    pub(crate) speed: Option<NonZeroU32>,
    #[serde(default, rename = "widget")]
    pub(crate) widgets: Vec<WidgetTable>,
    #[serde(default, rename = "agent")]
    pub(crate) agents: Vec<AgentTable>,
    pub(crate) agent_status: Option<ReceiverTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WidgetTable {
    pub(crate) id: String,
    pub(crate) name: Option<String>,
    #[serde(default)]
    pub(crate) email_required: bool,
    #[serde(default)]
    pub(crate) message_required: bool,
    pub(crate) identity_secret: Option<String>,
    /// Global variables of a page that its script sends along.
    #[serde(default)]
    pub(crate) variables: Vec<String>,
    pub(crate) bot: Option<BotTable>,
    pub(crate) integration: Option<IntegrationTable>,
    pub(crate) conversation_events: Option<ReceiverTable>,
    pub(crate) get_contact: Option<ContactTable>,
    /// Address of the agents' page.
    pub(crate) hub: Option<String>,
}

/// Receiver of a feed: its address, and the token that it expects.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReceiverTable {
    pub(crate) url: String,
    pub(crate) token: Option<String>,
}

/// Receiver that is asked about visitors: it has no token, but for a secret in its path.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ContactTable {
    pub(crate) url: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BotTable {
    pub(crate) url: String,
    pub(crate) token: Option<String>,
    pub(crate) name: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct IntegrationTable {
    pub(crate) url: String,
    pub(crate) token: Option<String>,
    #[serde(default)]
    pub(crate) form: FormName,
}

/// Name of a form of Integration requests.
#[derive(Debug, Default, Clone, Copy, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum FormName {
    #[default]
    Json,
    Xml,
}

impl From<FormName> for IntegrationForm {
    fn from(name: FormName) -> Self {
        match name {
            FormName::Json => Self::Json,
            FormName::Xml => Self::Xml,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AgentTable {
    pub(crate) email: String,
    pub(crate) alias: Option<String>,
    #[serde(default)]
    pub(crate) status: AgentState,
    /// All widgets, if absent.
    pub(crate) widgets: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) tags: Vec<String>,
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
    /// Returns what is there without a file: nothing yet.
    pub(crate) fn empty() -> Self {
        Self {
            seed: None,
            speed: None,
            widgets: Vec::new(),
            agents: Vec::new(),
            agent_status: None,
        }
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

impl WidgetTable {
    /// Returns a widget of which nothing but the id is known.
    pub(crate) fn new(id: String) -> Self {
        Self {
            id,
            name: None,
            email_required: false,
            message_required: false,
            identity_secret: None,
            variables: Vec::new(),
            bot: None,
            integration: None,
            conversation_events: None,
            get_contact: None,
            hub: None,
        }
    }
}

impl AgentTable {
    /// Returns an agent who is online, of all widgets.
    pub(crate) fn new(email: String) -> Self {
        let status = AgentState::Online;
        Self { email, alias: None, status, widgets: None, tags: Vec::new() }
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

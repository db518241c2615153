//! Agents: who may take chats.

use crate::agent_status::Status;
use crate::id::WidgetId;

/// Agent that the simulator starts with.
///
/// ```
/// use snapengage::agent_status::Status;
/// use snapengage::simulator::SimulatedAgent;
///
/// SimulatedAgent::new("jane@example.com")
///     .alias("Jane")
///     .status(Status::Pause)
///     .widgets(["sales"]);
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct SimulatedAgent {
    pub(super) email: String,
    pub(super) alias: Option<String>,
    pub(super) status: Status,
    pub(super) widgets: Option<Vec<WidgetId>>,
    pub(super) tags: Vec<String>,
}

impl SimulatedAgent {
    /// Creates an agent who is online, by the email address, with or without `wc:`.
    pub fn new(email: impl AsRef<str>) -> Self {
        let email = email_of(email.as_ref());
        Self { email, alias: None, status: Status::Online, widgets: None, tags: Vec::new() }
    }

    /// Sets the name that visitors see. By default, that before the `@`.
    pub fn alias(self, alias: impl Into<String>) -> Self {
        Self { alias: Some(alias.into()), ..self }
    }

    /// Sets the status at the start. Online by default.
    pub fn status(self, status: Status) -> Self {
        Self { status, ..self }
    }

    /// Sets the widgets that the agent answers for. By default all that the simulator starts with.
    pub fn widgets<I>(self, widgets: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<WidgetId>,
    {
        Self { widgets: Some(widgets.into_iter().map(Into::into).collect()), ..self }
    }

    /// Sets the tags: a `TAG_TRANSFER` is to agents who have all that it names.
    pub fn tags<T: Into<String>>(self, tags: impl IntoIterator<Item = T>) -> Self {
        Self { tags: tags.into_iter().map(Into::into).collect(), ..self }
    }

    pub(super) fn shown_alias(&self) -> String {
        let before_at = || self.email.split('@').next().unwrap_or_default();
        self.alias.clone().unwrap_or_else(|| before_at().to_owned())
    }
}

impl<T: AsRef<str>> From<T> for SimulatedAgent {
    fn from(email: T) -> Self {
        Self::new(email)
    }
}

/// Agent, and whether they take chats.
#[derive(Debug, Clone)]
pub(super) struct Agent {
    pub(super) status: Status,
    pub(super) sub_status: Option<String>,
    pub(super) tags: Vec<String>,
}

impl Agent {
    pub(super) fn is_online(&self) -> bool {
        self.status == Status::Online
    }
}

/// Returns the email address of an agent's id, in lower case as the vendor keeps it.
pub(super) fn email_of(id: &str) -> String {
    id.strip_prefix("wc:").unwrap_or(id).to_lowercase()
}

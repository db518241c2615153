//! Widgets: where visitors chat.

use serde_json::Value;

use super::case::Face;
use crate::id::WidgetId;

/// Widget that the simulator starts with.
///
/// ```
/// use snapengage::simulator::SimulatedWidget;
///
/// SimulatedWidget::new("sales").name("Sales").email_required(true);
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct SimulatedWidget {
    pub(super) id: WidgetId,
    pub(super) name: Option<String>,
    pub(super) account: Option<String>,
    pub(super) destination: Option<String>,
    pub(super) needs: Needs,
}

/// What a visitor has to give before a chat.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Needs {
    pub(super) email: bool,
    pub(super) message: bool,
    pub(super) screenshot: bool,
}

impl SimulatedWidget {
    /// Creates a widget of this id, online as soon as an agent of it is.
    pub fn new(id: impl Into<WidgetId>) -> Self {
        let needs = Needs::default();
        Self { id: id.into(), name: None, account: None, destination: None, needs }
    }

    /// Sets the name that agents see.
    pub fn name(self, name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    /// Sets the email address of the user whose widget it is, which the Provisioning API wants with
    /// each call about it. By default nobody's, and any address will do.
    pub fn account(self, email: impl AsRef<str>) -> Self {
        Self { account: Some(email.as_ref().to_lowercase()), ..self }
    }

    /// Sets the email address that transcripts go to.
    pub fn destination_email(self, email: impl Into<String>) -> Self {
        Self { destination: Some(email.into()), ..self }
    }

    /// Sets whether a visitor has to give an email address. `false` by default.
    pub fn email_required(mut self, is_required: bool) -> Self {
        self.needs.email = is_required;
        self
    }

    /// Sets whether a visitor has to begin with a message. `false` by default.
    pub fn message_required(mut self, is_required: bool) -> Self {
        self.needs.message = is_required;
        self
    }

    /// Sets whether the widget says that it takes a picture of the page. `false` by default; no API
    /// can send one.
    pub fn screenshot_required(mut self, is_required: bool) -> Self {
        self.needs.screenshot = is_required;
        self
    }
}

impl<T: Into<WidgetId>> From<T> for SimulatedWidget {
    fn from(id: T) -> Self {
        Self::new(id)
    }
}

/// Widget as the vendor keeps it.
#[derive(Debug, Clone)]
pub(super) struct Widget {
    pub(super) id: WidgetId,
    pub(super) name: Option<String>,
    /// User whose widget it is; `None` if anybody may say that it is theirs.
    pub(super) account: Option<String>,
    pub(super) destination: Option<String>,
    pub(super) agents: Vec<Member>,
    pub(super) is_proactive: bool,
    /// `None` if nobody has said.
    pub(super) has_conversations: Option<bool>,
    /// Opening hours as they were sent: no call returns them.
    pub(super) schedule: Option<Value>,
    pub(super) needs: Needs,
    /// Bytes that its making took.
    pub(super) size: usize,
}

/// Agent as a member of a widget.
#[derive(Debug, Clone)]
pub(super) struct Member {
    pub(super) email: String,
    pub(super) alias: String,
    pub(super) avatar: String,
    /// `webclient`, `google` or `skype`.
    pub(super) kind: String,
}

impl Widget {
    /// Returns `true` if the widget is that of this user.
    pub(super) fn is_of(&self, email: &str) -> bool {
        self.account.as_deref().is_none_or(|account| account == email)
    }
}

impl Member {
    pub(super) fn face(&self) -> Face {
        Face { email: self.email.clone(), alias: self.alias.clone() }
    }
}

//! Widgets: where visitors chat.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::case::Face;
use super::feeds::{Address, Feeds, IntegrationForm};
use crate::error::BuildError;
use crate::id::WidgetId;
use crate::identity::Verifier;

/// Widget that the simulator starts with, and the feeds that its chats are sent to.
///
/// ```
/// use snapengage::simulator::{IntegrationForm, SimulatedWidget};
///
/// SimulatedWidget::new("sales")
///     .name("Sales")
///     .email_required(true)
///     .bot("http://127.0.0.1:8080/bot", "my-token")
///     .integration("http://127.0.0.1:8080/cases", "my-token", IntegrationForm::Json);
/// ```
///
/// The address of a feed is `http://` or `https://`, or a path of the receiver that the simulator
/// [delivers to](super::SimulatorBuilder::deliver_to). With an empty token, none is sent.
#[derive(Clone)]
#[must_use]
pub struct SimulatedWidget {
    pub(super) id: WidgetId,
    pub(super) name: Option<String>,
    pub(super) account: Option<String>,
    pub(super) destination: Option<String>,
    pub(super) needs: Needs,
    pub(super) feeds: Feeds,
    pub(super) identity_secret: Option<String>,
    pub(super) hub: Option<String>,
    pub(super) variables: Vec<String>,
}

/// Fields that a visitor has to fill in before a chat.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Needs {
    pub(super) email: bool,
    pub(super) message: bool,
    pub(super) screenshot: bool,
}

impl SimulatedWidget {
    /// Creates a widget of this id, online as soon as an agent of it is.
    pub fn new(id: impl Into<WidgetId>) -> Self {
        Self {
            id: id.into(),
            name: None,
            account: None,
            destination: None,
            needs: Needs::default(),
            feeds: Feeds::default(),
            identity_secret: None,
            hub: None,
            variables: Vec::new(),
        }
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

/// Feeds.
impl SimulatedWidget {
    /// Sets the bot that takes the chats of this widget first.
    pub fn bot(mut self, url: impl Into<String>, token: impl AsRef<str>) -> Self {
        self.feeds.bot = Some(Address::new(url, token));
        self
    }

    /// Sets the name of the bot, as visitors see it. `Bot` by default.
    pub fn bot_name(mut self, name: impl Into<String>) -> Self {
        self.feeds.bot_name = Some(name.into());
        self
    }

    /// Sets where finished chats and offline messages are sent, and in which form.
    pub fn integration(
        mut self,
        url: impl Into<String>,
        token: impl AsRef<str>,
        form: IntegrationForm,
    ) -> Self {
        self.feeds.integration = Some(Address::new(url, token));
        self.feeds.form = form;
        self
    }

    /// Sets where the events of conversations are sent.
    pub fn conversation_events(mut self, url: impl Into<String>, token: impl AsRef<str>) -> Self {
        self.feeds.conversation = Some(Address::new(url, token));
        self
    }

    /// Sets where visitors are looked up by their email address. There is no token: the address is
    /// the secret.
    pub fn get_contact(mut self, url: impl Into<String>) -> Self {
        self.feeds.contact = Some(Address::new(url, ""));
        self
    }

    /// Sets the address of the agents' Hub page, which the simulator's page shows in a frame.
    pub fn hub(mut self, url: impl Into<String>) -> Self {
        self.hub = Some(url.into());
        self
    }

    /// Sets the names of the global variables that the script takes from a developer's page.
    pub fn variables<T: Into<String>>(self, names: impl IntoIterator<Item = T>) -> Self {
        Self { variables: names.into_iter().map(Into::into).collect(), ..self }
    }

    /// Sets the secret that a website signs its visitors' email addresses with. Without it, no
    /// `hmacVerificationResult` is sent.
    pub fn identity_secret(mut self, secret: impl Into<String>) -> Self {
        self.identity_secret = Some(secret.into());
        self
    }

    /// Creates the verifier of who its visitors are.
    pub(super) fn verifier(&self) -> Option<Result<Verifier, BuildError>> {
        self.identity_secret.as_ref().map(Verifier::new)
    }
}

impl fmt::Debug for SimulatedWidget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimulatedWidget").field("id", &self.id).finish_non_exhaustive()
    }
}

impl<T: Into<WidgetId>> From<T> for SimulatedWidget {
    fn from(id: T) -> Self {
        Self::new(id)
    }
}

/// Widget as the vendor keeps it.
#[derive(Clone)]
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
    pub(super) feeds: Feeds,
    /// Verifier of who its visitors are, if their site signs that.
    pub(super) verifier: Option<Arc<Verifier>>,
    pub(super) hub: Option<String>,
    pub(super) variables: Vec<String>,
    /// Bytes that its making took.
    pub(super) size: usize,
}

impl fmt::Debug for Widget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Widget").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Agent as a member of a widget.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Member {
    pub(super) email: String,
    pub(super) alias: String,
    pub(super) avatar: String,
    /// `webclient`, `google` or `skype`.
    pub(super) kind: String,
}

impl Widget {
    /// Returns a widget of this id that has nothing else.
    pub(super) fn empty(id: WidgetId) -> Self {
        Self {
            id,
            name: None,
            account: None,
            destination: None,
            agents: Vec::new(),
            is_proactive: false,
            has_conversations: None,
            schedule: None,
            needs: Needs::default(),
            feeds: Feeds::default(),
            verifier: None,
            hub: None,
            variables: Vec::new(),
            size: 0,
        }
    }

    /// Returns the bot as visitors see it.
    pub(super) fn bot_alias(&self) -> &str {
        self.feeds.bot_name.as_deref().unwrap_or("Bot")
    }

    /// Returns the name that agents see.
    pub(super) fn shown_name(&self) -> &str {
        self.name.as_deref().unwrap_or(self.id.as_str())
    }

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

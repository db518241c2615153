//! Feeds: where the vendor sends what happens.

pub(super) mod bot;
pub(super) mod conversation;
pub(super) mod integration;
mod shown;
mod xml;

use std::fmt;
use std::sync::Arc;

use http::uri::PathAndQuery;
use http::{HeaderValue, Uri};

use crate::api::Api;

/// Form of the requests of the Integration API.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum IntegrationForm {
    /// JSON.
    #[default]
    Json,
    /// XML, as it was sent before there was JSON.
    Xml,
}

/// Address of a feed, and its token.
#[derive(Clone)]
pub(super) struct Address {
    /// `http://` or `https://`, or a path of the receiver.
    pub(super) url: Arc<str>,
    /// Empty: no token is sent.
    pub(super) token: Arc<str>,
}

impl Address {
    pub(super) fn new(url: impl Into<String>, token: impl AsRef<str>) -> Self {
        Self { url: url.into().into(), token: token.as_ref().into() }
    }

    /// Returns `true` for an address within the receiver.
    pub(super) fn is_path(&self) -> bool {
        self.url.starts_with('/')
    }

    /// Describes what is wrong with it.
    pub(super) fn mistake(&self, has_receiver: bool) -> Option<String> {
        if HeaderValue::from_str(&self.token).is_err() {
            return Some("a token that no header can carry".to_owned());
        }
        if self.is_path() {
            let is_path = self.url.parse::<PathAndQuery>().is_ok();
            return match (is_path, has_receiver) {
                (false, _) => Some("a path that no request can have".to_owned()),
                (true, false) => Some("a path, but no receiver to deliver to".to_owned()),
                (true, true) => None,
            };
        }
        let uri = self.url.parse::<Uri>().ok();
        let is_http = uri.is_some_and(|uri| {
            uri.host().is_some() && matches!(uri.scheme_str(), Some("http" | "https"))
        });
        (!is_http).then(|| "neither http://, https:// nor a path".to_owned())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The address of Get Contact may end in a secret.
        f.debug_struct("Address").finish_non_exhaustive()
    }
}

/// Feeds of a widget.
#[derive(Debug, Clone, Default)]
pub(super) struct Feeds {
    pub(super) bot: Option<Address>,
    /// Name of the bot, as visitors see it.
    pub(super) bot_name: Option<String>,
    pub(super) integration: Option<Address>,
    pub(super) form: IntegrationForm,
    pub(super) conversation: Option<Address>,
    pub(super) contact: Option<Address>,
}

impl Feeds {
    pub(super) fn address(&self, feed: Api) -> Option<&Address> {
        match feed {
            Api::Bot => self.bot.as_ref(),
            Api::Integration => self.integration.as_ref(),
            Api::Conversation => self.conversation.as_ref(),
            Api::Contact => self.contact.as_ref(),
            Api::AgentStatus => None,
        }
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (Api, &Address)> {
        let feeds = [Api::Bot, Api::Integration, Api::Conversation, Api::Contact];
        feeds.into_iter().filter_map(|feed| Some((feed, self.address(feed)?)))
    }
}

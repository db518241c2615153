//! The APIs and their names.

use std::fmt;

use http::Method;

/// An API of SnapEngage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Api {
    /// The [Integration API](crate::integration).
    Integration,
    /// The [Bot API](crate::bot).
    Bot,
    /// The [Conversation Events API](crate::conversation).
    Conversation,
    /// The [Agent Status API](crate::agent_status).
    AgentStatus,
    /// The [Get Contact OPEN API](crate::contact).
    Contact,
}

impl Api {
    /// The name of the API in logs, in an inbox, and of the folder of its samples.
    ///
    /// ```
    /// use snapengage::Api;
    ///
    /// assert_eq!(Api::Conversation.as_str(), "conversation-events");
    /// ```
    pub fn as_str(self) -> &'static str {
        // Entries of inboxes are stored under these names: under another, none would find its
        // handler.
        match self {
            Self::Integration => "integration",
            Self::Bot => "bot",
            Self::Conversation => "conversation-events",
            Self::AgentStatus => "agent-status",
            Self::Contact => "get-contact",
        }
    }

    /// The method of the API's requests.
    pub fn method(self) -> Method {
        if self == Self::Contact { Method::GET } else { Method::POST }
    }
}

/// The [name](Api::as_str).
impl fmt::Display for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

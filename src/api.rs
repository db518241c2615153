//! APIs of SnapEngage and their names.

use std::fmt;

use http::Method;

/// API of SnapEngage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Api {
    /// [Integration API](crate::integration).
    Integration,
    /// [Bot API](crate::bot).
    Bot,
    /// [Conversation Events API](crate::conversation).
    Conversation,
    /// [Agent Status API](crate::agent_status).
    AgentStatus,
    /// [Get Contact OPEN API](crate::contact).
    Contact,
}

impl Api {
    /// Returns the name of the API in logs, in an inbox, and of the folder of its samples.
    ///
    /// ```
    /// use snapengage::Api;
    ///
    /// assert_eq!(Api::Conversation.as_str(), "conversation-events");
    /// ```
    pub fn as_str(self) -> &'static str {
        // Entries of inboxes are stored under these names: after a change, none would find its
        // handler.
        match self {
            Self::Integration => "integration",
            Self::Bot => "bot",
            Self::Conversation => "conversation-events",
            Self::AgentStatus => "agent-status",
            Self::Contact => "get-contact",
        }
    }

    /// Returns the method of the API's requests.
    pub fn method(self) -> Method {
        if self == Self::Contact { Method::GET } else { Method::POST }
    }
}

/// Writes the [name](Api::as_str).
impl fmt::Display for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

//! APIs of a contract, and their payloads.

use std::fmt;

use serde_json::Value;

use crate::client::{
    Availability, AvailabilityAnswer, LogPage, NewUser, NewWidget, PolledLines, SaidMessage,
    StartedChat, StatusUpdate, User, UserUpdate, Widget, WidgetUpdate,
};
use crate::wire::described::{Definitions, Described};
use crate::{agent_status, bot, contact, conversation, hub, integration};

/// API of SnapEngage that a contract can describe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ContractApi {
    /// Bot API: [events](bot::Event), and what is [answered](bot::Reply).
    Bot,
    /// Integration API: [finished chats and offline messages](integration).
    Integration,
    /// Conversation Events API: [events](conversation) of a conversation.
    ConversationEvents,
    /// Agent Status API: [changes](agent_status) of an agent's status.
    AgentStatus,
    /// Get Contact OPEN API: [queries](contact) about a visitor.
    GetContact,
    /// Logs API: finished conversations.
    Logs,
    /// Agent Status API, the other way round: an agent's status is set.
    AgentStatusSet,
    /// Provisioning API: users.
    Users,
    /// Provisioning API: widgets.
    Widgets,
    /// Visitor Chat API: chats as a visitor.
    VisitorChat,
    /// Widget Availability API: whether a widget is online.
    Availability,
    /// Hub SDK: [messages](hub) of the agents' page.
    Hub,
}

impl ContractApi {
    /// All APIs: first those that SnapEngage calls, then those that are called, then the Hub.
    pub const ALL: [Self; 12] = [
        Self::Bot,
        Self::Integration,
        Self::ConversationEvents,
        Self::AgentStatus,
        Self::GetContact,
        Self::Logs,
        Self::AgentStatusSet,
        Self::Users,
        Self::Widgets,
        Self::VisitorChat,
        Self::Availability,
        Self::Hub,
    ];

    /// Returns the name, which is that of its file of JSON Schema: `agent-status-set`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bot => "bot",
            Self::Integration => "integration",
            Self::ConversationEvents => "conversation-events",
            Self::AgentStatus => "agent-status",
            Self::GetContact => "get-contact",
            Self::Logs => "logs",
            Self::AgentStatusSet => "agent-status-set",
            Self::Users => "users",
            Self::Widgets => "widgets",
            Self::VisitorChat => "visitor-chat",
            Self::Availability => "availability",
            Self::Hub => "hub",
        }
    }

    /// Returns the API of this name.
    ///
    /// ```
    /// use snapengage::contract::ContractApi;
    ///
    /// assert_eq!(ContractApi::from_name("users"), Some(ContractApi::Users));
    /// assert_eq!(ContractApi::from_name("guests"), None);
    /// ```
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|api| api.as_str() == name)
    }

    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Bot => "Bot API",
            Self::Integration => "Integration API",
            Self::ConversationEvents => "Conversation Events API",
            Self::AgentStatus => "Agent Status API, changes sent by SnapEngage",
            Self::GetContact => "Get Contact OPEN API",
            Self::Logs => "Logs API",
            Self::AgentStatusSet => "Agent Status API, changes sent to SnapEngage",
            Self::Users => "Provisioning API, users",
            Self::Widgets => "Provisioning API, widgets",
            Self::VisitorChat => "Visitor Chat API",
            Self::Availability => "Widget Availability API",
            Self::Hub => "Hub SDK",
        }
    }

    /// Defines the payloads, and returns references to them.
    pub(super) fn payloads(self, definitions: &mut Definitions) -> Vec<Value> {
        let schemas: &[PayloadSchema] = match self {
            Self::Bot => &[bot::Event::schema, bot::Reply::schema],
            Self::Integration => &[integration::SupportRequest::schema],
            Self::ConversationEvents => &[conversation::Event::schema],
            Self::AgentStatus => &[agent_status::StatusChange::schema],
            Self::GetContact => &[contact::Query::schema],
            Self::Logs => &[LogPage::schema],
            Self::AgentStatusSet => &[StatusUpdate::schema],
            Self::Users => &[NewUser::schema, UserUpdate::schema, User::schema],
            Self::Widgets => &[NewWidget::schema, WidgetUpdate::schema, Widget::schema],
            Self::VisitorChat => &[
                Availability::schema,
                StartedChat::schema,
                SaidMessage::schema,
                PolledLines::schema,
            ],
            Self::Availability => &[AvailabilityAnswer::schema],
            Self::Hub => &[hub::Event::schema, hub::Action::schema],
        };
        schemas.iter().map(|schema| schema(definitions)).collect()
    }
}

/// Function that defines a payload.
pub(super) type PayloadSchema = fn(&mut Definitions) -> Value;

/// Writes the [name](ContractApi::as_str).
impl fmt::Display for ContractApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

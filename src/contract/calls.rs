//! Requests that SnapEngage answers: their addresses and parameters, and the tables of their
//! payloads.

use serde_json::{Value, json};

use self::Credential::{ApiToken, ChatKey, ProvisioningKey};
use self::ParameterKind::{Boolean, Date, MessageType, Number, Text};
use super::api::{ContractApi, PayloadSchema};
use crate::client::{
    Availability, AvailabilityAnswer, LogPage, NewUser, NewWidget, Operation, PolledLines,
    SaidMessage, StartedChat, StatusUpdate, User, UserUpdate, Widget, WidgetUpdate,
};
use crate::wire::described::Described;

/// Request that SnapEngage answers.
pub(super) struct CallForm {
    pub(super) api: ContractApi,
    pub(super) operation: Operation,
    pub(super) summary: &'static str,
    /// Path, with parameters in braces.
    pub(super) path: &'static str,
    pub(super) path_parameters: &'static [CallParameter],
    pub(super) query: &'static [CallParameter],
    pub(super) credential: Credential,
    pub(super) body: Option<PayloadSchema>,
    pub(super) status: &'static str,
    pub(super) answer: Option<PayloadSchema>,
}

/// Parameter of a path or of a query.
pub(super) struct CallParameter {
    pub(super) name: &'static str,
    pub(super) description: &'static str,
    pub(super) kind: ParameterKind,
    pub(super) is_required: bool,
}

#[derive(Clone, Copy)]
pub(super) enum ParameterKind {
    Text,
    Date,
    Boolean,
    Number,
    MessageType,
}

impl CallParameter {
    const fn needed(name: &'static str, kind: ParameterKind, description: &'static str) -> Self {
        Self { name, description, kind, is_required: true }
    }

    const fn possible(name: &'static str, kind: ParameterKind, description: &'static str) -> Self {
        Self { name, description, kind, is_required: false }
    }

    pub(super) fn schema(&self) -> Value {
        match self.kind {
            Text => json!({ "type": "string" }),
            Date => json!({ "type": "string", "format": "date" }),
            Boolean => json!({ "type": "boolean", "default": false }),
            Number => json!({ "type": "integer", "minimum": 0, "default": 0 }),
            MessageType => json!({ "type": "integer", "enum": [1, 2] }),
        }
    }
}

/// Credential of a call.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Credential {
    None,
    ApiToken,
    ProvisioningKey,
    ChatKey,
}

impl Credential {
    /// Returns the name of the security scheme, its place and the name it has there.
    pub(super) fn scheme(self) -> Option<(&'static str, &'static str, &'static str)> {
        match self {
            Self::None => None,
            Self::ApiToken => Some(("apiToken", "header", "Authorization")),
            Self::ProvisioningKey => Some(("provisioningKey", "query", "api_key")),
            Self::ChatKey => Some(("chatKey", "header", "x-api-key")),
        }
    }
}

const EMAIL: CallParameter =
    CallParameter::needed("email", Text, "Email address of the user, or of the widget's user.");
const UUID: CallParameter = CallParameter::needed("uuid", Text, "Id of the widget.");
const WIDGET_ID: CallParameter = CallParameter::needed("widgetId", Text, "Id of the widget.");
const CASE_ID: CallParameter = CallParameter::needed("caseId", Text, "Id of the case.");

const USER: CallForm = CallForm {
    api: ContractApi::Users,
    path: "/api/v1/user.json",
    credential: ProvisioningKey,
    answer: Some(User::schema),
    ..PLAIN
};

const WIDGET: CallForm = CallForm {
    api: ContractApi::Widgets,
    path: "/api/v1/widget.json",
    credential: ProvisioningKey,
    answer: Some(Widget::schema),
    ..PLAIN
};

const CHAT: CallForm =
    CallForm { api: ContractApi::VisitorChat, path: "/api/v1/chat", credential: ChatKey, ..PLAIN };

const PLAIN: CallForm = CallForm {
    api: ContractApi::Availability,
    operation: Operation::Availability,
    summary: "",
    path: "",
    path_parameters: &[],
    query: &[],
    credential: Credential::None,
    body: None,
    status: "200",
    answer: None,
};

/// The requests, in the order of the documentation. What closes a chat is said like a message.
pub(super) const CALLS: [CallForm; 15] = [
    CallForm {
        api: ContractApi::AgentStatusSet,
        operation: Operation::SetAgentStatus,
        summary: "Sets an agent's status.",
        path: "/api/v2/agentstatus",
        credential: ApiToken,
        body: Some(StatusUpdate::schema),
        ..PLAIN
    },
    CallForm {
        api: ContractApi::Logs,
        operation: Operation::Logs,
        summary: "Fetches a page of finished conversations. The address of the next page is in \
            the answer, for a single widget alone.",
        path: "/api/v2/{orgId}/logs",
        path_parameters: &[CallParameter::needed("orgId", Text, "Number of the organisation.")],
        query: &[
            CallParameter::possible(
                "widgetId",
                Text,
                "Id of the widget, or several, separated by commas. Without one, all widgets that \
                the token may see.",
            ),
            CallParameter::possible(
                "timezone",
                Text,
                "IANA name of the days' time zone, UTC if absent.",
            ),
            CallParameter::needed("start", Date, "First day."),
            CallParameter::needed("end", Date, "Last day, which is included."),
            CallParameter::possible("next", Text, "Page, in the addresses that SnapEngage writes."),
        ],
        credential: ApiToken,
        answer: Some(LogPage::schema),
        ..PLAIN
    },
    CallForm {
        operation: Operation::CreateUser,
        summary: "Creates a user.",
        body: Some(NewUser::schema),
        status: "201",
        ..USER
    },
    CallForm { operation: Operation::GetUser, summary: "Fetches a user.", query: &[EMAIL], ..USER },
    CallForm {
        operation: Operation::UpdateUser,
        summary: "Updates a user.",
        body: Some(UserUpdate::schema),
        ..USER
    },
    CallForm {
        operation: Operation::DeleteUser,
        summary: "Deletes a user.",
        query: &[EMAIL],
        answer: None,
        ..USER
    },
    CallForm {
        operation: Operation::CreateWidget,
        summary: "Creates a widget.",
        body: Some(NewWidget::schema),
        status: "201",
        ..WIDGET
    },
    CallForm {
        operation: Operation::GetWidget,
        summary: "Fetches a widget.",
        query: &[UUID, EMAIL],
        ..WIDGET
    },
    CallForm {
        operation: Operation::UpdateWidget,
        summary: "Updates a widget: the whole list of its agents, and proactive chat is reset.",
        body: Some(WidgetUpdate::schema),
        ..WIDGET
    },
    CallForm {
        operation: Operation::DeleteWidget,
        summary: "Deletes a widget.",
        query: &[UUID, EMAIL],
        answer: None,
        ..WIDGET
    },
    CallForm {
        operation: Operation::ChatAvailability,
        summary: "Asks whether a widget is online, with the key of the Visitor Chat API.",
        path: "/api/v1/chat/{widgetId}",
        path_parameters: &[WIDGET_ID],
        answer: Some(Availability::schema),
        ..CHAT
    },
    CallForm {
        operation: Operation::StartChat,
        summary: "Starts a chat as a visitor. The parameters are in the query, without a body.",
        query: &[
            WIDGET_ID,
            CallParameter::possible("email", Text, "Email address; some widgets require one."),
            CallParameter::possible(
                "visitorMessage",
                Text,
                "First message; some widgets require one.",
            ),
            CallParameter::possible("phone", Text, "Phone number of the visitor."),
            CallParameter::possible("userAgent", Text, "Program of the visitor."),
            CallParameter::possible("locale", Text, "Language of the visitor: en, en-GB."),
            CallParameter::possible("appVersionName", Text, "Name and version of the application."),
            CallParameter::possible(
                "isOffline",
                Boolean,
                "true for an offline message, which is sent by email and opens no chat.",
            ),
        ],
        answer: Some(StartedChat::schema),
        ..CHAT
    },
    CallForm {
        operation: Operation::Say,
        summary: "Says something in a chat, or closes it. The parameters are in the query, without \
            a body.",
        query: &[
            CASE_ID,
            CallParameter::needed(
                "messageType",
                MessageType,
                "1 for a message, 2 to close the chat.",
            ),
            CallParameter::possible("messageBody", Text, "Text of the message."),
        ],
        answer: Some(SaidMessage::schema),
        ..CHAT
    },
    CallForm {
        operation: Operation::Poll,
        summary: "Fetches the lines of a chat that are not the visitor's, no more often than every \
            1 to 2 seconds.",
        path: "/api/v1/chat/poll/{caseId}",
        path_parameters: &[CASE_ID],
        query: &[
            CallParameter::possible("index", Number, "First index to be returned."),
            CallParameter::possible("isTyping", Boolean, "true if the visitor is typing."),
        ],
        answer: Some(PolledLines::schema),
        ..CHAT
    },
    CallForm {
        summary: "Asks whether a widget is online. An error comes with status 200 as well.",
        path: "/public/api/v2/chat/{widgetId}",
        path_parameters: &[WIDGET_ID],
        answer: Some(AvailabilityAnswer::schema),
        ..PLAIN
    },
];

impl CallForm {
    /// Returns the name: that of the API, if it has no other call.
    pub(super) fn name(&self) -> &'static str {
        let is_alone = CALLS.iter().filter(|call| call.api == self.api).count() == 1;
        if is_alone { self.api.as_str() } else { self.operation.as_str() }
    }

    /// Returns the method, in lower case.
    pub(super) fn method(&self) -> String {
        self.operation.method().as_str().to_lowercase()
    }
}

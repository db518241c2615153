//! Requests that SnapEngage sends.

use super::api::{ContractApi, PayloadSchema};
use crate::wire::described::Described;
use crate::{agent_status, bot, contact, conversation, integration};

/// Request that SnapEngage sends, and the answer that it reads.
pub(super) struct Webhook {
    pub(super) api: ContractApi,
    pub(super) summary: &'static str,
    pub(super) method: &'static str,
    /// Body, or the query of a GET.
    pub(super) payload: PayloadSchema,
    pub(super) answer: WebhookAnswer,
    /// `true` if it comes as XML as well.
    pub(super) may_be_xml: bool,
}

/// Body of an answer of success.
pub(super) enum WebhookAnswer {
    Nothing,
    Json(PayloadSchema),
    Text(&'static str),
}

impl Webhook {
    pub(super) fn has_token(&self) -> bool {
        self.api != ContractApi::GetContact
    }
}

/// The requests, in the order of their APIs.
pub(super) const WEBHOOKS: [Webhook; 5] = [
    Webhook {
        api: ContractApi::Bot,
        summary: "Event of a chat that was put through to a bot, answered with its reply.",
        method: "post",
        payload: bot::Event::schema,
        answer: WebhookAnswer::Json(bot::Reply::schema),
        may_be_xml: false,
    },
    Webhook {
        api: ContractApi::Integration,
        summary: "Finished chat or offline message. It is repeated for about two hours unless it \
            is answered 2xx.",
        method: "post",
        payload: integration::SupportRequest::schema,
        answer: WebhookAnswer::Nothing,
        may_be_xml: true,
    },
    Webhook {
        api: ContractApi::ConversationEvents,
        summary: "Event of a conversation.",
        method: "post",
        payload: conversation::Event::schema,
        answer: WebhookAnswer::Nothing,
        may_be_xml: false,
    },
    Webhook {
        api: ContractApi::AgentStatus,
        summary: "Change of an agent's status.",
        method: "post",
        payload: agent_status::StatusChange::schema,
        answer: WebhookAnswer::Nothing,
        may_be_xml: false,
    },
    Webhook {
        api: ContractApi::GetContact,
        summary: "Query about a visitor.",
        method: "get",
        payload: contact::Query::schema,
        answer: WebhookAnswer::Text("Text that the agent is shown, as it is."),
        may_be_xml: false,
    },
];

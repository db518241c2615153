//! Messages of which only the outside is read.
#![expect(unreachable_pub, reason = "other models are public")]

use serde_json::Value;

use crate::id::{AgentId, ConversationId};
use crate::wire::model::model;

model! {
    /// Event that is not documented.
    pub struct EventEnvelope {
        required {
            /// Name of the event.
            pub kind: String = "type",
            /// Id of the conversation, to be sent back in actions as it came.
            pub conversation_id: ConversationId = "conversationId",
        }
        /// Email address of the agent. Not sent with `conversation_closed_by_visitor`.
        pub agent_email: Option<AgentId> = "agentEmail",
        /// Data of the event.
        pub data: Option<Value> = "data",
    }
}

model! {
    /// Action that is not documented.
    pub struct ActionEnvelope {
        required {
            /// Name of the action.
            pub kind: String = "type",
            /// Id of the conversation, as an event had it.
            pub conversation_id: ConversationId = "conversationId",
            /// Email address of the agent who is signed in to the Hub.
            pub agent: AgentId = "agent",
        }
        /// Data of the action.
        pub data: Option<Value> = "data",
    }
}

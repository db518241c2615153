//! Actions that the page of an agent link has the Hub carry out.

use std::collections::BTreeMap;

use serde::de::{Error as _, MapAccess};
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::detail::details;
use super::envelope::ActionEnvelope;
use super::event::SecureDataKind;
use crate::error::DecodeError;
use crate::id::{AgentId, ConversationId, WidgetId};
#[cfg(feature = "contract")]
use crate::wire::described::{Definitions, Described, Title};
use crate::wire::json;
use crate::wire::lenient::Lenient;
use crate::wire::model::{Model, model};
use crate::wire::open_set::open_set;

/// Action for the Hub to carry out in a conversation, on behalf of the agent.
///
/// See [SnapEngage docs/Hub SDK](https://developer.snapengage.com/#hub-sdk).
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Action {
    /// Id of the conversation, as an event had it. The conversation must be going on.
    pub conversation_id: ConversationId,
    /// Email address of the agent who is signed in to the Hub.
    pub agent: AgentId,
    /// Action, with its data.
    pub detail: ActionDetail,
    /// Fields that are not documented, or not of the documented type, by the vendor's names.
    pub extra: BTreeMap<String, Value>,
}

impl Action {
    /// Creates an action on behalf of the agent with this email address.
    pub fn new(
        conversation_id: impl Into<ConversationId>,
        agent: impl Into<AgentId>,
        detail: ActionDetail,
    ) -> Self {
        let (conversation_id, agent) = (conversation_id.into(), agent.into());
        Self { conversation_id, agent, detail, extra: BTreeMap::new() }
    }

    /// Reads an action as a page posts it, in JSON.
    ///
    /// # Errors
    ///
    /// If it is not a JSON object, or lacks `type`, `conversationId`, `agent` or what the action
    /// needs.
    pub fn from_json(body: &[u8]) -> Result<Self, DecodeError> {
        json::from_json("hub action", body)
    }

    /// Returns the JSON that the Hub reads.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("text and JSON can be written as JSON")
    }

    fn to_envelope(&self) -> ActionEnvelope {
        let Self { conversation_id, agent, detail, extra } = self;
        ActionEnvelope {
            data: detail.data(),
            extra: extra.clone(),
            ..ActionEnvelope::new(detail.name(), conversation_id.clone(), agent.clone())
        }
    }
}

impl Model for Action {
    fn read_map<'de, A: MapAccess<'de>>(map: A) -> Result<Self, A::Error> {
        let ActionEnvelope { kind, conversation_id, agent, data, mut extra } =
            ActionEnvelope::read_map(map)?;
        let (detail, left) = ActionDetail::read(&kind, data).map_err(A::Error::custom)?;
        extra.extend(left.map(|left| ("data".to_owned(), left)));
        Ok(Self { conversation_id, agent, detail, extra })
    }
}

impl Lenient for Action {
    fn odd_fields(&self, report: &mut dyn FnMut(&'static str)) {
        self.to_envelope().odd_fields(report);
        self.detail.report_odd_data(report);
    }

    fn names(&self) -> &'static [&'static str] {
        self.to_envelope().names()
    }
}

#[cfg(feature = "contract")]
impl Described for Action {
    fn schema(definitions: &mut Definitions) -> Value {
        let title = Title {
            module: module_path!(),
            name: "Action",
            docs: &["Action for the Hub to carry out in a conversation, on behalf of the agent."],
        };
        let envelope = ActionEnvelope::schema(definitions);
        let known = ActionDetail::schemas(definitions, "HubAction", &envelope);
        let unknown = definitions.rename(&envelope, "HubActionUnknown".to_owned());
        definitions.told_apart(&title, "type", known, &unknown)
    }
}

impl Serialize for Action {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_envelope().serialize(serializer)
    }
}

details! {
    /// Actions of the Hub, with their data.
    ///
    /// See [SnapEngage docs/Hub SDK](https://developer.snapengage.com/#hub-sdk).
    pub enum ActionDetail {
        /// Sends the visitor a message.
        AgentMessageReceived(MessageForVisitor) = "agent_message_received",
        /// Ends the conversation.
        ConversationClosedByAgent = "conversation_closed_by_agent",
        /// Adds a label to the conversation.
        LabelAdded(HubLabel) = "label_added",
        /// Takes a label from the conversation.
        LabelRemoved(HubLabel) = "label_removed",
        /// Transfers the conversation to another widget.
        TransferRequest(HubTransfer) = "transfer_request",
        /// Takes a conversation that was transferred back to the agent.
        ReclaimTransferRequest = "reclaim_transfer_request",
        /// Asks the visitor for a file.
        RequestFile = "request_file",
        /// Asks the visitor for data that is kept secret.
        RequestSecureData(SecureDataRequest) = "request_secure_data",
        /// Bans the visitor.
        BanUser(HubBan) = "ban_user",
        /// Puts a text into the field that the agent writes in.
        PopulateText(TextForAgent) = "populate_text",
    }
}

impl ActionDetail {
    /// Creates a message for the visitor.
    pub fn say(text: impl Into<String>) -> Self {
        Self::AgentMessageReceived(MessageForVisitor::of(text))
    }

    /// Creates a text for the field that the agent writes in.
    pub fn populate_text(text: impl Into<String>) -> Self {
        Self::PopulateText(TextForAgent::new(text))
    }

    /// Creates a transfer to another widget.
    pub fn transfer(widget_id: impl Into<WidgetId>) -> Self {
        Self::TransferRequest(HubTransfer::new(widget_id))
    }

    /// Creates a request for data that is kept secret.
    pub fn request_secure_data(kind: SecureDataKind) -> Self {
        Self::RequestSecureData(SecureDataRequest::new(kind))
    }

    /// Creates a ban of the visitor.
    pub fn ban(kind: HubBanKind) -> Self {
        Self::BanUser(HubBan::new(kind))
    }
}

model! {
    /// Message for the visitor. The vendor's list has it as `text` and the vendor's example as
    /// `message`: to be sure, it is sent as both.
    #[derive(Default)]
    pub struct MessageForVisitor {
        /// Text of the message, as the list has it.
        pub text: Option<String> = "text",
        /// Text of the message, as the example has it.
        pub message: Option<String> = "message",
    }
}

impl MessageForVisitor {
    /// Creates a message under both names.
    pub fn of(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { text: Some(text.clone()), message: Some(text), ..Self::new() }
    }
}

model! {
    /// Label of a conversation.
    pub struct HubLabel {
        required {
            /// Name of the label.
            pub name: String = "labelName",
            /// `true` if the label has any value, `false` if it has one of a list.
            pub free_form: bool = "freeForm",
            /// Value of the label.
            pub value: String = "value",
        }
    }
}

model! {
    /// Transfer to another widget.
    pub struct HubTransfer {
        required {
            /// Id of the widget.
            pub widget_id: WidgetId = "widgetId",
        }
    }
}

model! {
    /// Request for data that is kept secret.
    pub struct SecureDataRequest {
        required {
            /// Kind of the data.
            pub kind: SecureDataKind = "secure_data_type",
        }
    }
}

model! {
    /// Ban of a visitor.
    pub struct HubBan {
        required {
            /// Sign by which the visitor is known again.
            pub kind: HubBanKind = "type",
        }
    }
}

open_set! {
    /// Signs by which a banned visitor is known again.
    pub enum HubBanKind {
        /// Cookie.
        Cookie = "cookie",
        /// IP address.
        Ip = "IP",
    }
}

model! {
    /// Text for the field that the agent writes in.
    pub struct TextForAgent {
        required {
            /// Text.
            pub message: String = "message",
        }
    }
}

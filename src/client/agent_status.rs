//! Agent Status API, the other way round: sets an agent's status.

use std::fmt;
use std::pin::Pin;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::Account;
use super::error::ClientError;
use super::operation::Operation;
use crate::id::AgentId;
#[cfg(feature = "contract")]
use crate::wire::described::{Definitions, Described};
use crate::wire::lenient::{Lenient, Scalar};
use crate::wire::model::model;

/// Status that an agent can be given: nobody can be made to log out.
///
/// See [SnapEngage docs/Agent Status API](https://developer.snapengage.com/#agent-status-api).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Presence {
    /// Takes chats.
    Online,
    /// Logged in, and takes no chats.
    Pause,
}

impl Presence {
    /// Returns the status as SnapEngage reads it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Pause => "pause",
        }
    }

    fn from_text(text: &str) -> Option<Self> {
        [Self::Online, Self::Pause].into_iter().find(|presence| presence.as_str() == text)
    }
}

impl fmt::Display for Presence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Lenient for Presence {
    fn from_scalar(value: Scalar<'_>) -> Option<Self> {
        match value {
            Scalar::Text(text) => Self::from_text(text),
            _ => None,
        }
    }
}

#[cfg(feature = "contract")]
impl Described for Presence {
    fn schema(_: &mut Definitions) -> serde_json::Value {
        serde_json::json!({ "enum": [Self::Online.as_str(), Self::Pause.as_str()] })
    }
}

impl Serialize for Presence {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Presence {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let expected = &"`online` or `pause`";
        Self::from_text(&text)
            .ok_or_else(|| de::Error::invalid_value(de::Unexpected::Other("text"), expected))
    }
}

model! {
    /// Request to set an agent's status; [`Account::set_agent_status`] sends it.
    ///
    /// See [SnapEngage docs/Agent Status API](https://developer.snapengage.com/#agent-status-api).
    pub struct StatusUpdate {
        required {
            /// Id of the agent: the email address, without the prefix `wc:`.
            pub agent_id: AgentId = "agent_id",
            /// Status to be set.
            pub status: Presence = "status",
        }
        /// Details of the status, in words: "Gone to lunch".
        pub sub_status: Option<String> = "sub_status",
    }
}

impl Account {
    /// Sets an agent's status, when awaited. The agent is named by email address; an id with the
    /// prefix `wc:` is accepted as well.
    ///
    /// SnapEngage most likely sends the change back to the receiver's
    /// [`agent_status`](mod@crate::agent_status): a handler that sets the status of the agent it
    /// heard of has to see to it that it does not hear of that for ever.
    ///
    /// ```
    /// use snapengage::client::{Account, ClientError, Presence};
    ///
    /// async fn lunch(account: &Account) -> Result<(), ClientError> {
    ///     let jane = account.set_agent_status("jane@example.com", Presence::Pause);
    ///     jane.note("Gone to lunch").await
    /// }
    /// # let _ = lunch;
    /// ```
    pub fn set_agent_status(&self, agent: impl Into<AgentId>, status: Presence) -> SetAgentStatus {
        let update = StatusUpdate::new(agent.into().email(), status);
        SetAgentStatus { account: self.clone(), update }
    }
}

/// Call that sets an agent's status. It is sent when it is awaited.
///
/// It fails if SnapEngage refuses it, or does not answer it; what it says of an agent whom it does
/// not know, or who is logged out, is not documented.
#[must_use = "the call is sent when it is awaited"]
pub struct SetAgentStatus {
    account: Account,
    update: StatusUpdate,
}

impl SetAgentStatus {
    /// Adds details of the status, in words: "Gone to lunch".
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.update.sub_status = Some(note.into());
        self
    }
}

impl IntoFuture for SetAgentStatus {
    type Output = Result<(), ClientError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        let Self { account, update } = self;
        Box::pin(async move {
            let call = account.client.call(Operation::SetAgentStatus, PATH);
            call.authorization(&account.token).json(&update).send().await?;
            Ok(())
        })
    }
}

impl fmt::Debug for SetAgentStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SetAgentStatus")
            .field("status", &self.update.status)
            .finish_non_exhaustive()
    }
}

const PATH: &[&str] = &["api", "v2", "agentstatus"];

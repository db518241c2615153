//! What visitors do, and what a test does to the world besides.

use serde_json::{Map, Value};
use tokio::sync::broadcast;

use super::Simulator;
use super::delivery::{DeliveryFilter, DeliveryRecord};
use super::lever::LeverError;
use super::visit::{NewVisit, OfflineMessage, VisitView};
use crate::bot::{Button, CommandError};
use crate::id::CaseId;

/// Something that has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SimulatorChange {
    /// A visit has, or is there now.
    Visit(CaseId),
    /// The delivery of this number has, or is there now.
    Delivery(u64),
    /// The status of the agent of this email address has.
    Agent(String),
    /// Everything is as at the start.
    Reset,
}

/// Keeps chats from timing out while it is held: somebody looks at them.
#[derive(Debug)]
#[must_use]
pub struct Watching {
    _simulator: Simulator,
}

/// Chats, from the visitor's side. Each returns once what it causes is through: the bot's answer is
/// shown or given up, and all other feeds were sent to.
impl Simulator {
    /// Returns all visits, the newest first.
    pub fn visits(&self) -> Vec<VisitView> {
        Vec::new()
    }

    /// Returns a visit as it is now; `None` if there is none of this id.
    pub fn visit_view(&self, case: impl AsRef<str>) -> Option<VisitView> {
        let _ = case;
        None
    }

    /// Starts a chat.
    ///
    /// # Errors
    ///
    /// If there is no such widget (404), if what it requires is missing (400), or if nobody is
    /// there or the visitor is banned (409).
    pub async fn start_visit(&self, visit: NewVisit) -> Result<CaseId, LeverError> {
        let _ = visit;
        Err(LeverError::unknown("widget"))
    }

    /// Leaves a message while nobody is there.
    ///
    /// # Errors
    ///
    /// If there is no such widget (404), or no email address or text (400).
    pub async fn offline_message(&self, message: OfflineMessage) -> Result<CaseId, LeverError> {
        let _ = message;
        Err(LeverError::unknown("widget"))
    }

    /// Says something as the visitor.
    ///
    /// # Errors
    ///
    /// If there is no such chat (404), or it has ended (409).
    pub async fn say(
        &self,
        case: impl AsRef<str>,
        text: impl AsRef<str>,
    ) -> Result<(), LeverError> {
        let _ = (case, text);
        Err(LeverError::unknown("chat"))
    }

    /// Clicks a button of those shown last; one without an id stands for any of its text.
    ///
    /// # Errors
    ///
    /// If there is no such chat (404), or no such button to click (409).
    pub async fn click(
        &self,
        case: impl AsRef<str>,
        button: impl Into<Button>,
    ) -> Result<(), LeverError> {
        let _ = (case, button.into());
        Err(LeverError::unknown("chat"))
    }

    /// Gives an email address as the visitor.
    ///
    /// # Errors
    ///
    /// If there is no such chat (404), or it has ended (409).
    pub async fn email(
        &self,
        case: impl AsRef<str>,
        email: impl AsRef<str>,
    ) -> Result<(), LeverError> {
        let _ = (case, email);
        Err(LeverError::unknown("chat"))
    }

    /// Leaves as the visitor: the chat ends.
    ///
    /// # Errors
    ///
    /// If there is no such chat (404), or it has ended (409).
    pub async fn leave(&self, case: impl AsRef<str>) -> Result<(), LeverError> {
        let _ = case;
        Err(LeverError::unknown("chat"))
    }

    /// Sends the chat's bot any event as it is, by its name and its fields; ids and time are filled
    /// in where they are not among them.
    ///
    /// # Errors
    ///
    /// If there is no such chat (404), or no bot of it (409).
    pub async fn send_event(
        &self,
        case: impl AsRef<str>,
        event: &str,
        fields: Map<String, Value>,
    ) -> Result<(), LeverError> {
        let _ = (case, event, fields);
        Err(LeverError::unknown("chat"))
    }

    /// Lets the next transfer of a chat fail, for this reason.
    ///
    /// # Errors
    ///
    /// If there is no such chat (404), or it has ended (409).
    pub fn fail_next_transfer(
        &self,
        case: impl AsRef<str>,
        error: CommandError,
    ) -> Result<(), LeverError> {
        let _ = (case, error);
        Err(LeverError::unknown("chat"))
    }

    /// Returns what was sent to the feeds, in the order of what caused it. The oldest are gone after
    /// 10,000, or 64 MiB.
    pub fn deliveries(&self, filter: &DeliveryFilter) -> Vec<DeliveryRecord> {
        let _ = filter;
        Vec::new()
    }

    /// Waits until nothing is under way.
    pub async fn settled(&self) {}

    /// Makes everything as at the start, with this seed, or with the one it had. What is under way
    /// is dropped.
    pub fn reset(&self, seed: Option<u64>) {
        let _ = seed;
    }

    /// Returns what changes from now on.
    pub fn changes(&self) -> broadcast::Receiver<SimulatorChange> {
        broadcast::channel(1).1
    }

    /// Keeps chats from timing out as long as it is held.
    pub fn watch(&self) -> Watching {
        Watching { _simulator: self.clone() }
    }
}

/// The rest of what an agent does.
impl super::AgentSeat {
    /// Sets the status, and the details of it.
    ///
    /// # Errors
    ///
    /// If there is nobody of that email (404).
    pub async fn set_status(
        &self,
        status: crate::agent_status::Status,
        sub_status: Option<String>,
    ) -> Result<(), LeverError> {
        let _ = (status, sub_status);
        Err(LeverError::unknown("agent"))
    }

    /// Labels a chat that the agent has.
    ///
    /// # Errors
    ///
    /// If there is no such chat or no such agent (404), or the agent does not have it (409).
    pub async fn labels(
        &self,
        case: impl AsRef<str>,
        name: impl Into<String>,
        value: impl Into<String>,
    ) -> Result<(), LeverError> {
        let _ = (case, name.into(), value.into());
        Err(LeverError::unknown("agent"))
    }

    /// Transfers a chat that the agent has to another agent of the widget, by email address.
    ///
    /// # Errors
    ///
    /// If there is no such chat or no such agent (404), if the agent does not have it, or the other
    /// one is not online (409).
    pub async fn transfers_to_agent(
        &self,
        case: impl AsRef<str>,
        agent: impl AsRef<str>,
    ) -> Result<(), LeverError> {
        let _ = (case, agent);
        Err(LeverError::unknown("agent"))
    }

    /// Transfers a chat that the agent has to another widget.
    ///
    /// # Errors
    ///
    /// If there is no such chat, agent or widget (404), if the agent does not have it, or nobody is
    /// online there (409).
    pub async fn transfers_to_widget(
        &self,
        case: impl AsRef<str>,
        widget: impl AsRef<str>,
    ) -> Result<(), LeverError> {
        let _ = (case, widget);
        Err(LeverError::unknown("agent"))
    }
}

//! Levers: what people do whom no API knows, done by a test.

use std::error::Error;
use std::fmt;

use http::StatusCode;

use super::Simulator;
use super::agent::email_of;
use super::outbox::Scope;
use super::world::World;
use crate::agent_status::Status;
use crate::integration::ChatEndedBy;

/// Seat of an agent: what they do there is done by calling it.
///
/// ```
/// use snapengage::simulator::Simulator;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let simulator = Simulator::builder().widget("sales").agent("jane@example.com").build()?;
/// let jane = simulator.agent("jane@example.com");
/// jane.pause().await?;
/// assert!(jane.takes("case-1").await.is_err());
/// # Ok(())
/// # }
/// ```
///
/// Each returns once what it causes is through, and an error with the reason if an agent could not
/// do so in the dashboard either: nobody of that email, no such chat (404), or a chat or an agent
/// not in a state for it (409).
#[derive(Debug, Clone)]
pub struct AgentSeat {
    simulator: Simulator,
    email: String,
}

impl AgentSeat {
    pub(super) fn new(simulator: Simulator, email: &str) -> Self {
        Self { simulator, email: email_of(email) }
    }

    pub(super) fn parts(&self) -> (&Simulator, &str) {
        (&self.simulator, &self.email)
    }

    /// Goes online.
    ///
    /// # Errors
    ///
    /// If there is nobody of that email.
    pub async fn online(&self) -> Result<(), LeverError> {
        self.set(Status::Online).await
    }

    /// Pauses: stays signed in, and takes no chats.
    ///
    /// # Errors
    ///
    /// If there is nobody of that email.
    pub async fn pause(&self) -> Result<(), LeverError> {
        self.set(Status::Pause).await
    }

    /// Signs out.
    ///
    /// # Errors
    ///
    /// If there is nobody of that email.
    pub async fn offline(&self) -> Result<(), LeverError> {
        self.set(Status::Offline).await
    }

    /// Takes a chat that waits.
    ///
    /// # Errors
    ///
    /// If there is no such chat or no such agent; if the agent is not online or not one of the
    /// chat's widget; if the chat does not wait.
    pub async fn takes(&self, case: impl AsRef<str>) -> Result<(), LeverError> {
        self.act(case.as_ref(), |world, case| world.take(&self.email, case)).await
    }

    /// Says something in a chat that the agent has.
    ///
    /// # Errors
    ///
    /// If it is nothing, or more than 64 KiB (400), if there is no such chat or no such agent
    /// (404), or the agent does not have it (409).
    pub async fn says(
        &self,
        case: impl AsRef<str>,
        text: impl AsRef<str>,
    ) -> Result<(), LeverError> {
        let text = text.as_ref();
        self.act(case.as_ref(), |world, case| world.answer(&self.email, case, text)).await
    }

    /// Closes a chat that the agent has.
    ///
    /// # Errors
    ///
    /// If there is no such chat or no such agent, or the agent does not have it.
    pub async fn closes(&self, case: impl AsRef<str>) -> Result<(), LeverError> {
        self.act(case.as_ref(), |world, case| {
            world.case(case)?.served_by(&self.email)?;
            world.close(case, ChatEndedBy::Agent)
        })
        .await
    }

    /// Returns the agent's status, and the details of it in the agent's words; `None` if there is
    /// nobody of that email.
    pub fn status(&self) -> Option<(Status, Option<String>)> {
        let world = self.simulator.lock();
        let agent = world.agents.get(&self.email)?;
        Some((agent.status.clone(), agent.sub_status.clone()))
    }

    /// Sets the status, and the details of it.
    ///
    /// # Errors
    ///
    /// If there is nobody of that email (404), or the details have more than 256 characters (400).
    pub async fn set_status(
        &self,
        status: Status,
        sub_status: Option<String>,
    ) -> Result<(), LeverError> {
        self.check()?;
        self.simulator.act(|world| world.set_status(&self.email, status, sub_status))?;
        self.simulator.settle(Scope::Of(None)).await;
        Ok(())
    }

    /// Labels a chat that the agent has.
    ///
    /// # Errors
    ///
    /// If the name is empty, or the name or the value is longer than 64 KiB (400), if there is no
    /// such chat or no such agent (404), or the agent does not have it (409).
    pub async fn labels(
        &self,
        case: impl AsRef<str>,
        name: impl Into<String>,
        value: impl Into<String>,
    ) -> Result<(), LeverError> {
        let (name, value) = (name.into(), value.into());
        self.act(case.as_ref(), |world, case| world.label_as(&self.email, case, &name, &value))
            .await
    }

    /// Transfers a chat that the agent has to another agent of the widget, by email address.
    ///
    /// # Errors
    ///
    /// If there is no such chat or no such agent (404), if the agent does not have it, or the other
    /// one is not online, or the same (409).
    pub async fn transfers_to_agent(
        &self,
        case: impl AsRef<str>,
        agent: impl AsRef<str>,
    ) -> Result<(), LeverError> {
        let to = email_of(agent.as_ref());
        self.act(case.as_ref(), |world, case| world.transfer_to_agent(&self.email, case, &to)).await
    }

    /// Transfers a chat that the agent has to a widget: to its bot, if it has one, for which the
    /// chat starts.
    ///
    /// # Errors
    ///
    /// If there is no such chat, agent or widget (404), if the agent does not have it, or there is
    /// neither a bot nor anybody online (409).
    pub async fn transfers_to_widget(
        &self,
        case: impl AsRef<str>,
        widget: impl AsRef<str>,
    ) -> Result<(), LeverError> {
        let to = widget.as_ref();
        self.act(case.as_ref(), |world, case| world.transfer_to_widget(&self.email, case, to)).await
    }

    async fn set(&self, status: Status) -> Result<(), LeverError> {
        self.set_status(status, None).await
    }

    fn check(&self) -> Result<(), LeverError> {
        let is_known = self.simulator.lock().agents.contains_key(&self.email);
        if is_known { Ok(()) } else { Err(LeverError::unknown("agent")) }
    }

    /// Does something in a chat as the agent, if there is one.
    async fn act(
        &self,
        case: &str,
        action: impl FnOnce(&mut World, &str) -> Result<(), LeverError>,
    ) -> Result<(), LeverError> {
        self.check()?;
        self.simulator.in_chat(case, action).await
    }
}

/// Refusal of a lever: nobody could do so in this state.
#[derive(Clone, PartialEq, Eq)]
pub struct LeverError {
    status: StatusCode,
    text: String,
}

impl LeverError {
    pub(super) fn unknown(what: &str) -> Self {
        Self { status: StatusCode::NOT_FOUND, text: format!("there is no such {what}") }
    }

    pub(super) fn malformed(text: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, text: text.into() }
    }

    pub(super) fn conflict(text: impl Into<String>) -> Self {
        Self { status: StatusCode::CONFLICT, text: text.into() }
    }

    /// Returns 400 for what is malformed, 404 for an agent or a chat that is not known, and 409 for
    /// one that is in no state for it.
    pub fn status(&self) -> StatusCode {
        self.status
    }
}

impl fmt::Display for LeverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for LeverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for LeverError {}

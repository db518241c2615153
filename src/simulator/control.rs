//! Acts of visitors, and those of a test on the world.

use serde_json::{Map, Value};
use tokio::sync::broadcast;

use super::Simulator;
use super::case::Case;
use super::delivery::{DeliveryFilter, DeliveryRecord};
use super::lever::LeverError;
use super::outbox::Scope;
use super::visit::{NewVisit, OfflineMessage, VisitView};
use super::world::World;
use crate::bot::{Button, CommandError};
use crate::id::CaseId;
use crate::integration::ChatEndedBy;

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
    simulator: Simulator,
}

impl Drop for Watching {
    fn drop(&mut self) {
        let mut world = self.simulator.lock();
        world.watchers = world.watchers.saturating_sub(1);
        world.watched_at = world.time.passed();
    }
}

/// Chats, from the visitor's side. Each returns once what it causes is through: the bot's answer is
/// shown or given up, and all other feeds were sent to.
impl Simulator {
    /// Returns all visits, the newest first.
    pub fn visits(&self) -> Vec<VisitView> {
        let world = self.lock();
        let mut cases: Vec<_> =
            world.cases.values().filter(|case| !case.visitor.is_offline).collect();
        cases.sort_by_key(|case| std::cmp::Reverse(case.number));
        cases.into_iter().map(Case::view).collect()
    }

    /// Returns a visit as it is now; `None` if there is none of this id.
    pub fn visit_view(&self, case: impl AsRef<str>) -> Option<VisitView> {
        let world = self.lock();
        let case = world.cases.get(case.as_ref()).filter(|case| !case.visitor.is_offline)?;
        Some(case.view())
    }

    /// Starts a chat.
    ///
    /// # Errors
    ///
    /// If there is no such widget (404), if what it requires is missing, or an email or IP address
    /// is none, or a text longer than 64 KiB (400), or if nobody is there or the visitor is banned
    /// (409).
    pub async fn start_visit(&self, visit: NewVisit) -> Result<CaseId, LeverError> {
        let case = self.act(|world| world.let_in(visit))?;
        self.settle(Scope::Of(Some(case.clone()))).await;
        Ok(case)
    }

    /// Leaves a message while nobody is there.
    ///
    /// # Errors
    ///
    /// If there is no such widget (404), or no email address or text, or more than 64 KiB of it
    /// (400).
    pub async fn offline_message(&self, message: OfflineMessage) -> Result<CaseId, LeverError> {
        let case = self.act(|world| world.take_message(message))?;
        self.settle(Scope::Of(Some(case.clone()))).await;
        Ok(case)
    }

    /// Says something as the visitor.
    ///
    /// # Errors
    ///
    /// If it is nothing, or more than 64 KiB (400), if there is no such chat (404), or it has ended
    /// (409).
    pub async fn say(
        &self,
        case: impl AsRef<str>,
        text: impl AsRef<str>,
    ) -> Result<(), LeverError> {
        self.in_chat(case.as_ref(), |world, case| world.say(case, text.as_ref())).await
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
        let button = button.into();
        self.in_chat(case.as_ref(), |world, case| world.click(case, &button)).await
    }

    /// Gives an email address as the visitor.
    ///
    /// # Errors
    ///
    /// If it is none (400), if there is no such chat (404), or it has ended (409).
    pub async fn email(
        &self,
        case: impl AsRef<str>,
        email: impl AsRef<str>,
    ) -> Result<(), LeverError> {
        self.in_chat(case.as_ref(), |world, case| world.give_email(case, email.as_ref())).await
    }

    /// Leaves as the visitor: the chat ends.
    ///
    /// # Errors
    ///
    /// If there is no such chat (404), or it has ended (409).
    pub async fn leave(&self, case: impl AsRef<str>) -> Result<(), LeverError> {
        self.in_chat(case.as_ref(), |world, case| world.close(case, ChatEndedBy::Visitor)).await
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
        self.in_chat(case.as_ref(), |world, case| world.send_event(case, event, fields)).await
    }

    /// Lets the next transfer of a chat fail, for this reason: one that SnapEngage documents, or
    /// any other, to see what a bot makes of it. By HTTP it is one of the documented.
    ///
    /// # Errors
    ///
    /// If there is no such chat (404), or it has ended (409).
    pub fn fail_next_transfer(
        &self,
        case: impl AsRef<str>,
        error: CommandError,
    ) -> Result<(), LeverError> {
        self.act(|world| {
            world.open_case(case.as_ref())?;
            world.case_mut(case.as_ref())?.failing = Some(error);
            Ok(())
        })
    }

    /// Returns what was sent to the feeds, in the order of what caused it. The oldest are gone
    /// after 100,000, or 64 MiB.
    pub fn deliveries(&self, filter: &DeliveryFilter) -> Vec<DeliveryRecord> {
        self.lock().log.of(filter)
    }

    /// Waits until nothing is under way.
    pub async fn settled(&self) {
        self.settle(Scope::All).await;
    }

    /// Makes everything as at the start, with this seed, or with the one it had. What is under way
    /// is dropped.
    pub fn reset(&self, seed: Option<u64>) {
        self.begin_again(seed);
    }

    /// Returns what changes from now on.
    pub fn changes(&self) -> broadcast::Receiver<SimulatorChange> {
        self.0.changes.subscribe()
    }

    /// Keeps chats from timing out as long as it is held.
    pub fn watch(&self) -> Watching {
        self.lock().watchers += 1;
        Watching { simulator: self.clone() }
    }

    /// Does something in a chat, and waits until all is through that it causes.
    pub(super) async fn in_chat(
        &self,
        case: &str,
        action: impl FnOnce(&mut World, &str) -> Result<(), LeverError>,
    ) -> Result<(), LeverError> {
        self.act(|world| action(world, case))?;
        self.settle(Scope::Of(Some(case.into()))).await;
        Ok(())
    }
}

//! Everything that the simulator knows: one state for all of its APIs.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::agenda::Agenda;
use super::agent::Agent;
use super::archive::Archive;
use super::case::{Case, Face};
use super::control::SimulatorChange;
use super::fault::Faults;
use super::feeds::Address;
use super::identity::Nonces;
use super::ids::{Ids, Kind};
use super::lever::LeverError;
use super::log::DeliveryLog;
use super::outbox::{Outbox, Unsent};
use super::time::Time;
use super::tracked::Tracked;
use super::vendor::refusal::Refusal;
use super::widget::{Member, Widget};
use crate::client::Operation;
use crate::id::{CaseId, WidgetId};
use crate::timestamp::Timestamp;

/// Most bytes of what callers leave behind: users, widgets, chats. Past it, 503.
const MEMORY: usize = 256 << 20;

/// Bytes that are counted for anything that is kept, besides its text.
const OVERHEAD: usize = 512;

/// State of the simulator.
#[derive(Debug)]
pub(super) struct World {
    pub(super) time: Time,
    pub(super) ids: Ids,
    pub(super) keys: Keys,
    pub(super) widgets: Tracked<WidgetId, Widget>,
    /// By email address, in lower case, as the users are.
    pub(super) agents: Tracked<String, Agent>,
    pub(super) users: Tracked<String, User>,
    pub(super) cases: Tracked<CaseId, Case>,
    pub(super) archive: Archive,
    pub(super) files: BTreeMap<String, Bytes>,
    pub(super) ledger: Ledger,
    /// Widgets that were made by a call.
    pub(super) made_widgets: u64,
    pub(super) memory: usize,
    pub(super) faults: Faults,
    /// Address that the statuses of agents are sent to.
    pub(super) agent_status: Option<Address>,
    pub(super) outbox: Outbox,
    /// Requests without an answer, by the numbers of their deliveries.
    pub(super) unsent: Tracked<u64, Unsent>,
    pub(super) log: DeliveryLog,
    pub(super) agenda: Agenda,
    pub(super) bans: Bans,
    pub(super) nonces: Nonces,
    /// Changes since somebody was told.
    pub(super) changes: Vec<SimulatorChange>,
    /// Number of the state: another one after each reset.
    pub(super) epoch: u64,
    /// Every change is noted since the whole was written.
    pub(super) is_tracked: bool,
    /// Secret that the keys of chats are made with: another one after each reset.
    pub(super) chat_secret: [u64; 2],
    /// Those who look at the chats.
    pub(super) watchers: usize,
    /// Time that the last of them has gone, as [`Time::passed`].
    pub(super) watched_at: Timestamp,
}

/// Visitors who are not let in.
#[derive(Debug, Default)]
pub(super) struct Bans {
    /// By their cookies, until then.
    pub(super) visitors: Tracked<String, Timestamp>,
    pub(super) addresses: Tracked<String, ()>,
}

/// Credentials that the APIs take.
#[derive(Clone)]
pub(super) struct Keys {
    pub(super) api_token: String,
    pub(super) org: String,
    pub(super) provisioning: String,
    pub(super) chat: String,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("org", &self.org).finish_non_exhaustive()
    }
}

/// User account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct User {
    pub(super) email: String,
    pub(super) name: String,
    pub(super) phone: Option<String>,
    pub(super) account_type: String,
    /// Bytes that its making took.
    pub(super) size: usize,
}

impl World {
    /// Counts what is about to be kept.
    pub(super) fn reserve(&mut self, bytes: usize) -> Result<usize, Refusal> {
        let size = bytes.saturating_add(OVERHEAD);
        let memory = self.memory.saturating_add(size);
        if memory > MEMORY {
            return Err(Refusal::full());
        }
        self.memory = memory;
        Ok(size)
    }

    pub(super) fn release(&mut self, size: usize) {
        self.memory = self.memory.saturating_sub(size);
    }

    pub(super) fn case(&self, id: &str) -> Result<&Case, LeverError> {
        self.cases.get(id).ok_or_else(|| LeverError::unknown("chat"))
    }

    pub(super) fn case_mut(&mut self, id: &str) -> Result<&mut Case, LeverError> {
        self.cases.get_mut(id).ok_or_else(|| LeverError::unknown("chat"))
    }

    /// Returns a chat that has not ended.
    pub(super) fn open_case(&self, id: &str) -> Result<&Case, LeverError> {
        let case = self.case(id)?;
        if case.is_open() { Ok(case) } else { Err(LeverError::conflict("the chat has ended")) }
    }

    pub(super) fn changed(&mut self, change: SimulatorChange) {
        if !self.changes.contains(&change) {
            self.changes.push(change);
        }
    }

    /// Returns an agent as a member of a widget.
    pub(super) fn member(&self, widget: &WidgetId, email: &str) -> Option<&Member> {
        self.widgets.get(widget)?.agents.iter().find(|member| member.email == email)
    }

    pub(super) fn is_agent_online(&self, email: &str) -> bool {
        self.agents.get(email).is_some_and(Agent::is_online)
    }

    /// Returns who takes the next chat of a widget: its bot, or the first agent who takes chats.
    pub(super) fn next_to_take(&self, widget: &Widget) -> Option<Face> {
        if widget.feeds.bot.is_some() {
            return Some(Face { email: String::new(), alias: widget.bot_alias().to_owned() });
        }
        self.agent_online(widget)
    }

    /// Returns the first agent of a widget who takes chats.
    pub(super) fn agent_online(&self, widget: &Widget) -> Option<Face> {
        let mut members = widget.agents.iter();
        members.find_map(|member| {
            self.agents.get(&member.email).filter(|agent| agent.is_online())?;
            Some(member.face())
        })
    }

    pub(super) fn is_online(&self, widget: &Widget) -> bool {
        self.next_to_take(widget).is_some()
    }

    /// Notes what changes from now on, for the state file.
    pub(super) fn track(&mut self) {
        self.is_tracked = true;
        self.widgets.track();
        self.agents.track();
        self.users.track();
        self.cases.track();
        self.unsent.track();
        self.log.track();
        self.bans.visitors.track();
        self.bans.addresses.track();
        self.nonces.track();
    }

    pub(super) fn new_widget_id(&mut self) -> WidgetId {
        self.made_widgets += 1;
        self.ids.id(Kind::Widget, self.made_widgets).into()
    }
}

/// Calls that were accepted, for tests to look at.
#[derive(Debug, Default)]
pub(super) struct Ledger(BTreeMap<&'static str, Account>);

/// Effects of one call.
#[derive(Debug, Default)]
pub(super) struct Account {
    pub(super) received: u64,
    pub(super) accepted: u64,
    pub(super) texts: VecDeque<String>,
}

impl Ledger {
    /// Most texts that are kept of a call; then the oldest go.
    const TEXTS: usize = 1000;

    pub(super) fn received(&mut self, operation: Operation) {
        self.0.entry(operation.as_str()).or_default().received += 1;
    }

    pub(super) fn accepted(&mut self, operation: Operation, text: &str) {
        let account = self.0.entry(operation.as_str()).or_default();
        account.accepted += 1;
        if account.texts.len() == Self::TEXTS {
            account.texts.pop_front();
        }
        account.texts.push_back(text.to_owned());
    }

    pub(super) fn of(&self, operation: Operation) -> Option<&Account> {
        self.0.get(operation.as_str())
    }
}

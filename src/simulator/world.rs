//! Everything that the simulator knows: one state for all of its APIs.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use bytes::Bytes;

use super::agent::Agent;
use super::archive::Archive;
use super::case::{Case, Face};
use super::ids::{Ids, Kind};
use super::lever::LeverError;
use super::time::Time;
use super::vendor::refusal::Refusal;
use super::widget::Widget;
use crate::client::Operation;
use crate::id::{CaseId, WidgetId};

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
    pub(super) widgets: BTreeMap<WidgetId, Widget>,
    /// By email address, in lower case, as the users are.
    pub(super) agents: BTreeMap<String, Agent>,
    pub(super) users: BTreeMap<String, User>,
    pub(super) cases: BTreeMap<CaseId, Case>,
    pub(super) archive: Archive,
    pub(super) files: BTreeMap<String, Bytes>,
    pub(super) ledger: Ledger,
    /// Widgets that were made by a call.
    pub(super) made_widgets: u64,
    pub(super) memory: usize,
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
#[derive(Debug, Clone)]
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

    /// Returns the first agent of a widget who takes chats.
    pub(super) fn agent_online(&self, widget: &Widget) -> Option<Face> {
        let mut members = widget.agents.iter();
        members.find_map(|member| {
            self.agents.get(&member.email).filter(|agent| agent.is_online())?;
            Some(member.face())
        })
    }

    pub(super) fn is_online(&self, widget: &Widget) -> bool {
        self.agent_online(widget).is_some()
    }

    pub(super) fn new_widget_id(&mut self) -> WidgetId {
        self.made_widgets += 1;
        self.ids.id(Kind::Widget, self.made_widgets).into()
    }
}

/// What was accepted, for tests to look at.
#[derive(Debug, Default)]
pub(super) struct Ledger(BTreeMap<&'static str, Account>);

/// What one call has done.
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

//! State that is kept over a restart.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Simulator;
use super::agenda::Due;
use super::agent::Agent;
use super::case::Case;
use super::control::SimulatorChange;
use super::delivery::DeliveryRecord;
use super::ids::Ids;
use super::log::DeliveryLog;
use super::saved::{Configured, SavedAgent, SavedUnsent, SavedWidget};
use super::tracked::Tracked;
use super::world::{User, World};
use crate::error::debug_is_text;
use crate::id::{CaseId, WidgetId};
use crate::timestamp::Timestamp;

/// Form of the snapshots that this version writes and reads.
const VERSION: u32 = 1;

/// State that is kept, or what has changed of it: then the maps have no more than that, and `None`
/// for what is gone. Of the configuration there is only what calls have changed, and tokens are
/// nowhere in it.
#[derive(Serialize, Deserialize)]
pub(super) struct Snapshot {
    version: u32,
    now: Timestamp,
    watched_at: Timestamp,
    pub(super) marks: Marks,
    cases: BTreeMap<CaseId, Case>,
    deliveries: BTreeMap<u64, DeliveryRecord>,
    unsent: BTreeMap<u64, Option<SavedUnsent>>,
    widgets: BTreeMap<WidgetId, Option<SavedWidget>>,
    users: BTreeMap<String, Option<User>>,
    agents: BTreeMap<String, SavedAgent>,
    banned_visitors: BTreeMap<String, Timestamp>,
    banned_addresses: BTreeSet<String>,
    nonces: BTreeSet<String>,
}

/// Numbers that are kept with every change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Marks {
    seed: u64,
    /// Time that was added to the clock's own.
    ahead: Duration,
    /// Time that events took.
    events: Duration,
    last_delivery: u64,
    made_widgets: u64,
    memory: usize,
    chat_secret: [u64; 2],
}

/// Failure to read a snapshot: it is damaged, or of another version.
pub struct SnapshotError(String);

impl fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

debug_is_text!(SnapshotError);

impl Error for SnapshotError {}

impl Simulator {
    /// Returns what is to be kept over a restart, as JSON: chats, the status of agents, users and
    /// widgets that calls have changed, deliveries and those to come, bans, and the time. There is
    /// no token in it. Faults, and how often calls came in, are not kept.
    pub fn snapshot(&self) -> Vec<u8> {
        let snapshot = Snapshot::whole(&self.lock(), &self.0.configured);
        snapshot.to_json()
    }

    /// Puts back what a [`snapshot`](Self::snapshot) has, into a simulator of the same
    /// configuration. What was not answered is sent once more.
    ///
    /// # Errors
    ///
    /// If it cannot be read: then nothing has changed.
    pub fn restore(&self, snapshot: &[u8]) -> Result<(), SnapshotError> {
        let snapshot = Snapshot::read(snapshot)?;
        self.act(|world| world.restore(snapshot));
        Ok(())
    }
}

impl Snapshot {
    /// Returns all of the state.
    pub(super) fn whole(world: &World, configured: &Configured) -> Self {
        let unsent = world.unsent.iter();
        let agents = world.agents.iter();
        Self {
            cases: cloned(&world.cases, world.cases.keys()),
            deliveries: cloned(world.log.records(), world.log.records().keys()),
            unsent: unsent.map(|(n, unsent)| (*n, Some(SavedUnsent::of(unsent)))).collect(),
            widgets: configured.changed_widgets(world),
            users: configured.changed_users(world),
            agents: agents
                .map(|(email, agent)| (email.clone(), configured.agent(email, agent)))
                .collect(),
            banned_visitors: (*world.bans.visitors).clone(),
            banned_addresses: world.bans.addresses.keys().cloned().collect(),
            nonces: world.nonces.keys().cloned().collect(),
            ..Self::empty(world)
        }
    }

    /// Takes what has changed since the last time.
    pub(super) fn changes(world: &mut World, configured: &Configured) -> Self {
        let (cases, agents) = (world.cases.take_changed(), world.agents.take_changed());
        let (widgets, users) = (world.widgets.take_changed(), world.users.take_changed());
        let (unsent, deliveries) = (world.unsent.take_changed(), world.log.take_changed());
        let visitors = world.bans.visitors.take_changed();
        let widget = |id| {
            let saved = world.widgets.get(&id).map(|widget| configured.saved(widget));
            (id, saved)
        };
        let user = |email: String| {
            let user = world.users.get(&email).cloned();
            (email, user)
        };
        let agent = |email: String| {
            let saved = configured.agent(&email, world.agents.get(&email)?);
            Some((email, saved))
        };
        let unsent = unsent.into_iter().map(|n| (n, world.unsent.get(&n).map(SavedUnsent::of)));
        Self {
            cases: cloned(&world.cases, &cases),
            deliveries: cloned(world.log.records(), &deliveries),
            unsent: unsent.collect(),
            widgets: widgets.into_iter().map(widget).collect(),
            users: users.into_iter().map(user).collect(),
            agents: agents.into_iter().filter_map(agent).collect(),
            banned_visitors: cloned(&world.bans.visitors, &visitors),
            banned_addresses: world.bans.addresses.take_changed(),
            nonces: world.nonces.take_changed(),
            ..Self::empty(world)
        }
    }

    fn empty(world: &World) -> Self {
        let (ahead, events) = world.time.moved();
        Self {
            version: VERSION,
            now: world.time.now(),
            watched_at: if world.watchers > 0 { world.time.passed() } else { world.watched_at },
            marks: Marks {
                seed: world.ids.seed(),
                ahead,
                events,
                last_delivery: world.log.last(),
                made_widgets: world.made_widgets,
                memory: world.memory,
                chat_secret: world.chat_secret,
            },
            cases: BTreeMap::new(),
            deliveries: BTreeMap::new(),
            unsent: BTreeMap::new(),
            widgets: BTreeMap::new(),
            users: BTreeMap::new(),
            agents: BTreeMap::new(),
            banned_visitors: BTreeMap::new(),
            banned_addresses: BTreeSet::new(),
            nonces: BTreeSet::new(),
        }
    }

    /// Returns `true` if nothing has changed besides the marks, and the time that runs by itself.
    pub(super) fn is_empty(&self) -> bool {
        self.cases.is_empty()
            && self.deliveries.is_empty()
            && self.unsent.is_empty()
            && self.widgets.is_empty()
            && self.users.is_empty()
            && self.agents.is_empty()
            && self.banned_visitors.is_empty()
            && self.banned_addresses.is_empty()
            && self.nonces.is_empty()
    }

    /// Writes it on one line.
    pub(super) fn to_json(&self) -> Vec<u8> {
        // Maps have texts and numbers as their keys, and a vector takes what it is given.
        serde_json::to_vec(self).expect("a value that is JSON")
    }

    pub(super) fn read(bytes: &[u8]) -> Result<Self, SnapshotError> {
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }

        let unreadable = |error: serde_json::Error| {
            let (line, column) = (error.line(), error.column());
            SnapshotError(format!("no state of a simulator: line {line} column {column}"))
        };
        let read: Result<Self, _> = serde_json::from_slice(bytes);
        // One of another version may have any form.
        let version = match &read {
            Ok(snapshot) => snapshot.version,
            Err(_) => serde_json::from_slice(bytes).map_or(VERSION, |Version { version }| version),
        };
        if version != VERSION {
            return Err(SnapshotError(format!("a state of version {version}, not {VERSION}")));
        }
        read.map_err(unreadable)
    }

    /// Takes changes over that came after it.
    pub(super) fn follow(&mut self, later: Self) {
        (self.now, self.watched_at, self.marks) = (later.now, later.watched_at, later.marks);
        self.cases.extend(later.cases);
        self.deliveries.extend(later.deliveries);
        self.unsent.extend(later.unsent);
        self.widgets.extend(later.widgets);
        self.users.extend(later.users);
        self.agents.extend(later.agents);
        self.banned_visitors.extend(later.banned_visitors);
        self.banned_addresses.extend(later.banned_addresses);
        self.nonces.extend(later.nonces);
    }
}

/// Returns copies of these entries, as far as they are there.
fn cloned<'k, K: Ord + Clone + 'k, V: Clone>(
    map: &BTreeMap<K, V>,
    keys: impl IntoIterator<Item = &'k K>,
) -> BTreeMap<K, V> {
    let found = keys.into_iter().filter_map(|key| map.get_key_value(key));
    found.map(|(key, value)| (key.clone(), value.clone())).collect()
}

impl World {
    pub(super) fn restore(&mut self, snapshot: Snapshot) {
        let Marks { seed, events, last_delivery, made_widgets, memory, chat_secret, .. } =
            snapshot.marks;
        self.is_tracked = false;
        self.ids = Ids::new(seed);
        self.time.restore(snapshot.now, events);
        self.memory = self.memory.saturating_add(memory);
        (self.made_widgets, self.chat_secret) = (made_widgets, chat_secret);
        self.watched_at = snapshot.watched_at;
        restore_all(&mut self.users, snapshot.users);
        for (id, widget) in snapshot.widgets {
            match widget.map(|widget| widget.widget(id.clone(), self)) {
                Some(Some(widget)) => self.put_widget(widget),
                Some(None) => {}
                None => drop(self.widgets.remove(&id)),
            }
        }
        for (email, agent) in snapshot.agents {
            self.restore_agent(email, agent);
        }
        self.bans.visitors.extend(snapshot.banned_visitors);
        self.bans.addresses.extend(snapshot.banned_addresses.into_iter().map(|key| (key, ())));
        self.nonces.extend(snapshot.nonces.into_iter().map(|key| (key, ())));
        self.log = DeliveryLog::restored(snapshot.deliveries, last_delivery);
        let mut cases: Vec<_> = snapshot.cases.into_values().collect();
        cases.sort_by_key(|case| case.number);
        for case in cases {
            self.restore_case(case);
        }
        for (n, saved) in snapshot.unsent {
            if let Some(unsent) = saved.and_then(|saved| saved.addressed(n, self)) {
                self.await_answer(unsent);
            }
        }
        self.changed(SimulatorChange::Reset);
    }

    fn restore_agent(&mut self, email: String, saved: SavedAgent) {
        let SavedAgent { status, sub_status, is_made } = saved;
        match self.agents.get_mut(&email) {
            Some(agent) => (agent.status, agent.sub_status) = (status, sub_status),
            None if is_made => {
                let tags = Vec::new();
                self.agents.insert(email, Agent { status, sub_status, tags });
            }
            None => {}
        }
    }

    fn restore_case(&mut self, case: Case) {
        let id = case.id.clone();
        if case.is_open() {
            // Looked at again by then, as after each thing that is said.
            self.agenda.put(self.time.now(), Due::Silence(id.clone()));
        } else {
            self.archive.put_chat(case.widget.clone(), case.created_at, id.clone());
        }
        self.cases.insert(id, case);
    }
}

fn restore_all<K: Ord + Clone, V>(map: &mut Tracked<K, V>, saved: BTreeMap<K, Option<V>>) {
    for (key, value) in saved {
        match value {
            Some(value) => drop(map.insert(key, value)),
            None => drop(map.remove(&key)),
        }
    }
}

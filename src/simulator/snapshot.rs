//! State that is kept over a restart.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Simulator;
use super::agenda::Due;
use super::case::Case;
use super::control::SimulatorChange;
use super::delivery::{DeliveryFilter, DeliveryRecord, feed_named};
use super::feeds::Address;
use super::feeds::bot::BotEvent;
use super::identity::Nonces;
use super::ids::Ids;
use super::log::DeliveryLog;
use super::outbox::{Content, Parcel};
use super::world::{Bans, World};
use crate::agent_status::Status;
use crate::api::Api;
use crate::error::debug_is_text;
use crate::id::CaseId;
use crate::timestamp::Timestamp;

/// Form of the snapshots that this version writes and reads.
const VERSION: u32 = 1;

/// State that is kept. Widgets and agents are of the configuration, and tokens are nowhere in it.
#[derive(Serialize, Deserialize)]
struct Snapshot {
    version: u32,
    seed: u64,
    now: Timestamp,
    /// Time that events took.
    events: Duration,
    watched_at: Timestamp,
    cases: Vec<Case>,
    agents: BTreeMap<String, (Status, Option<String>)>,
    last_delivery: u64,
    deliveries: Vec<DeliveryRecord>,
    pending: Vec<SavedParcel>,
    retries: Vec<(Timestamp, SavedParcel)>,
    bans: Bans,
    nonces: Nonces,
    memory: usize,
}

/// Request that was not answered yet, without its address.
#[derive(Serialize, Deserialize)]
struct SavedParcel {
    feed: String,
    case: Option<CaseId>,
    content: SavedContent,
    n: u64,
    attempt: u32,
    first_at: Timestamp,
}

#[derive(Serialize, Deserialize)]
enum SavedContent {
    Json(String),
    Xml(String),
    Bot(BotEvent),
    Query(String),
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
    /// Returns what is to be kept over a restart, as JSON: chats, the status of agents, deliveries
    /// and those to come, bans, and the time. There is no token in it.
    pub fn snapshot(&self) -> Vec<u8> {
        let world = self.lock();
        let snapshot = Snapshot {
            version: VERSION,
            seed: world.ids.seed(),
            now: world.time.now(),
            events: world.time.moved().1,
            watched_at: if world.watchers > 0 { world.time.passed() } else { world.watched_at },
            cases: world.cases.values().cloned().collect(),
            agents: statuses(&world),
            last_delivery: world.log.last(),
            deliveries: world.log.of(&DeliveryFilter::default()),
            pending: world.outbox.pending().map(SavedParcel::of).collect(),
            retries: retries(&world),
            bans: world.bans.clone(),
            nonces: world.nonces.clone(),
            memory: world.memory,
        };
        // Maps have texts as their keys, and a vector takes what it is given.
        serde_json::to_vec(&snapshot).expect("a value that is JSON")
    }

    /// Puts back what a [`snapshot`](Self::snapshot) has, into a simulator of the same
    /// configuration. What was not answered is sent once more.
    ///
    /// # Errors
    ///
    /// If it cannot be read: then nothing has changed.
    pub fn restore(&self, snapshot: &[u8]) -> Result<(), SnapshotError> {
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }

        let unreadable = |error: serde_json::Error| {
            let (line, column) = (error.line(), error.column());
            SnapshotError(format!("no state of a simulator: line {line} column {column}"))
        };
        let Version { version } = serde_json::from_slice(snapshot).map_err(unreadable)?;
        if version != VERSION {
            return Err(SnapshotError(format!("a state of version {version}, not {VERSION}")));
        }
        let snapshot: Snapshot = serde_json::from_slice(snapshot).map_err(unreadable)?;
        self.act(|world| world.restore(snapshot));
        Ok(())
    }
}

fn statuses(world: &World) -> BTreeMap<String, (Status, Option<String>)> {
    let agents = world.agents.iter();
    let status = agents
        .map(|(email, agent)| (email.clone(), (agent.status.clone(), agent.sub_status.clone())));
    status.collect()
}

fn retries(world: &World) -> Vec<(Timestamp, SavedParcel)> {
    let retries = world.agenda.all().filter_map(|(time, due)| match due {
        Due::Retry(parcel) => Some((time, SavedParcel::of(parcel))),
        Due::Silence(_) => None,
    });
    retries.collect()
}

impl SavedParcel {
    fn of(parcel: &Parcel) -> Self {
        let text = |body: &[u8]| String::from_utf8_lossy(body).into_owned();
        Self {
            feed: parcel.feed.as_str().to_owned(),
            case: parcel.case.clone(),
            content: match &parcel.content {
                Content::Json(body) => SavedContent::Json(text(body)),
                Content::Xml(body) => SavedContent::Xml(text(body)),
                Content::Bot(event) => SavedContent::Bot(event.clone()),
                Content::Query(query) => SavedContent::Query(query.clone()),
            },
            n: parcel.n,
            attempt: parcel.attempt,
            first_at: parcel.first_at,
        }
    }

    /// Returns the request, to where its feed is now; `None` if there is none any more.
    fn addressed(self, world: &World) -> Option<Parcel> {
        let feed = feed_named(&self.feed)?;
        let content = match self.content {
            SavedContent::Json(body) => Content::Json(body.into()),
            SavedContent::Xml(body) => Content::Xml(body.into()),
            SavedContent::Bot(event) => Content::Bot(event),
            SavedContent::Query(query) => Content::Query(query),
        };
        let address = address(world, feed, self.case.as_ref(), &content)?;
        let (n, attempt, first_at) = (self.n, self.attempt, self.first_at);
        let (case, was_held) = (self.case, false);
        Some(Parcel { feed, case, address, content, n, attempt, first_at, was_held })
    }
}

fn address(world: &World, feed: Api, case: Option<&CaseId>, content: &Content) -> Option<Address> {
    match (feed, content) {
        (Api::AgentStatus, _) => world.agent_status.clone(),
        (_, Content::Bot(event)) => world.widgets.get(&event.widget)?.feeds.bot.clone(),
        _ => world.address(world.cases.get(case?)?, feed),
    }
}

impl World {
    fn restore(&mut self, snapshot: Snapshot) {
        self.ids = Ids::new(snapshot.seed);
        self.time.restore(snapshot.now, snapshot.events);
        self.watched_at = snapshot.watched_at;
        self.memory = self.memory.saturating_add(snapshot.memory);
        for (email, (status, sub_status)) in snapshot.agents {
            if let Some(agent) = self.agents.get_mut(&email) {
                (agent.status, agent.sub_status) = (status, sub_status);
            }
        }
        (self.bans, self.nonces) = (snapshot.bans, snapshot.nonces);
        self.log = DeliveryLog::restored(snapshot.deliveries, snapshot.last_delivery);
        let mut cases = snapshot.cases;
        cases.sort_by_key(|case| case.number);
        for case in cases {
            self.restore_case(case);
        }
        for saved in snapshot.pending {
            if let Some(parcel) = saved.addressed(self) {
                self.outbox.put(parcel, false);
            }
        }
        for (time, saved) in snapshot.retries {
            if let Some(parcel) = saved.addressed(self) {
                self.agenda.put(time, Due::Retry(Box::new(parcel)));
            }
        }
        self.changed(SimulatorChange::Reset);
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

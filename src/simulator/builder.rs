//! Configuration of a simulator.

use std::collections::BTreeSet;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use bytes::Bytes;

use super::Simulator;
use super::agenda::Agenda;
use super::agent::{Agent, SimulatedAgent};
use super::archive::{Archive, Stored};
use super::checked::{is_email, is_host};
use super::engine::Shared;
use super::face::hub_origin;
use super::fault::Faults;
use super::feeds::Address;
use super::identity::Nonces;
use super::ids::Ids;
use super::log::DeliveryLog;
use super::outbox::Outbox;
use super::post::{DEADLINE, Outlets};
use super::time::{Pace, SEEDED_START, Time};
use super::tracked::Tracked;
use super::vendor::{gson, log_case};
use super::widget::{Member, SimulatedWidget, Widget};
use super::world::{Bans, Keys, Ledger, User, World};
use crate::client::{Transport, direct_transport};
use crate::clock;
use crate::error::BuildError;
use crate::id::WidgetId;
use crate::integration::SupportRequest;
use crate::receiver::Receiver;
use crate::timestamp::Timestamp;

/// Picture of an agent who has none.
const AVATAR: &str = "https://www.snapengage.com/images/avatar.png";

/// Builder of a [`Simulator`].
#[derive(Clone)]
#[must_use]
pub struct SimulatorBuilder {
    keys: Keys,
    widgets: Vec<SimulatedWidget>,
    agents: Vec<SimulatedAgent>,
    users: Vec<User>,
    cases: Vec<(WidgetId, SupportRequest)>,
    files: Vec<(String, Bytes)>,
    seed: Option<u64>,
    start: Option<Timestamp>,
    speed: Option<u32>,
    agent_status: Option<Address>,
    receiver: Option<Receiver>,
    transport: Option<Arc<dyn Transport>>,
    pub(super) hosts: Vec<String>,
}

impl SimulatorBuilder {
    pub(super) fn new() -> Self {
        Self {
            keys: Keys {
                api_token: "local-api-token".to_owned(),
                org: "5406213".to_owned(),
                provisioning: "local-provisioning-key".to_owned(),
                chat: "local-chat-key".to_owned(),
            },
            widgets: Vec::new(),
            agents: Vec::new(),
            users: Vec::new(),
            cases: Vec::new(),
            files: Vec::new(),
            seed: None,
            start: None,
            speed: None,
            agent_status: None,
            receiver: None,
            transport: None,
            hosts: Vec::new(),
        }
    }

    /// Adds a widget, by its id alone or with more about it.
    pub fn widget(mut self, widget: impl Into<SimulatedWidget>) -> Self {
        self.widgets.push(widget.into());
        self
    }

    /// Adds an agent, by the email address alone or with more about them.
    pub fn agent(mut self, agent: impl Into<SimulatedAgent>) -> Self {
        self.agents.push(agent.into());
        self
    }

    /// Adds a user account: the email address, the name, and no phone.
    pub fn user(mut self, email: impl AsRef<str>, name: impl Into<String>) -> Self {
        self.users.push(User {
            email: email.as_ref().to_lowercase(),
            name: name.into(),
            phone: None,
            account_type: "enterprise".to_owned(),
            size: 0,
        });
        self
    }

    /// Adds a finished conversation of a widget for the logs. One without a time of creation was
    /// created when the simulator starts.
    pub fn case(mut self, widget: impl Into<WidgetId>, case: SupportRequest) -> Self {
        self.cases.push((widget.into(), case));
        self
    }

    /// Adds an uploaded file, at `/files/NAME`.
    pub fn file(mut self, name: impl Into<String>, content: impl Into<Bytes>) -> Self {
        self.files.push((name.into(), content.into()));
        self
    }

    /// Sets the API token, for the logs, the files and the status of agents. By default
    /// `local-api-token`.
    pub fn api_token(mut self, token: impl Into<String>) -> Self {
        self.keys.api_token = token.into();
        self
    }

    /// Sets the number of the organisation. By default 5406213.
    pub fn org(mut self, org: u64) -> Self {
        self.keys.org = org.to_string();
        self
    }

    /// Sets the key of the Provisioning API. By default `local-provisioning-key`.
    pub fn provisioning_key(mut self, key: impl Into<String>) -> Self {
        self.keys.provisioning = key.into();
        self
    }

    /// Sets the key of the Visitor Chat API. By default `local-chat-key`.
    pub fn chat_key(mut self, key: impl Into<String>) -> Self {
        self.keys.chat = key.into();
        self
    }

    /// Makes ids and times the same at every run: they are a function of the seed, and of what came
    /// before.
    ///
    /// Time starts at 2026-01-05T09:00:00Z, unless [`start`](Self::start) says otherwise, and
    /// stands still but for a second with each event, which is no silence of a chat: that grows as
    /// time is [advanced](Simulator::advance). Without a seed, ids are random and time runs.
    pub fn seed(self, seed: u64) -> Self {
        Self { seed: Some(seed), ..self }
    }

    /// Sets the time at the start. By default the current time.
    pub fn start(self, start: Timestamp) -> Self {
        Self { start: Some(start), ..self }
    }

    /// Lets time run, this many times as fast as the clock; 1 without a seed by default.
    pub fn speed(self, speed: u32) -> Self {
        Self { speed: Some(speed), ..self }
    }

    /// Sets where the status of agents is sent, of the whole organisation.
    pub fn agent_status(mut self, url: impl Into<String>, token: impl AsRef<str>) -> Self {
        self.agent_status = Some(Address::new(url, token));
        self
    }

    /// Sets the receiver that feeds are delivered to whose address is a path: without a socket, in
    /// this process.
    pub fn deliver_to(self, receiver: Receiver) -> Self {
        Self { receiver: Some(receiver), ..self }
    }

    /// Sets what carries requests to all other feeds. By default it is HTTP, as a client has it.
    pub fn deliver_over(self, transport: impl Transport) -> Self {
        Self { transport: Some(Arc::new(transport)), ..self }
    }

    /// Adds a name or an address that the simulator is called by when it is
    /// [served](Simulator::serve), besides `localhost`, `127.0.0.1` and `[::1]`; without a port.
    /// Whatever is for another host is refused: it may come from a page that lets its own name lead
    /// here.
    pub fn host(mut self, name: impl Into<String>) -> Self {
        self.hosts.push(name.into());
        self
    }

    /// Builds the simulator.
    ///
    /// # Errors
    ///
    /// With every mistake: a credential or the id of a widget that is empty; two widgets, agents,
    /// users, cases or files of one id; a malformed email address of an agent or a user; a host
    /// that is no name or has a port; a widget that is named and not there; a feed whose address is
    /// neither `http://`, `https://` nor a path of a receiver.
    pub fn build(self) -> Result<Simulator, BuildError> {
        let mut mistakes = self.mistakes();
        let is_http = |address: &Address| !address.is_path();
        let transport = match &self.transport {
            None if self.addresses().any(|(_, address)| is_http(address)) => {
                let transport = direct_transport(DEADLINE);
                transport.map_err(|problem| mistakes.push(problem)).ok()
            }
            transport => transport.clone(),
        };
        if !mistakes.is_empty() {
            return Err(BuildError::new(mistakes));
        }
        let outlets = Outlets { receiver: self.receiver.clone(), transport };
        let world = self.clone().into_world();
        Ok(Simulator(Arc::new(Shared::new(world, outlets, self))))
    }

    /// Iterates over the feeds: what they are of, and their addresses.
    fn addresses(&self) -> impl Iterator<Item = (String, &Address)> {
        let of_widgets = self.widgets.iter().flat_map(|widget| {
            let name = |feed| format!("the {feed} of widget {:?}", widget.id);
            widget.feeds.all().map(move |(feed, address)| (name(feed), address))
        });
        let agent_status = self.agent_status.iter();
        of_widgets.chain(agent_status.map(|address| ("the agent-status".to_owned(), address)))
    }

    fn mistakes(&self) -> Vec<String> {
        let keys = [
            ("API token", &self.keys.api_token),
            ("provisioning key", &self.keys.provisioning),
            ("chat key", &self.keys.chat),
        ];
        let empty = keys.iter().filter(|(_, key)| key.trim().is_empty());
        let mut mistakes: Vec<_> = empty.map(|(what, _)| format!("the {what} is empty")).collect();
        let widgets = twice("widget", self.widgets.iter().map(|widget| widget.id.as_str()));
        mistakes.extend(widgets);
        mistakes.extend(twice("agent", self.agents.iter().map(|agent| agent.email.as_str())));
        mistakes.extend(twice("user", self.users.iter().map(|user| user.email.as_str())));
        mistakes.extend(twice("case", self.cases.iter().map(|(_, case)| case.id.as_str())));
        mistakes.extend(twice("file", self.files.iter().map(|(name, _)| name.as_str())));
        mistakes.extend(self.odd_emails());
        mistakes.extend(self.odd_names());
        mistakes.extend(self.unknown_widgets());
        let verifiers = self.widgets.iter().filter_map(SimulatedWidget::verifier);
        mistakes.extend(verifiers.filter_map(|verifier| Some(verifier.err()?.to_string())));
        if self.speed == Some(0) {
            mistakes.push("a speed of 0: time would stand still".to_owned());
        }
        let hubs =
            self.widgets.iter().filter_map(|widget| Some((&widget.id, widget.hub.as_ref()?)));
        let odd = hubs.filter(|(_, hub)| hub_origin(hub).is_none());
        mistakes.extend(
            odd.map(|(id, _)| format!("the hub of widget {id:?} is no address of the web")),
        );
        let has_receiver = self.receiver.is_some();
        mistakes.extend(self.addresses().filter_map(|(of, address)| {
            Some(format!("{of} has {}", address.mistake(has_receiver)?))
        }));
        mistakes
    }

    fn odd_emails(&self) -> impl Iterator<Item = String> {
        let agents = self.agents.iter().map(|agent| ("agent", &agent.email));
        let users = self.users.iter().map(|user| ("user", &user.email));
        let odd = agents.chain(users).filter(|(_, email)| !is_email(email));
        odd.map(|(what, email)| format!("{what} {email:?}: expected an email address"))
    }

    fn odd_names(&self) -> impl Iterator<Item = String> {
        let nameless = self.widgets.iter().any(|widget| widget.id.as_str().is_empty());
        let nameless = nameless.then(|| "the id of a widget is empty".to_owned());
        let odd = self.hosts.iter().filter(|host| !is_host(host));
        let expected = "expected a name or an address, without a port";
        nameless.into_iter().chain(odd.map(move |host| format!("host {host:?}: {expected}")))
    }

    fn unknown_widgets(&self) -> impl Iterator<Item = String> {
        let known: BTreeSet<_> = self.widgets.iter().map(|widget| &widget.id).collect();
        let of_agents = self.agents.iter().flat_map(|agent| agent.widgets.iter().flatten());
        let named: BTreeSet<_> =
            of_agents.chain(self.cases.iter().map(|(widget, _)| widget)).collect();
        let unknown: Vec<_> = named.difference(&known).copied().collect();
        unknown.into_iter().map(|widget| format!("there is no widget {widget:?}"))
    }

    pub(super) fn into_world(self) -> World {
        let pace = match (self.seed, self.speed) {
            (Some(_), None) => Pace::Still,
            (_, speed) => Pace::Running { speed: speed.unwrap_or(1) },
        };
        let start = self.start.unwrap_or_else(|| match self.seed {
            Some(_) => Timestamp::from_millis(SEEDED_START).unwrap_or(Timestamp::MIN),
            None => clock::now(),
        });
        let seed = self.seed.unwrap_or_else(|| RandomState::new().hash_one(0_u8));
        let widgets = self.widgets.into_iter().map(|widget| start_widget(widget, &self.agents));
        World {
            time: Time::new(start, pace),
            ids: Ids::new(seed),
            keys: self.keys,
            widgets: widgets.map(|widget| (widget.id.clone(), widget)).collect(),
            agents: self.agents.into_iter().map(start_agent).collect(),
            users: self.users.into_iter().map(|user| (user.email.clone(), user)).collect(),
            cases: Tracked::default(),
            archive: archive(self.cases, start),
            files: self.files.into_iter().collect(),
            ledger: Ledger::default(),
            made_widgets: 0,
            memory: 0,
            faults: Faults::default(),
            agent_status: self.agent_status,
            outbox: Outbox::default(),
            unsent: Tracked::default(),
            log: DeliveryLog::default(),
            agenda: Agenda::default(),
            bans: Bans::default(),
            nonces: Nonces::default(),
            changes: Vec::new(),
            epoch: 0,
            is_tracked: false,
            chat_secret: [0, 1].map(|n: u64| RandomState::new().hash_one(n)),
            watchers: 0,
            watched_at: Timestamp::MIN,
        }
    }
}

impl fmt::Debug for SimulatorBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimulatorBuilder").finish_non_exhaustive()
    }
}

/// Describes the names that come more than once.
fn twice<'n>(what: &str, names: impl Iterator<Item = &'n str>) -> Vec<String> {
    let (mut seen, mut twice) = (BTreeSet::new(), BTreeSet::new());
    for name in names {
        if !seen.insert(name) {
            twice.insert(name);
        }
    }
    twice.into_iter().map(|name| format!("there is more than one {what} {name:?}")).collect()
}

fn start_agent(agent: SimulatedAgent) -> (String, Agent) {
    (agent.email, Agent { status: agent.status, sub_status: None, tags: agent.tags })
}

fn start_widget(widget: SimulatedWidget, agents: &[SimulatedAgent]) -> Widget {
    let is_of = |agent: &&SimulatedAgent| {
        agent.widgets.as_ref().is_none_or(|widgets| widgets.contains(&widget.id))
    };
    let members = agents.iter().filter(is_of).map(|agent| Member {
        email: agent.email.clone(),
        alias: agent.shown_alias(),
        avatar: AVATAR.to_owned(),
        kind: "webclient".to_owned(),
    });
    // What is wrong with it is a mistake, and was reported.
    let verifier = widget.verifier().and_then(Result::ok).map(Arc::new);
    Widget {
        agents: members.collect(),
        id: widget.id,
        name: widget.name,
        account: widget.account,
        destination: widget.destination,
        is_proactive: false,
        has_conversations: None,
        schedule: None,
        needs: widget.needs,
        feeds: widget.feeds,
        verifier,
        hub: widget.hub,
        variables: widget.variables,
        size: 0,
    }
}

fn archive(cases: Vec<(WidgetId, SupportRequest)>, start: Timestamp) -> Archive {
    let mut archive = Archive::default();
    for (widget, mut case) in cases {
        let created_at = log_case::adopt(&mut case, start);
        archive.put(widget, created_at, Stored::Given(gson::write(&case)));
    }
    archive
}

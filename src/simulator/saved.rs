//! Parts of the state, as they are kept: without addresses and tokens, which the configuration has.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::agent::Agent;
use super::delivery::feed_named;
use super::feeds::Address;
use super::feeds::bot::BotEvent;
use super::outbox::{Content, Parcel, Unsent};
use super::widget::{Member, Widget};
use super::world::{User, World};
use crate::agent_status::Status;
use crate::api::Api;
use crate::id::{CaseId, WidgetId};
use crate::timestamp::Timestamp;

/// Request that was not answered yet, or failed, without its address.
#[derive(Serialize, Deserialize)]
pub(super) struct SavedUnsent {
    feed: String,
    case: Option<CaseId>,
    content: SavedContent,
    attempt: u32,
    first_at: Timestamp,
    /// Time of the next attempt of one that failed.
    again_at: Option<Timestamp>,
}

#[derive(Serialize, Deserialize)]
enum SavedContent {
    Json(String),
    Xml(String),
    Bot(BotEvent),
    Query(String),
}

/// Widget, as far as calls can make it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct SavedWidget {
    name: Option<String>,
    account: Option<String>,
    destination: Option<String>,
    agents: Vec<Member>,
    is_proactive: bool,
    has_conversations: Option<bool>,
    schedule: Option<Value>,
    size: usize,
    /// Made by a call: there is none of it in the configuration.
    is_made: bool,
}

#[derive(Serialize, Deserialize)]
pub(super) struct SavedAgent {
    pub(super) status: Status,
    pub(super) sub_status: Option<String>,
    /// Made known by a call.
    pub(super) is_made: bool,
}

/// Users, widgets and agents of the configuration: what is still as it was there is not kept.
#[derive(Debug)]
pub(super) struct Configured {
    users: BTreeMap<String, User>,
    widgets: BTreeMap<WidgetId, SavedWidget>,
    agents: BTreeSet<String>,
}

impl Configured {
    pub(super) fn of(world: &World) -> Self {
        let widgets = world.widgets.iter();
        Self {
            users: world.users.iter().map(|(email, user)| (email.clone(), user.clone())).collect(),
            widgets: widgets.map(|(id, widget)| (id.clone(), SavedWidget::of(widget))).collect(),
            agents: world.agents.keys().cloned().collect(),
        }
    }

    pub(super) fn saved(&self, widget: &Widget) -> SavedWidget {
        let is_made = !self.widgets.contains_key(&widget.id);
        SavedWidget { is_made, ..SavedWidget::of(widget) }
    }

    /// Returns the widgets that calls have made, changed, or deleted.
    pub(super) fn changed_widgets(&self, world: &World) -> BTreeMap<WidgetId, Option<SavedWidget>> {
        let gone = self.widgets.keys().filter(|id| !world.widgets.contains_key(*id));
        let now = world.widgets.iter().map(|(id, widget)| (id, self.saved(widget)));
        let changed = now.filter(|(id, widget)| self.widgets.get(*id) != Some(widget));
        let changed = changed.map(|(id, widget)| (id.clone(), Some(widget)));
        changed.chain(gone.map(|id| (id.clone(), None))).collect()
    }

    pub(super) fn changed_users(&self, world: &World) -> BTreeMap<String, Option<User>> {
        let gone = self.users.keys().filter(|email| !world.users.contains_key(*email));
        let changed =
            world.users.iter().filter(|(email, user)| self.users.get(*email) != Some(user));
        let changed = changed.map(|(email, user)| (email.clone(), Some(user.clone())));
        changed.chain(gone.map(|email| (email.clone(), None))).collect()
    }

    pub(super) fn agent(&self, email: &str, agent: &Agent) -> SavedAgent {
        SavedAgent {
            status: agent.status.clone(),
            sub_status: agent.sub_status.clone(),
            is_made: !self.agents.contains(email),
        }
    }
}

impl SavedUnsent {
    pub(super) fn of(unsent: &Unsent) -> Self {
        let parcel = &unsent.parcel;
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
            attempt: parcel.attempt,
            first_at: parcel.first_at,
            again_at: unsent.again_at,
        }
    }

    /// Returns the request, to where its feed is now; `None` if there is none any more.
    pub(super) fn addressed(self, n: u64, world: &World) -> Option<Unsent> {
        let feed = feed_named(&self.feed)?;
        let content = match self.content {
            SavedContent::Json(body) => Content::Json(body.into()),
            SavedContent::Xml(body) => Content::Xml(body.into()),
            SavedContent::Bot(event) => Content::Bot(event),
            SavedContent::Query(query) => Content::Query(query),
        };
        let address = address(world, feed, self.case.as_ref(), &content)?;
        let (attempt, first_at, again_at) = (self.attempt, self.first_at, self.again_at);
        let (case, was_held) = (self.case, false);
        let parcel = Parcel { feed, case, address, content, n, attempt, first_at, was_held };
        Some(Unsent { parcel, again_at })
    }
}

fn address(world: &World, feed: Api, case: Option<&CaseId>, content: &Content) -> Option<Address> {
    match (feed, content) {
        (Api::AgentStatus, _) => world.agent_status.clone(),
        (_, Content::Bot(event)) => world.widgets.get(&event.widget)?.feeds.bot.clone(),
        _ => world.address(world.cases.get(case?)?, feed),
    }
}

impl SavedWidget {
    fn of(widget: &Widget) -> Self {
        Self {
            name: widget.name.clone(),
            account: widget.account.clone(),
            destination: widget.destination.clone(),
            agents: widget.agents.clone(),
            is_proactive: widget.is_proactive,
            has_conversations: widget.has_conversations,
            schedule: widget.schedule.clone(),
            size: widget.size,
            is_made: false,
        }
    }

    /// Returns the widget, with what is of the configuration; `None` for one that is not there any
    /// more.
    pub(super) fn widget(self, id: WidgetId, world: &World) -> Option<Widget> {
        let base = match world.widgets.get(&id) {
            Some(configured) => configured.clone(),
            None if self.is_made => Widget::empty(id),
            None => return None,
        };
        Some(Widget {
            name: self.name,
            account: self.account,
            destination: self.destination,
            agents: self.agents,
            is_proactive: self.is_proactive,
            has_conversations: self.has_conversations,
            schedule: self.schedule,
            size: self.size,
            ..base
        })
    }
}

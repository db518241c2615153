//! Widgets, agents and time, as the page shows them.

use serde::Serialize;

use crate::agent_status::Status;
use crate::id::WidgetId;
use crate::simulator::Simulator;
use crate::simulator::agent::{Agent, email_of};
use crate::simulator::time::Pace;
use crate::simulator::world::World;

/// Answer of `GET /_/world`.
#[derive(Serialize)]
pub(super) struct Overview {
    version: &'static str,
    /// In simulated epoch milliseconds.
    now: i64,
    speed: u32,
    /// Time passes by what happens, and when told.
    paused: bool,
    widgets: Vec<WidgetRow>,
    agents: Vec<AgentRow>,
}

#[derive(Serialize)]
struct WidgetRow {
    id: WidgetId,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    online: bool,
    email_required: bool,
    message_required: bool,
    /// Name of its bot, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    bot: Option<String>,
    /// Address of the agents' page.
    #[serde(skip_serializing_if = "Option::is_none")]
    hub: Option<String>,
}

#[derive(Serialize)]
pub(super) struct AgentRow {
    email: String,
    alias: String,
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub_status: Option<String>,
    widgets: Vec<WidgetId>,
    tags: Vec<String>,
}

pub(super) fn overview(simulator: &Simulator) -> Overview {
    let world = simulator.lock();
    let (speed, paused) = match world.time.pace() {
        Pace::Running { speed } => (speed, false),
        Pace::Still => (1, true),
    };
    let widgets = world.widgets.values().map(|widget| WidgetRow {
        id: widget.id.clone(),
        name: widget.name.clone(),
        online: world.is_online(widget),
        email_required: widget.needs.email,
        message_required: widget.needs.message,
        bot: widget.feeds.bot.as_ref().map(|_| widget.bot_alias().to_owned()),
        hub: widget.hub.clone(),
    });
    Overview {
        version: env!("CARGO_PKG_VERSION"),
        now: world.time.now().as_millis(),
        speed,
        paused,
        widgets: widgets.collect(),
        agents: world.agents.iter().map(|(email, agent)| row(&world, email, agent)).collect(),
    }
}

/// Returns an agent as the page shows them.
pub(super) fn agent_row(simulator: &Simulator, email: &str) -> Option<AgentRow> {
    let world = simulator.lock();
    let email = email_of(email);
    Some(row(&world, &email, world.agents.get(&email)?))
}

fn row(world: &World, email: &str, agent: &Agent) -> AgentRow {
    let of = world.widgets.values();
    let of = of.filter_map(|widget| {
        Some((widget, widget.agents.iter().find(|member| member.email == email)?))
    });
    let of: Vec<_> = of.collect();
    AgentRow {
        email: email.to_owned(),
        alias: of.first().map_or(email, |(_, member)| &member.alias).to_owned(),
        status: agent.status.clone(),
        sub_status: agent.sub_status.clone(),
        widgets: of.iter().map(|(widget, _)| widget.id.clone()).collect(),
        tags: agent.tags.clone(),
    }
}

//! Provisioning API: widgets.

use http::StatusCode;
use serde::Serialize;

use super::answer::Answer;
use super::availability::text;
use super::call::Call;
use super::fields::Fields;
use super::refusal::Refusal;
use super::schedule;
use crate::client::{self, Operation};
use crate::simulator::agent::email_of;
use crate::simulator::widget::{Member, Widget};
use crate::simulator::world::World;

/// Bytes that an agent takes besides their texts.
const AGENT_SIZE: usize = 256;

const AGENT_TYPES: &[&str] = &["webclient", "google", "skype"];

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Written<'w> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'w str>,
    email: &'w str,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination_email: Option<&'w str>,
    uuid: &'w str,
    agents: Vec<WrittenMember<'w>>,
    enable_proactive_chat: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    enable_conversations: Option<bool>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WrittenMember<'w> {
    agent_id: String,
    agent_alias: &'w str,
    agent_avatar: &'w str,
    agent_type: &'w str,
}

pub(super) fn create(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    call.checks_provisioning_key(&world.keys)?;
    let mut sent = Sent::read(call.fields()?)?;
    if !world.users.contains_key(&sent.account) {
        return Err(Refusal::malformed("`email` is not that of a user"));
    }
    let size = world.reserve(sent.size(call))?;
    let widget = Widget {
        name: sent.name.take(),
        account: Some(sent.account),
        destination: sent.destination,
        agents: sent.agents,
        is_proactive: sent.is_proactive.unwrap_or(false),
        has_conversations: sent.has_conversations,
        schedule: sent.schedule,
        size,
        ..Widget::empty(world.new_widget_id())
    };
    world.ledger.accepted(Operation::CreateWidget, widget.id.as_str());
    let answer = Answer::json(StatusCode::CREATED, &written(&widget, None));
    world.put_widget(widget);
    Ok(answer)
}

/// Unlike the others, this answer has no `enableConversations`.
pub(super) fn get(world: &World, call: &Call) -> Result<Answer, Refusal> {
    call.checks_provisioning_key(&world.keys)?;
    let email = call.required("email")?.to_lowercase();
    let widget = find(world, call.required("uuid")?, &email)?;
    Ok(Answer::ok(&Written { enable_conversations: None, ..written(widget, Some(&email)) }))
}

/// Replaces the list of agents; of the rest, what is left out stays.
pub(super) fn update(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    call.checks_provisioning_key(&world.keys)?;
    let fields = call.fields()?;
    let id = fields.required("uuid")?;
    let sent = Sent::read(fields)?;
    find(world, &id, &sent.account)?;
    let size = world.reserve(sent.size(call))?;
    let old = find(world, &id, &sent.account)?.clone();
    world.release(old.size);
    let widget = Widget {
        name: sent.name.or(old.name),
        destination: sent.destination.or(old.destination),
        agents: sent.agents,
        is_proactive: sent.is_proactive.unwrap_or(old.is_proactive),
        has_conversations: sent.has_conversations.or(old.has_conversations),
        schedule: sent.schedule.or(old.schedule),
        size,
        ..old
    };
    let answer = Answer::ok(&written(&widget, Some(&sent.account)));
    world.put_widget(widget);
    world.ledger.accepted(Operation::UpdateWidget, &id);
    Ok(answer)
}

pub(super) fn delete(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    call.checks_provisioning_key(&world.keys)?;
    let (id, email) = (call.required("uuid")?, call.required("email")?.to_lowercase());
    let size = find(world, id, &email)?.size;
    world.widgets.remove(id);
    world.release(size);
    world.ledger.accepted(Operation::DeleteWidget, id);
    Ok(Answer::empty(StatusCode::OK))
}

/// Returns a widget, if it is that of this user.
fn find<'w>(world: &'w World, id: &str, email: &str) -> Result<&'w Widget, Refusal> {
    let widget = world.widgets.get(id).filter(|widget| widget.is_of(email));
    widget.ok_or_else(|| Refusal::not_found("widget"))
}

/// Fields of a widget that are sent, the same on create and update.
struct Sent {
    account: String,
    name: Option<String>,
    destination: Option<String>,
    agents: Vec<Member>,
    is_proactive: Option<bool>,
    has_conversations: Option<bool>,
    schedule: Option<serde_json::Value>,
}

impl Sent {
    fn size(&self, call: &Call) -> usize {
        call.size() + self.agents.len() * AGENT_SIZE
    }

    fn read(mut fields: Fields) -> Result<Self, Refusal> {
        let agents = fields.objects("agents")?;
        let agents = agents.iter().map(member).collect::<Result<Vec<_>, _>>()?;
        if agents.is_empty() {
            return Err(Refusal::malformed("`agents` names nobody"));
        }
        let schedule = fields.object("conversationSchedule")?;
        Ok(Self {
            account: fields.required_name("email")?.to_lowercase(),
            name: fields.name("name")?,
            destination: fields.text("destinationEmail")?,
            agents,
            is_proactive: fields.flag("enableProactiveChat")?,
            has_conversations: fields.flag("enableConversations")?,
            schedule: schedule.map(schedule::check).transpose()?,
        })
    }
}

fn member(fields: &Fields) -> Result<Member, Refusal> {
    let kind = fields.required("agentType")?;
    if !AGENT_TYPES.contains(&kind.as_str()) {
        return Err(Refusal::malformed("`agentType` is not one of the documented"));
    }
    Ok(Member {
        email: email_of(&fields.required("agentId")?),
        alias: fields.required("agentAlias")?,
        avatar: fields.required("agentAvatar")?,
        kind,
    })
}

/// Writes a widget. One that is nobody's in particular is that of whoever asked.
fn written<'w>(widget: &'w Widget, asked_by: Option<&'w str>) -> Written<'w> {
    let agents = widget.agents.iter().map(|agent| WrittenMember {
        agent_id: format!("wc:{}", agent.email),
        agent_alias: &agent.alias,
        agent_avatar: &agent.avatar,
        agent_type: &agent.kind,
    });
    Written {
        name: widget.name.as_deref(),
        email: widget.account.as_deref().or(asked_by).unwrap_or_default(),
        destination_email: widget.destination.as_deref(),
        uuid: widget.id.as_str(),
        agents: agents.collect(),
        enable_proactive_chat: text(widget.is_proactive),
        enable_conversations: widget.has_conversations,
    }
}

/// Returns a widget as a client reads it.
pub(in crate::simulator) fn model(widget: &Widget) -> client::Widget {
    let mut model = client::Widget::new();
    model.uuid = Some(widget.id.clone());
    model.email.clone_from(&widget.account);
    model.name.clone_from(&widget.name);
    model.destination_email.clone_from(&widget.destination);
    model.agents = widget.agents.iter().map(agent_model).collect();
    model.enable_proactive_chat = Some(widget.is_proactive);
    model.enable_conversations = widget.has_conversations;
    model
}

fn agent_model(agent: &Member) -> client::WidgetAgent {
    let mut model = client::WidgetAgent::new();
    model.agent_id = Some(format!("wc:{}", agent.email).into());
    model.agent_alias = Some(agent.alias.clone());
    model.agent_avatar = Some(agent.avatar.clone());
    model.agent_type = Some(agent.kind.as_str().into());
    model
}

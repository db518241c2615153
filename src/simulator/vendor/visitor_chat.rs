//! Visitor Chat API: a chat from the visitor's side.

use serde::Serialize;

use super::answer::Answer;
use super::availability::Availability;
use super::call::Call;
use super::refusal::Refusal;
use crate::client::Operation;
use crate::integration::ChatEndedBy;
use crate::simulator::case::{Case, Line, Speaker, Visiting};
use crate::simulator::checked;
use crate::simulator::widget::Widget;
use crate::simulator::world::World;

/// Bytes that a chat takes before anybody has said a word.
const EMPTY_CHAT: usize = 4 << 10;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Started<'c> {
    case_id: &'c str,
    widget_id: &'c str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Said<'c> {
    case_id: &'c str,
    #[serde(skip_serializing_if = "str::is_empty")]
    message_body: &'c str,
    message_type: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Polled<'c> {
    case_id: &'c str,
    message_list: Vec<Message<'c>>,
    agent_typing: bool,
}

#[derive(Serialize)]
struct Message<'c> {
    index: u64,
    #[serde(rename = "type")]
    kind: &'static str,
    author: &'c str,
    text: String,
}

pub(super) fn availability(world: &World, call: &Call) -> Result<Answer, Refusal> {
    call.checks_chat_key(&world.keys)?;
    let widget = widget(world, &call.subject)?;
    Ok(Answer::ok(&Availability::of(widget, world)))
}

pub(super) fn start(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    call.checks_chat_key(&world.keys)?;
    let widget = widget(world, call.required("widgetId")?)?;
    let message = text(call, "visitorMessage")?;
    let visitor = visitor(call, widget, message)?;
    let agent = world.next_to_take(widget);
    let agent = if visitor.is_offline { None } else { Some(agent.ok_or_else(nobody)?) };
    let widget_id = widget.id.clone();
    world.reserve(call.size() + EMPTY_CHAT)?;
    world.ledger.accepted(Operation::StartChat, message.unwrap_or_default());
    let id = match agent {
        Some(agent) => world.start(widget_id.clone(), visitor, &agent, message),
        None => world.leave(widget_id.clone(), visitor, message),
    };
    Ok(Answer::ok(&Started { case_id: id.as_str(), widget_id: widget_id.as_str() }))
}

fn visitor(call: &Call, widget: &Widget, message: Option<&str>) -> Result<Visiting, Refusal> {
    let is_offline = call.flag("isOffline")?;
    let given = |name| call.parameter(name).map(str::to_owned);
    if widget.needs.email {
        call.required("email")?;
    }
    if widget.needs.message && message.is_none() {
        call.required("visitorMessage")?;
    }
    Ok(Visiting {
        email: given("email"),
        phone: given("phone"),
        user_agent: given("userAgent"),
        locale: given("locale"),
        is_offline,
        ..Visiting::default()
    })
}

pub(super) fn say(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    call.checks_chat_key(&world.keys)?;
    let id = call.required("caseId")?;
    if call.required("messageType")? != "1" {
        return Err(Refusal::malformed("`messageType` is neither 1 nor 2"));
    }
    let message = text(call, "messageBody")?;
    let message = message.map_or_else(|| call.required("messageBody"), Ok)?;
    if !case(world, id)?.is_open() {
        return Err(Refusal::not_found("chat"));
    }
    world.reserve(message.len())?;
    world.say(id, message).map_err(|_| Refusal::not_found("chat"))?;
    world.ledger.accepted(Operation::Say, message);
    Ok(Answer::ok(&Said { case_id: id, message_body: message, message_type: "1" }))
}

pub(super) fn close(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    call.checks_chat_key(&world.keys)?;
    let id = call.required("caseId")?;
    let message = text(call, "messageBody")?.unwrap_or_default();
    if case(world, id)?.is_open() {
        if !message.is_empty() {
            world.reserve(message.len())?;
            world.say(id, message).map_err(|_| Refusal::not_found("chat"))?;
        }
        world.close(id, ChatEndedBy::Visitor).map_err(|_| Refusal::not_found("chat"))?;
        world.ledger.accepted(Operation::CloseChat, id);
    }
    Ok(Answer::ok(&Said { case_id: id, message_body: message, message_type: "2" }))
}

pub(super) fn poll(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    call.checks_chat_key(&world.keys)?;
    let (index, _) = (call.number("index")?, call.flag("isTyping")?);
    let case = case(world, &call.subject)?;
    let lines = case.poll(index).ok_or_else(|| Refusal::not_found("chat"))?;
    let new = lines.last().map(|line| line.index).filter(|last| case.is_unseen(*last));
    let message_list = lines.into_iter().map(message).collect();
    let polled = Polled { case_id: &call.subject, message_list, agent_typing: false };
    let answer = Answer::ok(&polled);
    // A poll that brings nothing new changes nothing: most do not.
    if let Some(last) = new
        && let Ok(case) = world.case_mut(&call.subject)
    {
        case.see(last);
    }
    Ok(answer)
}

/// Every text ends with a space, as in the vendor's sample.
fn message(line: &Line) -> Message<'_> {
    let (kind, author) = match &line.from {
        Speaker::Code(author) => ("system", author.as_str()),
        Speaker::Agent(agent) => ("agent", agent.alias.as_str()),
        Speaker::Bot(alias) => ("agent", alias.as_str()),
        Speaker::System => ("system", ""),
        Speaker::Visitor => ("visitor", ""),
    };
    Message { index: line.index, kind, author, text: format!("{} ", line.text) }
}

fn text<'c>(call: &'c Call, name: &str) -> Result<Option<&'c str>, Refusal> {
    let text = call.parameter(name);
    match text.and_then(|text| checked::too_long(name, text)) {
        Some(problem) => Err(Refusal::malformed(problem)),
        None => Ok(text),
    }
}

fn widget<'w>(world: &'w World, id: &str) -> Result<&'w Widget, Refusal> {
    world.widgets.get(id).ok_or_else(|| Refusal::not_found("widget"))
}

/// Returns a chat. A message that was left while nobody was there is none.
fn case<'w>(world: &'w World, id: &str) -> Result<&'w Case, Refusal> {
    let case = world.cases.get(id).filter(|case| !case.visitor.is_offline);
    case.ok_or_else(|| Refusal::not_found("chat"))
}

fn nobody() -> Refusal {
    Refusal::malformed("the widget is offline: only an offline message can be left")
}

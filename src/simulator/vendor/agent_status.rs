//! Agent Status API: sets the status of an agent.

use http::StatusCode;

use super::answer::Answer;
use super::call::Call;
use super::refusal::Refusal;
use crate::agent_status::Status;
use crate::client::Operation;
use crate::simulator::agent::email_of;
use crate::simulator::world::World;

pub(super) fn set(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    call.checks_token(&world.keys)?;
    let fields = call.fields()?;
    let email = email_of(&fields.required("agent_id")?);
    let status = match fields.required("status")?.as_str() {
        "online" => Status::Online,
        "pause" => Status::Pause,
        _ => return Err(Refusal::malformed("`status` is neither `online` nor `pause`")),
    };
    let sub_status = fields.name("sub_status")?;
    let agent = world.agents.get_mut(&email).ok_or_else(|| Refusal::not_found("agent"))?;
    (agent.status, agent.sub_status) = (status, sub_status);
    world.ledger.accepted(Operation::SetAgentStatus, &email);
    Ok(Answer::empty(StatusCode::OK))
}

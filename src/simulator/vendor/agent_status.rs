//! Agent Status API: sets the status of an agent.

use http::StatusCode;

use super::answer::Answer;
use super::call::Call;
use super::refusal::Refusal;
use crate::agent_status::Status;
use crate::client::Operation;
use crate::simulator::agent::email_of;
use crate::simulator::checked;
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
    let sub_status = fields.text("sub_status")?;
    if let Some(text) = &sub_status {
        let is_short = checked::sub_status("sub_status", text);
        is_short.map_err(|error| Refusal::malformed(error.to_string()))?;
    }
    world.set_status(&email, status, sub_status).map_err(|_| Refusal::not_found("agent"))?;
    world.ledger.accepted(Operation::SetAgentStatus, &email);
    Ok(Answer::empty(StatusCode::OK))
}

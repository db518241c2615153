//! Agent Status API: sets the status of an agent.

use http::StatusCode;

use super::answer::Answer;
use super::call::Call;
use super::refusal::Refusal;
use crate::agent_status::Status;
use crate::client::Operation;
use crate::simulator::agent::email_of;
use crate::simulator::world::World;

/// Most characters of the details of a status.
const LONGEST: usize = 256;

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
    if sub_status.as_ref().is_some_and(|text| text.chars().count() > LONGEST) {
        return Err(Refusal::malformed(format!("`sub_status` has more than {LONGEST} characters")));
    }
    world.set_status(&email, status, sub_status).map_err(|_| Refusal::not_found("agent"))?;
    world.ledger.accepted(Operation::SetAgentStatus, &email);
    Ok(Answer::empty(StatusCode::OK))
}

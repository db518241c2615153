//! Uploaded files.

use http::{HeaderValue, StatusCode};

use super::answer::Answer;
use super::call::Call;
use super::refusal::Refusal;
use crate::simulator::world::World;

pub(super) fn get(world: &World, call: &Call) -> Result<Answer, Refusal> {
    call.checks_token(&world.keys)?;
    if call.required("orgId")? != world.keys.org {
        return Err(Refusal::forbidden("the token is not of this organization"));
    }
    let file = world.files.get(&call.subject).ok_or_else(|| Refusal::not_found("file"))?;
    let content_type = HeaderValue::from_static("application/octet-stream");
    Ok(Answer::new(StatusCode::OK, content_type, file.clone()))
}

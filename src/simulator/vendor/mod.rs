//! The vendor's APIs, one a file, over one state.

mod agent_status;
pub(super) mod answer;
mod availability;
pub(super) mod call;
mod fields;
mod files;
pub(super) mod gson;
pub(super) mod log_case;
pub(super) mod logs;
pub(super) mod refusal;
mod route;
mod schedule;
pub(super) mod users;
mod visitor_chat;
pub(super) mod widgets;
mod zone;

use http::header::ACCESS_CONTROL_ALLOW_ORIGIN;
use http::{HeaderValue, Response};

use self::answer::Answer;
use self::call::Call;
#[cfg(feature = "segment")]
use self::refusal::Refusal;
use super::world::World;
use crate::client::Operation;

/// Carries out a call, and answers it.
pub(super) fn answer(world: &mut World, call: &Call) -> Answer {
    let result = match call.operation {
        Operation::SetAgentStatus => agent_status::set(world, call),
        Operation::Logs => logs::page(world, call),
        Operation::File => files::get(world, call),
        Operation::CreateUser => users::create(world, call),
        Operation::GetUser => users::get(world, call),
        Operation::UpdateUser => users::update(world, call),
        Operation::DeleteUser => users::delete(world, call),
        Operation::CreateWidget => widgets::create(world, call),
        Operation::GetWidget => widgets::get(world, call),
        Operation::UpdateWidget => widgets::update(world, call),
        Operation::DeleteWidget => widgets::delete(world, call),
        Operation::ChatAvailability => visitor_chat::availability(world, call),
        Operation::StartChat => visitor_chat::start(world, call),
        Operation::Say => visitor_chat::say(world, call),
        Operation::CloseChat => visitor_chat::close(world, call),
        Operation::Poll => visitor_chat::poll(world, call),
        Operation::Availability => availability::get(world, call),
        #[cfg(feature = "segment")]
        Operation::SegmentBatch => Err(Refusal::not_found("path")),
    };
    result.unwrap_or_else(|refusal| refusal.answer(Some(call.operation)))
}

/// First segment of the paths whose answers pages of any origin may read.
pub(super) const PUBLIC: &str = "public";

/// Lets any page read an answer, if it is one to a path that is for all of them.
pub(super) fn open_to_any_origin<B>(path: &str, mut answer: Response<B>) -> Response<B> {
    if path.split('/').nth(1) == Some(PUBLIC) {
        let any = HeaderValue::from_static("*");
        answer.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, any);
    }
    answer
}

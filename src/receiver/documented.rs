//! Names of events that are documented: no others name a file, or a series of a metric.

use crate::agent_status::Status;
use crate::api::Api;
use crate::bot;
use crate::conversation::EventKind;
use crate::integration::RequestKind;

/// Returns `true` if an event, type or status of this name is documented. Get Contact has one event,
/// without a name.
pub(crate) fn is_documented(api: Api, event: &str) -> bool {
    match api {
        Api::Bot => bot::Event::DOCUMENTED.contains(&event),
        Api::Integration => !matches!(RequestKind::from(event), RequestKind::Unknown(_)),
        Api::Conversation => !matches!(EventKind::from(event), EventKind::Unknown(_)),
        Api::AgentStatus => !matches!(Status::from(event), Status::Unknown(_)),
        Api::Contact => true,
    }
}

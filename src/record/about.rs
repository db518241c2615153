//! Subject of a request: its event.

use super::form::OTHER;
use crate::agent_status::Status;
use crate::api::Api;
use crate::conversation::EventKind;
use crate::integration::RequestKind;

/// Returns the event of a request under its documented name; `look-up` for Get Contact, and `other`
/// for what is not documented: a file is not named after a word of the caller's.
pub(super) fn event(api: Option<Api>, name: &str) -> &str {
    let is_documented = match api {
        None => false,
        Some(Api::Contact) => return LOOK_UP,
        Some(Api::Bot) => BOT.contains(&name),
        Some(Api::Conversation) => !matches!(EventKind::from(name), EventKind::Unknown(_)),
        Some(Api::AgentStatus) => !matches!(Status::from(name), Status::Unknown(_)),
        Some(Api::Integration) => !matches!(RequestKind::from(name), RequestKind::Unknown(_)),
    };
    if is_documented { name } else { OTHER }
}

const LOOK_UP: &str = "look-up";

const BOT: &[&str] = &["chatStarted", "message", "commandResult", "chatClosed"];

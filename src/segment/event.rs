//! Events as Segment's HTTP API takes them, and how long one may be.

use serde::Serialize;

use super::user::SegmentUser;
use crate::timestamp::Timestamp;

/// Most bytes of an event. Segment says 32 KB, and not of how many bytes.
const LONGEST: usize = 32_000;

/// Event of a user.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SegmentEvent<'c> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<&'c str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    anonymous_id: Option<&'c str>,
    message_id: String,
    /// There is no `sentAt` beside it: Segment would take the clock here for that of SnapEngage.
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<String>,
    #[serde(flatten)]
    content: EventContent<'c>,
    context: Context,
}

/// Content of an event, by its kind.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum EventContent<'c> {
    Identify { traits: Traits<'c> },
    Track { event: &'static str, properties: Properties<'c> },
}

#[derive(Debug, Serialize)]
pub(super) struct Traits<'c> {
    pub(super) email: &'c str,
}

/// Properties of the four events of a live chat, all that the specification has.
#[derive(Debug, Serialize)]
pub(super) struct Properties<'c> {
    #[serde(flatten)]
    pub(super) agent: AgentProperties<'c>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) conversation_duration: Option<u64>,
    pub(super) conversation_id: &'c str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) message_body: Option<&'c str>,
    pub(super) message_id: String,
}

/// Agent, or bot, of an event.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(super) struct AgentProperties<'c> {
    #[serde(rename = "agent_id", skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<&'c str>,
    #[serde(rename = "agent_name", skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<&'c str>,
    #[serde(rename = "agent_username", skip_serializing_if = "Option::is_none")]
    pub(super) username: Option<&'c str>,
}

#[derive(Debug, Serialize)]
struct Context {
    library: Library,
}

#[derive(Debug, Serialize)]
struct Library {
    name: &'static str,
    version: &'static str,
}

impl<'c> SegmentEvent<'c> {
    pub(super) fn new(
        user: &'c SegmentUser,
        message_id: String,
        time: Option<Timestamp>,
        content: EventContent<'c>,
    ) -> Self {
        let kind = match content {
            EventContent::Identify { .. } => "identify",
            EventContent::Track { .. } => "track",
        };
        let library = Library { name: "snapengage-rs", version: env!("CARGO_PKG_VERSION") };
        Self {
            kind,
            user_id: user.id.as_deref(),
            anonymous_id: user.anonymous_id.as_deref(),
            message_id,
            timestamp: time.map(|time| time.to_string()),
            content,
            context: Context { library },
        }
    }

    /// Writes the event as JSON, with as much of its text as there is room for; `None` if there is
    /// no room for what is left without.
    pub(super) fn into_json(mut self) -> Option<String> {
        let whole = self.json();
        if whole.len() <= LONGEST {
            return Some(whole);
        }
        let EventContent::Track { properties, .. } = &mut self.content else { return None };
        let text = properties.message_body.replace("")?;
        let room = LONGEST.checked_sub(self.json().len())?;
        if let EventContent::Track { properties, .. } = &mut self.content {
            properties.message_body = Some(start(text, room));
        }
        Some(self.json())
    }

    fn json(&self) -> String {
        serde_json::to_string(self).expect("names are texts")
    }
}

/// Returns the start of a text that takes so many bytes in JSON at most.
fn start(text: &str, room: usize) -> &str {
    let mut length = 0;
    for (at, c) in text.char_indices() {
        length += match c {
            '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
            '\0'..='\u{1f}' => 6,
            _ => c.len_utf8(),
        };
        if length > room {
            return &text[..at];
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn start_of_a_text_is_as_long_as_its_json() {
        let text: String =
            (0..0x300).filter_map(char::from_u32).chain("💈\u{2028}".chars()).collect();
        for room in 0..text.len() * 2 {
            let start = start(&text, room);
            let length = |text: &str| serde_json::to_string(text).expect("JSON").len() - 2;
            assert!(length(start) <= room);
            let next = text[start.len()..].chars().next();
            let longer = next.map(|next| length(&format!("{start}{next}")));
            assert!(longer.is_none_or(|longer| longer > room), "{room}");
        }
    }
}

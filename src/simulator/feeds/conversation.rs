//! Requests of the Conversation Events and the Agent Status API.

use bytes::Bytes;
use serde::Serialize;

use crate::agent_status::Status;
use crate::conversation::EventKind;
use crate::simulator::case::{Case, Face, Survey};
use crate::simulator::vendor::gson;
use crate::timestamp::Timestamp;

/// Subject of an event besides the conversation.
#[derive(Debug, Clone, Copy)]
pub(in crate::simulator) enum About<'a> {
    Nothing,
    Label(&'a str, &'a str),
    Survey(&'a Survey),
}

/// Event in the order of the vendor's sample.
#[derive(Serialize)]
struct Written<'e> {
    widget_id: &'e str,
    widget_name: &'e str,
    case_id: &'e str,
    #[serde(flatten)]
    agent: Option<Agent<'e>>,
    event: &'e str,
    timestamp: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<Label<'e>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    survey_score: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    survey_comment: Option<&'e str>,
}

#[derive(Serialize)]
struct Agent<'e> {
    agent_id: String,
    agent_email: &'e str,
    agent_alias: &'e str,
}

#[derive(Serialize)]
struct Label<'e> {
    value: &'e str,
    name: &'e str,
}

/// Writes an event of a conversation. Before an agent has taken it, it names none.
pub(in crate::simulator) fn event(
    kind: &EventKind,
    case: &Case,
    widget_name: &str,
    about: About<'_>,
    at: Timestamp,
) -> Bytes {
    let agent = case.agent.as_ref().filter(|_| *kind != EventKind::CaseQueued);
    let (label, survey) = match about {
        About::Nothing => (None, None),
        About::Label(name, value) => (Some(Label { value, name }), None),
        About::Survey(survey) => (None, Some(survey)),
    };
    gson::write(&Written {
        widget_id: case.widget.as_str(),
        widget_name,
        case_id: case.id.as_str(),
        agent: agent.map(Agent::of),
        event: kind.as_str(),
        timestamp: at.as_millis(),
        label,
        survey_score: survey.map(|survey| survey.score),
        survey_comment: survey.and_then(|survey| survey.comment.as_deref()),
    })
}

impl<'e> Agent<'e> {
    fn of(face: &'e Face) -> Self {
        let agent_id = format!("wc:{}", face.email);
        Self { agent_id, agent_email: &face.email, agent_alias: &face.alias }
    }
}

#[derive(Serialize)]
struct WrittenStatus<'s> {
    org: u64,
    agent_id: String,
    status: &'s str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub_status: Option<&'s str>,
    timestamp: i64,
}

/// Writes the status of an agent.
pub(in crate::simulator) fn status(
    org: &str,
    email: &str,
    status: &Status,
    sub_status: Option<&str>,
    at: Timestamp,
) -> Bytes {
    gson::write(&WrittenStatus {
        // The builder takes a number.
        org: org.parse().unwrap_or_default(),
        agent_id: format!("wc:{email}"),
        status: status.as_str(),
        sub_status,
        timestamp: at.as_millis(),
    })
}

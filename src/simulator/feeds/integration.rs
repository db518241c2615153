//! Requests of the Integration API.

use bytes::Bytes;
use jiff::tz::TimeZone;

use super::{IntegrationForm, xml};
use crate::integration::{Date, Sender, SupportRequest};
use crate::simulator::case::{Case, Speaker};
use crate::simulator::vendor::{gson, log_case};
use crate::timestamp::Timestamp;

/// Writes a chat that has ended, or a message that was left.
pub(in crate::simulator) fn body(case: &Case, form: IntegrationForm, now: Timestamp) -> Bytes {
    let request = request(case, now);
    match form {
        IntegrationForm::Json => gson::write(&request),
        IntegrationForm::Xml => xml::write(&request).into(),
    }
}

/// Returns the case as this API has it: what is in the logs alone is not there, dates are text, and
/// lines have senders.
fn request(case: &Case, now: Timestamp) -> SupportRequest {
    let mut request = log_case::of(case, now);
    request.widget_id = Some(case.widget.clone());
    request.created_at_date = Some(Date::Text(date_text(case.created_at)));
    request.chat_responded = None;
    request.chat_agent_id = None;
    request.chat_agent_alias = None;
    let survey = case.survey.as_ref();
    request.survey_score = survey.map(|survey| survey.score);
    request.survey_comments = survey.and_then(|survey| survey.comment.clone());
    for (written, line) in request.transcripts.iter_mut().zip(case.shown_lines()) {
        written.date = Some(Date::Text(date_text(line.at)));
        let (sender, alias) = match line.from {
            Speaker::Visitor => (Sender::Visitor, Some("visitor")),
            Speaker::Agent(_) => (Sender::Agent, None),
            Speaker::Bot(_) => (Sender::Bot, None),
            Speaker::System | Speaker::Code(_) => (Sender::System, Some("")),
        };
        written.sender = Some(sender);
        if let Some(alias) = alias {
            written.alias = Some(alias.to_owned());
        }
    }
    if case.visitor.is_offline {
        request.transcripts.clear();
    }
    request
}

/// Writes a time as the vendor's Java does in JSON.
fn date_text(at: Timestamp) -> String {
    strftime(at, "%b %-d, %Y %-I:%M:%S %p")
}

/// Writes a time as the vendor's Java does in transcripts in XML.
pub(super) fn java_date(at: Timestamp) -> String {
    strftime(at, "%a %b %d %H:%M:%S UTC %Y")
}

fn strftime(at: Timestamp, format: &str) -> String {
    let at = jiff::Timestamp::from_millisecond(at.as_millis());
    at.map(|at| at.to_zoned(TimeZone::UTC).strftime(format).to_string()).unwrap_or_default()
}

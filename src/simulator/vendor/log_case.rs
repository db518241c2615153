//! A case as the logs write it.

use std::time::Duration;

use crate::id::AgentId;
use crate::identity::VARIABLES;
use crate::integration::{
    Date, RequestKind, RequesterDetails, SourceId, SupportRequest, TranscriptLine, Variable,
};
use crate::simulator::case::{Case, Line, Shown, Speaker, Stage};
use crate::simulator::visit::ShownCard;
use crate::timestamp::Timestamp;

/// Time after which a survey is in the logs.
const SURVEY_DELAY: Duration = Duration::from_secs(5 * 60);

/// Address of a visitor of whom none is known.
const UNKNOWN: &str = "unknown@example.com";

/// Ids of those who speak and are no agents.
const BOT: &str = "bot";
const SYSTEM: &str = "system";

/// Returns a chat as a case, as the logs have it at a time.
pub(in crate::simulator) fn of(case: &Case, now: Timestamp) -> SupportRequest {
    let mut request = SupportRequest::new(case.id.as_str());
    request.url = Some(format!("https://www.snapengage.com/viewcase?c={}", case.id));
    set_created_at(&mut request, case.created_at);
    describe_visitor(&mut request, case);
    describe_chat(&mut request, case);
    let surveyed = case.survey.as_ref();
    if let Some(survey) = surveyed.filter(|survey| survey.at.saturating_add(SURVEY_DELAY) <= now) {
        request.survey_score = Some(survey.score);
        request.survey_comments = survey.comment.clone();
    }
    request.transcripts = case.lines.iter().filter_map(line).collect();
    request
}

fn describe_visitor(request: &mut SupportRequest, case: &Case) {
    let visitor = &case.visitor;
    let mut details =
        RequesterDetails { name: visitor.name.clone(), ..RequesterDetails::default() };
    details.emails.extend(visitor.email.clone());
    details.phones.extend(visitor.phone.clone());
    request.requested_by = Some(visitor.email.clone().unwrap_or_else(|| UNKNOWN.to_owned()));
    request.requester_details = Some(Box::new(details));
    request.ip_address = Some(case.ip_address());
    request.page_url = Some(visitor.page_url.clone().unwrap_or_else(|| "unknown".to_owned()));
    request.referrer_url = visitor.referrer_url.clone();
    request.entry_url = visitor.entry_url.clone();
    request.user_agent = visitor.user_agent.clone();
    request.language_code = visitor.locale.clone();
    let variables = visitor.variables.iter();
    let variables = variables.filter(|(name, _)| !VARIABLES.contains(&name.as_str()));
    request.javascript_variables = variables.map(|(name, value)| variable(name, value)).collect();
    let labels = case.labels.iter().map(|(name, value)| variable(name, value));
    request.labels = labels.collect();
    request.operator_variables = request.labels.clone();
}

fn variable(name: &str, value: &str) -> Variable {
    Variable { name: Some(name.to_owned()), value: Some(value.to_owned()), ..Variable::default() }
}

fn describe_chat(request: &mut SupportRequest, case: &Case) {
    let is_offline = case.visitor.is_offline;
    let first = case.lines.iter().find(|line| line.from == Speaker::Visitor);
    request.description = first.map(|line| line.text.clone());
    request.kind = Some(if is_offline { RequestKind::Offline } else { RequestKind::Chat });
    let is_proactive = case.visitor.proactive_message.is_some();
    request.source_id = Some(match (is_offline, is_proactive) {
        (true, _) => SourceId::Offline,
        (false, true) => SourceId::Proactive,
        (false, false) => SourceId::Chat,
    });
    request.proactive_chat = Some(is_proactive);
    if is_offline {
        return;
    }
    let end = case.ended_at();
    let answered_at = case.bot.as_ref().map(|_| case.created_at);
    let waited = answered_at.or(case.taken_at).or(end).map(|end| seconds(case.created_at, end));
    request.chat_waittime = waited;
    request.chat_duration = end.map(|end| seconds(case.created_at, end));
    if let Stage::Ended { by, .. } = &case.stage {
        request.chat_ended_by = by.clone();
    }
    let responded = case.lines.iter().any(|line| matches!(line.from, Speaker::Agent(_)));
    request.chat_responded = Some(responded);
    if let Some(agent) = &case.agent {
        request.chat_agent_id = Some(AgentId::from(format!("wc:{}", agent.email)));
        request.chat_agent_alias = Some(agent.alias.clone());
    }
}

fn seconds(start: Timestamp, end: Timestamp) -> i64 {
    let seconds = end.saturating_duration_since(start).as_secs();
    i64::try_from(seconds).unwrap_or(i64::MAX)
}

/// Returns a line of the transcript; nothing for a code, which is no line.
fn line(line: &Line) -> Option<TranscriptLine> {
    let mut written = TranscriptLine::default();
    match &line.from {
        Speaker::Visitor => empty_speaker(&mut written),
        Speaker::Agent(agent) => {
            written.id = Some(format!("wc:{}", agent.email));
            written.alias = Some(agent.alias.clone());
        }
        Speaker::Bot(alias) => {
            written.id = Some(BOT.to_owned());
            written.alias = Some(alias.clone());
        }
        // Nobody's: an empty `id` would be the visitor's.
        Speaker::System => written.id = Some(SYSTEM.to_owned()),
        Speaker::Code(_) => return None,
    }
    set_date(&mut written, line.at);
    written.message = text(line);
    Some(written)
}

/// Returns what a line shows as text.
fn text(line: &Line) -> String {
    let Shown::Cards(shown) = &line.shown else { return line.text.clone() };
    let card = |card: &ShownCard| match &card.link {
        Some(link) => format!("{}: {link}", card.title),
        None => card.title.clone(),
    };
    shown.cards.iter().map(card).collect::<Vec<_>>().join("\n")
}

/// A visitor's `id` and `alias` are empty here, not absent.
fn empty_speaker(line: &mut TranscriptLine) {
    line.id.get_or_insert_default();
    line.alias.get_or_insert_default();
}

fn set_date(line: &mut TranscriptLine, at: Timestamp) {
    line.date = Some(Date::Time(at));
    line.date_seconds = Some(at.as_millis().div_euclid(1000));
    line.date_milliseconds = Some(at.as_millis().rem_euclid(1000));
}

fn set_created_at(request: &mut SupportRequest, at: Timestamp) {
    request.created_at_date = Some(Date::Time(at));
    request.created_at_seconds = Some(at.as_millis().div_euclid(1000));
    request.created_at_milliseconds = Some(at.as_millis().rem_euclid(1000));
}

/// Brings a case that was given into the form of the logs: times are numbers here. Returns the time
/// it was created, this one if it has none.
pub(in crate::simulator) fn adopt(request: &mut SupportRequest, now: Timestamp) -> Timestamp {
    let created_at = request.created_at().unwrap_or(now);
    set_created_at(request, created_at);
    for line in &mut request.transcripts {
        empty_speaker(line);
        if let Some(at) = line.sent_at() {
            set_date(line, at);
        }
    }
    created_at
}

//! A case as events: it starts, each line is sent or received, and it ends.

use std::collections::HashMap;
use std::time::Duration;

use super::event::{AgentProperties, EventContent, Properties, SegmentEvent, Traits};
use super::id;
use super::user::SegmentUser;
use crate::id::AgentId;
use crate::integration::{Sender, SupportRequest, TranscriptLine};
use crate::timestamp::Timestamp;

const STARTED: &str = "Live Chat Conversation Started";
const SENT: &str = "Live Chat Message Sent";
const RECEIVED: &str = "Live Chat Message Received";
const ENDED: &str = "Live Chat Conversation Ended";

/// Conversation that is made into events.
pub(super) struct ChatEvents<'c> {
    case: &'c SupportRequest,
    user: &'c SegmentUser,
    has_text: bool,
    start: Option<Timestamp>,
    /// In the order of time.
    lines: Vec<SaidLine<'c>>,
}

/// Line that somebody said.
struct SaidLine<'c> {
    line: &'c TranscriptLine,
    time: Option<Timestamp>,
    id: String,
    agent: AgentProperties<'c>,
}

impl<'c> ChatEvents<'c> {
    pub(super) fn new(case: &'c SupportRequest, user: &'c SegmentUser, has_text: bool) -> Self {
        let mut lines = said(case);
        // In the vendor's own sample, the first line is before the case.
        let times = lines.iter().map(|line| line.time).chain([case.created_at()]);
        let start = times.flatten().min();
        for line in &mut lines {
            line.time = line.time.or(start);
        }
        // Stable: what is of one time stays as it came.
        lines.sort_by_key(|line| line.time);
        name_agents(case, &mut lines);
        Self { case, user, has_text, start, lines }
    }

    /// Returns the events in the order of time.
    pub(super) fn all(&self) -> Vec<SegmentEvent<'c>> {
        let mut events = Vec::with_capacity(self.lines.len() + 3);
        events.extend(self.identified());
        events.push(self.started());
        events.extend(self.lines.iter().map(|line| self.said(line)));
        events.push(self.ended());
        events
    }

    /// Returns the event that says who the visitor is. Another address is another event.
    fn identified(&self) -> Option<SegmentEvent<'c>> {
        let email = self.user.email.as_deref()?;
        let id = id("identify", &[self.case.key(), email]);
        let content = EventContent::Identify { traits: Traits { email } };
        Some(SegmentEvent::new(self.user, id, self.start, content))
    }

    fn started(&self) -> SegmentEvent<'c> {
        let id = id("started", &[self.case.key()]);
        let first = self.lines.iter().find(|line| line.line.is_from_visitor());
        let text = first.map(|line| line.line.message.as_str());
        let text = text.or(self.case.description.as_deref());
        let agent = self.lines.iter().find(|line| line.is_by_agent());
        let properties = Properties {
            agent: agent.map_or(agent_of(self.case), |line| line.agent),
            conversation_duration: Some(0),
            conversation_id: self.case.key(),
            message_body: text.filter(|_| self.has_text),
            message_id: first.map_or_else(|| id.clone(), |line| line.id.clone()),
        };
        self.track(STARTED, id, self.start, properties)
    }

    fn said(&self, line: &SaidLine<'c>) -> SegmentEvent<'c> {
        let event = if line.line.is_from_visitor() { SENT } else { RECEIVED };
        let properties = Properties {
            agent: line.agent,
            conversation_duration: self.since_start(line.time),
            conversation_id: self.case.key(),
            message_body: Some(line.line.message.as_str()).filter(|_| self.has_text),
            message_id: line.id.clone(),
        };
        self.track(event, line.id.clone(), line.time, properties)
    }

    fn ended(&self) -> SegmentEvent<'c> {
        let id = id("ended", &[self.case.key()]);
        let last = self.lines.last();
        let duration = self.case.chat_duration.and_then(|seconds| u64::try_from(seconds).ok());
        let end = self.end(duration);
        let agent = self.lines.iter().rfind(|line| line.is_by_agent());
        let properties = Properties {
            agent: agent.map_or(agent_of(self.case), |line| line.agent),
            conversation_duration: duration.or_else(|| self.since_start(end)),
            conversation_id: self.case.key(),
            message_body: last.map(|line| &*line.line.message).filter(|_| self.has_text),
            message_id: last.map_or_else(|| id.clone(), |line| line.id.clone()),
        };
        self.track(ENDED, id, end, properties)
    }

    /// Returns the time of the end, which is not before the last line: a duration may be without
    /// the wait for an agent.
    fn end(&self, duration: Option<u64>) -> Option<Timestamp> {
        let last = self.lines.iter().filter_map(|line| line.time).max();
        let duration = Duration::from_secs(duration.unwrap_or_default());
        let end = self.start.map(|start| start.saturating_add(duration));
        last.max(end)
    }

    fn since_start(&self, time: Option<Timestamp>) -> Option<u64> {
        Some(time?.saturating_duration_since(self.start?).as_secs())
    }

    fn track(
        &self,
        event: &'static str,
        id: String,
        time: Option<Timestamp>,
        properties: Properties<'c>,
    ) -> SegmentEvent<'c> {
        SegmentEvent::new(self.user, id, time, EventContent::Track { event, properties })
    }
}

impl SaidLine<'_> {
    fn is_by_agent(&self) -> bool {
        self.line.is_from_agent()
    }
}

/// Returns the lines that visitors, agents and bots said, as they came. One without a time is of
/// that of the line before.
fn said(case: &SupportRequest) -> Vec<SaidLine<'_>> {
    let mut alike: HashMap<String, usize> = HashMap::new();
    let mut time = None;
    let mut lines = Vec::with_capacity(case.transcripts.len());
    for line in &case.transcripts {
        time = line.sent_at().or(time);
        if line.sender == Some(Sender::System) {
            continue;
        }
        let content = id("content", &content(line));
        let number = alike.entry(content.clone()).and_modify(|number| *number += 1).or_default();
        let id = id("line", &[case.key(), &content, &number.to_string()]);
        lines.push(SaidLine { line, time, id, agent: AgentProperties::default() });
    }
    lines
}

/// Returns what makes a line the same when the case comes again. Its place does not: lines may come
/// in between. Nor does its time, which the forms have in several ways, or its translations, which
/// may come later.
fn content(line: &TranscriptLine) -> [&str; 3] {
    match line.is_from_visitor() {
        true => ["visitor", "", &line.message],
        false => ["agent", line.id.as_deref().unwrap_or_default(), &line.message],
    }
}

/// Gives each line its agent: a visitor talks to who spoke last, or to who will.
fn name_agents<'c>(case: &'c SupportRequest, lines: &mut [SaidLine<'c>]) {
    let first = lines.iter().find(|line| !line.line.is_from_visitor());
    let mut agent = first.map_or(agent_of(case), |line| speaker(line.line));
    for line in lines {
        if !line.line.is_from_visitor() {
            agent = speaker(line.line);
        }
        line.agent = agent;
    }
}

fn speaker(line: &TranscriptLine) -> AgentProperties<'_> {
    agent_properties(line.id.as_deref(), line.alias.as_deref())
}

/// Returns the agent of a case, which the logs name.
fn agent_of(case: &SupportRequest) -> AgentProperties<'_> {
    let id = case.chat_agent_id.as_ref().map(AgentId::as_str);
    agent_properties(id, case.chat_agent_alias.as_deref())
}

fn agent_properties<'c>(id: Option<&'c str>, name: Option<&'c str>) -> AgentProperties<'c> {
    let username = id.map(|id| id.strip_prefix("wc:").unwrap_or(id));
    let given = |text: Option<&'c str>| text.filter(|text| !text.is_empty()).map(short);
    AgentProperties { id: given(id), name: given(name), username: given(username) }
}

/// Returns the start of a name: of an event, its text alone may be long.
fn short(name: &str) -> &str {
    const LONGEST: usize = 256;
    &name[..name.floor_char_boundary(LONGEST)]
}

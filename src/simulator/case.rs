//! One chat: its state, and its transcript.

use std::fmt::Write as _;

use super::lever::LeverError;
use crate::id::{CaseId, WidgetId};
use crate::integration::ChatEndedBy;
use crate::timestamp::Timestamp;

/// Chat of a visitor.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) id: CaseId,
    pub(super) number: u64,
    pub(super) widget: WidgetId,
    pub(super) visitor: Visiting,
    pub(super) created_at: Timestamp,
    pub(super) stage: Stage,
    /// Lines in the order they were said, codes for the widget among them.
    pub(super) lines: Vec<Line>,
    /// Time that an agent took it first.
    pub(super) taken_at: Option<Timestamp>,
    /// Agent that has it, or had it last.
    pub(super) agent: Option<Face>,
    pub(super) survey: Option<Survey>,
    next_index: u64,
    /// First index that no poll has returned yet.
    unseen: u64,
}

/// Visitor, as far as they are known.
#[derive(Debug, Clone, Default)]
pub(super) struct Visiting {
    pub(super) email: Option<String>,
    pub(super) phone: Option<String>,
    pub(super) user_agent: Option<String>,
    pub(super) locale: Option<String>,
    /// Left a message while nobody was there.
    pub(super) is_offline: bool,
}

/// State of a chat.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Stage {
    /// It waits for an agent.
    Queued,
    /// An agent has it: [`Case::agent`].
    Served,
    Ended {
        at: Timestamp,
        by: Option<ChatEndedBy>,
    },
}

/// Agent as a visitor sees them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Face {
    pub(super) email: String,
    pub(super) alias: String,
}

/// What a visitor thought of it.
#[derive(Debug, Clone)]
pub(super) struct Survey {
    pub(super) score: i64,
    pub(super) comment: Option<String>,
    pub(super) at: Timestamp,
}

/// Line of a chat.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) index: u64,
    pub(super) at: Timestamp,
    pub(super) from: Speaker,
    pub(super) text: String,
}

/// Speaker of a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Speaker {
    Visitor,
    Agent(Face),
    /// Code for the vendor's own widget, in this agent's name; it is not in transcripts.
    Code(String),
}

/// Text that the vendor's widget shows while a visitor waits, and after how many seconds it does,
/// encoded as in the vendor's sample.
const WAIT: &str = "6%2CSorry%2520for%2520the%2520delay.%2520We%27re%2520working%2520on%2520getting\
    %2520to%2520you%2520as%2520quickly%2520as%2520possible.%2520If%2520you%2520need%2520to%2520run\
    %2C%2520please%2520feel%2520free%2520to%2520%5Bleave%2520us%2520a%2520message%5D";

impl Case {
    /// Index of the first line that a poll returns, as in the vendor's sample.
    const FIRST: u64 = 2;

    pub(super) fn new(
        id: CaseId,
        number: u64,
        widget: WidgetId,
        visitor: Visiting,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            number,
            widget,
            visitor,
            created_at: now,
            stage: Stage::Queued,
            lines: Vec::new(),
            taken_at: None,
            agent: None,
            survey: None,
            next_index: Self::FIRST,
            unseen: 0,
        }
    }

    /// Greets the visitor with the codes of the vendor's sample, in the name of the agent that is
    /// likely to come, and takes the first message.
    pub(super) fn open(&mut self, likely: &Face, message: Option<&str>, now: Timestamp) {
        self.name(likely, now);
        self.code("", "/NFO Just a moment...<br>", now);
        match message {
            Some(text) => self.say(Speaker::Visitor, text, now),
            // The place of the first message stays empty.
            None => self.next_index += 1,
        }
        for code in ["/SYS EMTR false", "/SYS GRCP -1"] {
            self.code(&likely.alias, code, now);
        }
        self.code(&likely.alias, &format!("/SYS WAGT {WAIT}"), now);
        self.code(&likely.alias, "/SYS REAS 16", now);
    }

    fn name(&mut self, agent: &Face, now: Timestamp) {
        self.code(&agent.alias, &format!("/NIC {}", agent.alias), now);
        self.code(&agent.alias, "/CAL 1", now);
    }

    fn code(&mut self, author: &str, text: &str, now: Timestamp) {
        self.say(Speaker::Code(author.to_owned()), text, now);
    }

    pub(super) fn say(&mut self, from: Speaker, text: &str, now: Timestamp) {
        self.lines.push(Line { index: self.next_index, at: now, from, text: text.to_owned() });
        self.next_index += 1;
    }

    pub(super) fn is_open(&self) -> bool {
        !matches!(self.stage, Stage::Ended { .. })
    }

    pub(super) fn ended_at(&self) -> Option<Timestamp> {
        match self.stage {
            Stage::Ended { at, .. } => Some(at),
            _ => None,
        }
    }

    /// Gives the chat to an agent.
    pub(super) fn take(&mut self, agent: Face, now: Timestamp) -> Result<(), LeverError> {
        if self.stage != Stage::Queued {
            return Err(self.refuse("be taken"));
        }
        self.name(&agent, now);
        self.stage = Stage::Served;
        self.taken_at.get_or_insert(now);
        self.agent = Some(agent);
        Ok(())
    }

    /// Returns the agent that has the chat, if it is this one.
    pub(super) fn served_by(&self, email: &str) -> Result<&Face, LeverError> {
        let agent = self.agent.as_ref().filter(|agent| agent.email == email);
        match agent {
            Some(agent) if self.stage == Stage::Served => Ok(agent),
            _ => Err(self.refuse("be served by this agent")),
        }
    }

    fn refuse(&self, what: &str) -> LeverError {
        let mut text = format!("a chat cannot {what}: ");
        let _ = match (&self.stage, &self.agent) {
            (Stage::Queued, _) => write!(text, "it waits for an agent to take it"),
            (Stage::Served, _) => write!(text, "another agent has it"),
            (Stage::Ended { .. }, _) => write!(text, "it has ended"),
        };
        LeverError::conflict(text)
    }

    /// Returns the lines from this index on, without the visitor's own, which they have; `None` for
    /// a chat that has ended and of which nothing is left to be returned.
    pub(super) fn poll(&mut self, index: Option<u64>) -> Option<Vec<&Line>> {
        // Whoever asks for nothing in particular is not told the end of an ended chat for ever.
        let from = match index {
            Some(index) if index > 0 => index,
            _ if self.is_open() => 0,
            _ => self.unseen,
        };
        let is_open = self.is_open();
        let lines = self.lines.iter();
        let lines: Vec<_> =
            lines.filter(|line| line.index >= from && line.from != Speaker::Visitor).collect();
        if lines.is_empty() && !is_open {
            return None;
        }
        let end = lines.last().map_or(0, |line| line.index + 1);
        self.unseen = self.unseen.max(end);
        Some(lines)
    }
}

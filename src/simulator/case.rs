//! One chat: its state, and its transcript.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::identity::CheckedIdentity;
use super::lever::LeverError;
use super::visit::{
    BanKind, LineAuthor, ShownButton, ShownCards, VisitLabel, VisitLine, VisitState, VisitView,
};
use crate::bot::{Button, CommandError};
use crate::id::{CaseId, WidgetId};
use crate::integration::ChatEndedBy;
use crate::timestamp::Timestamp;

/// Chat of a visitor.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Case {
    pub(super) id: CaseId,
    pub(super) number: u64,
    /// Widget it is on now.
    pub(super) widget: WidgetId,
    /// Widget it began on.
    pub(super) home: WidgetId,
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
    /// Time that an agent said something first.
    pub(super) responded_at: Option<Timestamp>,
    /// Widget whose bot has it, or had it.
    pub(super) bot: Option<WidgetId>,
    /// Widgets whose bots had it before that one.
    pub(super) earlier_bots: Vec<WidgetId>,
    /// Id that the bot gets back with the next request.
    pub(super) context_id: Option<String>,
    /// Buttons that the visitor sees.
    pub(super) buttons: Vec<Button>,
    pub(super) labels: Vec<(String, String)>,
    /// Tags of the last transfer by tags.
    pub(super) tags: Option<Vec<String>>,
    pub(super) banned: Option<BanKind>,
    /// Reason why the next transfer fails, if it does.
    pub(super) failing: Option<CommandError>,
    /// Transfers that failed since the visitor did something.
    pub(super) failures: u32,
    /// Time that somebody said something last, as [`passed`](super::time::Time::passed).
    pub(super) silent_since: Timestamp,
    next_index: u64,
    /// Index behind what was said by then.
    heard: u64,
    /// First index that no poll has returned yet.
    unseen: u64,
}

/// Visitor, as far as they are known.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Visiting {
    pub(super) email: Option<String>,
    pub(super) name: Option<String>,
    pub(super) phone: Option<String>,
    pub(super) page_url: Option<String>,
    pub(super) entry_url: Option<String>,
    pub(super) referrer_url: Option<String>,
    /// Absent: one by the number of the case.
    pub(super) ip_address: Option<String>,
    pub(super) user_agent: Option<String>,
    pub(super) locale: Option<String>,
    /// Cookie, by which a visitor is known again.
    pub(super) cookie: Option<String>,
    pub(super) variables: BTreeMap<String, String>,
    pub(super) identity: Option<CheckedIdentity>,
    pub(super) proactive_message: Option<String>,
    /// Left a message while nobody was there.
    pub(super) is_offline: bool,
}

/// State of a chat.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Stage {
    /// A bot has it: [`Case::bot`].
    Bot,
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Face {
    pub(super) email: String,
    pub(super) alias: String,
}

/// Visitor's opinion of a chat.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Survey {
    pub(super) score: i64,
    pub(super) comment: Option<String>,
    pub(super) at: Timestamp,
}

/// Line of a chat.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Line {
    pub(super) index: u64,
    pub(super) at: Timestamp,
    pub(super) from: Speaker,
    pub(super) text: String,
    pub(super) shown: Shown,
}

/// Content of a line.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) enum Shown {
    #[default]
    Text,
    Buttons(Vec<ShownButton>),
    Cards(ShownCards),
    Goto,
    /// Text that the visitor does not see.
    ToAgents,
}

/// Speaker of a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Speaker {
    Visitor,
    /// Bot of this name.
    Bot(String),
    Agent(Face),
    /// The simulator itself.
    System,
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
            home: widget.clone(),
            widget,
            visitor,
            created_at: now,
            stage: Stage::Queued,
            lines: Vec::new(),
            taken_at: None,
            agent: None,
            survey: None,
            responded_at: None,
            bot: None,
            earlier_bots: Vec::new(),
            context_id: None,
            buttons: Vec::new(),
            labels: Vec::new(),
            tags: None,
            banned: None,
            failing: None,
            failures: 0,
            silent_since: now,
            next_index: Self::FIRST,
            heard: 0,
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
        self.show(from, text, Shown::Text, now);
    }

    pub(super) fn show(&mut self, from: Speaker, text: &str, shown: Shown, now: Timestamp) {
        let index = self.next_index;
        self.lines.push(Line { index, at: now, from, text: text.to_owned(), shown });
        self.next_index += 1;
    }

    /// Returns `true` if nothing was said since it was heard last.
    pub(super) fn was_heard(&self) -> bool {
        self.heard == self.next_index
    }

    /// Takes the time of what was said last.
    pub(super) fn hear(&mut self, now: Timestamp) {
        (self.heard, self.silent_since) = (self.next_index, now);
    }

    /// Sets a label to one more value; returns `false` if it had that.
    pub(super) fn label(&mut self, name: &str, value: &str) -> bool {
        let label = (name.to_owned(), value.to_owned());
        let is_new = !self.labels.contains(&label);
        if is_new {
            self.labels.push(label);
        }
        is_new
    }

    /// Returns the visitor's address: one of those for measurements (RFC 2544), nobody's, if they
    /// did not say.
    pub(super) fn ip_address(&self) -> String {
        self.visitor.ip_address.clone().unwrap_or_else(|| {
            let host = self.number % (1 << 17);
            let (high, middle, low) = (18 + (host >> 16), host >> 8 & 0xff, host & 0xff);
            format!("198.{high}.{middle}.{low}")
        })
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

    /// Gives the chat to the bot of a widget.
    pub(super) fn give_to_bot(&mut self, widget: WidgetId) {
        self.stage = Stage::Bot;
        let before = self.bot.replace(widget);
        self.earlier_bots.extend(before);
        self.earlier_bots.retain(|earlier| self.bot.as_ref() != Some(earlier));
    }

    /// Iterates over the widgets whose bots have it, or had it.
    pub(super) fn bots(&self) -> impl Iterator<Item = &WidgetId> {
        self.bot.iter().chain(&self.earlier_bots)
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
            (Stage::Bot, _) => write!(text, "a bot has it"),
            (Stage::Queued, _) => write!(text, "it waits for an agent to take it"),
            (Stage::Served, _) => write!(text, "another agent has it"),
            (Stage::Ended { .. }, _) => write!(text, "it has ended"),
        };
        LeverError::conflict(text)
    }

    /// Returns the lines from this index on, without the visitor's own, which they have; `None` for
    /// a chat that has ended and of which nothing is left to be returned.
    pub(super) fn poll(&self, index: Option<u64>) -> Option<Vec<&Line>> {
        // Whoever asks for nothing in particular is not told the end of an ended chat for ever.
        let from = match index {
            Some(index) if index > 0 => index,
            _ if self.is_open() => 0,
            _ => self.unseen,
        };
        let is_open = self.is_open();
        let lines = self.lines.iter();
        let is_theirs = |line: &&Line| !matches!(line.from, Speaker::Visitor | Speaker::System);
        let lines: Vec<_> = lines.filter(|line| line.index >= from).filter(is_theirs).collect();
        if lines.is_empty() && !is_open {
            return None;
        }
        Some(lines)
    }

    /// Returns `true` if no poll has returned the line of this index yet.
    pub(super) fn is_unseen(&self, index: u64) -> bool {
        index >= self.unseen
    }

    /// Notes that a poll returns the lines up to this index.
    pub(super) fn see(&mut self, index: u64) {
        self.unseen = self.unseen.max(index + 1);
    }

    /// Returns the agent who has the chat, or had it at its end. Who had it before a transfer is
    /// told to the feeds alone.
    fn shown_agent(&self) -> Option<&Face> {
        let is_shown = matches!(self.stage, Stage::Served | Stage::Ended { .. });
        self.agent.as_ref().filter(|_| is_shown)
    }

    /// Returns the chat as it is shown.
    pub(super) fn view(&self) -> VisitView {
        let (state, ended_by) = match &self.stage {
            Stage::Bot => (VisitState::Bot, None),
            Stage::Queued => (VisitState::Queued, None),
            Stage::Served => (VisitState::Agent, None),
            Stage::Ended { by, .. } => (VisitState::Closed, by.clone()),
        };
        let label = |(name, value): &(String, String)| VisitLabel {
            name: name.clone(),
            value: value.clone(),
        };
        VisitView {
            case_id: self.id.clone(),
            widget: self.widget.clone(),
            state,
            name: self.visitor.name.clone(),
            email: self.visitor.email.clone(),
            page_url: self.visitor.page_url.clone(),
            variables: self.visitor.variables.clone(),
            agent: self.shown_agent().map(|agent| agent.email.clone()),
            ended_by,
            lines: (1..).zip(self.shown_lines()).map(|(n, line)| line.view(n)).collect(),
            labels: self.labels.iter().map(label).collect(),
            tags: self.tags.clone(),
            banned: self.banned,
            context_id: self.context_id.clone(),
        }
    }

    /// Iterates over the lines that people see: codes are for the vendor's widget alone.
    pub(super) fn shown_lines(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(|line| !matches!(line.from, Speaker::Code(_)))
    }
}

impl Line {
    fn view(&self, n: u64) -> VisitLine {
        let (from, alias) = match &self.from {
            Speaker::Visitor => (LineAuthor::Visitor, None),
            Speaker::Bot(alias) => (LineAuthor::Bot, Some(alias.clone())),
            Speaker::Agent(face) => (LineAuthor::Agent, Some(face.alias.clone())),
            Speaker::System | Speaker::Code(_) => (LineAuthor::System, None),
        };
        let mut line = VisitLine {
            n,
            at: self.at,
            from,
            alias,
            text: None,
            buttons: None,
            cards: None,
            goto: None,
            hidden: false,
        };
        match &self.shown {
            Shown::Text => line.text = Some(self.text.clone()),
            Shown::Buttons(buttons) => {
                line.text = Some(self.text.clone());
                line.buttons = Some(buttons.clone());
            }
            Shown::Cards(cards) => line.cards = Some(cards.clone()),
            Shown::Goto => line.goto = Some(self.text.clone()),
            Shown::ToAgents => {
                line.text = Some(self.text.clone());
                line.hidden = true;
            }
        }
        line
    }
}

//! A bot's answer, carried out.

use std::time::Duration;

use super::case::{Shown, Speaker, Stage};
use super::control::SimulatorChange;
use super::feeds::bot::{BotEvent, BotEventKind, Failed};
use super::post::Outcome;
use super::visit::{BanKind, ShownButton, ShownCard, ShownCards};
use super::widget::Member;
use super::world::World;
use crate::bot::{Button, Cards, Command, CommandError, Content, Reply, Text};
use crate::id::{CaseId, WidgetId};
use crate::integration::ChatEndedBy;
use crate::testing::reading;
use crate::timestamp::Timestamp;

/// Time that a visitor is banned for.
const BAN: Duration = Duration::from_secs(60 * 60);

/// Failed transfers that a bot is told of before the visitor does something: one that answers each
/// with the same transfer would be told for ever.
const MOST_FAILURES: u32 = 5;

/// Line of a chat of which an event is held back.
const HELD_BACK: &str = "Held back by a fault: the bot is told after the next request of its feed, \
    or when time advances";

/// Characters of what a system line says of a failure.
const LONGEST_PROBLEM: usize = 300;

impl World {
    /// Carries out what a bot has answered to an event.
    pub(super) fn bot_answered(&mut self, id: &CaseId, event: &BotEvent, outcome: &Outcome) {
        self.changed(SimulatorChange::Visit(id.clone()));
        if !self.is_read(id, event) {
            return;
        }
        match read(outcome, &event.widget, id) {
            Ok(Some(reply)) => self.carry_out(id, &reply),
            Ok(None) => {}
            Err(problem) => self.bot_failed(id, event.kind, &problem),
        }
    }

    /// Returns `true` if it matters what a bot answers to an event.
    fn is_read(&self, id: &CaseId, event: &BotEvent) -> bool {
        let is_the_bots = self.cases.get(id).is_some_and(|case| case.stage == Stage::Bot);
        is_the_bots && event.kind != BotEventKind::Closed
    }

    /// Describes what is wrong with an answer that came, and cannot be read.
    pub(super) fn unreadable(
        &self,
        id: &CaseId,
        event: &BotEvent,
        outcome: &Outcome,
    ) -> Option<String> {
        let is_read = outcome.is_accepted() && self.is_read(id, event);
        if is_read { read(outcome, &event.widget, id).err() } else { None }
    }

    /// Tells the developer that the bot does not know of an event yet.
    pub(super) fn bot_is_held_back(&mut self, id: &CaseId, event: &BotEvent) {
        if self.is_read(id, event) {
            let now = self.time.now();
            self.note(id, HELD_BACK, now);
            self.changed(SimulatorChange::Visit(id.clone()));
        }
    }

    /// Puts a chat through to a human whose bot has not answered as it should.
    fn bot_failed(&mut self, id: &CaseId, kind: BotEventKind, problem: &str) {
        let now = self.time.event();
        self.note(id, &format!("The bot failed: {problem}"), now);
        if kind == BotEventKind::CommandResult {
            return;
        }
        let failed = self.transfer(id, &Command::HumanTransfer).err();
        self.report(id, failed.as_slice());
    }

    fn carry_out(&mut self, id: &CaseId, reply: &Reply) {
        let now = if reply.is_empty() { self.time.now() } else { self.time.event() };
        let Some(case) = self.cases.get_mut(id) else { return };
        case.context_id = reply.returned_context_id().map(str::to_owned);
        if let Some(buttons) = reading::buttons(reply) {
            case.buttons = buttons;
        }
        let mut failed = Vec::new();
        for content in reply.content() {
            if !self.cases.get(id).is_some_and(super::case::Case::is_open) {
                return;
            }
            match content {
                Content::Message(text) => self.show_text(id, text, now),
                Content::Command(command) => failed.extend(self.command(id, command, now)),
                Content::Other(_) => self.note(id, "The bot's answer has something unknown", now),
            }
        }
        self.report(id, &failed);
    }

    fn show_text(&mut self, id: &CaseId, text: &Text, now: Timestamp) {
        if text.text.is_empty() && text.display_responses.is_empty() {
            return;
        }
        let button =
            |button: &Button| ShownButton { text: button.text.clone(), id: button.id.clone() };
        let buttons: Vec<_> = text.display_responses.iter().map(button).collect();
        let shown = if buttons.is_empty() { Shown::Text } else { Shown::Buttons(buttons) };
        self.show(id, &text.text, shown, now);
    }

    /// Shows a line of the bot.
    fn show(&mut self, id: &CaseId, text: &str, shown: Shown, now: Timestamp) {
        // What callers make a bot say counts as left behind by them.
        self.memory = self.memory.saturating_add(text.len());
        let Some(case) = self.cases.get_mut(id) else { return };
        let widget = case.bot.as_ref().and_then(|widget| self.widgets.get(widget));
        let alias = widget.map_or("Bot", |widget| widget.bot_alias()).to_owned();
        case.show(Speaker::Bot(alias), text, shown, now);
    }

    /// Tells the developer something, in a line of the chat.
    pub(super) fn note(&mut self, id: &CaseId, text: &str, now: Timestamp) {
        let text: String = text.chars().take(LONGEST_PROBLEM).collect();
        let Some(case) = self.cases.get_mut(id) else { return };
        case.say(Speaker::System, &text, now);
    }

    /// Carries out a command; returns a transfer that failed.
    fn command(&mut self, id: &CaseId, command: &Command, now: Timestamp) -> Option<Failed> {
        match command {
            Command::Goto(url) => self.show(id, url, Shown::Goto, now),
            Command::Cards(cards) => self.show(id, "", Shown::Cards(shown(cards)), now),
            Command::Label(labels) => {
                for label in labels {
                    label.values.iter().for_each(|value| self.label(id, &label.name, value));
                }
            }
            Command::Bye => self.end(id),
            Command::Ban => self.ban(id, BanKind::Visitor),
            Command::BanIp => self.ban(id, BanKind::Ip),
            Command::Other { operation, .. } => return self.other(id, operation, command, now),
            _ => {
                // The first transfer of a reply that succeeds is the last.
                if self.cases.get(id).is_some_and(|case| case.stage == Stage::Bot) {
                    return self.transfer(id, command).err();
                }
            }
        }
        None
    }

    /// Carries out a command whose parameters are not as they should be, as far as that goes.
    fn other(
        &mut self,
        id: &CaseId,
        operation: &str,
        command: &Command,
        now: Timestamp,
    ) -> Option<Failed> {
        match operation {
            "BYE" => self.end(id),
            "BAN" => self.ban(id, BanKind::Visitor),
            "BAN_IP" => self.ban(id, BanKind::Ip),
            "HUMAN_TRANSFER" => return self.command(id, &Command::HumanTransfer, now),
            "TRANSFER" | "TAG_TRANSFER" | "WIDGET_TRANSFER" | "WIDGET_HUMAN_TRANSFER" => {
                return Some(Failed::new(command, CommandError::MissingParam));
            }
            _ => self.note(id, &format!("The bot's {operation} cannot be read"), now),
        }
        None
    }

    fn end(&mut self, id: &CaseId) {
        // One that has ended meanwhile stays as it is.
        let _ = self.close(id.as_str(), ChatEndedBy::Agent);
    }

    pub(super) fn ban(&mut self, id: &CaseId, kind: BanKind) {
        let until = self.time.now().saturating_add(BAN);
        let Some(case) = self.cases.get_mut(id) else { return };
        case.banned = Some(kind);
        match kind {
            BanKind::Visitor => {
                self.bans.visitors.extend(case.visitor.cookie.clone().map(|who| (who, until)));
            }
            BanKind::Ip => {
                self.bans.addresses.insert(case.ip_address(), ());
            }
        }
        self.end(id);
    }

    /// Tells the bot of transfers that failed, and the developer.
    fn report(&mut self, id: &CaseId, failed: &[Failed]) {
        let now = self.time.now();
        for Failed { operation, error, .. } in failed {
            self.note(id, &format!("{operation} failed: {}", error.as_str()), now);
        }
        let Some(case) = self.cases.get_mut(id) else { return };
        let Some(widget) = case.bot.clone().filter(|_| case.stage == Stage::Bot) else { return };
        if failed.is_empty() {
            return;
        }
        case.failures += 1;
        if case.failures > MOST_FAILURES {
            self.note(id, "The bot is not told of any more transfers that failed", now);
            return;
        }
        self.ask_bot(id, BotEvent::command_result(widget, failed, now));
    }
}

/// Transfers.
impl World {
    /// Puts a chat through, if somebody is there to take it.
    fn transfer(&mut self, id: &CaseId, command: &Command) -> Result<(), Failed> {
        let Some(case) = self.cases.get_mut(id) else { return Ok(()) };
        if let Command::TagTransfer { tags, .. } = command {
            case.tags = Some(tags.clone());
        }
        let widget = case.widget.clone();
        if let Some(error) = case.failing.take() {
            return Err(Failed::new(command, error));
        }
        let target = self.target(command, &widget);
        let target = target.map_err(|error| Failed::new(command, error))?;
        self.queue(id, target);
        Ok(())
    }

    /// Returns the widget that a transfer leads to.
    fn target(&self, command: &Command, widget: &WidgetId) -> Result<WidgetId, CommandError> {
        let anybody = |_: &Member| true;
        match command {
            Command::Transfer(agent) if agent.trim().is_empty() => Err(CommandError::MissingParam),
            Command::Transfer(agent) => {
                let agent = super::agent::email_of(agent.trim());
                if self.member(widget, &agent).is_none() {
                    return Err(CommandError::TransferNotAllowed);
                }
                self.somebody(widget, |member| member.email == agent)
            }
            Command::TagTransfer { widget_id, tags } => self.somebody(widget_id, |member| {
                let agent = self.agents.get(&member.email);
                agent.is_some_and(|agent| tags.iter().all(|tag| agent.tags.contains(tag)))
            }),
            Command::WidgetTransfer(widget) | Command::WidgetHumanTransfer(widget) => {
                if widget.as_str().trim().is_empty() {
                    return Err(CommandError::MissingParam);
                }
                self.somebody(widget, anybody)
            }
            _ => self.somebody(widget, anybody),
        }
    }

    /// Returns the widget, if an agent of it is online who is wanted.
    fn somebody(
        &self,
        widget: &WidgetId,
        is_wanted: impl Fn(&Member) -> bool,
    ) -> Result<WidgetId, CommandError> {
        let widget = self.widgets.get(widget).ok_or(CommandError::WidgetNotFound)?;
        let mut online = widget.agents.iter().filter(|member| self.is_agent_online(&member.email));
        let found = online.any(is_wanted);
        found.then(|| widget.id.clone()).ok_or(CommandError::NoAgentsAvailable)
    }
}

/// Reads an answer; `None` for one that shows nothing, since there is none.
fn read(outcome: &Outcome, widget: &WidgetId, case: &CaseId) -> Result<Option<Reply>, String> {
    let answer = outcome.accepted()?;
    if answer.body.trim_ascii().is_empty() {
        return Ok(None);
    }
    reading::reply(&answer.body, widget, case).map(Some)
}

fn shown(cards: &Cards) -> ShownCards {
    let card = |card: &crate::bot::Card| ShownCard {
        title: card.title.clone(),
        excerpt: card.excerpt.clone(),
        link: card.link.clone(),
    };
    let layout = cards.layout.as_str().to_owned();
    ShownCards { layout, cards: cards.cards.iter().map(card).collect() }
}

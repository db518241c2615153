//! Acts in the world, each in one place, whoever does it: a call or a lever.

use super::agenda::{Due, SILENCE};
use super::agent::Agent;
use super::case::{Case, Face, Speaker, Stage, Survey, Visiting};
use super::checked;
use super::control::SimulatorChange;
use super::feeds::bot::BotEvent;
use super::feeds::conversation::{self, About};
use super::ids::Kind;
use super::lever::LeverError;
use super::outbox::Content;
use super::widget::{Member, Widget};
use super::world::World;
use crate::agent_status::Status;
use crate::api::Api;
use crate::bot::Button;
use crate::conversation::EventKind;
use crate::id::{CaseId, WidgetId};
use crate::integration::ChatEndedBy;
use crate::testing::reading;

/// Chats.
impl World {
    /// Starts a chat: the widget's bot has it, or it waits for an agent, with the one that is
    /// likely to come.
    pub(super) fn start(
        &mut self,
        widget: WidgetId,
        visitor: Visiting,
        likely: &Face,
        message: Option<&str>,
    ) -> CaseId {
        let case = self.new_case(widget, visitor);
        case.open(likely, message, case.created_at);
        let (id, now) = (case.id.clone(), case.created_at);
        self.agenda.put(now.saturating_add(SILENCE), Due::Silence(id.clone()));
        self.begin(&id, message);
        self.look_up(&id);
        id
    }

    fn begin(&mut self, id: &CaseId, message: Option<&str>) {
        let Some(case) = self.cases.get_mut(id) else { return };
        let Some(widget) = self.widgets.get(&case.widget) else { return };
        if widget.feeds.bot.is_some() {
            case.give_to_bot(case.widget.clone());
            let event = BotEvent::started(case, case.widget.clone(), message, case.created_at);
            self.ask_bot(id, event);
            return;
        }
        let online = widget.agents.iter().filter(|member| self.is_agent_online(&member.email));
        if online.count() > 1 {
            self.tell(&EventKind::CaseBroadcasted, id, About::Nothing);
        }
        self.tell(&EventKind::CaseQueued, id, About::Nothing);
    }

    /// Leaves a message while nobody is there: a case that is finished at once.
    pub(super) fn leave(
        &mut self,
        widget: WidgetId,
        visitor: Visiting,
        message: Option<&str>,
    ) -> CaseId {
        let case = self.new_case(widget, visitor);
        let now = case.created_at;
        case.say(Speaker::Visitor, message.unwrap_or_default(), now);
        case.stage = Stage::Ended { at: now, by: None };
        let (id, widget) = (case.id.clone(), case.widget.clone());
        self.archive.put_chat(widget, now, id.clone());
        self.hand_in(&id);
        id
    }

    fn new_case(&mut self, widget: WidgetId, visitor: Visiting) -> &mut Case {
        let number = self.cases.len() as u64 + 1;
        let id = CaseId::from(self.ids.id(Kind::Case, number));
        let now = self.time.event();
        self.changed(SimulatorChange::Visit(id.clone()));
        let case = Case::new(id.clone(), number, widget, visitor, now);
        self.cases.or_insert_with(id, || case)
    }

    /// Says something as the visitor.
    pub(super) fn say(&mut self, case: &str, text: &str) -> Result<(), LeverError> {
        checked::words("text", text)?;
        let now = self.acts(case)?;
        self.case_mut(case)?.say(Speaker::Visitor, text, now);
        self.pass_on(case, text, None)
    }

    /// Clicks a button of those shown last.
    pub(super) fn click(&mut self, case: &str, wanted: &Button) -> Result<(), LeverError> {
        let clicked = self.open_case(case)?;
        let button = reading::button(&clicked.buttons, wanted).map_err(LeverError::conflict)?;
        let button = button.clone();
        let now = self.acts(case)?;
        self.case_mut(case)?.say(Speaker::Visitor, &button.text, now);
        self.pass_on(case, &button.text, Some(&button))
    }

    /// Takes the time of something that the visitor does.
    fn acts(&mut self, case: &str) -> Result<crate::timestamp::Timestamp, LeverError> {
        self.open_case(case)?;
        let now = self.time.event();
        let case = self.case_mut(case)?;
        case.failures = 0;
        Ok(now)
    }

    /// Passes on to the bot what the visitor says, if it has the chat.
    fn pass_on(
        &mut self,
        case: &str,
        text: &str,
        button: Option<&Button>,
    ) -> Result<(), LeverError> {
        let now = self.time.now();
        let case = self.case(case)?;
        let id = case.id.clone();
        self.changed(SimulatorChange::Visit(id.clone()));
        let case = self.case(id.as_str())?;
        if case.stage == Stage::Bot
            && let Some(widget) = case.bot.clone()
        {
            self.ask_bot(&id, BotEvent::message(widget, text, button, now));
        }
        Ok(())
    }

    /// Gives an email address as the visitor.
    pub(super) fn give_email(&mut self, case: &str, email: &str) -> Result<(), LeverError> {
        checked::email("email", email)?;
        self.acts(case)?;
        let case = self.case_mut(case)?;
        case.visitor.email = Some(email.to_owned());
        let id = case.id.clone();
        self.changed(SimulatorChange::Visit(id.clone()));
        self.look_up(&id);
        Ok(())
    }

    /// Ends a chat: its bot, and all feeds, are told, and it goes into the logs.
    pub(super) fn close(&mut self, case: &str, by: ChatEndedBy) -> Result<(), LeverError> {
        self.open_case(case)?;
        let now = self.time.event();
        let case = self.case_mut(case)?;
        case.stage = Stage::Ended { at: now, by: Some(by) };
        let (widget, created_at, id) = (case.widget.clone(), case.created_at, case.id.clone());
        let bots: Vec<_> = case.bots().cloned().collect();
        self.archive.put_chat(widget, created_at, id.clone());
        self.changed(SimulatorChange::Visit(id.clone()));
        for widget in bots {
            self.ask_bot(&id, BotEvent::closed(widget, now));
        }
        self.tell(&EventKind::CaseClosed, &id, About::Nothing);
        self.hand_in(&id);
        Ok(())
    }

    /// Gives what the visitor thought of a chat, 0 to 100, before or after its end.
    pub(super) fn survey(
        &mut self,
        case: &str,
        score: u8,
        comment: Option<&str>,
    ) -> Result<(), LeverError> {
        checked::text_in_bounds("comment", comment.unwrap_or_default())?;
        let id = self.case(case)?.id.clone();
        let (at, comment) = (self.time.event(), comment.map(str::to_owned));
        let survey = Survey { score: score.min(100).into(), comment, at };
        self.case_mut(case)?.survey = Some(survey.clone());
        self.changed(SimulatorChange::Visit(id.clone()));
        self.tell(&EventKind::CaseSurveyed, &id, About::Survey(&survey));
        Ok(())
    }

    /// Ends a chat in which nobody has said anything for too long, or looks again later.
    pub(super) fn fall_silent(&mut self, id: &CaseId) {
        let (passed, watched) = (self.time.passed(), self.watchers > 0);
        let Some(case) = self.cases.get(id).filter(|case| case.is_open()) else { return };
        let since = if watched { passed } else { case.silent_since.max(self.watched_at) };
        let rest = SILENCE.saturating_sub(passed.saturating_duration_since(since));
        if !rest.is_zero() {
            self.agenda.put(self.time.now().saturating_add(rest), Due::Silence(id.clone()));
        } else {
            let closed = self.close(id.as_str(), ChatEndedBy::TimedOut);
            debug_assert!(closed.is_ok(), "an open chat can be closed");
        }
    }
}

/// Agents.
impl World {
    /// Sets the status of an agent, and the details of it.
    pub(super) fn set_status(
        &mut self,
        email: &str,
        status: Status,
        sub_status: Option<String>,
    ) -> Result<(), LeverError> {
        if !self.agents.contains_key(email) {
            return Err(LeverError::unknown("agent"));
        }
        checked::sub_status("sub_status", sub_status.as_deref().unwrap_or_default())?;
        let now = self.time.event();
        if let Some(address) = self.agent_status.clone() {
            let sub_status = sub_status.as_deref();
            let body = conversation::status(&self.keys.org, email, &status, sub_status, now);
            self.post(Api::AgentStatus, None, address, Content::Json(body));
        }
        self.changed(SimulatorChange::Agent(email.to_owned()));
        if let Some(agent) = self.agents.get_mut(email) {
            (agent.status, agent.sub_status) = (status, sub_status);
        }
        Ok(())
    }

    /// Gives a chat that waits to an agent.
    pub(super) fn take(&mut self, email: &str, case: &str) -> Result<(), LeverError> {
        let agent = self.agents.get(email).ok_or_else(|| LeverError::unknown("agent"))?;
        let is_online = agent.is_online();
        let face = self.member(&self.case(case)?.widget, email).map(Member::face);
        if !is_online {
            return Err(LeverError::conflict("only an agent who is online takes chats"));
        }
        let Some(face) = face else {
            return Err(LeverError::conflict("the agent is not one of the chat's widget"));
        };
        let now = self.time.event();
        let case = self.case_mut(case)?;
        case.take(face, now)?;
        let id = case.id.clone();
        self.changed(SimulatorChange::Visit(id.clone()));
        self.tell(&EventKind::CaseAssigned, &id, About::Nothing);
        Ok(())
    }

    /// Says something as the agent who has the chat.
    pub(super) fn answer(&mut self, email: &str, case: &str, text: &str) -> Result<(), LeverError> {
        checked::words("text", text)?;
        let face = self.case(case)?.served_by(email)?.clone();
        let now = self.time.event();
        let case = self.case_mut(case)?;
        case.say(Speaker::Agent(face), text, now);
        let is_first = case.responded_at.is_none();
        case.responded_at.get_or_insert(now);
        let id = case.id.clone();
        self.changed(SimulatorChange::Visit(id.clone()));
        if is_first {
            self.tell(&EventKind::CaseResponded, &id, About::Nothing);
        }
        Ok(())
    }

    /// Labels a chat as the agent who has it.
    pub(super) fn label_as(
        &mut self,
        email: &str,
        case: &str,
        name: &str,
        value: &str,
    ) -> Result<(), LeverError> {
        checked::words("name", name)?;
        checked::text_in_bounds("value", value)?;
        self.case(case)?.served_by(email)?;
        self.time.event();
        let id = self.case(case)?.id.clone();
        self.label(&id, name, value);
        Ok(())
    }

    /// Transfers a chat as the agent who has it.
    pub(super) fn transfer_to_agent(
        &mut self,
        email: &str,
        case: &str,
        to: &str,
    ) -> Result<(), LeverError> {
        let served = self.case(case)?;
        served.served_by(email)?;
        let (id, widget) = (served.id.clone(), served.widget.clone());
        if !self.agents.contains_key(to) {
            return Err(LeverError::unknown("agent to transfer to"));
        }
        if to == email {
            return Err(LeverError::conflict("the agent has the chat already"));
        }
        if self.member(&widget, to).is_none() || !self.is_agent_online(to) {
            return Err(LeverError::conflict("the other agent is not online on this widget"));
        }
        self.time.event();
        self.queue(&id, widget);
        Ok(())
    }

    pub(super) fn transfer_to_widget(
        &mut self,
        email: &str,
        case: &str,
        to: &str,
    ) -> Result<(), LeverError> {
        let served = self.case(case)?;
        served.served_by(email)?;
        let id = served.id.clone();
        let widget = self.widgets.get(to).ok_or_else(|| LeverError::unknown("widget"))?;
        let has_bot = widget.feeds.bot.is_some();
        if !has_bot && self.agent_online(widget).is_none() {
            return Err(LeverError::conflict("nobody is online on the other widget"));
        }
        let widget = widget.id.clone();
        self.time.event();
        if has_bot {
            self.give_to_bot(&id, widget);
        } else {
            self.queue(&id, widget);
        }
        Ok(())
    }

    /// Puts a widget there, whose agents are known from then on, signed out.
    pub(super) fn put_widget(&mut self, widget: Widget) {
        for member in &widget.agents {
            let new = || Agent { status: Status::Offline, sub_status: None, tags: Vec::new() };
            self.agents.or_insert_with(member.email.clone(), new);
        }
        self.widgets.insert(widget.id.clone(), widget);
    }
}

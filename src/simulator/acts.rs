//! What happens in the world, each act in one place, whoever did it: a call or a lever.

use super::agent::Agent;
use super::case::{Case, Face, Speaker, Stage, Survey, Visiting};
use super::ids::Kind;
use super::lever::LeverError;
use super::widget::{Member, Widget};
use super::world::World;
use crate::agent_status::Status;
use crate::id::{CaseId, WidgetId};
use crate::integration::ChatEndedBy;

impl World {
    /// Sets the status of an agent, and the details of it.
    pub(super) fn set_status(
        &mut self,
        email: &str,
        status: Status,
        sub_status: Option<String>,
    ) -> Result<(), LeverError> {
        let agent = self.agents.get_mut(email).ok_or_else(|| LeverError::unknown("agent"))?;
        *agent = Agent { status, sub_status };
        Ok(())
    }

    /// Starts a chat that waits for an agent, with the one that is likely to come.
    pub(super) fn start(
        &mut self,
        widget: WidgetId,
        visitor: Visiting,
        likely: &Face,
        message: Option<&str>,
    ) -> CaseId {
        let case = self.new_case(widget, visitor);
        case.open(likely, message, case.created_at);
        case.id.clone()
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
        id
    }

    fn new_case(&mut self, widget: WidgetId, visitor: Visiting) -> &mut Case {
        let number = self.cases.len() as u64 + 1;
        let id = CaseId::from(self.ids.id(Kind::Case, number));
        let now = self.time.event();
        let case = Case::new(id.clone(), number, widget, visitor, now);
        self.cases.entry(id).or_insert(case)
    }

    /// Gives a chat that waits to an agent.
    pub(super) fn take(&mut self, email: &str, case: &str) -> Result<(), LeverError> {
        let agent = self.agents.get(email).ok_or_else(|| LeverError::unknown("agent"))?;
        let is_online = agent.is_online();
        let widget = &self.case(case)?.widget;
        let members = self.widgets.get(widget).map_or(&[][..], |widget| &widget.agents);
        let member = members.iter().find(|member| member.email == email);
        if !is_online {
            return Err(LeverError::conflict("only an agent who is online takes chats"));
        }
        let Some(face) = member.map(Member::face) else {
            return Err(LeverError::conflict("the agent is not one of the chat's widget"));
        };
        let now = self.time.event();
        self.case_mut(case)?.take(face, now)
    }

    /// Says something as the agent who has the chat.
    pub(super) fn answer(&mut self, email: &str, case: &str, text: &str) -> Result<(), LeverError> {
        let face = self.case(case)?.served_by(email)?.clone();
        let now = self.time.event();
        self.case_mut(case)?.say(Speaker::Agent(face), text, now);
        Ok(())
    }

    /// Says something as the visitor.
    pub(super) fn say(&mut self, case: &str, text: &str) -> Result<(), LeverError> {
        if !self.case(case)?.is_open() {
            return Err(LeverError::conflict("the chat has ended"));
        }
        let now = self.time.event();
        self.case_mut(case)?.say(Speaker::Visitor, text, now);
        Ok(())
    }

    /// Ends a chat: it goes into the logs.
    pub(super) fn close(&mut self, case: &str, by: ChatEndedBy) -> Result<(), LeverError> {
        if !self.case(case)?.is_open() {
            return Err(LeverError::conflict("the chat has ended"));
        }
        let now = self.time.event();
        let case = self.case_mut(case)?;
        case.stage = Stage::Ended { at: now, by: Some(by) };
        let (widget, created_at, id) = (case.widget.clone(), case.created_at, case.id.clone());
        self.archive.put_chat(widget, created_at, id);
        Ok(())
    }

    /// Gives what the visitor thought of a chat, 0 to 100, before or after its end.
    pub(super) fn survey(
        &mut self,
        case: &str,
        score: u8,
        comment: Option<&str>,
    ) -> Result<(), LeverError> {
        self.case(case)?;
        let (at, comment) = (self.time.event(), comment.map(str::to_owned));
        let survey = Survey { score: score.min(100).into(), comment, at };
        self.case_mut(case)?.survey = Some(survey);
        Ok(())
    }

    /// Puts a widget there, whose agents are known from then on, signed out.
    pub(super) fn put_widget(&mut self, widget: Widget) {
        for member in &widget.agents {
            let new = || Agent { status: Status::Offline, sub_status: None };
            self.agents.entry(member.email.clone()).or_insert_with(new);
        }
        self.widgets.insert(widget.id.clone(), widget);
    }
}

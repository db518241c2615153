//! Requests to the feeds: the bodies of what has happened, and where they go.

use super::IntegrationForm;
use super::case::{Case, Stage};
use super::control::SimulatorChange;
use super::feeds::bot::BotEvent;
use super::feeds::conversation::{self, About};
use super::feeds::{Address, integration};
use super::outbox::Content;
use super::widget::Widget;
use super::world::World;
use crate::api::Api;
use crate::conversation::EventKind;
use crate::id::{CaseId, WidgetId};

impl World {
    /// Lets a chat wait for an agent of a widget.
    pub(super) fn queue(&mut self, id: &CaseId, widget: WidgetId) {
        let Some(case) = self.cases.get_mut(id) else { return };
        case.widget = widget;
        case.stage = Stage::Queued;
        self.changed(SimulatorChange::Visit(id.clone()));
        self.tell(&EventKind::CaseTransferred, id, About::Nothing);
    }

    /// Gives a chat to the bot of a widget, for which it starts.
    pub(super) fn give_to_bot(&mut self, id: &CaseId, widget: WidgetId) {
        let now = self.time.now();
        let Some(case) = self.cases.get_mut(id) else { return };
        case.widget = widget.clone();
        case.give_to_bot(widget.clone());
        let event = BotEvent::started(case, widget, None, now);
        self.changed(SimulatorChange::Visit(id.clone()));
        self.tell(&EventKind::CaseTransferred, id, About::Nothing);
        self.ask_bot(id, event);
    }

    pub(super) fn label(&mut self, id: &CaseId, name: &str, value: &str) {
        let Some(case) = self.cases.get_mut(id) else { return };
        case.label(name, value);
        self.changed(SimulatorChange::Visit(id.clone()));
        self.tell(&EventKind::CaseLabeled, id, About::Label(name, value));
    }

    /// Sends an event to the bot that has the chat, or had it.
    pub(super) fn ask_bot(&mut self, id: &CaseId, event: BotEvent) {
        let address = self.widgets.get(&event.widget).and_then(|widget| widget.feeds.bot.clone());
        if let Some(address) = address {
            self.post(Api::Bot, Some(id.clone()), address, Content::Bot(event));
        }
    }

    /// Tells of an event of a conversation.
    pub(super) fn tell(&mut self, kind: &EventKind, id: &CaseId, about: About<'_>) {
        let Some(case) = self.cases.get(id) else { return };
        let Some(address) = self.address(case, Api::Conversation) else { return };
        let name = self.widgets.get(&case.widget).map_or("", Widget::shown_name);
        let body = conversation::event(kind, case, name, about, self.time.now());
        self.post(Api::Conversation, Some(id.clone()), address, Content::Json(body));
    }

    /// Sends what has ended to the Integration API.
    pub(super) fn hand_in(&mut self, id: &CaseId) {
        let Some(case) = self.cases.get(id) else { return };
        let Some(address) = self.address(case, Api::Integration) else { return };
        let form = [&case.widget, &case.home].into_iter().find_map(|widget| {
            let widget = self.widgets.get(widget)?;
            widget.feeds.integration.as_ref().map(|_| widget.feeds.form)
        });
        let form = form.unwrap_or_default();
        let body = integration::body(case, form, self.time.now());
        let content = match form {
            IntegrationForm::Json => Content::Json(body),
            IntegrationForm::Xml => Content::Xml(body),
        };
        self.post(Api::Integration, Some(id.clone()), address, content);
    }

    /// Asks who the visitor is, if their email address is known.
    pub(super) fn look_up(&mut self, id: &CaseId) {
        let Some(case) = self.cases.get(id) else { return };
        let Some(email) = case.visitor.email.as_deref() else { return };
        let Some(address) = self.address(case, Api::Contact) else { return };
        let page = case.visitor.page_url.as_deref().unwrap_or_default();
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("email", email).append_pair("ip", &case.ip_address());
        query.append_pair("url", page).append_pair("caseId", id.as_str());
        let query = query.finish();
        self.post(Api::Contact, Some(id.clone()), address, Content::Query(query));
    }

    /// Returns where a chat's events go: to its widget's feed, or to that of the widget it began
    /// on.
    pub(super) fn address(&self, case: &Case, feed: Api) -> Option<Address> {
        let widgets = [&case.widget, &case.home].into_iter();
        let mut widgets = widgets.filter_map(|widget| self.widgets.get(widget));
        widgets.find_map(|widget| widget.feeds.address(feed)).cloned()
    }
}

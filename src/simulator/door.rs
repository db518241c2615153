//! Admission of visitors: bans, and widgets with nobody there.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::case::Visiting;
use super::checked;
use super::feeds::bot::BotEvent;
use super::identity;
use super::lever::LeverError;
use super::visit::{NewVisit, OfflineMessage};
use super::widget::Widget;
use super::world::World;
use crate::clock;
use crate::id::{CaseId, WidgetId};

impl World {
    /// Starts the chat of somebody who comes to a widget.
    pub(super) fn let_in(&mut self, visit: NewVisit) -> Result<CaseId, LeverError> {
        let visit = well_formed(visit)?;
        let widget = self.wanted(visit.widget.as_ref())?;
        let given = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
        if widget.needs.email && !given(&visit.email) {
            return Err(LeverError::malformed("missing field `email`: the widget requires it"));
        }
        if widget.needs.message && !given(&visit.text) {
            return Err(LeverError::malformed("missing field `text`: the widget requires it"));
        }
        let (id, verifier) = (widget.id.clone(), widget.verifier.clone());
        let likely = self.next_to_take(widget);
        let nobody = "nobody is there: only an offline message can be left";
        let likely = likely.ok_or_else(|| LeverError::conflict(nobody))?;
        self.check_bans(&visit)?;
        let text = visit.text.clone().filter(|text| !text.is_empty());
        let mut visitor = visiting(visit);
        if let Some(verifier) = verifier {
            let now = [self.time.now(), clock::now()];
            let (email, variables) = (visitor.email.as_deref(), &visitor.variables);
            visitor.identity = identity::check(&verifier, email, variables, &mut self.nonces, &now);
        }
        Ok(self.start(id, visitor, &likely, text.as_deref()))
    }

    /// Takes a message that somebody leaves while nobody is there.
    pub(super) fn take_message(&mut self, message: OfflineMessage) -> Result<CaseId, LeverError> {
        let widget = self.wanted(message.widget.as_ref())?.id.clone();
        if message.email.is_empty() {
            return Err(LeverError::malformed("missing field `email`"));
        }
        checked::email("email", &message.email)?;
        checked::words("text", &message.text)?;
        let visitor = Visiting {
            email: Some(message.email),
            variables: texts(message.variables),
            is_offline: true,
            ..Visiting::default()
        };
        Ok(self.leave(widget, visitor, Some(&message.text)))
    }

    /// Returns the widget of this id, or the only one.
    fn wanted(&self, id: Option<&WidgetId>) -> Result<&Widget, LeverError> {
        match id {
            Some(id) => self.widgets.get(id).ok_or_else(|| LeverError::unknown("widget")),
            None if self.widgets.len() > 1 => {
                Err(LeverError::malformed("missing field `widget`: there are several widgets"))
            }
            None => self.widgets.values().next().ok_or_else(|| LeverError::unknown("widget")),
        }
    }

    fn check_bans(&self, visit: &NewVisit) -> Result<(), LeverError> {
        let now = self.time.now();
        let until = visit.visitor.as_ref().and_then(|who| self.bans.visitors.get(who));
        let address = visit.ip_address.as_ref();
        if until.is_some_and(|until| now < *until) {
            return Err(LeverError::conflict("the visitor is banned"));
        }
        if address.is_some_and(|address| self.bans.addresses.contains_key(address)) {
            return Err(LeverError::conflict("the visitor's address is banned"));
        }
        Ok(())
    }

    /// Sends a bot any event.
    pub(super) fn send_event(
        &mut self,
        case: &str,
        event: &str,
        fields: Map<String, Value>,
    ) -> Result<(), LeverError> {
        checked::words("event", event)?;
        let case = self.case(case)?;
        let id = case.id.clone();
        let bot = case.bot.clone().ok_or_else(|| LeverError::conflict("the chat has no bot"))?;
        let now = self.time.event();
        self.ask_bot(&id, BotEvent::any(bot, event, fields, now));
        Ok(())
    }
}

/// Checks what is said of a visitor, by whoever says it; what is empty is not said.
fn well_formed(mut visit: NewVisit) -> Result<NewVisit, LeverError> {
    let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    if let Some(email) = given(&visit.email) {
        checked::email("email", &email)?;
    }
    if let Some(address) = given(&visit.ip_address) {
        visit.ip_address = Some(checked::ip_address("ip_address", &address)?);
    }
    for (name, text) in [
        ("name", &visit.name),
        ("text", &visit.text),
        ("page_url", &visit.page_url),
        ("entry_url", &visit.entry_url),
        ("referrer_url", &visit.referrer_url),
        ("user_agent", &visit.user_agent),
        ("locale", &visit.locale),
        ("visitor", &visit.visitor),
        ("proactive_message", &visit.proactive_message),
    ] {
        checked::text_in_bounds(name, text.as_deref().unwrap_or_default())?;
    }
    Ok(visit)
}

fn visiting(visit: NewVisit) -> Visiting {
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    Visiting {
        email: given(visit.email),
        name: given(visit.name),
        phone: None,
        page_url: given(visit.page_url),
        entry_url: given(visit.entry_url),
        referrer_url: given(visit.referrer_url),
        ip_address: given(visit.ip_address),
        user_agent: given(visit.user_agent),
        locale: given(visit.locale),
        cookie: given(visit.visitor),
        variables: texts(visit.variables),
        identity: None,
        proactive_message: given(visit.proactive_message),
        is_offline: false,
    }
}

/// Writes the values of variables as texts, which a page may have set to anything.
fn texts(variables: BTreeMap<String, Value>) -> BTreeMap<String, String> {
    let text = |value: Value| match value {
        Value::String(text) => text,
        other => other.to_string(),
    };
    variables.into_iter().map(|(name, value)| (name, text(value))).collect()
}

//! Widget Availability API: asked without a key, from browsers as well.

use serde::Serialize;

use super::answer::Answer;
use super::call::Call;
use super::refusal::Refusal;
use crate::simulator::widget::Widget;
use crate::simulator::world::World;

#[derive(Serialize)]
struct Success<'w> {
    #[serde(rename = "statusCode")]
    status_code: u16,
    data: Availability<'w>,
}

/// Availability of a widget: booleans are texts.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Availability<'w> {
    widget_id: &'w str,
    online: &'static str,
    email_required: &'static str,
    message_required: &'static str,
    screenshot_required: &'static str,
}

impl<'w> Availability<'w> {
    pub(super) fn of(widget: &'w Widget, world: &World) -> Self {
        Self {
            widget_id: widget.id.as_str(),
            online: text(world.is_online(widget)),
            email_required: text(widget.needs.email),
            message_required: text(widget.needs.message),
            screenshot_required: text(widget.needs.screenshot),
        }
    }
}

pub(super) fn get(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let widget = world.widgets.get(call.subject.as_str());
    let widget = widget.ok_or_else(|| Refusal::not_found("widget"))?;
    Ok(Answer::ok(&Success { status_code: 1, data: Availability::of(widget, world) }))
}

pub(super) fn text(flag: bool) -> &'static str {
    if flag { "true" } else { "false" }
}

//! SnapEngage's reading of a bot's answer: the only one, for tests and for the simulator.

use serde::Deserialize;

use super::script_lines;
use crate::bot::{Button, Command, Content, Reply};
use crate::id::{CaseId, WidgetId};

/// Reads the body of a bot's answer, or returns the reason why SnapEngage could not.
pub(crate) fn reply(body: &[u8], widget_id: &WidgetId, case_id: &CaseId) -> Result<Reply, String> {
    #[derive(Deserialize)]
    struct Ids {
        widget_id: Option<WidgetId>,
        case_id: Option<CaseId>,
    }

    let unreadable = |error| format!("the bot's answer cannot be read: {error}");
    let ids: Ids = serde_json::from_slice(body).map_err(unreadable)?;
    if ids.widget_id.as_ref() != Some(widget_id) || ids.case_id.as_ref() != Some(case_id) {
        return Err("the bot's answer is for another conversation".to_owned());
    }
    serde_json::from_slice(body).map_err(unreadable)
}

/// Returns the buttons that a visitor sees after a reply; `None` if those above it are still there,
/// since it has no text.
pub(crate) fn buttons(reply: &Reply) -> Option<Vec<Button>> {
    let buttons = reply.content().iter().filter_map(|content| match content {
        Content::Message(text) => Some(&text.display_responses),
        _ => None,
    });
    reply.texts().next()?;
    Some(buttons.flatten().cloned().collect())
}

/// Returns the button to click, of those shown; a wanted one without an id stands for any of its
/// text.
pub(crate) fn button<'b>(shown: &'b [Button], wanted: &Button) -> Result<&'b Button, String> {
    let is_wanted = |button: &&Button| {
        button.text == wanted.text && (wanted.id.is_none() || wanted.id == button.id)
    };
    let mut found = shown.iter().filter(is_wanted);
    match (found.next(), found.next()) {
        (Some(button), None) => Ok(button),
        (Some(_), Some(_)) => {
            Err(format!("there are several buttons `{}`: click one by its id", wanted.text))
        }
        (None, _) => {
            let shown: Vec<String> = shown.iter().map(script_lines::button).collect();
            let shown = if shown.is_empty() { "none".to_owned() } else { shown.join(" ") };
            let wanted = script_lines::button(wanted);
            Err(format!("there is no button {wanted} to click; shown last: {shown}"))
        }
    }
}

/// Returns `true` for a command that puts the visitor through to somebody else.
pub(crate) fn is_transfer(command: &Command) -> bool {
    matches!(
        command,
        Command::Transfer(_)
            | Command::HumanTransfer
            | Command::TagTransfer { .. }
            | Command::WidgetTransfer(_)
            | Command::WidgetHumanTransfer(_)
    )
}

//! The verb `widget`: the widgets of the Provisioning API, and whether one is online.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;
use snapengage::client::{Availability, NewWidget, WidgetUpdate};

use super::Outcome;
use super::credentials::Access;
use super::json_input::{self, JsonInput};
use super::output;

/// Looks up, creates, updates and deletes widgets, and asks whether one is online.
///
/// All but `online` need SNAPENGAGE_PROVISIONING_KEY.
#[derive(Args)]
pub(crate) struct WidgetArgs {
    /// Writes JSON instead of tables.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: WidgetCommand,
}

#[derive(Subcommand)]
enum WidgetCommand {
    /// Shows a widget. Exit status 1 if there is none.
    Get(Named),
    /// Creates a widget from JSON.
    ///
    /// Required are email, of the user it belongs to, and agents; optional are name,
    /// destinationEmail, enableProactiveChat, enableConversations and conversationSchedule:
    ///
    /// {"email":"bob@example.com","agents":[{"agentId":"jane@example.com","agentAlias":"Jane",
    /// "agentAvatar":"https://example.com/jane.png","agentType":"webclient"}],
    /// "conversationSchedule":{"timeZone":"Europe/Berlin","schedules":[{"dayOfWeek":"MONDAY",
    /// "enabled":true,"scheduleList":["9:00 AM","5:00 PM"]}]}}
    Create(JsonInput),
    /// Updates a widget from JSON, as `create` has it, with its uuid.
    ///
    /// The agents are all that it has then, and its settings of proactive chat are reset.
    Update(JsonInput),
    /// Deletes a widget, for good.
    Delete(Named),
    /// Says whether a widget is online. Needs no credential; exit status 0 in either case.
    Online {
        /// Id of the widget.
        uuid: String,
    },
}

#[derive(Args)]
struct Named {
    /// Id of the widget.
    uuid: String,
    /// Email address of the user whose widget it is.
    #[arg(long, value_name = "EMAIL")]
    user: String,
}

pub(crate) async fn run(args: WidgetArgs, access: &Access) -> Outcome<ExitCode> {
    let WidgetArgs { json, command } = args;
    let text = match command {
        WidgetCommand::Get(Named { uuid, user }) => {
            let widget = access.provisioning()?.widget(uuid, &user).await?;
            output::fields(&widget.ok_or("this user has no widget of this id")?, json)?
        }
        WidgetCommand::Create(input) => {
            let widgets = access.provisioning()?;
            let widget: NewWidget = input.read()?;
            json_input::warn_of_unknown(&widget.extra)?;
            output::fields(&widgets.create_widget(widget).await?, json)?
        }
        WidgetCommand::Update(input) => {
            let widgets = access.provisioning()?;
            let widget: WidgetUpdate = input.read()?;
            json_input::warn_of_unknown(&widget.extra)?;
            output::fields(&widgets.update_widget(widget).await?, json)?
        }
        WidgetCommand::Delete(Named { uuid, user }) => {
            access.provisioning()?.delete_widget(uuid.as_str(), &user).await?;
            output::fields(&json!({ "deleted": uuid }), json)?
        }
        WidgetCommand::Online { uuid } => {
            availability(&access.client()?.availability(uuid).await?, json)?
        }
    };
    output::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn availability(availability: &Availability, json: bool) -> Outcome<String> {
    if !json {
        let word = if availability.is_online() { "online" } else { "offline" };
        return Ok(format!("{word}\n"));
    }
    // Not as SnapEngage writes them: the text `"false"` is true to most programs.
    output::json(&json!({
        "widgetId": availability.widget_id,
        "online": availability.is_online(),
        "emailRequired": availability.email_required,
        "messageRequired": availability.message_required,
        "screenshotRequired": availability.screenshot_required,
    }))
}

//! The verb `user`: the users of the Provisioning API.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;

use super::Outcome;
use super::credentials::Access;
use super::json_input::JsonInput;
use super::output;

/// Looks up, creates, updates and deletes users.
///
/// Needs SNAPENGAGE_PROVISIONING_KEY.
#[derive(Args)]
pub(crate) struct UserArgs {
    /// Writes JSON instead of tables.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: UserCommand,
}

#[derive(Subcommand)]
enum UserCommand {
    /// Shows a user. Exit status 1 if there is none.
    Get {
        /// Email address of the user.
        email: String,
    },
    /// Creates a user from JSON: email, name, accountType, password; phone, templateId.
    Create(JsonInput),
    /// Updates a user from JSON: email, name; accountType, password, phone.
    Update(JsonInput),
    /// Deletes a user, for good.
    Delete {
        /// Email address of the user.
        email: String,
    },
}

pub(crate) async fn run(args: UserArgs, access: &Access) -> Outcome<ExitCode> {
    let UserArgs { json, command } = args;
    let users = access.provisioning()?;
    let text = match command {
        UserCommand::Get { email } => {
            let user = users.user(&email).await?;
            output::fields(&user.ok_or("there is no user of this email address")?, json)?
        }
        UserCommand::Create(input) => {
            output::fields(&users.create_user(input.read()?).await?, json)?
        }
        UserCommand::Update(input) => {
            output::fields(&users.update_user(input.read()?).await?, json)?
        }
        UserCommand::Delete { email } => {
            users.delete_user(&email).await?;
            output::fields(&json!({ "deleted": email }), json)?
        }
    };
    output::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

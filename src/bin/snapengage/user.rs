//! The verb `user`: the users of the Provisioning API.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;
use snapengage::client::{NewUser, UserUpdate};

use super::Outcome;
use super::credentials::Access;
use super::json_input::{self, JsonInput};
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
    /// Creates a user from JSON.
    ///
    /// Required are email, name, accountType and password, of 5 to 99 characters; optional are
    /// phone and templateId. The accountType is one of trial, biz (Business), entr (Plus), prem
    /// (Premier) and enterprise:
    ///
    /// {"email":"bob@example.com","name":"Bob","accountType":"biz","password":"correct horse"}
    Create(JsonInput),
    /// Updates a user from JSON.
    ///
    /// Required are email, which says whom to update, and name; optional are accountType, password
    /// and phone.
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
            let user: NewUser = input.read()?;
            json_input::warn_of_unknown(&user.extra)?;
            output::fields(&users.create_user(user).await?, json)?
        }
        UserCommand::Update(input) => {
            let user: UserUpdate = input.read()?;
            json_input::warn_of_unknown(&user.extra)?;
            output::fields(&users.update_user(user).await?, json)?
        }
        UserCommand::Delete { email } => {
            users.delete_user(&email).await?;
            output::fields(&json!({ "deleted": email }), json)?
        }
    };
    output::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

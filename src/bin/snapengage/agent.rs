//! The verb `agent`: sets the status of an agent.

use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;
use snapengage::client::Presence;

use super::Outcome;
use super::credentials::Access;
use super::output::{self, legible};

/// Sets the status of agents.
#[derive(Args)]
pub(crate) struct AgentArgs {
    /// Writes JSON instead of text.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: AgentCommand,
}

#[derive(Subcommand)]
enum AgentCommand {
    /// Sets the status of an agent. Needs SNAPENGAGE_API_TOKEN.
    Status {
        /// Email address of the agent.
        email: String,
        /// Status to be set.
        status: StatusArg,
        /// Details of the status, such as "Gone to lunch".
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum StatusArg {
    Online,
    Pause,
}

impl From<StatusArg> for Presence {
    fn from(status: StatusArg) -> Self {
        match status {
            StatusArg::Online => Self::Online,
            StatusArg::Pause => Self::Pause,
        }
    }
}

pub(crate) async fn run(args: AgentArgs, access: &Access) -> Outcome<ExitCode> {
    let AgentArgs { json, command: AgentCommand::Status { email, status, note } } = args;
    let status = Presence::from(status);
    let mut call = access.account_of_agents()?.set_agent_status(email.as_str(), status);
    if let Some(note) = &note {
        call = call.note(note);
    }
    call.await?;
    output::print(&if json {
        output::json(&json!({ "agent_id": email, "status": status, "sub_status": note }))?
    } else {
        format!("{}: {status}\n", legible(&email))
    })?;
    Ok(ExitCode::SUCCESS)
}

//! Command line of the crate: tables for people, `--json` for programs.
//!
//! A verb is a file. Exit status 0: done; 1: it failed, and stderr says why; 2: the arguments are
//! wrong. What was sent to SnapEngage, and what is secret, is in no error.

mod agent;
mod cases_file;
mod config;
mod contract;
mod credentials;
mod file;
mod identity;
mod inbox;
mod json_input;
mod logs;
mod output;
mod record;
mod redact;
mod redaction;
mod replay;
mod send;
mod simulate;
mod simulation;
mod typing;
mod user;
mod visit;
mod widget;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use snapengage::HandlerError;

use self::credentials::Access;

/// Tools for SnapEngage: its APIs, a simulator of them, recordings, and the inboxes of receivers.
#[derive(Parser)]
#[command(
    name = "snapengage",
    version,
    after_help = "Exit status: 0 done; 1 failed, and stderr says why; 2 wrong arguments."
)]
struct Cli {
    #[command(flatten)]
    access: Access,
    #[command(subcommand)]
    room: Room,
}

#[derive(Subcommand)]
enum Room {
    Agent(agent::AgentArgs),
    Logs(logs::LogsArgs),
    User(user::UserArgs),
    Widget(widget::WidgetArgs),
    Visit(visit::VisitArgs),
    File(file::FileArgs),
    Identity(identity::IdentityArgs),
    Simulate(Box<simulate::SimulateArgs>),
    Inbox(inbox::InboxArgs),
    Record(record::RecordArgs),
    Replay(replay::ReplayArgs),
    Send(send::SendArgs),
    Contract(contract::ContractArgs),
    Redact(redact::RedactArgs),
}

/// With an error that tells its causes.
type Outcome<T> = Result<T, HandlerError>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let Cli { access, room } = Cli::parse();
    let outcome = match room {
        Room::Agent(args) => agent::run(args, &access).await,
        Room::Logs(args) => logs::run(args, &access).await,
        Room::User(args) => user::run(args, &access).await,
        Room::Widget(args) => widget::run(args, &access).await,
        Room::Visit(args) => visit::run(args, &access).await,
        Room::File(args) => file::run(args, &access).await,
        Room::Identity(args) => identity::run(args, &access),
        Room::Simulate(args) => simulate::run(*args, &access).await,
        Room::Inbox(args) => inbox::run(args).await,
        Room::Record(args) => record::run(args).await,
        Room::Replay(args) => replay::run(args).await,
        Room::Send(args) => send::run(args).await,
        Room::Contract(args) => contract::run(&args),
        Room::Redact(args) => redact::run(args),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

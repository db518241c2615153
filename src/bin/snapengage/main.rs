//! Command line of the crate: tables for people, `--json` for programs.

mod inbox;
mod output;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use snapengage::HandlerError;

/// Tools for receivers of SnapEngage webhooks.
#[derive(Parser)]
#[command(name = "snapengage", version)]
struct Cli {
    #[command(subcommand)]
    room: Room,
}

#[derive(Subcommand)]
enum Room {
    /// Inspects an inbox, and retries or discards its entries. The receiver may keep running.
    Inbox(inbox::InboxArgs),
}

/// With an error that tells its causes.
type Outcome<T> = Result<T, HandlerError>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let outcome = match Cli::parse().room {
        Room::Inbox(args) => inbox::run(args).await,
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

//! The verb `identity`: signs who a visitor is.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Map, Value};
use snapengage::identity::Signer;

use super::Outcome;
use super::credentials::Access;
use super::output;

/// Signs who a visitor is, as a page does for Visitor Identity Verification.
#[derive(Args)]
pub(crate) struct IdentityArgs {
    #[command(subcommand)]
    command: IdentityCommand,
}

#[derive(Subcommand)]
enum IdentityCommand {
    /// Signs a content, and prints the variables of a page. Needs SNAPENGAGE_IDENTITY_SECRET.
    ///
    /// They count once, and for a few minutes.
    Sign {
        /// Email address of the visitor, or the text of the variable that the dashboard names.
        content: String,
        /// Writes JSON instead of text.
        #[arg(long)]
        json: bool,
    },
}

pub(crate) fn run(args: IdentityArgs, access: &Access) -> Outcome<ExitCode> {
    /// Status of wrong arguments: without a secret, or with nothing to sign, nothing can be done.
    const WRONG: u8 = 2;
    let IdentityCommand::Sign { content, json } = args.command;
    let signer = match signer(&content, access) {
        Ok(signer) => signer,
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {error}");
            return Ok(WRONG.into());
        }
    };
    let variables = signer.sign(&content).variables();
    output::print(&if json {
        let fields = variables.map(|(name, value)| (name.to_owned(), Value::from(value)));
        output::json(&Map::from_iter(fields))?
    } else {
        variables.map(|(name, value)| format!("{name} {value}\n")).concat()
    })?;
    Ok(ExitCode::SUCCESS)
}

fn signer(content: &str, access: &Access) -> Outcome<Signer> {
    if content.is_empty() {
        return Err("the content is empty: nobody is verified by it".into());
    }
    Ok(Signer::new(access.identity_secret()?)?)
}

//! The verb `redact`: recordings that were made elsewhere.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use snapengage::record::Redaction;

use super::Outcome;
use super::output::{self, legible};
use super::redaction::RedactionArgs;

/// Redacts recordings that were made elsewhere, in place.
///
/// Personal details and secrets become pseudonyms, equal ones for equal values. What is redacted
/// stays as it is.
#[derive(Args)]
#[command(after_help = "Exit status of --check: 0 if nothing is left, 1 if something is.")]
pub(crate) struct RedactArgs {
    /// Folders, with all that is below them, or files.
    #[arg(value_name = "DIR", required = true)]
    paths: Vec<PathBuf>,
    /// Changes nothing, and lists what still looks like a detail or a secret: `file:line: what`.
    #[arg(long)]
    check: bool,
    #[command(flatten)]
    redaction: RedactionArgs,
}

pub(crate) fn run(args: RedactArgs) -> Outcome<ExitCode> {
    let RedactArgs { paths, check, redaction } = args;
    let redaction = Redaction::from(redaction);
    if !check {
        let files = redaction.rewrite(&paths)?;
        output::print(&format!("redacted files: {files}\n"))?;
        return Ok(ExitCode::SUCCESS);
    }
    let left = redaction.check(&paths)?;
    let lines: String = left.iter().map(|left| legible(&left.to_string()) + "\n").collect();
    output::print(&lines)?;
    Ok(if left.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

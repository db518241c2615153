//! The verb `redact`: recordings that were made elsewhere.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use snapengage::record::{Redaction, Texts};

use super::Outcome;
use super::output::{self, legible};

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
    /// What becomes of the texts of messages, beside what is found in them.
    #[arg(long, value_enum, default_value = "keep")]
    texts: TextsArg,
    /// File of the key, made if it is not there, so that pseudonyms are equal across runs.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum TextsArg {
    /// They stay.
    Keep,
    /// Letters become x, digits become 0.
    Mask,
    /// They are empty.
    Drop,
}

impl From<TextsArg> for Texts {
    fn from(texts: TextsArg) -> Self {
        match texts {
            TextsArg::Keep => Self::Keep,
            TextsArg::Mask => Self::Mask,
            TextsArg::Drop => Self::Drop,
        }
    }
}

pub(crate) fn run(args: RedactArgs) -> Outcome<ExitCode> {
    let RedactArgs { paths, check, texts, key_file } = args;
    let mut redaction = Redaction::new().texts(texts.into());
    if let Some(file) = key_file {
        redaction = redaction.key_file(file);
    }
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

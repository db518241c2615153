//! Options of redaction, which are those of all verbs that write recordings.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use snapengage::record::{Redaction, Texts};

/// Choices of redaction.
#[derive(Args)]
pub(crate) struct RedactionArgs {
    /// Treatment of the texts of messages, beside what is found in them.
    #[arg(long, value_enum, default_value_t)]
    texts: TextsChoice,
    /// File of the key by which equal values become equal pseudonyms, so that they do in all
    /// recordings. It is made if there is none, must not be in the folder of a recording, and has
    /// nothing to do with the credentials of the other verbs.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
}

/// Treatment of texts.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum TextsChoice {
    /// They stay.
    #[default]
    Keep,
    /// Letters become `x`, digits `0`.
    Mask,
    /// They are empty.
    Drop,
}

impl From<RedactionArgs> for Redaction {
    fn from(RedactionArgs { texts, key_file }: RedactionArgs) -> Self {
        let redaction = Self::new().texts(match texts {
            TextsChoice::Keep => Texts::Keep,
            TextsChoice::Mask => Texts::Mask,
            TextsChoice::Drop => Texts::Drop,
        });
        match key_file {
            Some(file) => redaction.key_file(file),
            None => redaction,
        }
    }
}

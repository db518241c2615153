//! Errors of recordings.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::error::debug_is_text;
#[cfg(feature = "inbox")]
use crate::inbox::InboxError;

/// Recording that could not be read or written.
///
/// The text names the file and the line, and repeats nothing of what was recorded.
pub struct RecordingError {
    file: Option<PathBuf>,
    problem: Problem,
}

enum Problem {
    Form {
        line: usize,
        expected: String,
    },
    Io(io::Error),
    #[cfg(feature = "inbox")]
    Inbox(InboxError),
    Key(&'static str),
    Other(String),
}

impl RecordingError {
    pub(super) fn form(line: usize, expected: &str) -> Self {
        Self { file: None, problem: Problem::Form { line, expected: expected.to_owned() } }
    }

    pub(super) fn io(file: &Path, error: io::Error) -> Self {
        Self { file: Some(file.to_owned()), problem: Problem::Io(error) }
    }

    /// Says why the file of a key is refused.
    pub(super) fn key(file: &Path, problem: &'static str) -> Self {
        Self { file: Some(file.to_owned()), problem: Problem::Key(problem) }
    }

    #[cfg(feature = "inbox")]
    pub(super) fn inbox(error: InboxError) -> Self {
        Self { file: None, problem: Problem::Inbox(error) }
    }

    pub(super) fn other(problem: impl Into<String>) -> Self {
        Self { file: None, problem: Problem::Other(problem.into()) }
    }

    /// Returns the text without the file, for where that is named already.
    pub(super) fn problem(&self) -> String {
        match &self.problem {
            Problem::Form { line, expected } => format!("expected {expected} at line {line}"),
            Problem::Io(error) => format!("not accessible: {error}"),
            #[cfg(feature = "inbox")]
            Problem::Inbox(error) => format!("{error:?}"),
            Problem::Key(problem) => (*problem).to_owned(),
            Problem::Other(problem) => problem.clone(),
        }
    }

    /// Names the file of the error.
    pub(super) fn in_file(self, file: &Path) -> Self {
        Self { file: Some(file.to_owned()), ..self }
    }
}

impl fmt::Display for RecordingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if matches!(self.problem, Problem::Key(_)) { "key" } else { "recording" })?;
        if let Some(file) = &self.file {
            write!(f, " {file:?}")?;
        }
        match &self.problem {
            Problem::Form { line, expected } => write!(f, ": expected {expected} at line {line}"),
            Problem::Io(_) => f.write_str(": not accessible"),
            #[cfg(feature = "inbox")]
            Problem::Inbox(_) => f.write_str(": the inbox cannot be read"),
            Problem::Key(problem) => write!(f, ": {problem}"),
            Problem::Other(problem) => write!(f, ": {problem}"),
        }
    }
}

debug_is_text!(RecordingError);

impl Error for RecordingError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.problem {
            Problem::Form { .. } | Problem::Key(_) | Problem::Other(_) => None,
            Problem::Io(error) => Some(error),
            #[cfg(feature = "inbox")]
            Problem::Inbox(error) => Some(error),
        }
    }
}

//! Errors of calls: what failed, and whether it may have been done all the same.

use std::error::Error;
use std::fmt;
use std::io;
use std::time::Duration;

use http::StatusCode;

use super::operation::Operation;
use crate::error::{DecodeError, debug_is_text};
use crate::timestamp::Timestamp;

/// Failure of a call.
///
/// The text names the call and its path, never the query, and says what happened, after how many
/// attempts. It holds no credential and nothing of what was sent.
///
/// ```
/// use snapengage::client::{ClientError, User};
///
/// fn created(result: Result<User, ClientError>) -> Result<User, String> {
///     result.map_err(|error| match error {
///         error if error.is_rejected_credential() => "ask for a new key".to_owned(),
///         error if error.may_have_been_done() => "look whether they are there".to_owned(),
///         error => format!("it was not done: {error}"),
///     })
/// }
/// # let _ = created;
/// ```
pub struct ClientError(Box<Failed>);

/// Call that failed.
pub(super) struct Failed {
    pub(super) operation: Operation,
    /// Path without the query, where the address is this crate's own and not from a transcript.
    pub(super) path: Option<String>,
    pub(super) attempts: u32,
    pub(super) may_have_been_done: bool,
    pub(super) failure: Failure,
}

/// Reason why a call failed, or an attempt of it.
pub(super) enum Failure {
    /// Mistake of the caller: nothing was sent.
    Mistake(String),
    /// No connection was made.
    NotSent(Cause),
    /// The connection broke before all of the answer was there.
    Broken(Cause),
    /// There was no answer in time.
    TimedOut(Duration),
    /// Status other than success.
    Status { status: StatusCode, retry: Option<Retry>, excerpt: Option<String> },
    /// The answer of a success is not what is documented.
    Malformed { error: DecodeError, excerpt: Option<String> },
    /// Error inside a success, with the vendor's number.
    Refused { code: Option<i64>, excerpt: Option<String> },
    /// Answer that is larger than what was allowed, in bytes.
    TooLarge(u64),
    /// Answer that leads elsewhere: a redirect or a link.
    Astray(&'static str),
    /// Redirect to the outcome of a change, which was made (RFC 9110, 15.4.4).
    SeeOther,
    /// File that could not be written here.
    NotWritten(io::Error),
}

/// Wait that SnapEngage asked for.
#[derive(Clone, Copy)]
pub(super) struct Retry {
    pub(super) after: Duration,
    pub(super) at: Timestamp,
}

/// Text of a foreign error and its causes, scrubbed: a transport's error may repeat the address,
/// and the provisioning key is part of it.
#[derive(Debug)]
pub(super) struct Cause(pub(super) String);

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Cause {}

impl ClientError {
    pub(super) fn new(failed: Failed) -> Self {
        Self(Box::new(failed))
    }

    /// Returns the call that failed.
    pub fn operation(&self) -> Operation {
        self.0.operation
    }

    /// Returns the number of times that the request was sent, or tried to be. 0 after a
    /// [mistake](Self::is_mistake).
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// Returns `true` if SnapEngage may have done what was asked: the answer was lost, is to be
    /// found elsewhere, or could not be read. Always `false` for calls that only read.
    pub fn may_have_been_done(&self) -> bool {
        self.0.may_have_been_done
    }

    /// Returns the status of the last answer, if it was one other than success.
    pub fn status(&self) -> Option<StatusCode> {
        match self.0.failure {
            Failure::Status { status, .. } => Some(status),
            _ => None,
        }
    }

    /// Returns `true` if nothing was sent, for a mistake of the caller: a credential that is not
    /// set, a range of days that ends before it starts.
    pub fn is_mistake(&self) -> bool {
        matches!(self.0.failure, Failure::Mistake(_))
    }

    /// Returns `true` if there was no answer in time.
    pub fn is_timeout(&self) -> bool {
        matches!(self.0.failure, Failure::TimedOut(_)) || self.has_status(&[408, 504])
    }

    /// Returns `true` if SnapEngage did not accept the credential: 401 or 403.
    pub fn is_rejected_credential(&self) -> bool {
        self.has_status(&[401, 403])
    }

    /// Returns `true` if there is nothing of that name: 404. Widget Availability says so with a
    /// [number](Self::code) of its own instead, inside an answer of 200.
    pub fn is_not_found(&self) -> bool {
        self.has_status(&[404])
    }

    /// Returns `true` if there were too many requests: 429.
    pub fn is_rate_limited(&self) -> bool {
        self.has_status(&[429])
    }

    /// Returns `true` if no connection was made: SnapEngage, or the way to it, is down.
    pub fn is_connect(&self) -> bool {
        matches!(self.0.failure, Failure::NotSent(_))
    }

    /// Returns the wait that SnapEngage asked for, counted from its answer; a day at most.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry().map(|retry| retry.after)
    }

    /// Returns the time before which SnapEngage asked not to be called again.
    pub fn retry_at(&self) -> Option<Timestamp> {
        self.retry().map(|retry| retry.at)
    }

    /// Returns what the answer said, in a line of at most some 256 bytes, without what was sent.
    pub fn excerpt(&self) -> Option<&str> {
        match &self.0.failure {
            Failure::Status { excerpt, .. }
            | Failure::Malformed { excerpt, .. }
            | Failure::Refused { excerpt, .. } => excerpt.as_deref(),
            _ => None,
        }
    }

    /// Returns the number of an error that came inside an answer of 200.
    pub fn code(&self) -> Option<i64> {
        match self.0.failure {
            Failure::Refused { code, .. } => code,
            _ => None,
        }
    }

    fn has_status(&self, statuses: &[u16]) -> bool {
        self.status().is_some_and(|status| statuses.contains(&status.as_u16()))
    }

    fn retry(&self) -> Option<Retry> {
        match self.0.failure {
            Failure::Status { retry, .. } => retry,
            _ => None,
        }
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Failed { operation, path, attempts, may_have_been_done, failure } = &*self.0;
        write!(f, "{operation}: {failure}")?;
        if *attempts > 0 {
            let path = path.as_deref().unwrap_or("a file");
            let times = if *attempts == 1 { "attempt" } else { "attempts" };
            write!(f, " ({} {path}, {attempts} {times}", operation.method())?;
            f.write_str(if *may_have_been_done { ", may have been done)" } else { ")" })?;
        }
        Ok(())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mistake(mistake) => f.write_str(mistake),
            Self::NotSent(_) => f.write_str("no connection was made"),
            Self::Broken(_) => f.write_str("the connection broke"),
            Self::TimedOut(limit) => write!(f, "no answer within {limit:?}"),
            Self::Status { status, retry, excerpt } => {
                write!(f, "answered {status}")?;
                if let Some(Retry { at, .. }) = retry {
                    write!(f, ", to be tried again after {at}")?;
                }
                said(f, excerpt.as_deref())
            }
            // Nothing of it: the answer of a success is full of what visitors wrote.
            Self::Malformed { .. } => f.write_str("the answer is not as documented"),
            Self::Refused { code, excerpt } => {
                f.write_str("refused")?;
                if let Some(code) = code {
                    write!(f, " with number {code}")?;
                }
                said(f, excerpt.as_deref())
            }
            Self::TooLarge(limit) => write!(f, "the answer has more than {limit} bytes"),
            Self::Astray(how) => f.write_str(how),
            Self::SeeOther => f.write_str("redirected to the outcome, which is not fetched"),
            Self::NotWritten(_) => f.write_str("the file could not be written"),
        }
    }
}

fn said(f: &mut fmt::Formatter<'_>, excerpt: Option<&str>) -> fmt::Result {
    match excerpt {
        Some(excerpt) => write!(f, ": {excerpt}"),
        None => Ok(()),
    }
}

debug_is_text!(ClientError);

impl Error for ClientError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.0.failure {
            Failure::NotSent(cause) | Failure::Broken(cause) => Some(cause),
            Failure::Malformed { error, .. } => Some(error),
            Failure::NotWritten(error) => Some(error),
            _ => None,
        }
    }
}

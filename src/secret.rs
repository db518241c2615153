//! Text of a secret that goes into a header: what nobody can send, and why.

use std::borrow::Cow;
use std::env::VarError;

/// Length of the longest secret, in bytes.
pub(crate) const MAX_LENGTH: usize = 1024;

/// Reason why nobody can send a secret. It repeats nothing of the secret.
#[derive(Clone)]
pub(crate) enum Problem {
    /// Environment variable that is not set.
    Unset(String),
    Empty,
    Malformed(Cow<'static, str>),
}

impl Problem {
    /// Describes the problem of a secret of this kind and name.
    pub(crate) fn of(&self, kind: &str, name: &str) -> String {
        let name = name.escape_debug();
        match self {
            Self::Unset(variable) => {
                let variable = variable.escape_debug();
                format!("no {kind}: the environment variable `{variable}` is not set")
            }
            Self::Empty => format!("no {kind}: `{name}` is empty"),
            Self::Malformed(problem) => format!("{kind} `{name}`: {problem}"),
        }
    }
}

/// Reads a secret from an environment variable.
pub(crate) fn from_env(variable: &str) -> Result<String, Problem> {
    std::env::var(variable).map_err(|error| match error {
        VarError::NotPresent => Problem::Unset(variable.to_owned()),
        VarError::NotUnicode(_) => NOT_ASCII,
    })
}

/// Returns a secret as a header carries it: without the spaces and tabs around it, which HTTP drops
/// too.
pub(crate) fn sendable(secret: &str) -> Result<&str, Problem> {
    let secret = secret.trim_matches([' ', '\t']);
    if secret.trim_matches(is_invisible).is_empty() {
        return Err(Problem::Empty);
    }
    if let Some(trace) = pasted(secret) {
        let problem = format!("{trace}, expected the token alone");
        return Err(Problem::Malformed(problem.into()));
    }
    if secret.len() > MAX_LENGTH {
        return Err(Problem::Malformed("longer than 1024 bytes".into()));
    }
    if secret.chars().any(char::is_control) {
        let problem = "has a control character, which no header can carry";
        return Err(Problem::Malformed(problem.into()));
    }
    if !secret.is_ascii() {
        return Err(NOT_ASCII);
    }
    Ok(secret)
}

/// Returns a secret that signs, and is sent nowhere: each of its bytes counts, so none is dropped.
#[cfg(feature = "identity")]
pub(crate) fn signing(secret: &str) -> Result<&str, Problem> {
    if secret.trim_matches(is_invisible).is_empty() {
        return Err(Problem::Empty);
    }
    if let Some(trace) = pasted(secret) {
        let problem = format!("{trace}, expected the secret alone");
        return Err(Problem::Malformed(problem.into()));
    }
    if secret.chars().any(char::is_control) {
        return Err(Problem::Malformed("has a control character".into()));
    }
    if !secret.is_ascii() {
        // Word processors turn a hyphen into a dash.
        return Err(Problem::Malformed("is not ASCII, which the dashboard's are".into()));
    }
    Ok(secret)
}

/// Finds the traces of copying at the ends of a secret: a dashboard would not have accepted them.
fn pasted(secret: &str) -> Option<String> {
    let ends = [secret.chars().next()?, secret.chars().next_back()?];
    let trace = if ends.iter().any(|end| matches!(end, '\r' | '\n')) {
        "starts or ends with a line break".to_owned()
    } else if let Some(unseen) = ends.iter().find(|&&end| is_invisible(end)) {
        format!("starts or ends with U+{:04X}, which is invisible", u32::from(*unseen))
    } else if secret.chars().nth(1).is_some() && are_quotes(ends) {
        "is in quotes".to_owned()
    } else {
        return None;
    };
    Some(trace)
}

/// Returns `true` for a pair of quotes. One curly one is enough: it is not ASCII in any case.
fn are_quotes(ends: [char; 2]) -> bool {
    matches!(ends, ['"', '"'] | ['\'', '\''] | ['`', '`'] | ['“' | '‘', _] | [_, '”' | '’'])
}

/// Returns `true` for white space, and for the Unicode marks that come along when text is copied.
fn is_invisible(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}

/// Java sends non-ASCII text in ISO-8859-1, other clients in UTF-8: such a token matches by chance.
const NOT_ASCII: Problem =
    Problem::Malformed(Cow::Borrowed("is not ASCII, and clients differ in how they encode it"));

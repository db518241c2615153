//! Refusals: the status, the text for the caller and the text for the log.

use std::borrow::Cow;
use std::error::Error;
use std::time::Duration;

use http::StatusCode;

use crate::error::{DecodeError, HandlerError, WithCauses};
use crate::panics::{Panicked, error_text};

/// Refusal of a request.
#[derive(Debug)]
pub(crate) struct Rejection {
    pub(crate) status: StatusCode,
    pub(crate) reason: Reason,
    /// Text for the caller: nothing of the token, of the values sent, or of the inner error.
    pub(crate) message: Cow<'static, str>,
    /// Text for the log, if it says more than the message.
    pub(crate) log: Option<String>,
    /// `true` if the connection cannot be used any more: it is unknown where the next request
    /// starts.
    pub(crate) close: bool,
    /// `true` if it occurs every few seconds and is not worth a line at the default level.
    pub(crate) is_routine: bool,
    pub(crate) allow: Option<&'static str>,
    pub(crate) form: Form,
}

/// Format of a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// `{"code": 400, "message": "..."}`, as the Agent Status API documents it.
    Json,
    /// Message alone, since a person may come to see it.
    Text,
}

/// Reason for a refusal, or for a fallback in its place, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    Framing,
    Path,
    Method,
    Token,
    Encoding,
    TooLarge,
    TooSlow,
    BrokenBody,
    Unreadable,
    NoMemory,
    Failed,
    Permanent,
    Panicked,
    TimedOut,
    /// Of what is not observed: the health route, and rooms behind features.
    Unobserved,
}

#[cfg_attr(not(feature = "metrics"), allow(dead_code, reason = "nothing else counts them"))]
impl Reason {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Framing => "framing",
            Self::Path => "path",
            Self::Method => "method",
            Self::Token => "token",
            Self::Encoding => "encoding",
            Self::TooLarge => "too-large",
            Self::TooSlow => "too-slow",
            Self::BrokenBody => "broken-body",
            Self::Unreadable => "unreadable",
            Self::NoMemory => "no-memory",
            Self::Failed => "failed",
            Self::Permanent => "permanent",
            Self::Panicked => "panicked",
            Self::TimedOut => "timed-out",
            Self::Unobserved => "unobserved",
        }
    }
}

/// Reason why there is no answer from a handler.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The handler was not called: the request cannot be read.
    Unreadable(DecodeError),
    Failed {
        reason: String,
        is_permanent: bool,
    },
    Panicked,
    TimedOut(Duration),
    /// The handler was not called: there was no memory for the request, for this long.
    NoMemory(Duration),
}

impl Failure {
    pub(crate) fn reason(&self) -> Reason {
        match self {
            Self::Unreadable(_) => Reason::Unreadable,
            Self::Failed { is_permanent: true, .. } => Reason::Permanent,
            Self::Failed { .. } => Reason::Failed,
            Self::Panicked => Reason::Panicked,
            Self::TimedOut(_) => Reason::TimedOut,
            Self::NoMemory(_) => Reason::NoMemory,
        }
    }

    pub(crate) fn to_log(&self) -> String {
        match self {
            Self::Unreadable(error) => error.to_string(),
            Self::Failed { reason, .. } => format!("handler failed: {reason}"),
            Self::Panicked => "handler panicked".to_owned(),
            Self::TimedOut(deadline) => format!("handler not done within {deadline:?}"),
            Self::NoMemory(patience) => {
                format!("requests being handled took all of `memory_limit` for {patience:?}")
            }
        }
    }
}

impl From<HandlerError> for Failure {
    fn from(error: HandlerError) -> Self {
        // Written here, where a panic of its text or its drop is caught.
        let is_permanent = error.is_permanent();
        match error_text(error) {
            Ok(reason) => Self::Failed { reason, is_permanent },
            Err(panicked) => panicked.into(),
        }
    }
}

impl From<Panicked> for Failure {
    fn from(Panicked: Panicked) -> Self {
        Self::Panicked
    }
}

impl Rejection {
    const MESSAGE_LIMIT: usize = 256;

    fn new(status: StatusCode, reason: Reason, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status,
            reason,
            message: cut(message.into(), Self::MESSAGE_LIMIT),
            log: None,
            close: false,
            is_routine: false,
            allow: None,
            form: Form::Json,
        }
    }

    /// Returns the same refusal for a request whose body, if it had one, was not read to its end.
    pub(crate) fn leaving_body(self, has_body: bool) -> Self {
        Self { close: self.close || has_body, ..self }
    }

    pub(crate) fn doubtful_framing(problem: &'static str) -> Self {
        Self { close: true, ..Self::new(StatusCode::BAD_REQUEST, Reason::Framing, problem) }
    }

    pub(crate) fn not_found(log: String) -> Self {
        // The nearest path is for the log alone: the caller has shown no token.
        let log = Some(log);
        let message = "nothing is served at this path";
        Self { log, ..Self::new(StatusCode::NOT_FOUND, Reason::Path, message) }
    }

    pub(crate) fn method_not_allowed(allow: &'static str) -> Self {
        let message = format!("expected {allow}");
        Self {
            allow: Some(allow),
            ..Self::new(StatusCode::METHOD_NOT_ALLOWED, Reason::Method, message)
        }
    }

    pub(crate) fn unauthorized(log: &'static str) -> Self {
        // One text for both: it must not show a caller how near a guess was.
        let message = "the token is missing or wrong";
        Self {
            log: Some(log.to_owned()),
            ..Self::new(StatusCode::UNAUTHORIZED, Reason::Token, message)
        }
    }

    pub(crate) fn unsupported_encoding() -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Reason::Encoding,
            "content encodings are not supported, expected the body as it is",
        )
    }

    pub(crate) fn too_large(limit: usize) -> Self {
        let message = format!("the body is larger than {limit} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, Reason::TooLarge, message)
    }

    pub(crate) fn too_slow(deadline: Duration) -> Self {
        Self::new(
            StatusCode::REQUEST_TIMEOUT,
            Reason::TooSlow,
            format!("the body did not arrive within {deadline:?}"),
        )
    }

    pub(crate) fn broken_body(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            log: Some(format!("body broke off: {}", WithCauses(&*cause.into()))),
            ..Self::new(StatusCode::BAD_REQUEST, Reason::BrokenBody, "the body broke off")
        }
    }

    pub(crate) fn draining() -> Self {
        Self {
            is_routine: true,
            form: Form::Text,
            ..Self::new(StatusCode::SERVICE_UNAVAILABLE, Reason::Unobserved, "draining")
        }
    }

    /// Refuses a probe. The reason is for the log alone: the caller has no token.
    pub(crate) fn unhealthy(failures: &[(&str, Failure)]) -> Self {
        let names: Vec<_> = failures.iter().map(|(check, _)| format!("`{check}`")).collect();
        let checks = if failures.len() == 1 { "check" } else { "checks" };
        let reasons: Vec<_> = failures
            .iter()
            .map(|(check, failure)| format!("health check `{check}`: {}", failure.to_log()))
            .collect();
        Self {
            log: Some(reasons.join("; ")),
            is_routine: true,
            form: Form::Text,
            ..Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                Reason::Unobserved,
                format!("health {checks} {} failed", names.join(", ")),
            )
        }
    }

    /// Refuses a query whose handler failed, in the same words whatever the kind of failure: an
    /// agent reads the answer, and SnapEngage is not known to try again.
    pub(crate) fn no_contact(failure: &Failure) -> Self {
        let status = match failure {
            Failure::Panicked => StatusCode::INTERNAL_SERVER_ERROR,
            Failure::Unreadable(_) => StatusCode::BAD_REQUEST,
            Failure::Failed { .. } | Failure::TimedOut(_) | Failure::NoMemory(_) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
        };
        Self {
            log: Some(failure.to_log()),
            form: Form::Text,
            ..Self::new(status, failure.reason(), "the contact could not be looked up")
        }
    }
}

/// Refusals of rooms behind features.
#[cfg_attr(not(feature = "hub"), allow(dead_code, reason = "no room refuses so"))]
impl Rejection {
    /// Refuses a request that a page of somebody else's could have made.
    pub(crate) fn foreign_origin() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            Reason::Unobserved,
            "expected a request of the page itself",
        )
    }

    /// Refuses what is part of a session that is over.
    pub(crate) fn session_over() -> Self {
        Self::new(StatusCode::GONE, Reason::Unobserved, "the session is over, expected a new one")
    }

    pub(crate) fn too_many_pages(max: usize) -> Self {
        Self {
            log: Some(format!("`max_pages`, {max}, are open")),
            ..Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                Reason::Unobserved,
                "too many pages are open",
            )
        }
    }
}

impl From<DecodeError> for Rejection {
    fn from(error: DecodeError) -> Self {
        Self::new(StatusCode::BAD_REQUEST, Reason::Unreadable, error.as_str().to_owned())
    }
}

impl From<Failure> for Rejection {
    fn from(failure: Failure) -> Self {
        let (status, message) = match &failure {
            Failure::Unreadable(error) => return error.clone().into(),
            // SnapEngage repeats an Integration request all the same: the status is for people.
            Failure::Failed { is_permanent: true, .. } => {
                (StatusCode::UNPROCESSABLE_ENTITY, "the event cannot be processed")
            }
            Failure::Failed { .. } | Failure::NoMemory(_) => {
                (StatusCode::SERVICE_UNAVAILABLE, "try again later")
            }
            Failure::Panicked => (StatusCode::INTERNAL_SERVER_ERROR, "internal error"),
            Failure::TimedOut(_) => {
                (StatusCode::SERVICE_UNAVAILABLE, "not done in time, try again later")
            }
        };
        Self { log: Some(failure.to_log()), ..Self::new(status, failure.reason(), message) }
    }
}

fn cut(mut text: Cow<'static, str>, limit: usize) -> Cow<'static, str> {
    if text.len() > limit {
        let end = text.floor_char_boundary(limit);
        text.to_mut().truncate(end);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_messages_are_cut_between_characters() {
        let rejection = |message| Rejection::new(StatusCode::BAD_REQUEST, Reason::Path, message);
        assert_eq!(rejection("ü".repeat(200) + "x").message, "ü".repeat(128));
        assert_eq!(rejection("x".to_owned() + &"ü".repeat(200)).message.len(), 255);
    }
}

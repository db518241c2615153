//! Errors, worded for a log line.
//!
//! Errors of this crate keep to one form: opaque, what failed as the text, and why as the
//! [`source`](Error::source) alone. `{:?}` is the text and those of the causes, in one line, since
//! that is what `main`, `expect` and `unwrap` print.

use std::error::Error;
use std::fmt;
use std::iter::successors;

/// `Debug` of an error: its text, with its causes.
macro_rules! debug_is_text {
    ($error:ty) => {
        impl std::fmt::Debug for $error {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{}", crate::error::WithCauses(self))
            }
        }
    };
}

#[cfg(any(
    feature = "client",
    feature = "dialogue",
    feature = "hub",
    feature = "identity",
    feature = "inbox",
    feature = "testing"
))]
pub(crate) use debug_is_text;

/// Traits of an error that is one sentence, around the [`Arc`](std::sync::Arc) of its cause.
#[cfg(any(feature = "dialogue", feature = "inbox"))]
macro_rules! sentence_with_cause {
    ($error:ty, $sentence:literal) => {
        impl std::fmt::Display for $error {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str($sentence)
            }
        }

        crate::error::debug_is_text!($error);

        impl std::error::Error for $error {
            fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
                Some(&*self.0)
            }
        }
    };
}

#[cfg(any(feature = "dialogue", feature = "inbox"))]
pub(crate) use sentence_with_cause;

/// Payload that could not be read.
///
/// The text names the payload, what was wrong with it and where, and repeats nothing of what was
/// sent: it may be shown to the caller and written to a log.
///
/// ```
/// let error = snapengage::bot::Event::from_json(br#"{"event":"message"}"#).unwrap_err();
/// let text = "bot request: missing field `widget_id` at line 1 column 19";
/// assert_eq!(error.to_string(), text);
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct DecodeError(Box<str>);

impl DecodeError {
    pub(crate) fn new(what: &str, problem: impl fmt::Display) -> Self {
        Self(format!("{what}: {problem}").into())
    }

    pub(crate) fn at(what: &str, problem: impl fmt::Display, before: &[u8]) -> Self {
        let line = before.iter().filter(|&&byte| byte == b'\n').count() + 1;
        let column = before.iter().rev().take_while(|&&byte| byte != b'\n').count();
        Self::new(what, format_args!("{problem} at line {line} column {column}"))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

debug_is_text!(DecodeError);

impl Error for DecodeError {}

/// Failure of a handler.
///
/// Any error becomes one with `?`, and so does text. The answer depends on the API: a feed is
/// answered 503, so that SnapEngage tries again; a bot's visitor gets the fallback reply.
///
/// ```
/// use snapengage::HandlerError;
///
/// fn quantity(text: &str) -> Result<u32, HandlerError> {
///     let quantity = text.parse()?;
///     if quantity == 0 {
///         return Err(HandlerError::permanent("a quantity of zero"));
///     }
///     Ok(quantity)
/// }
/// # assert!(!quantity("many").unwrap_err().is_permanent());
/// # assert!(quantity("0").unwrap_err().is_permanent());
/// ```
///
/// It does not implement [`Error`]: if it did, `?` could not convert any error into it. Nor need
/// it, since it ends at this crate, which logs it with its causes.
pub struct HandlerError {
    cause: Box<dyn Error + Send + Sync>,
    permanent: bool,
}

impl HandlerError {
    /// Creates a failure that may pass: a retry is worthwhile.
    pub fn new(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { cause: cause.into(), permanent: false }
    }

    /// Creates a failure that a retry will not mend.
    ///
    /// It is still a failure: SnapEngage sends an Integration request again unless the answer is
    /// `Ok`.
    pub fn permanent(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { cause: cause.into(), permanent: true }
    }

    /// Returns `true` if a retry will not mend the failure.
    pub fn is_permanent(&self) -> bool {
        self.permanent
    }

    /// Returns the cause of the failure.
    pub fn cause(&self) -> &(dyn Error + Send + Sync + 'static) {
        &*self.cause
    }

    /// Returns the cause of the failure, to be handed on.
    pub fn into_cause(self) -> Box<dyn Error + Send + Sync> {
        self.cause
    }
}

impl<E: Into<Box<dyn Error + Send + Sync>>> From<E> for HandlerError {
    fn from(cause: E) -> Self {
        Self::new(cause)
    }
}

/// Writes the cause, and the causes of the cause.
impl fmt::Display for HandlerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", WithCauses(&*self.cause))
    }
}

impl fmt::Debug for HandlerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandlerError")
            .field("cause", &self.cause)
            .field("permanent", &self.permanent)
            .finish()
    }
}

/// [`Receiver`](crate::Receiver) that cannot be built, or [`Server`](crate::Server) that cannot
/// serve, with every mistake made.
///
/// As text, one mistake a line, with `{:?}` too: so that a `main` that returns it prints them well.
#[derive(Clone, PartialEq, Eq)]
pub struct BuildError(Vec<String>);

impl BuildError {
    pub(crate) fn new(mistakes: Vec<String>) -> Self {
        Self(mistakes)
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

debug_is_text!(BuildError);

impl Error for BuildError {}

/// An error and its causes in one line, `a: b: c`, as whoever reads it has to see it.
///
/// An error's text alone is never logged or shown: it does not say why.
pub(crate) struct WithCauses<'e>(pub(crate) &'e (dyn Error + 'static));

impl fmt::Display for WithCauses<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = self.0.to_string();
        f.write_str(&text)?;
        for cause in successors(self.0.source(), |&cause| cause.source()) {
            let cause = cause.to_string();
            // Not every crate keeps to that: async-nats has the cause in the text as well.
            if !text.ends_with(&cause) {
                write!(f, ": {cause}")?;
            }
            text = cause;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Failed(&'static str, Option<Box<Failed>>);

    impl Failed {
        fn because_of(self, cause: Failed) -> Self {
            Self(self.0, Some(Box::new(cause)))
        }
    }

    impl fmt::Display for Failed {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl Error for Failed {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_deref().map(|cause| cause as _)
        }
    }

    #[test]
    fn every_cause_is_told_once() {
        let failed = |text| Failed(text, None);
        let disk = failed("store failed").because_of(failed("no room").because_of(failed("full")));
        assert_eq!(WithCauses(&disk).to_string(), "store failed: no room: full");
        let twice = failed("no room: full").because_of(failed("full").because_of(failed("28")));
        assert_eq!(WithCauses(&twice).to_string(), "no room: full: 28");
        assert_eq!(WithCauses(&failed("no room").because_of(failed(""))).to_string(), "no room");
    }

    #[test]
    fn main_tells_each_mistake_on_a_line() {
        let error = BuildError::new(vec!["nothing to serve".to_owned(), "no token".to_owned()]);
        assert_eq!(format!("Error: {error:?}"), "Error: nothing to serve\nno token");
    }
}

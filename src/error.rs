//! Errors, worded for a log line.

use std::error::Error;
use std::fmt;

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

impl fmt::Debug for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DecodeError").field(&self.0).finish()
    }
}

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
    /// It is still a failure: SnapEngage sends an Integration request again unless the answer is `Ok`.
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
}

impl<E: Into<Box<dyn Error + Send + Sync>>> From<E> for HandlerError {
    fn from(cause: E) -> Self {
        Self::new(cause)
    }
}

/// Writes the cause, and the causes of the cause.
impl fmt::Display for HandlerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.cause)?;
        let mut source = self.cause.source();
        while let Some(cause) = source {
            write!(f, ": {cause}")?;
            source = cause.source();
        }
        Ok(())
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

impl fmt::Debug for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for BuildError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn main_tells_each_mistake_on_a_line() {
        let error = BuildError::new(vec!["nothing to serve".to_owned(), "no token".to_owned()]);
        assert_eq!(format!("Error: {error:?}"), "Error: nothing to serve\nno token");
    }
}

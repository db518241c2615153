//! Recordings: real traffic in files, redacted, and replayed as tests.

mod error;
mod exchange;
mod form;
mod pseudonym;
mod redact;

pub use self::error::RecordingError;
pub use self::exchange::Exchange;
pub use self::redact::{Leftover, Redaction, Texts};

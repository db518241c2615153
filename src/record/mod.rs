//! Recordings: real traffic in files, redacted, and replayed as tests.

mod error;
mod exchange;
mod form;
mod pseudonym;

pub use self::error::RecordingError;
pub use self::exchange::Exchange;

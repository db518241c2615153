//! Recordings: real traffic in files, redacted, and replayed as tests.
#![cfg(feature = "record")]

mod capture;
mod planted;
mod readme;
mod redact;
mod replay;
#[cfg(all(feature = "inbox", feature = "sqlite"))]
mod stored;

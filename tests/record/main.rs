//! Recordings: real traffic in files, redacted, and replayed as tests.
#![cfg(feature = "record")]

mod planted;
mod redact;

//! What is built with the crate and for it: the program, the examples and the testing kit.

#[cfg(any(feature = "cli", all(feature = "inbox", feature = "sqlite")))]
#[path = "../support/mod.rs"]
mod support;

#[cfg(feature = "cli")]
mod cli;
mod compiler;
mod examples;
mod face;
mod readme;
#[cfg(feature = "testing")]
mod testing;

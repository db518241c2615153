//! What is built with the crate and for it: the program, the examples and the testing kit.

#[cfg(all(feature = "inbox", feature = "sqlite"))]
#[path = "../support/field_cases.rs"]
mod field_cases;
#[cfg(all(feature = "inbox", feature = "sqlite", feature = "nats"))]
#[path = "../support/nats_server.rs"]
mod nats_server;
#[cfg(feature = "cli")]
#[path = "../support/requests.rs"]
mod requests;

#[cfg(feature = "cli")]
mod cli;
mod compiler;
mod examples;
mod face;
mod readme;
#[cfg(feature = "testing")]
mod testing;

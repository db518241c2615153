//! Conversations with state, and the stores that keep it.
#![cfg(feature = "dialogue")]

#[path = "../support/mod.rs"]
mod support;

#[cfg(feature = "testing")]
mod booking_bot;
#[cfg(feature = "sqlite")]
mod kill;
#[cfg(feature = "testing")]
mod stores;
#[cfg(all(feature = "nats", feature = "testing"))]
mod stores_nats;
mod turns;

//! Conversations with state, and the stores that keep it.
#![cfg(feature = "dialogue")]

#[path = "../support/log.rs"]
mod log;
#[cfg(all(feature = "nats", feature = "testing"))]
#[path = "../support/nats_cluster.rs"]
mod nats_cluster;
#[cfg(all(feature = "nats", feature = "testing"))]
#[path = "../support/nats_server.rs"]
mod nats_server;

#[cfg(feature = "testing")]
mod booking_bot;
#[cfg(feature = "sqlite")]
mod kill;
#[cfg(feature = "testing")]
mod stores;
#[cfg(all(feature = "nats", feature = "testing"))]
mod stores_nats;
mod turns;

//! Durable receipt: what an inbox promises on each engine, and what it does when that is killed.
#![cfg(all(feature = "inbox", any(feature = "nats", feature = "sqlite")))]

#[path = "../support/field_cases.rs"]
mod field_cases;
#[cfg(feature = "nats")]
#[path = "../support/nats_cluster.rs"]
mod nats_cluster;
#[cfg(feature = "nats")]
#[path = "../support/nats_server.rs"]
mod nats_server;
#[path = "../support/mod.rs"]
mod support;

#[cfg(feature = "sqlite")]
mod killing;
mod suite;

#[cfg(feature = "sqlite")]
mod crm_sync;
#[cfg(feature = "sqlite")]
mod deadline;
#[cfg(feature = "sqlite")]
mod kill;
#[cfg(all(feature = "nats", feature = "sqlite"))]
mod kill_nats;
#[cfg(feature = "nats")]
mod nats;
#[cfg(feature = "nats")]
mod nats_faults;
#[cfg(feature = "nats")]
mod nats_version;
#[cfg(feature = "sqlite")]
mod sqlite;

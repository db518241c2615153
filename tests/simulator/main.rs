//! SnapEngage's side of its APIs, asked as a client asks it.
#![cfg(feature = "simulator")]

#[path = "../support/log.rs"]
mod log;

mod arrivals;
mod ask;
mod bots;
#[cfg(feature = "cli")]
mod browser;
mod chats;
mod choices;
mod client;
mod client_logs;
mod commands;
mod face;
mod faults;
mod feed_faults;
mod feeds;
mod fidelity;
mod hostile;
mod identity;
mod live;
mod load;
mod logs;
mod plain;
mod provisioning;
mod random;
mod readable;
mod refusals;
mod samples;
mod seats;
mod snapshot;
mod sockets;
mod stage;
mod time;
#[cfg(feature = "cli")]
mod tutorial;
mod world;

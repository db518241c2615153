//! SnapEngage's side of its APIs, asked as a client asks it.
#![cfg(feature = "simulator")]

#[path = "../support/log.rs"]
mod log;

mod ask;
mod bots;
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
mod world;

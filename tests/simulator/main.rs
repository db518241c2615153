//! SnapEngage's side of its APIs, asked as a client asks it.
#![cfg(feature = "simulator")]

mod ask;
mod bots;
mod chats;
mod choices;
mod client;
mod client_logs;
mod commands;
mod face;
mod faults;
mod hostile;
mod logs;
mod provisioning;
mod refusals;
mod samples;
mod sockets;
mod stage;
mod world;

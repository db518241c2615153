//! The client: what it sends, what it makes of the answers, and what it never does.
#![cfg(feature = "client")]

mod faulty;
#[path = "../support/log.rs"]
mod log;
mod pages;
mod raw;
mod scripted;
mod vendor;

mod agent_status;
#[cfg(feature = "simulator")]
mod archive;
mod availability;
mod files;
mod golden;
mod golden_answers;
mod log_page;
mod logs;
#[cfg(feature = "simulator")]
mod matrix;
mod properties;
#[cfg(feature = "simulator")]
mod simulated;
mod sockets;
mod users;
mod visitor_chat;
mod widgets;
mod windows;

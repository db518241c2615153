//! The client: what it sends, what it makes of the answers, and what it never does.
#![cfg(feature = "client")]

mod asked;
mod calls;
mod faulty;
#[path = "../support/log.rs"]
mod log;
mod pages;
mod peers;
mod vendor;

mod agent_status;
#[cfg(feature = "simulator")]
mod archive;
mod availability;
mod failures;
mod files;
mod golden;
mod golden_answers;
mod log_page;
mod logs;
#[cfg(feature = "simulator")]
mod matrix;
mod properties;
mod proxy;
#[cfg(feature = "segment")]
mod segment;
#[cfg(feature = "simulator")]
mod simulated;
mod sockets;
#[cfg(feature = "client-tls")]
mod tls;
mod users;
mod visitor_chat;
mod widgets;
mod windows;

//! The client: what it sends, what it makes of the answers, and what it never does.
#![cfg(feature = "client")]

#[path = "../support/mod.rs"]
mod support;

mod scripted;

mod files;
mod logs;

//! The five APIs: what is sent is read, and what is answered is written.

#[path = "../support/mod.rs"]
mod support;

mod promises;

mod agent_status;
mod bodies;
mod bot;
mod contact;
mod conversation;
mod integration;
mod journal;
mod roundtrip;
mod samples;
mod threads;

//! The five APIs: what is sent is read, and what is answered is written.

#[path = "../support/mod.rs"]
mod support;

mod answers;
mod malformed;
mod payloads;
mod promises;
mod secrets;

mod agent_status;
mod bodies;
mod bot;
mod contact;
mod conversation;
#[cfg(feature = "hub")]
mod hub;
#[cfg(feature = "hub")]
mod hub_page;
#[cfg(feature = "identity")]
mod identity;
mod integration;
mod journal;
mod roundtrip;
mod samples;
mod threads;

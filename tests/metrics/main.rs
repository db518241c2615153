//! Metrics of a service, as a recorder gets them.
#![cfg(feature = "metrics")]

#[path = "../support/requests.rs"]
mod requests;

#[cfg(feature = "simulator")]
mod calls;
mod connections;
#[cfg(feature = "dialogue")]
mod conversations;
#[cfg(all(feature = "inbox", feature = "sqlite"))]
mod inboxes;
mod published;
mod received;
mod recorded;

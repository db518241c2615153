// The README links to files beside it, which are elsewhere on docs.rs: the first definition of a
// link is the one that counts.
#![doc = "[A first bot]: https://docs.rs/crate/snapengage/latest/source/docs/first-bot.md"]
#![doc = "[Architecture]: https://docs.rs/crate/snapengage/latest/source/ARCHITECTURE.md"]
#![doc = "[Benches]: https://docs.rs/crate/snapengage/latest/source/benches/README.md"]
#![doc = "[changelog]: https://docs.rs/crate/snapengage/latest/source/CHANGELOG.md"]
#![doc = "[contract/]: https://docs.rs/crate/snapengage/latest/source/contract/"]
#![doc = "[contributing]: https://docs.rs/crate/snapengage/latest/source/CONTRIBUTING.md"]
#![doc = "[Deploying]: https://docs.rs/crate/snapengage/latest/source/docs/deploy.md"]
#![doc = "[Examples]: https://docs.rs/crate/snapengage/latest/source/examples/README.md"]
#![doc = "[in Python]: https://docs.rs/crate/snapengage/latest/source/docs/first-bot.md"]
#![doc = "[recordings]: https://docs.rs/crate/snapengage/latest/source/docs/record.md"]
#![doc = "[Security]: https://docs.rs/crate/snapengage/latest/source/SECURITY.md"]
#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod agent_status;
pub mod bot;
pub mod contact;
pub mod conversation;
pub mod integration;

#[cfg(feature = "client")]
pub mod client;
#[cfg(feature = "contract")]
pub mod contract;
#[cfg(feature = "dialogue")]
pub mod dialogue;
#[cfg(feature = "hub")]
pub mod hub;
#[cfg(feature = "identity")]
pub mod identity;
#[cfg(feature = "inbox")]
pub mod inbox;
pub mod journal;
#[cfg(feature = "metrics")]
pub mod metrics;
#[cfg(feature = "record")]
pub mod record;
#[cfg(feature = "segment")]
pub mod segment;
#[cfg(feature = "simulator")]
pub mod simulator;
#[cfg(feature = "testing")]
pub mod testing;

mod api;
#[cfg(any(feature = "client", feature = "inbox"))]
mod backoff;
#[cfg(any(
    feature = "client",
    feature = "dialogue",
    feature = "identity",
    feature = "inbox",
    feature = "record"
))]
mod clock;
mod endpoint;
mod error;
#[cfg(any(feature = "client", feature = "dialogue", feature = "inbox"))]
mod hook;
mod id;
mod panics;
mod receiver;
mod secret;
mod server;
#[cfg(any(feature = "dialogue", feature = "inbox"))]
mod storage;
mod timestamp;
mod wire;

pub use async_trait::async_trait;

pub use crate::api::Api;
pub use crate::endpoint::feed::IntoFeed;
pub use crate::error::{BuildError, DecodeError, HandlerError};
pub use crate::id::{AgentId, CaseId, WidgetId};
pub use crate::receiver::auth::{Auth, Token};
pub use crate::receiver::health::HealthCheck;
pub use crate::receiver::response::{Body, FailureReason};
pub use crate::receiver::{Receiver, ReceiverBuilder};
pub use crate::server::listener::Listener;
pub use crate::server::shutdown::shutdown_signal;
pub use crate::server::{Server, serve};
pub use crate::timestamp::{Timestamp, TimestampRangeError};
pub use crate::wire::open_set::Undocumented;

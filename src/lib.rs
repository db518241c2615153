#![doc = include_str!("../README.md")]

mod auth;
mod body;
mod budget;
mod caught;
mod charset;
#[cfg(any(feature = "dialogue", feature = "inbox"))]
mod clock;
mod connection;
mod deadline;
mod endpoint;
mod error;
mod head;
mod health;
mod id;
mod json;
mod key;
mod legible;
mod lenient;
mod log;
mod mend;
mod model;
#[cfg(feature = "nats")]
mod nats;
mod open_set;
mod percent;
mod receiver;
mod rejection;
mod response;
mod run;
mod serve;
mod shutdown;
#[cfg(any(feature = "inbox", feature = "sqlite"))]
mod sqlite;
mod timestamp;

pub mod agent_status;
pub mod bot;
pub mod contact;
pub mod conversation;
#[cfg(feature = "dialogue")]
pub mod dialogue;
#[cfg(feature = "inbox")]
pub mod inbox;
pub mod integration;
pub mod journal;
#[cfg(feature = "testing")]
pub mod testing;

pub use async_trait::async_trait;

pub use crate::auth::{Auth, Token};
pub use crate::error::{BuildError, DecodeError, HandlerError};
pub use crate::health::HealthCheck;
pub use crate::id::{AgentId, CaseId, WidgetId};
pub use crate::receiver::{Receiver, ReceiverBuilder};
pub use crate::response::{Body, FailureReason};
pub use crate::serve::{Server, serve};
pub use crate::shutdown::shutdown_signal;
pub use crate::timestamp::{Timestamp, TimestampRangeError};

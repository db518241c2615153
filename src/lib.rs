#![doc = include_str!("../README.md")]

mod auth;
mod body;
mod connection;
mod endpoint;
mod error;
mod id;
mod json;
mod lenient;
mod open_set;
mod receiver;
mod rejection;
mod serve;
mod timestamp;

pub mod agent_status;
pub mod bot;
pub mod contact;
pub mod conversation;
pub mod integration;

pub use async_trait::async_trait;

pub use crate::auth::{Auth, Token};
pub use crate::body::Body;
pub use crate::error::{BuildError, DecodeError, HandlerError};
pub use crate::id::{AgentId, CaseId, WidgetId};
pub use crate::receiver::{Receiver, ReceiverBuilder};
pub use crate::serve::{Server, serve};
pub use crate::timestamp::{Timestamp, TimestampRangeError};

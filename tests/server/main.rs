//! What is around the APIs: who may call, which way a request goes, how much and how long.

mod wire;

mod auth;
mod broken_log;
mod embedding;
mod framing;
mod health;
#[cfg(feature = "hub")]
mod hub;
mod limits;
mod listener;
mod logging;
mod routing;
mod shutdown;

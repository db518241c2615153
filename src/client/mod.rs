//! Calls SnapEngage: its six APIs, with the credential that each wants.

mod connect;
mod hyper;
mod operation;
mod proxy;
mod transport;

pub use self::operation::Operation;
pub use self::transport::{ResponseBody, Transport, TransportError};

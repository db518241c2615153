//! Calls SnapEngage: its six APIs, with the credential that each wants.

mod operation;
mod transport;

pub use self::operation::Operation;
pub use self::transport::{ResponseBody, Transport, TransportError};

//! Agent Status API: an agent went online, paused or went offline.
//!
//! SnapEngage sends one POST for each change:
//!
//! ```http
//! POST /agent-status HTTP/1.1
//! Host: example.com
//! Authorization: my-token
//!
//! {"org":5406213,"agent_id":"wc:agent@example.com","status":"pause",
//!  "sub_status":"Gone to lunch","timestamp":1551461879355}
//! ```
//!
//! It is answered when the handler has returned:
//!
//! ```http
//! HTTP/1.1 200 OK
//! ```
//!
//! A change without `agent_id` is refused:
//!
//! ```http
//! HTTP/1.1 400 Bad Request
//! Content-Type: application/json; charset=utf-8
//!
//! {"code":400,"message":"agent status: missing field `agent_id` at line 1 column 18"}
//! ```
//!
//! See [SnapEngage docs/Agent Status API](https://developer.snapengage.com/#agent-status-api).
//!
//! ```
//! use snapengage::agent_status::{self, Status};
//! use snapengage::{Receiver, Token};
//!
//! let handler = agent_status::from_fn(|change| async move {
//!     if change.status == Status::Offline {
//!         println!("{} has gone", change.agent_id.email());
//!     }
//!     Ok(())
//! });
//! let receiver = Receiver::builder()
//!     .agent_status("/agent-status", Token::new("my-token"), handler)
//!     .build()?;
//! # Ok::<_, snapengage::BuildError>(())
//! ```

use std::sync::Arc;

use async_trait::async_trait;

use crate::api::Api;
use crate::endpoint::closure::from_fn;
use crate::endpoint::feed::{FeedEndpoint, FeedEvent, Handles, Handling, IntoFeed};
use crate::error::{DecodeError, HandlerError};
use crate::id::AgentId;
use crate::journal::Subject;
use crate::timestamp::Timestamp;
use crate::wire::decoded::Decoded;
use crate::wire::json;
use crate::wire::key::key;
use crate::wire::model::model;
use crate::wire::open_set::open_set;

const WHAT: &str = "agent status";

/// Handler of changes of agent status.
///
/// ```
/// use snapengage::agent_status::{Handler, Status, StatusChange};
/// use snapengage::{HandlerError, async_trait};
///
/// struct Board;
///
/// #[async_trait]
/// impl Handler for Board {
///     async fn status_change(&self, change: StatusChange) -> Result<(), HandlerError> {
///         if change.status == Status::Offline {
///             println!("{} has gone", change.agent_id.email());
///         }
///         Ok(())
///     }
/// }
/// ```
///
/// Every `impl` needs [`#[async_trait]`](macro@crate::async_trait) as above. Without it, the
/// compiler reports E0195: "lifetime parameters or bounds on method `status_change` do not match
/// the trait declaration".
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a handler of the Agent Status API",
    label = "the trait `agent_status::Handler` is not implemented for `{Self}`",
    note = "a closure becomes a handler by `agent_status::from_fn(|change| async move {{ .. }})`"
)]
#[async_trait]
pub trait Handler: Send + Sync + 'static {
    /// Processes one change. Repeats are not documented: a change that is not accepted is lost.
    ///
    /// # Errors
    ///
    /// A failure is answered 503, a [permanent](HandlerError::permanent) one 422.
    async fn status_change(&self, change: StatusChange) -> Result<(), HandlerError>;
}

#[async_trait]
impl<H: Handler + ?Sized> Handler for Arc<H> {
    async fn status_change(&self, change: StatusChange) -> Result<(), HandlerError> {
        (**self).status_change(change).await
    }
}

from_fn! {
    /// Creates a handler from a closure.
    status_change(StatusChange) -> ()
}

model! {
    /// Change of an agent's status.
    ///
    /// See [SnapEngage docs/Agent Status API](https://developer.snapengage.com/#agent-status-api).
    pub struct StatusChange {
        required {
            /// Id of the agent whose status changed.
            pub agent_id: AgentId = "agent_id",
            /// New status of the agent.
            pub status: Status = "status",
        }
        /// Number of the organisation. The vendor does not say what it means; it needs 64 bits.
        pub org: Option<i64> = "org",
        /// Details of the status, in the agent's words: "Gone to lunch".
        pub sub_status: Option<String> = "sub_status",
        /// Time of the change, in epoch milliseconds.
        pub timestamp: Option<Timestamp> = "timestamp",
    }
}

impl StatusChange {
    /// Reads the body of a request.
    ///
    /// # Errors
    ///
    /// If the body is not a JSON object, or lacks `agent_id` or `status`.
    pub fn from_json(body: &[u8]) -> Result<Self, DecodeError> {
        json::from_json(WHAT, body)
    }

    /// Returns the key of this change, which is the same when the change is handed to a handler
    /// again: the key for a handler to commit its effect under.
    ///
    /// The agent, the status, the timestamp, and a digest of all fields; at most 255 bytes, and the
    /// same whatever the order of the fields, after a restart, and in later versions. `None`
    /// without a timestamp: such a change cannot be told from a repeat of it, so each is to be
    /// treated as new.
    ///
    /// ```
    /// use snapengage::agent_status::StatusChange;
    ///
    /// let body = br#"{"agent_id": "a", "status": "pause", "timestamp": 1551461879355}"#;
    /// let key = StatusChange::from_json(body)?.key();
    /// assert!(key.is_some_and(|key| key.starts_with("a/pause/1551461879355/")));
    /// # Ok::<_, snapengage::DecodeError>(())
    /// ```
    pub fn key(&self) -> Option<String> {
        // Without a time, two equal changes have the same digest: under one key, the second would
        // be dropped as a repeat.
        Some(key(self.agent_id.as_str(), self.status.as_str(), self.timestamp?, self))
    }
}

open_set! {
    /// Status of an agent.
    pub enum Status {
        /// Takes chats.
        Online = "online",
        /// Logged in, and takes no chats.
        Pause = "pause",
        /// Logged out.
        Offline = "offline",
    }
}

impl FeedEvent for StatusChange {
    const API: Api = Api::AgentStatus;

    fn read(body: &[u8]) -> Result<Decoded<Box<Self>>, DecodeError> {
        json::decode(WHAT, body)
    }

    fn name(&self) -> &str {
        self.status.as_str()
    }

    fn subject(&self) -> Subject {
        // An inbox keeps the changes of one agent in order: the last one is the status.
        Subject::Agent(self.agent_id.clone())
    }

    fn timestamp(&self) -> Option<Timestamp> {
        self.timestamp
    }
}

impl<H: Handler> Handles<StatusChange> for H {
    fn handle(&self, change: Box<StatusChange>) -> Handling<'_> {
        self.status_change(*change)
    }
}

impl<H: Handler> IntoFeed<StatusChange> for H {
    fn into_endpoint(self, _path: &str) -> FeedEndpoint<StatusChange> {
        FeedEndpoint::handled(self)
    }
}

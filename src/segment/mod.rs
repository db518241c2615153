//! Segment: each finished chat as the events of its live-chat specification.
//!
//! [`Segment`] is a handler of the Integration feed. It makes a case into events and sends them to
//! Segment's HTTP API, best from behind an inbox: then nothing is lost while Segment, or the way to
//! it, is down.
//!
//! ```no_run
//! # #[cfg(all(feature = "inbox", feature = "sqlite", feature = "client-tls"))]
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use snapengage::client::Secret;
//! use snapengage::inbox::Inbox;
//! use snapengage::segment::{Segment, SegmentUser};
//! use snapengage::{Receiver, Token};
//!
//! let segment = Segment::new(Secret::from_env("SEGMENT_WRITE_KEY"))?.user(|case| {
//!     let mut variables = case.javascript_variables.iter();
//!     let user = variables.find(|variable| variable.name.as_deref() == Some("user_id"))?;
//!     Some(SegmentUser::id(user.value.as_deref()?))
//! });
//! let inbox = Inbox::open("inbox.db")?;
//! let receiver = Receiver::builder()
//!     .integration("/integration", Token::new("my-token"), inbox.feed(segment))
//!     .build()?;
//! # let _ = receiver;
//! # Ok(())
//! # }
//! ```
//!
//! # On the wire
//!
//! A case is one batch, shortened here to the first of its lines:
//!
//! ```http
//! POST /v1/batch HTTP/1.1
//! Host: api.segment.io
//! Authorization: Basic d3JpdGUta2V5Og==
//! Content-Type: application/json
//!
//! {"batch":[{"type":"track","userId":"019mr8mf4r",
//!   "messageId":"3321526693c34d9a96742bc70ef9be1f",
//!   "timestamp":"2014-10-03T20:14:31.154Z","event":"Live Chat Message Sent",
//!   "properties":{"agent_id":"jerome@snapengage.com","agent_name":"test",
//!     "agent_username":"jerome@snapengage.com","conversation_duration":0,
//!     "conversation_id":"8b7c3b3b-f5d7-4e58-96d8",
//!     "message_id":"3321526693c34d9a96742bc70ef9be1f"},
//!   "context":{"library":{"name":"snapengage-rs","version":"0.1.0"}}}]}
//! ```
//!
//! ```http
//! HTTP/1.1 200 OK
//!
//! {"success":true}
//! ```
//!
//! A batch that is refused, or not answered, is a failure of the handler. An inbox tries it again
//! later, and without one SnapEngage does:
//!
//! ```http
//! HTTP/1.1 503 Service Unavailable
//! ```
//!
//! ```text
//! segment-batch: answered 503 Service Unavailable
//!     (POST /v1/batch, 3 attempts, may have been done)
//! ```
//!
//! One whose content is refused (400, 413, 415, 422) would be refused again: it is a
//! [permanent](crate::HandlerError::permanent) failure, and a dead letter of the inbox. Segment
//! answers 200 to most events that it drops; its debugger shows those.
//!
//! # The events
//!
//! | event | for | time |
//! |---|---|---|
//! | `identify`, with `traits.email` | a visitor whose email address is known | start of the chat |
//! | `Live Chat Conversation Started` | each chat | start of the chat |
//! | `Live Chat Message Sent` | each line of the visitor | of the line |
//! | `Live Chat Message Received` | each line of an agent or a bot | of the line |
//! | `Live Chat Conversation Ended` | each chat | end of the chat |
//!
//! - An offline message is no chat, and a line of the system no message: they are no events.
//! - A line without a time has that of the line before it. A property that is not known is left
//!   out, such as the agent of a chat that no agent took.
//! - The same event has the same `messageId` whenever it comes, as Segment wants it, which drops
//!   those it has seen within 24 hours: a case that is delivered again adds nothing, and one that
//!   comes again with more adds what is new.
//! - Texts of messages are what people wrote in confidence. They are left out, unless
//!   [asked for](Segment::message_text).
//! - An event has 32 KB at most, for which its text is cut, and a batch 500 KB, past which a case
//!   is several batches.
//!
//! # Whose events they are
//!
//! Each needs a `userId` or an `anonymousId`, and SnapEngage knows neither: [`Segment::user`] says.
//! By default the events are those of an anonymous id that is made from the visitor's email
//! address, or if there is none, from the case: so all chats of one address are those of one
//! visitor. An email address is never a `userId` by itself.
//!
//! See [Segment docs/Spec: Live Chat Events](https://segment.com/docs/connections/spec/live-chat/)
//! and [HTTP API](https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/).

mod batch;
mod conversation;
mod event;
mod user;

use std::fmt;
use std::hash::Hasher;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::StatusCode;
use siphasher::sip128::{Hasher128, SipHasher13};

use self::batch::batches;
use self::conversation::ChatEvents;
use self::event::SegmentEvent;
use crate::client::{Client, ClientError, Secret};
use crate::error::{BuildError, HandlerError};
use crate::integration::{Handler, SupportRequest};

pub use self::user::SegmentUser;

/// Handler of the Integration feed that sends finished chats to Segment. Cheap to clone.
///
/// The write key is in no `Debug`, log or error.
#[derive(Clone)]
pub struct Segment {
    client: Client,
    write_key: Secret,
    user: Option<Arc<ChooseUser>>,
    has_text: bool,
}

type ChooseUser = dyn Fn(&SupportRequest) -> Option<SegmentUser> + Send + Sync;

impl Segment {
    /// Address of Segment's HTTP API.
    pub const US: &str = "https://api.segment.io";

    /// The same for workspaces in the EU. Events that are sent to the other one are lost.
    pub const EU: &str = "https://eu1.api.segmentapis.com";

    /// Creates a handler with the write key of a source, of the type "HTTP API".
    ///
    /// # Errors
    ///
    /// If the write key is none that can be sent: it is not set, empty, or has quotes or a line
    /// break around it. Without the feature `client-tls`, since Segment is reached by https alone;
    /// and if the system has no root certificates.
    pub fn new(write_key: Secret) -> Result<Self, BuildError> {
        Self::at(Self::US, write_key)
    }

    /// Creates a handler that sends to another address: [`EU`](Self::EU), or a proxy of your own.
    ///
    /// A batch has 3 attempts of 10 seconds, and 20 seconds for all of them.
    ///
    /// # Errors
    ///
    /// Those of [`new`](Self::new), and if it is no address of http or https.
    pub fn at(base_url: impl Into<String>, write_key: Secret) -> Result<Self, BuildError> {
        let client = Client::builder()
            .base_url(base_url)
            .attempts(3)
            .attempt_timeout(Duration::from_secs(10))
            .call_deadline(Duration::from_secs(20));
        Self::with_client(client.build()?, write_key)
    }

    /// Creates a handler that sends by a client of your own, to its
    /// [`base_url`](crate::client::ClientBuilder::base_url): for timeouts, proxies or a
    /// [`Transport`](crate::client::Transport).
    ///
    /// # Errors
    ///
    /// If the write key is none that can be sent.
    pub fn with_client(client: Client, write_key: Secret) -> Result<Self, BuildError> {
        match write_key.problem() {
            Some(problem) => Err(BuildError::new(vec![problem])),
            None => Ok(Self { client, write_key, user: None, has_text: false }),
        }
    }

    /// Sets whose events those of a case are. Where it returns `None`, or nobody with an id, they
    /// are an anonymous visitor's, as by default.
    #[must_use]
    pub fn user(
        mut self,
        choose: impl Fn(&SupportRequest) -> Option<SegmentUser> + Send + Sync + 'static,
    ) -> Self {
        self.user = Some(Arc::new(choose));
        self
    }

    /// Sends the texts of messages as well, as `message_body`. By default they are left out.
    #[must_use]
    pub fn message_text(mut self) -> Self {
        self.has_text = true;
        self
    }
}

#[async_trait]
impl Handler for Segment {
    /// Sends a chat, if it is one.
    ///
    /// # Errors
    ///
    /// If Segment refuses a batch of it, or does not answer.
    async fn support_request(&self, case: SupportRequest) -> Result<(), HandlerError> {
        if case.is_offline() {
            return Ok(());
        }
        let chosen = self.user.as_ref().and_then(|choose| choose(&case));
        let user = SegmentUser::of(&case, chosen);
        let events = ChatEvents::new(&case, &user, self.has_text).all();
        let events: Option<Vec<_>> = events.into_iter().map(SegmentEvent::into_json).collect();
        let events = events.ok_or_else(|| {
            HandlerError::permanent("segment: the ids of the user leave no room for an event")
        })?;
        for batch in batches(events) {
            self.client.segment_batch(&self.write_key, batch).await.map_err(failure)?;
        }
        Ok(())
    }
}

/// Returns the failure of a batch: permanent if the content is refused. A wrong key or address is
/// one that somebody will mend, and until then the cases wait.
fn failure(error: ClientError) -> HandlerError {
    const OF_CONTENT: [StatusCode; 4] = [
        StatusCode::BAD_REQUEST,
        StatusCode::PAYLOAD_TOO_LARGE,
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        StatusCode::UNPROCESSABLE_ENTITY,
    ];
    if error.status().is_some_and(|status| OF_CONTENT.contains(&status)) {
        return HandlerError::permanent(error);
    }
    HandlerError::new(error)
}

impl fmt::Debug for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Segment")
            .field("client", &self.client)
            .field("write_key", &self.write_key)
            .field("message_text", &self.has_text)
            .finish_non_exhaustive()
    }
}

/// Returns an id that is a function of what it is of. Segment stores them, so the hash must never
/// change.
fn id(kind: &str, parts: &[&str]) -> String {
    let mut hasher = SipHasher13::new();
    for part in [&[kind], parts].concat() {
        // So that no text is taken for a part of its neighbour.
        hasher.write_u64(part.len() as u64);
        hasher.write(part.as_bytes());
    }
    format!("{:032x}", hasher.finish128().as_u128())
}

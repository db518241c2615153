//! Conversation Events API: events of a conversation while it lasts.
//!
//! SnapEngage sends one POST for each event:
//!
//! ```http
//! POST /conversation-events HTTP/1.1
//! Host: example.com
//! Authorization: my-token
//!
//! {"widget_id":"beaa0150","widget_name":"Paddy's Irish Pub","case_id":"2e3362fc",
//!  "event":"caseQueued","timestamp":1551461879355}
//! ```
//!
//! It is answered when the handler has returned:
//!
//! ```http
//! HTTP/1.1 200 OK
//! ```
//!
//! An event without its case is refused:
//!
//! ```http
//! HTTP/1.1 400 Bad Request
//! Content-Type: application/json; charset=utf-8
//!
//! {"code":400,"message":"conversation event: missing field `case_id` at line 1 column 46"}
//! ```
//!
//! See [SnapEngage docs/Conversation Events API](https://developer.snapengage.com/#conversation-events-api).
//!
//! ```
//! use snapengage::conversation::{self, EventKind};
//! use snapengage::{Receiver, Token};
//!
//! let handler = conversation::from_fn(|event| async move {
//!     match event.kind {
//!         EventKind::CaseSurveyed => {
//!             println!("{}: {:?}", event.case_id, event.survey_score);
//!         }
//!         EventKind::Unknown(name) => println!("{name} is new: {:?}", event.extra),
//!         _ => {}
//!     }
//!     Ok(())
//! });
//! let receiver = Receiver::builder()
//!     .conversation("/conversation-events", Token::new("my-token"), handler)
//!     .build()?;
//! # Ok::<_, snapengage::BuildError>(())
//! ```

use std::sync::Arc;

use async_trait::async_trait;

use crate::api::Api;
use crate::endpoint::closure::from_fn;
use crate::endpoint::feed::{FeedEndpoint, FeedEvent, Handles, Handling, IntoFeed};
use crate::error::{DecodeError, HandlerError};
use crate::id::{AgentId, CaseId, WidgetId};
use crate::journal::Subject;
use crate::timestamp::Timestamp;
use crate::wire::decoded::Decoded;
use crate::wire::json;
use crate::wire::key::key;
use crate::wire::model::model;
use crate::wire::open_set::open_set;

const WHAT: &str = "conversation event";

/// Handler of conversation events.
///
/// ```
/// use snapengage::conversation::{Event, EventKind, Handler};
/// use snapengage::{HandlerError, async_trait};
///
/// struct Scores;
///
/// #[async_trait]
/// impl Handler for Scores {
///     async fn event(&self, event: Event) -> Result<(), HandlerError> {
///         if event.kind == EventKind::CaseSurveyed {
///             println!("{}: {:?}", event.case_id, event.survey_score);
///         }
///         Ok(())
///     }
/// }
/// ```
///
/// Every `impl` needs [`#[async_trait]`](macro@crate::async_trait) as above. Without it, the
/// compiler reports E0195: "lifetime parameters or bounds on method `event` do not match the
/// trait declaration".
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a handler of the Conversation Events API",
    label = "the trait `conversation::Handler` is not implemented for `{Self}`",
    note = "a closure becomes a handler by `conversation::from_fn(|event| async move {{ .. }})`"
)]
#[async_trait]
pub trait Handler: Send + Sync + 'static {
    /// Processes one event. Repeats are not documented: an event that is not accepted is lost.
    ///
    /// # Errors
    ///
    /// A failure is answered 503, a [permanent](HandlerError::permanent) one 422.
    async fn event(&self, event: Event) -> Result<(), HandlerError>;
}

#[async_trait]
impl<H: Handler + ?Sized> Handler for Arc<H> {
    async fn event(&self, event: Event) -> Result<(), HandlerError> {
        (**self).event(event).await
    }
}

from_fn! {
    /// Creates a handler from a closure.
    event(Event) -> ()
}

model! {
    /// Event of a conversation.
    ///
    /// It is documented which fields come with which event, but the vendor's own sample does not
    /// keep to it: any field may come with any event.
    ///
    /// See [SnapEngage docs/Conversation Events API](https://developer.snapengage.com/#conversation-events-api).
    pub struct Event {
        required {
            /// Kind of the event: `event` in JSON.
            pub kind: EventKind = "event",
            /// Id of the widget the conversation came in by.
            pub widget_id: WidgetId = "widget_id",
            /// Id of the conversation.
            pub case_id: CaseId = "case_id",
        }
        /// Name of the widget.
        pub widget_name: Option<String> = "widget_name",
        /// Id of the agent. Not sent with `caseQueued`.
        pub agent_id: Option<AgentId> = "agent_id",
        /// Agent's email address. Not sent with `caseQueued`.
        pub agent_email: Option<String> = "agent_email",
        /// Agent's name, as visitors see it. Not sent with `caseQueued`.
        pub agent_alias: Option<String> = "agent_alias",
        /// Time of the event, in epoch milliseconds.
        pub timestamp: Option<Timestamp> = "timestamp",
        /// Label that was set. Sent with `caseLabeled`.
        pub label: Option<Label> = "label",
        /// Visitor's score, 0 to 100. Sent with `caseSurveyed`.
        pub survey_score: Option<i64> = "survey_score",
        /// Visitor's comment. Sent with `caseSurveyed`.
        pub survey_comment: Option<String> = "survey_comment",
    }
}

impl Event {
    /// Reads the body of a request.
    ///
    /// # Errors
    ///
    /// If the body is not a JSON object, or lacks `event`, `widget_id` or `case_id`.
    pub fn from_json(body: &[u8]) -> Result<Self, DecodeError> {
        json::from_json(WHAT, body)
    }

    /// Returns the key of this event, which is the same when the event is handed to a handler
    /// again: the key for a handler to commit its effect under.
    ///
    /// The case, the event's name, the timestamp, and a digest of all fields; at most 255 bytes,
    /// and the same whatever the order of the fields, after a restart, and in later versions.
    /// `None` without a timestamp: such an event cannot be told from a repeat of it, so each is to
    /// be treated as new.
    ///
    /// ```
    /// use snapengage::conversation::Event;
    ///
    /// let [a, b] = ["A", "B"].map(|label| {
    ///     format!(
    ///         r#"{{"event": "caseLabeled", "widget_id": "w", "case_id": "c",
    ///              "timestamp": 1551461879355, "label": {{"name": "{label}"}}}}"#
    ///     )
    /// });
    /// let key = Event::from_json(a.as_bytes())?.key();
    /// let start = "c/caseLabeled/1551461879355/";
    /// assert!(key.as_ref().is_some_and(|key| key.starts_with(start)));
    /// assert_ne!(key, Event::from_json(b.as_bytes())?.key());
    /// # Ok::<_, snapengage::DecodeError>(())
    /// ```
    pub fn key(&self) -> Option<String> {
        // Without a time, two equal events have the same digest: under one key, the second would be
        // dropped as a repeat.
        Some(key(self.case_id.as_str(), self.kind.as_str(), self.timestamp?, self))
    }
}

open_set! {
    /// Kinds of conversation events.
    pub enum EventKind {
        /// An agent responded.
        CaseResponded = "caseResponded",
        /// The conversation ended.
        CaseClosed = "caseClosed",
        /// The visitor waits for an agent.
        CaseQueued = "caseQueued",
        /// An agent was given the conversation.
        CaseAssigned = "caseAssigned",
        /// The conversation was offered to agents. The vendor does not say more.
        CaseBroadcasted = "caseBroadcasted",
        /// An agent set a label.
        CaseLabeled = "caseLabeled",
        /// The conversation went to another agent.
        CaseTransferred = "caseTransferred",
        /// The visitor answered the survey.
        CaseSurveyed = "caseSurveyed",
    }
}

model! {
    /// Label set on a conversation.
    #[derive(Default)]
    pub struct Label {
        /// Category of the label.
        pub name: Option<String> = "name",
        /// Value chosen in the category.
        pub value: Option<String> = "value",
    }
}

impl FeedEvent for Event {
    const API: Api = Api::Conversation;

    fn read(body: &[u8]) -> Result<Decoded<Box<Self>>, DecodeError> {
        json::decode(WHAT, body)
    }

    fn name(&self) -> &str {
        self.kind.as_str()
    }

    fn subject(&self) -> Subject {
        // An inbox keeps the events of one case in order: a case is assigned before it is closed.
        Subject::Case(self.case_id.clone())
    }

    fn timestamp(&self) -> Option<Timestamp> {
        self.timestamp
    }
}

impl<H: Handler> Handles<Event> for H {
    fn handle(&self, event: Box<Event>) -> Handling<'_> {
        self.event(*event)
    }
}

impl<H: Handler> IntoFeed<Event> for H {
    fn into_endpoint(self, _path: &str) -> FeedEndpoint<Event> {
        FeedEndpoint::handled(self)
    }
}

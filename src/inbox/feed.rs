//! A handler whose requests are stored first.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use siphasher::sip128::SipHasher13;

use super::engine::{Arrival, Stored};
use super::error::InboxError;
use super::feeds::Work;
use super::shared::Shared;
use crate::agent_status::{self, StatusChange};
use crate::api::Api;
use crate::caught::quietly;
use crate::clock;
use crate::conversation::{self, Event};
use crate::error::HandlerError;
use crate::integration::{self, SupportRequest};
use crate::journal::{Journal, Read, Receipt, Subject};
use crate::timestamp::Timestamp;

/// A handler whose requests are stored in an [`Inbox`](super::Inbox) first, and processed later.
///
/// It is a handler of the APIs that the handler in it is one of.
pub struct Feed<H> {
    inbox: Arc<Shared>,
    handler: Arc<H>,
}

impl<H> Feed<H> {
    pub(super) fn new(inbox: Arc<Shared>, handler: H) -> Self {
        Self { inbox, handler: Arc::new(handler) }
    }

    fn mount(&self, api: Api, path: &str, work: impl Work) -> Option<Arc<dyn Journal>> {
        self.inbox.feeds.mount(api.as_str(), path, Arc::new(work));
        Some(Arc::new(Intake { inbox: Arc::clone(&self.inbox), api, path: path.to_owned() }))
    }
}

impl<H> fmt::Debug for Feed<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Feed").field(&self.inbox).finish()
    }
}

#[async_trait]
impl<H: integration::Handler> integration::Handler for Feed<H> {
    async fn support_request(&self, request: SupportRequest) -> Result<(), HandlerError> {
        self.handler.support_request(request).await
    }

    fn journal(&self, path: &str) -> Option<Arc<dyn Journal>> {
        self.mount(Api::Integration, path, SupportRequests(Arc::clone(&self.handler)))
    }
}

struct SupportRequests<H>(Arc<H>);

#[async_trait]
impl<H: integration::Handler> Work for SupportRequests<H> {
    async fn work(&self, body: &Bytes) -> Result<(), HandlerError> {
        let request = SupportRequest::from_body(body).map_err(HandlerError::permanent)?;
        self.0.support_request(request).await
    }
}

#[async_trait]
impl<H: conversation::Handler> conversation::Handler for Feed<H> {
    async fn event(&self, event: Event) -> Result<(), HandlerError> {
        self.handler.event(event).await
    }

    fn journal(&self, path: &str) -> Option<Arc<dyn Journal>> {
        self.mount(Api::Conversation, path, Events(Arc::clone(&self.handler)))
    }
}

struct Events<H>(Arc<H>);

#[async_trait]
impl<H: conversation::Handler> Work for Events<H> {
    async fn work(&self, body: &Bytes) -> Result<(), HandlerError> {
        let event = Event::from_json(body).map_err(HandlerError::permanent)?;
        self.0.event(event).await
    }
}

#[async_trait]
impl<H: agent_status::Handler> agent_status::Handler for Feed<H> {
    async fn status_change(&self, change: StatusChange) -> Result<(), HandlerError> {
        self.handler.status_change(change).await
    }

    fn journal(&self, path: &str) -> Option<Arc<dyn Journal>> {
        self.mount(Api::AgentStatus, path, StatusChanges(Arc::clone(&self.handler)))
    }
}

struct StatusChanges<H>(Arc<H>);

#[async_trait]
impl<H: agent_status::Handler> Work for StatusChanges<H> {
    async fn work(&self, body: &Bytes) -> Result<(), HandlerError> {
        let change = StatusChange::from_json(body).map_err(HandlerError::permanent)?;
        self.0.status_change(change).await
    }
}

/// Stores the requests of one path.
struct Intake {
    inbox: Arc<Shared>,
    api: Api,
    path: String,
}

#[async_trait]
impl Journal for Intake {
    async fn receive(&self, receipt: Receipt) -> Result<(), HandlerError> {
        let stored = self.inbox.engine.put(self.arrival(receipt)).await;
        self.inbox.glance();
        match stored? {
            Stored::New => Ok(()),
            Stored::Repeat => {
                tell_repeat();
                Ok(())
            }
            Stored::Revived => {
                tell_repeat();
                quietly(|| tracing::info!("the repeat of a dead letter: it is tried again"));
                Ok(())
            }
            Stored::Full => Err(InboxError::new("the size limit is reached").into()),
        }
    }
}

impl Intake {
    fn arrival(&self, Receipt { body, read }: Receipt) -> Arrival {
        let digest = digest(&body);
        let (unreadable, read) = match read {
            Ok(read) => (None, known(read)),
            Err(error) => (Some(error.to_string()), unknown(&digest)),
        };
        let Known { event, subject, has_key, millis } = read;
        // A path has no white space, so no two paths share a key. The time comes first, so that an index
        // of keys grows at its end: a digest alone would have each receipt write a page of its own.
        let key = has_key.then(|| format!("{} {millis} {digest}", self.path));
        let (api, path, received_at) = (self.api.as_str(), self.path.clone(), clock::now());
        Arrival { api, path, event, subject, key, body, unreadable, received_at }
    }
}

struct Known {
    event: String,
    subject: String,
    has_key: bool,
    /// When it happened, 0 where nobody says so.
    millis: i64,
}

fn known(Read { event, subject, has_key, timestamp }: Read) -> Known {
    let subject = match subject {
        Subject::Case(case_id) => format!("case {case_id}"),
        Subject::Agent(agent_id) => format!("agent {agent_id}"),
    };
    let millis = timestamp.map_or(0, Timestamp::as_millis);
    Known { event, subject, has_key, millis }
}

/// SnapEngage repeats what it was refused: the same body shall not be kept a hundred times.
fn unknown(digest: &str) -> Known {
    Known { event: String::new(), subject: format!("body {digest}"), has_key: true, millis: 0 }
}

/// Stored, so it must be the same tomorrow: not of the standard library's hash.
fn digest(body: &[u8]) -> String {
    format!("{:032x}", SipHasher13::new().hash(body).as_u128())
}

/// In the span of the receipt, so that its one line has it.
fn tell_repeat() {
    quietly(|| {
        tracing::Span::current().record("repeat", true);
    });
}

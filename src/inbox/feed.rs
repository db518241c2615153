//! Feed: a handler whose requests are stored first.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use bytes::Bytes;
use siphasher::sip128::SipHasher13;

use super::engine::{Arrival, Stored};
use super::error::InboxError;
use super::event::{InboxEnd, ReceiptEnd};
use super::feeds::Mounted;
use super::shared::Shared;
use crate::clock;
use crate::endpoint::feed::{FeedEndpoint, FeedEvent, Handles, IntoFeed};
use crate::error::HandlerError;
use crate::journal::{Journal, Receipt, Summary};
use crate::panics::log_safely;
use crate::timestamp::Timestamp;

/// Handler whose requests are stored in an [`Inbox`](super::Inbox) first, and processed later.
///
/// It is mounted in the place of the handler, for the APIs that the handler implements.
#[must_use]
pub struct Feed<H> {
    inbox: Arc<Shared>,
    handler: Arc<H>,
}

impl<H> Feed<H> {
    pub(super) fn new(inbox: Arc<Shared>, handler: H) -> Self {
        Self { inbox, handler: Arc::new(handler) }
    }
}

impl<H> fmt::Debug for Feed<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Feed").field(&self.inbox).finish()
    }
}

/// Mounts for every API that the handler implements.
impl<E: FeedEvent, H: Handles<E>> IntoFeed<E> for Feed<H> {
    fn into_endpoint(self, path: &str) -> FeedEndpoint<E> {
        self.inbox.feeds.mount(E::API.as_str(), path, Arc::new(StoredEvents::<E>(self.handler)));
        FeedEndpoint::journaled(Arc::new(Intake(self.inbox)), path)
    }
}

/// Handler of the stored events of a feed.
struct StoredEvents<E>(Arc<dyn Handles<E>>);

#[async_trait]
impl<E: FeedEvent> Mounted for StoredEvents<E> {
    async fn process(&self, body: &Bytes) -> Result<(), HandlerError> {
        // Odd fields are not logged again: they were when it was received.
        let event = E::read(body).map_err(HandlerError::permanent)?.model;
        self.0.handle(event).await
    }
}

/// Journal that stores requests.
struct Intake(Arc<Shared>);

#[async_trait]
impl Journal for Intake {
    async fn receive(&self, receipt: Receipt) -> Result<(), HandlerError> {
        let (api, is_readable, started) = (receipt.api, receipt.summary.is_ok(), Instant::now());
        let stored = self.0.engine.put(arrival(receipt)).await;
        let end = InboxEnd::Receipt(ReceiptEnd::of(&stored, is_readable));
        self.0.tell(api.as_str(), end, started);
        self.0.check_if_due();
        match stored? {
            Stored::New => Ok(()),
            Stored::Repeat => {
                record_repeat();
                Ok(())
            }
            Stored::Revived => {
                record_repeat();
                log_safely(|| tracing::info!("the repeat of a dead letter: it is retried"));
                Ok(())
            }
            Stored::Full => Err(InboxError::new("the size limit is reached").into()),
        }
    }
}

fn arrival(Receipt { api, path, body, summary }: Receipt) -> Arrival {
    let digest = digest(&body);
    // A path has no white space, so no two paths share a key. The time comes first, so that an
    // index of keys grows at its end: with a digest alone, each receipt would write a page of its
    // own.
    let key = |time: Option<Timestamp>| {
        format!("{path} {} {digest}", time.map_or(0, Timestamp::as_millis))
    };
    let (event, subject, key, unreadable) = match summary {
        Ok(Summary { event, subject, has_key, timestamp }) => {
            (event, subject.to_string(), has_key.then(|| key(timestamp)), None)
        }
        // SnapEngage repeats what it was refused: the same body must not be stored a hundred times.
        Err(error) => {
            (String::new(), format!("body {digest}"), Some(key(None)), Some(error.to_string()))
        }
    };
    let received_at = clock::now();
    Arrival { api: api.as_str(), path, event, subject, key, body, unreadable, received_at }
}

/// Returns the digest of a body. It is stored, so it must never change: the standard library's hash
/// may.
fn digest(body: &[u8]) -> String {
    format!("{:032x}", SipHasher13::new().hash(body).as_u128())
}

/// Records a repeat in the span of the receipt, so that its one line shows it.
fn record_repeat() {
    log_safely(|| {
        tracing::Span::current().record("repeat", true);
    });
}

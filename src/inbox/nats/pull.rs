//! Messages that are pulled from the server: no more than handlers are free for.

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::consumer::PullConsumer;
use async_nats::jetstream::consumer::pull::Batch;
use async_nats::jetstream::{AckKind, Message};
use futures_util::{FutureExt, StreamExt};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use super::link::Link;
use crate::inbox::error::InboxError;
use crate::panics::log_safely;

/// Time for which one request waits at the server: one that a server took along when it went is
/// missed for this long.
const WAIT: Duration = Duration::from_secs(2);
/// Time that an answer may take after that.
const SLACK: Duration = Duration::from_secs(1);

pub(super) struct Pull {
    consumer: PullConsumer,
    link: Arc<Link>,
    pulled: Mutex<Pulled>,
    lease: Duration,
}

/// Request and message that are under way. Here, not with who waits for them, who may be dropped at
/// any time: a message in a future that is dropped would be missing until its lease is over.
#[derive(Default)]
struct Pulled {
    request: Option<Batch>,
    message: Option<(Instant, Message)>,
}

impl Pull {
    pub(super) fn new(consumer: PullConsumer, link: &Arc<Link>, lease: Duration) -> Self {
        Self { consumer, link: Arc::clone(link), pulled: Mutex::default(), lease }
    }

    /// Waits for a message. May be dropped at any time.
    pub(super) async fn wait(&self) -> Result<(), InboxError> {
        let mut pulled = self.pulled.lock().await;
        while pulled.message.is_none() {
            if pulled.request.is_none() {
                pulled.request = Some(self.request().await?);
            }
            let Some(request) = &mut pulled.request else { continue };
            let next = timeout(WAIT + SLACK, request.next()).await.ok().flatten();
            if next.is_none() {
                pulled.request = None;
            }
            if let Some(message) = next.transpose().map_err(InboxError::new)? {
                pulled.message = Some((Instant::now(), message));
            }
        }
        Ok(())
    }

    async fn request(&self) -> Result<Batch, InboxError> {
        let request = self.consumer.batch().max_messages(1).expires(WAIT);
        request.messages().await.map_err(InboxError::new)
    }

    /// Takes messages that are there, up to a number of them.
    pub(super) async fn take(&self, limit: usize) -> Vec<Message> {
        let mut messages = Vec::from_iter(self.pulled());
        if messages.len() < limit
            && let Err(error) = self.fetch(limit - messages.len(), &mut messages).await
        {
            log_safely(|| tracing::debug!(reason = ?error, "no more messages"));
        }
        messages
    }

    async fn fetch(&self, limit: usize, messages: &mut Vec<Message>) -> Result<(), InboxError> {
        let fetch = self.consumer.fetch().max_messages(limit).messages().await;
        let mut fetched = fetch.map_err(InboxError::new)?;
        while let Ok(Some(message)) = timeout(SLACK, fetched.next()).await {
            messages.push(message.map_err(InboxError::new)?);
        }
        Ok(())
    }

    /// Takes the message that was waited for. While somebody waits, there is none.
    fn pulled(&self) -> Option<Message> {
        let (pulled_at, message) = self.pulled.try_lock().ok()?.message.take()?;
        // Half a lease leaves time to renew it; much later, the server has delivered it to another
        // worker.
        (pulled_at.elapsed() < self.lease / 2).then_some(message)
    }

    /// Gives back what was delivered and not taken, and waits no longer.
    pub(super) async fn release(&self) -> Result<(), InboxError> {
        if self.link.is_connected() {
            // By the time of an answer, what the server had sent before it is here.
            let _ = self.consumer.get_info().await;
        }
        let mut messages = Vec::from_iter(self.pulled());
        if let Ok(mut pulled) = self.pulled.try_lock()
            && let Some(mut request) = pulled.request.take()
        {
            // A message may have come since anybody waited: dropped with its request, it would be
            // missing until its lease is over.
            while let Some(Some(Ok(message))) = request.next().now_or_never() {
                messages.push(message);
            }
        }
        for message in messages {
            message.ack_with(AckKind::Nak(None)).await.map_err(InboxError::new)?;
        }
        Ok(())
    }
}

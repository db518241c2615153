//! Reserve of room, so that waiting entries can be processed when a server or an account is full.
//!
//! It is a stream that is deleted when a worker cannot store a note: then there is room for notes
//! and for the keys of entries that are done. Until there is enough to set it aside again, nothing
//! comes in.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_nats::jetstream::Context;
use async_nats::jetstream::stream::Config;
use bytes::Bytes;
use siphasher::sip::SipHasher13;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::messages::is_not_found;
use crate::inbox::error::InboxError;
use crate::panics::log_safely;

/// Part of the size limit that is set aside, and its least and most bytes. A server takes one
/// message more than it has room for, of the size of a payload. A note takes some 100 bytes, and a
/// file of a stream is given back once all that is in it, 8 MB at most, is gone.
const PART: u64 = 64;
const LEAST: u64 = 2 * 1024 * 1024;
const MOST: u64 = 16 * 1024 * 1024;

/// Number of messages that it consists of: each must fit into what a server takes.
pub(super) const PIECES: u32 = 32;

/// Time for which it is taken to be there: other processes may delete it.
const FRESH: Duration = Duration::from_secs(1);

/// Time between two attempts to set it aside: what is set aside in vain is missing meanwhile.
const PAUSE: Duration = Duration::from_secs(5);

/// Stream that keeps room.
pub(super) struct ReserveStream {
    jetstream: Context,
    config: Config,
    piece: Bytes,
    is_there: AtomicBool,
    /// Time at which it was last looked for, or deleted.
    looked_at: Mutex<Option<Instant>>,
}

/// Bytes of one message.
pub(super) fn piece_size(size_limit: u64, max_payload: usize) -> usize {
    let size = (size_limit / PART).clamp(LEAST, MOST) / u64::from(PIECES);
    // Headers are counted, too.
    usize::try_from(size).unwrap_or(usize::MAX).min(max_payload / 2)
}

impl ReserveStream {
    pub(super) fn new(jetstream: &Context, config: Config, piece_size: usize) -> Self {
        Self {
            jetstream: jetstream.clone(),
            config,
            piece: noise(piece_size),
            is_there: AtomicBool::new(true),
            looked_at: Mutex::default(),
        }
    }

    /// Returns whether it is there: there is room for more than what must be stored.
    pub(super) fn is_there(&self) -> bool {
        self.is_there.load(Ordering::Relaxed)
    }

    /// Sets it aside unless it is there.
    ///
    /// # Errors
    ///
    /// If there is no room for it, or if that is unknown.
    pub(super) async fn set_aside(
        &self,
        try_to_store: impl Future<Output = Result<(), InboxError>>,
    ) -> Result<(), InboxError> {
        let mut looked_at = self.looked_at.lock().await;
        let fresh = if self.is_there() { FRESH } else { PAUSE };
        if looked_at.is_none_or(|looked_at| looked_at.elapsed() >= fresh) {
            *looked_at = Some(Instant::now());
            // Whatever else is to be stored comes first: a reserve in a stream that cannot store is
            // of no use.
            let is_there =
                self.is_whole().await? || (try_to_store.await.is_ok() && self.fill().await);
            self.note(is_there);
            *looked_at = Some(Instant::now());
        }
        if self.is_there() { Ok(()) } else { Err(InboxError::new("the server has no room")) }
    }

    /// Returns whether it is there as a whole. A stream that is missing has nothing in it.
    async fn is_whole(&self) -> Result<bool, InboxError> {
        match self.jetstream.get_stream(&self.config.name).await {
            Ok(stream) => Ok(stream.cached_info().state.messages >= u64::from(PIECES)),
            Err(error) if is_not_found(&error) => Ok(false),
            Err(error) => Err(InboxError::new(error)),
        }
    }

    async fn fill(&self) -> bool {
        let filled = self.try_to_fill().await;
        if let Err(error) = &filled {
            log_safely(|| tracing::debug!(reason = ?error, "no reserve can be set aside"));
            self.delete().await;
        }
        filled.is_ok()
    }

    async fn try_to_fill(&self) -> Result<(), InboxError> {
        let stream = self.jetstream.get_or_create_stream(self.config.clone()).await;
        stream.map_err(InboxError::new)?;
        for _ in 0..PIECES {
            let subject = self.config.name.clone();
            let sent = self.jetstream.publish(subject, self.piece.clone()).await;
            sent.map_err(InboxError::new)?.await.map_err(InboxError::new)?;
        }
        Ok(())
    }

    /// Gives the room back, for notes on waiting entries.
    pub(super) async fn release(&self) {
        let mut looked_at = self.looked_at.lock().await;
        if self.is_there() {
            self.delete().await;
            self.note(false);
            *looked_at = Some(Instant::now());
        }
    }

    async fn delete(&self) {
        if let Err(error) = self.jetstream.delete_stream(&self.config.name).await {
            log_safely(|| tracing::debug!(reason = %error, "the reserve cannot be released"));
        }
    }

    fn note(&self, is_there: bool) {
        match (self.is_there.swap(is_there, Ordering::Relaxed), is_there) {
            (true, false) => log_safely(|| {
                tracing::error!(
                    "the server has no room: new entries are refused, waiting ones use the \
                     reserve"
                );
            }),
            (false, true) => log_safely(|| tracing::info!("the server has room again")),
            _ => {}
        }
    }
}

/// Bytes that a file system cannot compress.
fn noise(size: usize) -> Bytes {
    let words = (0..size.div_ceil(8)).map(|number| SipHasher13::new().hash(&number.to_le_bytes()));
    let mut bytes: Vec<u8> = words.flat_map(u64::to_le_bytes).collect();
    bytes.truncate(size);
    bytes.into()
}

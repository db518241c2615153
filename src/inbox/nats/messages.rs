//! Messages of one stream: stored, read and removed.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_nats::jetstream::context::{
    GetStreamError, GetStreamErrorKind, PublishError, PublishErrorKind,
};
use async_nats::jetstream::message::{PublishMessage, StreamMessage};
use async_nats::jetstream::response::Response;
use async_nats::jetstream::stream::{
    Config, DeleteStatus, LastRawMessageError, LastRawMessageErrorKind, State, Stream,
};
use async_nats::jetstream::{self, Context, ErrorCode};
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::link::{Link, PAUSE};
use crate::inbox::error::InboxError;
use crate::panics::log_safely;

/// About a hundred years: the server counts times in nanoseconds, in 64 bits.
pub(super) const LONGEST: Duration = Duration::from_secs(60 * 60 * 24 * 365 * 100);

/// Time for which storing is retried while a cluster elects another leader.
const PATIENCE: Duration = Duration::from_secs(10);

/// Errors of a full server, account or disk. Not of a full stream: each has a limit of its own.
const NO_ROOM: [ErrorCode; 3] = [
    ErrorCode::ACCOUNT_RESOURCES_EXCEEDED,
    ErrorCode::INSUFFICIENT_RESOURCES,
    ErrorCode::STORAGE_RESOURCES_EXCEEDED,
];

/// Errors while a message of the same id, or of the same expectation, is on its way to the
/// replicas.
const IN_PROCESS: [ErrorCode; 2] =
    [ErrorCode::STREAM_DUPLICATE_MESSAGE_CONFLICT, ErrorCode::STREAM_WRONG_LAST_SEQUENCE_CONSTANT];

/// Outcome of storing a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Published {
    Stored,
    /// The server knows its id, by the message of this number.
    Duplicate(u64),
    /// Another message was stored first, and the expected number is not the last.
    Conflict,
}

/// Messages of one stream.
pub(super) struct Messages {
    name: String,
    /// Pattern of all subjects.
    subjects: String,
    pub(super) stream: Stream<()>,
    jetstream: Context,
    link: Arc<Link>,
    /// Set while the last message was not stored, with all patience.
    fails: AtomicBool,
}

impl Messages {
    pub(super) async fn of(
        jetstream: &Context,
        link: &Arc<Link>,
        config: &Config,
    ) -> Result<Self, InboxError> {
        let stream = jetstream.get_stream_no_info(&config.name).await.map_err(InboxError::new)?;
        Ok(Self {
            name: config.name.clone(),
            subjects: config.subjects.concat(),
            stream,
            jetstream: jetstream.clone(),
            link: Arc::clone(link),
            fails: AtomicBool::new(false),
        })
    }

    /// Returns whether patience makes sense: not with a stream that is known to fail.
    pub(super) fn stores(&self) -> bool {
        self.link.is_connected() && !self.fails.load(Ordering::Relaxed)
    }

    /// Stores a message and removes it. Fails while nothing can be stored.
    pub(super) async fn probe(&self) -> Result<(), InboxError> {
        // Of no case, key or number, so it is never delivered, listed or known.
        let subject = self.subjects.replace('*', "probe");
        self.publish(&subject, PublishMessage::build()).await?;
        self.purge(&subject).await
    }

    /// Stores a message. If this fails, it may be stored nevertheless.
    ///
    /// An attempt whose answer was lost may have stored it. The next then meets its id, or the
    /// condition that it fulfilled itself, and returns `Duplicate` or `Conflict`.
    pub(super) async fn publish(
        &self,
        subject: &str,
        message: PublishMessage,
    ) -> Result<Published, InboxError> {
        let patience = if self.stores() { PATIENCE } else { Duration::ZERO };
        let give_up = Instant::now() + patience;
        loop {
            let error = match self.try_to_publish(subject, message.clone()).await {
                Ok(published) => {
                    self.stored();
                    return Ok(published);
                }
                Err(error) if error.kind() == PublishErrorKind::WrongLastSequence => {
                    return Ok(Published::Conflict);
                }
                Err(error) => error,
            };
            if !may_pass(&error) || Instant::now() > give_up {
                self.not_stored(&error).await;
                return Err(InboxError::new(error));
            }
            sleep(PAUSE).await;
        }
    }

    fn stored(&self) {
        if self.fails.swap(false, Ordering::Relaxed) {
            self.link.set_full(false);
            log_safely(|| tracing::info!(stream = self.name, "the stream stores again"));
        }
    }

    /// Notes whether it is for lack of room, and logs it once: what else fails meanwhile does so
    /// for the same reason.
    async fn not_stored(&self, error: &PublishError) {
        let is_full = if code(error).is_some_and(|code| NO_ROOM.contains(&code)) {
            true
        } else if error.kind() == PublishErrorKind::TimedOut {
            // A server whose disk is full answers nothing to what it cannot store, and whatever
            // else it is asked.
            self.link.is_full() || (self.stores() && self.state().await.is_ok())
        } else {
            return;
        };
        self.link.set_full(is_full);
        if !self.fails.swap(true, Ordering::Relaxed) {
            log_safely(
                || tracing::error!(stream = self.name, reason = %error, is_full, "the stream stores nothing"),
            );
        }
    }

    async fn try_to_publish(
        &self,
        subject: &str,
        message: PublishMessage,
    ) -> Result<Published, PublishError> {
        let stored = self.jetstream.send_publish(subject.to_owned(), message).await?.await?;
        let duplicate = Published::Duplicate(stored.sequence);
        Ok(if stored.duplicate { duplicate } else { Published::Stored })
    }

    /// Returns the first message from a number on.
    pub(super) async fn first(&self, from: u64) -> Result<Option<StreamMessage>, InboxError> {
        self.first_of(&self.subjects, from).await
    }

    /// Returns the first message of a subject, or of a pattern, from a number on.
    pub(super) async fn first_of(
        &self,
        subject: &str,
        from: u64,
    ) -> Result<Option<StreamMessage>, InboxError> {
        found(self.stream.get_first_raw_message_by_subject(subject, from).await)
    }

    pub(super) async fn last(&self, subject: &str) -> Result<Option<StreamMessage>, InboxError> {
        found(self.stream.get_last_raw_message_by_subject(subject).await)
    }

    pub(super) async fn get(&self, number: u64) -> Result<Option<StreamMessage>, InboxError> {
        if number == 0 {
            return Ok(None);
        }
        found(self.stream.get_raw_message(number).await)
    }

    /// Erases a message: no copy of it stays in the file. Returns whether it was there.
    pub(super) async fn erase(&self, number: u64) -> Result<bool, InboxError> {
        let Err(error) = self.stream.delete_message(number).await else { return Ok(true) };
        // The error for a message that is gone is the same as any other: only a second read
        // distinguishes it.
        match self.get(number).await? {
            None => Ok(false),
            Some(_) => Err(InboxError::new(error)),
        }
    }

    /// Removes a message. Returns whether it was there.
    pub(super) async fn remove(&self, number: u64) -> Result<bool, InboxError> {
        let subject = format!("STREAM.MSG.DELETE.{}", self.name);
        // Erasing, the default, overwrites what it deletes, which takes several times as long.
        let removal = json!({ "seq": number, "no_erase": true });
        let removed: Response<DeleteStatus> =
            self.jetstream.request(subject, &removal).await.map_err(InboxError::new)?;
        let Response::Err { error } = removed else { return Ok(true) };
        match self.get(number).await? {
            None => Ok(false),
            Some(_) => Err(InboxError::new(error)),
        }
    }

    /// Removes all messages of a subject, or of a pattern. Not for what is delivered to a consumer:
    /// see [`case`](super::case).
    pub(super) async fn purge(&self, subject: &str) -> Result<(), InboxError> {
        self.stream.purge().filter(subject).await.map_err(InboxError::new)?;
        Ok(())
    }

    pub(super) async fn state(&self) -> Result<State, InboxError> {
        Ok(self.stream.get_info().await.map_err(InboxError::new)?.state)
    }
}

fn found(
    message: Result<StreamMessage, LastRawMessageError>,
) -> Result<Option<StreamMessage>, InboxError> {
    match message {
        Ok(message) => Ok(Some(message)),
        Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => Ok(None),
        Err(error) => Err(InboxError::new(error)),
    }
}

/// Returns whether there is no stream of the name.
pub(super) fn is_not_found(error: &GetStreamError) -> bool {
    let GetStreamErrorKind::JetStream(error) = error.kind() else { return false };
    error.error_code() == ErrorCode::STREAM_NOT_FOUND
}

/// Returns whether a retry makes sense.
fn may_pass(error: &PublishError) -> bool {
    match error.kind() {
        // "No stream" although there is one: its leader is gone.
        PublishErrorKind::TimedOut | PublishErrorKind::StreamNotFound => true,
        _ => is_in_process(error),
    }
}

/// Returns whether the message that decides on this one is itself not yet decided on.
fn is_in_process(error: &PublishError) -> bool {
    code(error).is_some_and(|code| IN_PROCESS.contains(&code))
}

fn code(error: &PublishError) -> Option<ErrorCode> {
    let cause = error.source().and_then(|cause| cause.downcast_ref::<jetstream::Error>());
    cause.map(jetstream::Error::error_code)
}

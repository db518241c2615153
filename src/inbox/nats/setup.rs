//! Setup of streams and consumer: made when an inbox is opened, and again when they are missing,
//! since an operator may take them away at any time.

use std::sync::Arc;

use async_nats::jetstream::Context;
use async_nats::jetstream::consumer::pull::Config;
use async_nats::jetstream::consumer::{AckPolicy, Info, PullConsumer};
use async_nats::jetstream::context::ConsumerInfoErrorKind;

use super::case::Cases;
use super::messages::LONGEST;
use super::streams::{Streams, prepare};
use crate::inbox::error::InboxError;
use crate::inbox::settings::Settings;
use crate::panics::log_safely;
use crate::storage::fresh::Fresh;

/// Name of the one consumer, shared by all workers.
const WORKERS: &str = "workers";

/// Number of cases that may wait for their next attempt. The server keeps a note of each in memory.
const CASES_TO_BE_RETRIED: i64 = 10_000;

/// Result of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    Whole,
    /// Something was missing, and is there again.
    Restored,
}

/// Streams and consumer of an inbox, as they are to be.
pub(super) struct Setup {
    jetstream: Context,
    name: String,
    settings: Settings,
    streams: Arc<Streams>,
    /// Every failure asks for a check, and a hundred may fail at once.
    last: Fresh<Result<Found, InboxError>>,
}

impl Setup {
    pub(super) fn new(
        jetstream: &Context,
        name: &str,
        settings: &Settings,
        streams: &Arc<Streams>,
    ) -> Self {
        Self {
            jetstream: jetstream.clone(),
            name: name.to_owned(),
            settings: settings.clone(),
            streams: Arc::clone(streams),
            last: Fresh::default(),
        }
    }

    /// Creates streams and consumer if they are missing. Checks once a second at most: callers in
    /// between get the last result.
    ///
    /// # Errors
    ///
    /// If something cannot be made, is paused, or is in the way.
    pub(super) async fn restore(&self) -> Result<Found, InboxError> {
        self.last.get(self.look()).await
    }

    async fn look(&self) -> Result<Found, InboxError> {
        let prepared = prepare(&self.jetstream, &self.name, &self.settings).await?;
        let gone: Vec<_> = prepared.iter().filter(|stream| stream.is_new).collect();
        for stream in &gone {
            let stream = &stream.config.name;
            log_safely(|| {
                tracing::error!(stream, "a stream was gone with its messages: it is created again");
            });
        }
        if gone.iter().any(|stream| stream.config.name == self.name) {
            // Numbers begin anew: notes on the old entries would be taken for notes on the new.
            self.streams.notes.forget_all().await?;
        }
        let made = self.restore_consumer().await?;
        let is_whole = gone.is_empty() && made == Found::Whole;
        Ok(if is_whole { Found::Whole } else { Found::Restored })
    }

    async fn restore_consumer(&self) -> Result<Found, InboxError> {
        let cases = &self.streams.cases;
        let what = match cases.entries.stream.consumer_info(WORKERS).await {
            Ok(info) if info.paused => return Err(paused(&info)),
            Ok(info) if is_fit(&info, &config(cases, &self.settings)) => return Ok(Found::Whole),
            Ok(_) => "unfit",
            Err(error) if error.kind() == ConsumerInfoErrorKind::NotFound => "gone",
            Err(error) => return Err(InboxError::new(error)),
        };
        consumer(cases, &self.settings).await?;
        log_safely(|| {
            tracing::error!(consumer = WORKERS, "the consumer was {what}: it is created again");
        });
        Ok(Found::Restored)
    }
}

fn paused(info: &Info) -> InboxError {
    let remaining = info.pause_remaining.unwrap_or_default();
    InboxError::new(format!("the consumer `{WORKERS}` is paused for {remaining:?}"))
}

/// Makes the consumer, or sets it anew, unless it must exist.
pub(super) async fn consumer(
    cases: &Cases,
    settings: &Settings,
) -> Result<PullConsumer, InboxError> {
    let stream = &cases.entries.stream;
    if settings.must_exist {
        return stream.get_consumer(WORKERS).await.map_err(InboxError::new);
    }
    if let Ok(info) = stream.consumer_info(WORKERS).await
        && is_fit(&info, &config(cases, settings))
    {
        // Setting it anew would let a consumer go on that somebody has paused.
        return stream.get_consumer(WORKERS).await.map_err(InboxError::new);
    }
    let made = stream.create_consumer(config(cases, settings)).await;
    made.map_err(InboxError::new)
}

fn config(cases: &Cases, settings: &Settings) -> Config {
    Config {
        durable_name: Some(WORKERS.to_owned()),
        filter_subject: cases.heads(),
        ack_policy: AckPolicy::Explicit,
        ack_wait: settings.lease.min(LONGEST),
        max_ack_pending: CASES_TO_BE_RETRIED,
        ..Config::default()
    }
}

fn is_fit(info: &Info, expected: &Config) -> bool {
    let found = &info.config;
    found.filter_subject == expected.filter_subject
        && found.ack_policy == expected.ack_policy
        && found.ack_wait == expected.ack_wait
        && found.max_ack_pending == expected.max_ack_pending
        && found.max_deliver <= 0
        && !found.headers_only
}

//! Sees to it that what an inbox needs on the server is there: when it is opened, and again whenever
//! something fails, since an operator may take away at any time what was there at the start.

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::Context;
use async_nats::jetstream::consumer::pull::Config;
use async_nats::jetstream::consumer::{AckPolicy, Info, PullConsumer};
use async_nats::jetstream::context::ConsumerInfoErrorKind;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::link::Link;
use super::messages::Messages;
use super::streams::{LONGEST, Streams, prepare};
use super::subjects::Subjects;
use crate::caught::quietly;
use crate::inbox::error::InboxError;
use crate::inbox::settings::Settings;

/// The one consumer, shared by all workers.
const WORKERS: &str = "workers";

/// How many cases may wait for their next try. The server keeps a note of each in memory.
const CASES_TO_BE_TRIED_AGAIN: i64 = 10_000;

/// How long what was found stands.
const FRESH: Duration = Duration::from_secs(1);

/// Whether all was there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    Whole,
    /// Something was not, and is again.
    Restored,
}

pub(super) struct Setup {
    jetstream: Context,
    link: Arc<Link>,
    name: String,
    settings: Settings,
    last: Mutex<Option<(Instant, Result<Found, InboxError>)>>,
}

impl Setup {
    pub(super) fn new(
        jetstream: &Context,
        link: &Arc<Link>,
        name: &str,
        settings: &Settings,
    ) -> Self {
        Self {
            jetstream: jetstream.clone(),
            link: Arc::clone(link),
            name: name.to_owned(),
            settings: settings.clone(),
            last: Mutex::default(),
        }
    }

    /// Makes what is missing. Once a second at most: who asks in between is told what was found.
    ///
    /// # Errors
    ///
    /// Where something is missing or in the way that cannot be put right.
    pub(super) async fn restore(&self) -> Result<Found, InboxError> {
        let mut last = self.last.lock().await;
        if let Some((at, found)) = &*last
            && at.elapsed() < FRESH
        {
            return found.clone();
        }
        let found = self.look().await;
        *last = Some((Instant::now(), found.clone()));
        found
    }

    async fn look(&self) -> Result<Found, InboxError> {
        let prepared = prepare(&self.jetstream, &self.name, &self.settings).await?;
        let gone: Vec<_> = prepared.iter().filter(|stream| stream.is_new).collect();
        for stream in &gone {
            let stream = &stream.config.name;
            quietly(|| {
                tracing::error!(stream, "a stream was gone, with what was in it: it is made again");
            });
        }
        let streams = Streams::of(&self.jetstream, &self.link, &self.name, &prepared).await?;
        let subjects = Subjects::new(&self.name);
        if gone.iter().any(|stream| stream.config.name == self.name) {
            // Numbers begin anew: notes on the old are none on the new.
            streams.tries.purge(&subjects.tries_of_all()).await?;
        }
        let made = self.look_for_consumer(&streams.entries, &subjects).await?;
        let is_whole = gone.is_empty() && made == Found::Whole;
        Ok(if is_whole { Found::Whole } else { Found::Restored })
    }

    async fn look_for_consumer(
        &self,
        entries: &Messages,
        subjects: &Subjects,
    ) -> Result<Found, InboxError> {
        match entries.stream.consumer_info(WORKERS).await {
            Ok(info) if info.paused => {
                let remaining = info.pause_remaining.unwrap_or_default();
                let paused = format!("the consumer `{WORKERS}` is paused for {remaining:?}");
                Err(InboxError::new(paused))
            }
            Ok(info) if is_fit(&info, &config(subjects, &self.settings)) => Ok(Found::Whole),
            Err(error) if error.kind() != ConsumerInfoErrorKind::NotFound => {
                Err(InboxError::new(error))
            }
            found => {
                let what = if found.is_ok() { "unfit" } else { "gone" };
                consumer(entries, subjects, &self.settings).await?;
                quietly(|| {
                    tracing::error!(
                        consumer = WORKERS,
                        "the consumer was {what}: it is made again"
                    );
                });
                Ok(Found::Restored)
            }
        }
    }
}

/// Makes the consumer, or sets it anew, unless it is only to be looked at.
pub(super) async fn consumer(
    entries: &Messages,
    subjects: &Subjects,
    settings: &Settings,
) -> Result<PullConsumer, InboxError> {
    if settings.must_exist {
        return entries.stream.get_consumer(WORKERS).await.map_err(InboxError::new);
    }
    if let Ok(info) = entries.stream.consumer_info(WORKERS).await
        && is_fit(&info, &config(subjects, settings))
    {
        // To set it anew would let one go on that somebody has paused.
        return entries.stream.get_consumer(WORKERS).await.map_err(InboxError::new);
    }
    let made = entries.stream.create_consumer(config(subjects, settings)).await;
    made.map_err(InboxError::new)
}

fn config(subjects: &Subjects, settings: &Settings) -> Config {
    Config {
        durable_name: Some(WORKERS.to_owned()),
        filter_subject: subjects.heads(),
        ack_policy: AckPolicy::Explicit,
        ack_wait: settings.lease.min(LONGEST),
        max_ack_pending: CASES_TO_BE_TRIED_AGAIN,
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

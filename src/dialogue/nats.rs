//! Conversations in a NATS JetStream bucket.

use std::fmt::Write;
use std::time::Duration;

use async_nats::header::{NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, NATS_MESSAGE_TTL};
use async_nats::jetstream::context::{PublishError, PublishErrorKind};
use async_nats::jetstream::message::StreamMessage;
use async_nats::jetstream::stream::LastRawMessageErrorKind;
use async_nats::jetstream::{self, kv};
use async_nats::{HeaderMap, HeaderValue};
use async_trait::async_trait;
use futures_util::TryStreamExt;
use serde_json::{Value, json};

use super::error::StoreError;
use super::record::Record;
use super::store::{Loaded, Revision, Saved, Store};
use crate::clock::now;
use crate::error::HandlerError;
use crate::receiver::health::HealthCheck;
use crate::storage::fresh::Fresh;
use crate::storage::nats;
use crate::timestamp::Timestamp;

/// Deadline of a request. One that was lost with its connection is never answered, and a visitor
/// waits for a reply.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Time for which the server remembers that a key was removed.
const MARKER_TIME_TO_LIVE: Duration = Duration::from_secs(60 * 60);

/// Longest time to live, in seconds: anything beyond a century is kept for ever.
const LONGEST_TIME_TO_LIVE: u64 = 100 * 366 * 24 * 60 * 60;

/// Key that is no conversation's in the bucket's encoding.
const PROBE: &str = "==";

/// Time to live of the probe, in seconds.
const PROBE_TIME_TO_LIVE: u64 = 60;

/// Longest key, in bytes. Subjects must fit on a line of the protocol, which ends at 4,096 bytes by
/// default.
const LONGEST_KEY: usize = 2_048;

/// Conversations in a JetStream key-value bucket of a NATS server, 2.11 or newer, so that several
/// receivers can serve one bot.
///
/// A turn is committed once the server has acknowledged it. By default the server acknowledges
/// before it flushes to disk, which it does every two minutes. Replicas, and `sync_interval:
/// always`, protect against a power cut.
///
/// ```no_run
/// # async fn connect() -> Result<(), Box<dyn std::error::Error>> {
/// use snapengage::dialogue::NatsStore;
///
/// let url = "nats://bot:password@nats.example.com";
/// let store = NatsStore::connect(url, "conversations").await?;
/// # let _ = store;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct NatsStore {
    jetstream: jetstream::Context,
    bucket: kv::Store,
    health: Fresh<Result<Value, StoreError>>,
}

/// Reports `conversations`, their number, and `size`, the bytes they take. Measured once a second
/// at most.
///
/// Fails if the server does not answer, or if nothing can be stored, which it tries.
#[async_trait]
impl HealthCheck for NatsStore {
    async fn check(&self) -> Result<Value, HandlerError> {
        Ok(self.health.get(self.look()).await?)
    }
}

impl NatsStore {
    /// Connects to a server and opens a bucket, which is created on the server's disk if there is
    /// none.
    ///
    /// The URL is `nats://host:port`, with `user:password@` or `token@` before the host if the
    /// server asks for it, or `tls://host:port` with the feature `nats-tls`. Several servers of a
    /// cluster are separated by commas. For a bucket with more replicas or with other limits,
    /// create it first: `nats kv add conversations --marker-ttl=1h --replicas=3`.
    ///
    /// A connection that is lost later is restored; requests to the store fail after 2 seconds in
    /// the meantime.
    ///
    /// # Errors
    ///
    /// If the server cannot be reached or rejects the credentials, or if the bucket cannot be
    /// created or does not remove expired records.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with IO and time, which `#[tokio::main]` has.
    pub async fn connect(url: &str, bucket: &str) -> Result<Self, StoreError> {
        let client = nats::connect(url, TIMEOUT).await.map_err(StoreError::new)?;
        let mut jetstream = jetstream::new(client);
        jetstream.set_timeout(TIMEOUT);
        let found = jetstream.get_key_value(bucket).await;
        let bucket = match found {
            Ok(bucket) => bucket,
            Err(_) => jetstream.create_key_value(config(bucket)).await.map_err(StoreError::new)?,
        };
        if !bucket.stream.cached_info().config.allow_message_ttl {
            return Err(StoreError::new(format!(
                "bucket `{}`: has no time to live for markers, expected one of nats-server 2.11",
                bucket.name
            )));
        }
        Ok(Self { jetstream, bucket, health: Fresh::default() })
    }

    async fn look(&self) -> Result<Value, StoreError> {
        self.probe().await.map_err(StoreError::new)?;
        let info = self.bucket.stream.get_info().await.map_err(StoreError::new)?;
        // One message a key, and one of them is the probe's.
        let conversations = info.state.messages.saturating_sub(1);
        Ok(json!({ "conversations": conversations, "size": info.state.bytes }))
    }

    /// Stores a message of its own, which the server removes again.
    async fn probe(&self) -> Result<(), PublishError> {
        let prefix = self.bucket.put_prefix.as_ref().unwrap_or(&self.bucket.prefix);
        let subject = format!("{prefix}{PROBE}");
        let mut headers = HeaderMap::new();
        headers.insert(NATS_MESSAGE_TTL, HeaderValue::from(PROBE_TIME_TO_LIVE));
        let record = Record::expired().to_json();
        self.jetstream.publish_with_headers(subject, headers, record.into()).await?.await?;
        Ok(())
    }

    /// Returns what was last written under a key, a marker of its removal included.
    ///
    /// Asks the stream's leader: a replica may not know of the last write.
    async fn last(&self, key: &str) -> Result<Option<StreamMessage>, StoreError> {
        let subject = format!("{}{key}", self.bucket.prefix);
        match self.bucket.stream.get_last_raw_message_by_subject(&subject).await {
            Ok(message) => Ok(Some(message)),
            Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => Ok(None),
            Err(error) => Err(StoreError::new(error)),
        }
    }

    async fn read(&self, key: &str) -> Result<Option<Loaded>, StoreError> {
        let last = self.last(key).await?.filter(|message| !is_marker(message));
        let loaded = |message: StreamMessage| {
            Loaded::new(Record::from_json(&message.payload), Revision(message.sequence))
        };
        Ok(last.map(loaded))
    }

    /// Writes over a revision; 0 is none.
    async fn write(&self, key: &str, record: &Record, seen: u64) -> Result<Saved, StoreError> {
        let prefix = self.bucket.put_prefix.as_ref().unwrap_or(&self.bucket.prefix);
        let subject = format!("{prefix}{key}");
        let mut headers = HeaderMap::new();
        headers.insert(NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, HeaderValue::from(seen));
        if let Some(left) = left(record, now()) {
            headers.insert(NATS_MESSAGE_TTL, HeaderValue::from(left));
        }
        let payload = record.to_json().into();
        let published =
            async { self.jetstream.publish_with_headers(subject, headers, payload).await?.await };
        match published.await {
            Ok(written) => Ok(Saved::Written(Revision(written.sequence))),
            Err(error) if error.kind() == PublishErrorKind::WrongLastSequence => {
                Ok(Saved::Conflict)
            }
            Err(error) => Err(StoreError::new(error)),
        }
    }

    async fn purge(&self, key: &str, seen: Revision) -> Result<bool, StoreError> {
        let purged =
            self.bucket.purge_expect_revision_with_ttl(key, seen.0, MARKER_TIME_TO_LIVE).await;
        match purged {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == kv::PurgeErrorKind::WrongLastRevision => Ok(false),
            Err(error) => Err(StoreError::new(error)),
        }
    }
}

fn config(bucket: &str) -> kv::Config {
    kv::Config {
        bucket: bucket.to_owned(),
        description: "SnapEngage bot conversations".to_owned(),
        history: 1,
        limit_markers: Some(MARKER_TIME_TO_LIVE),
        ..kv::Config::default()
    }
}

/// Returns the seconds after which the server is to remove a record: by its own clock, so that one
/// that is ahead here does not matter. A record that has expired is left to a sweep.
fn left(record: &Record, now: Timestamp) -> Option<u64> {
    let left = record.expires_at().saturating_duration_since(now);
    let seconds = u64::try_from(left.as_millis().div_ceil(1_000)).ok()?;
    (1..=LONGEST_TIME_TO_LIVE).contains(&seconds).then_some(seconds)
}

fn is_marker(message: &StreamMessage) -> bool {
    ["KV-Operation", "Nats-Marker-Reason"].iter().any(|name| message.headers.get(*name).is_some())
}

#[async_trait]
impl Store for NatsStore {
    async fn load(&self, key: &str) -> Result<Option<Loaded>, StoreError> {
        self.read(&encode(key)?).await
    }

    async fn save(
        &self,
        key: &str,
        record: &Record,
        seen: Option<Revision>,
    ) -> Result<Saved, StoreError> {
        let key = encode(key)?;
        let written = self.write(&key, record, seen.map_or(0, |seen| seen.0)).await?;
        if written != Saved::Conflict || seen.is_some() {
            return Ok(written);
        }
        match self.last(&key).await?.filter(is_marker) {
            Some(marker) => self.write(&key, record, marker.sequence).await,
            None => Ok(Saved::Conflict),
        }
    }

    async fn remove(&self, key: &str, seen: Revision) -> Result<bool, StoreError> {
        self.purge(&encode(key)?, seen).await
    }

    /// Returns `true`: the server removes what has expired, except records written by an old
    /// version of this crate.
    fn expires_by_itself(&self) -> bool {
        true
    }

    async fn sweep(&self, now: Timestamp) -> Result<u64, StoreError> {
        let mut swept = 0;
        let mut keys = self.bucket.keys().await.map_err(StoreError::new)?;
        while let Some(key) = keys.try_next().await.map_err(StoreError::new)? {
            let Some(found) = self.read(&key).await? else { continue };
            if found.record.expires_at() <= now && self.purge(&key, found.revision).await? {
                swept += 1;
            }
        }
        Ok(swept)
    }
}

/// Encodes a key as a bucket allows it: what is not a letter, digit, `-`, `_` or `/` becomes `=`
/// and two hexadecimal digits for each byte. The key without characters becomes `=`.
fn encode(key: &str) -> Result<String, StoreError> {
    let mut encoded = String::with_capacity(key.len());
    for byte in key.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'/' => {
                encoded.push(byte.into());
            }
            _ => write!(encoded, "={byte:02X}").map_err(StoreError::new)?,
        }
    }
    match encoded.len() {
        0 => Ok("=".to_owned()),
        1..=LONGEST_KEY => Ok(encoded),
        length => Err(StoreError::new(format!(
            "key of {length} bytes in the bucket's encoding, expected {LONGEST_KEY} at most"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_encoded(key: &str, expected: &str) {
        assert_eq!(encode(key).expect("a key"), expected);
    }

    #[test]
    fn keys_are_encoded_so_that_no_two_are_the_same() {
        assert_encoded("bot/ab992c69-1_2", "bot/ab992c69-1_2");
        assert_encoded("a.b", "a=2Eb");
        assert_encoded("a=2Eb", "a=3D2Eb");
        assert_encoded(" *>ä", "=20=2A=3E=C3=A4");
        assert_encoded("", "=");
    }

    #[test]
    fn a_key_that_is_too_long_for_the_protocol_is_refused() {
        assert!(encode(&"a".repeat(LONGEST_KEY)).is_ok());
        assert!(encode(&"a".repeat(LONGEST_KEY + 1)).is_err());
    }
}

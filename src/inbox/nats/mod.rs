//! Entries in NATS JetStream.
//!
//! Each case and agent has a subject for what is processed now, its head, and one for what comes after it,
//! its tail. Workers share one consumer, which delivers the heads; whoever ends one puts the first of
//! the tail in its place. So a case that fails waits, and nothing else does.
//!
//! Nothing is purged from what the consumer delivers, nor replaced by a rollup, which is a purge: a message
//! goes by its number alone. In nats-server, up to 2.15.1 at least, a purge of one subject harms the
//! others that a consumer has pending (server/consumer.go):
//!
//! 1. `purge` empties the queue of what is due to be redelivered. What was in it is pending as if it had
//!    just been delivered (`checkPending`), so it comes back one whole `ack_wait` later.
//! 2. `purge` sets the consumer's floor (`adflr`) to the delivery sequence of what it removed, though
//!    lower ones are pending. The next acknowledgement in sequence then takes the stream's floor (`asflr`)
//!    past them (`moveAckFloor`), and the state can no longer be written: "bad pending entry".
//! 3. `checkPending` forgets what is pending below that floor: it is never redelivered. A server that
//!    starts takes it for acknowledged and deletes it (`checkStateForInterestStream`).
//!
//! A message that is deleted counts as terminated (`decStreamPending`), and moves the floor as an
//! acknowledgement does.

mod act;
mod case;
mod inspect;
mod lease;
mod letter;
mod link;
mod messages;
mod notes;
mod position;
mod pull;
mod put;
mod reserve;
mod setup;
mod streams;
mod subjects;
mod sweep;

use std::collections::HashMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use self::lease::Leased;
use self::link::Link;
use self::pull::Pull;
use self::reserve::ReserveStream;
use self::setup::{Found, Setup, consumer};
use self::streams::Streams;
use self::subjects::Subjects;
use super::engine::{Arrival, Claim, Engine, Lease, Stored, Ticket, Verdict};
use super::entry::{Entry, EntryId, Shown, State, Stats};
use super::error::InboxError;
use super::settings::Settings;
use crate::caught::quietly;
use crate::inbox::capacity::Capacity;
use crate::storage::nats;
use crate::timestamp::Timestamp;
use async_nats::Client;
use async_nats::jetstream::{self, Context};
use async_trait::async_trait;

/// How long the server may take to answer. What a lost connection took along is never answered.
const TIMEOUT: Duration = Duration::from_secs(2);

/// How long it is left alone before it is asked again.
const PAUSE: Duration = Duration::from_millis(20);

/// The largest request a receiver takes by default, and what is noted of it.
const LARGEST_REQUEST: usize = 2 * 1024 * 1024 + 4096;

pub(super) struct Nats {
    client: Client,
    link: Arc<Link>,
    setup: Setup,
    streams: Streams,
    reserve: ReserveStream,
    subjects: Subjects,
    pull: Pull,
    capacity: Capacity,
    /// What this process was handed out, by its number.
    leased: Mutex<HashMap<u64, Arc<Leased>>>,
    /// The last tail that was looked through.
    looked_through: AtomicU64,
    keep_done: Duration,
    /// Between two tries, or until a worker that died has lost its lease.
    longest_wait: Duration,
}

impl Nats {
    pub(super) async fn connect(
        url: &str,
        name: &str,
        settings: &Settings,
    ) -> Result<Self, InboxError> {
        if !is_name(name) {
            return Err(InboxError::new(format!(
                "name `{name}`: expected letters, digits, `-` and `_`"
            )));
        }
        let client = nats::connect(url, TIMEOUT).await.map_err(InboxError::new)?;
        check(&client)?;
        let mut jetstream = jetstream::new(client.clone());
        jetstream.set_timeout(TIMEOUT);
        let link = Arc::new(Link::new(client.clone()));
        let streams = Streams::open(&jetstream, &link, name, settings).await?;
        warn_of_what_cannot_be_seen(&client, &streams);
        let subjects = Subjects::new(name);
        let consumer = consumer(&streams.entries, &subjects, settings).await?;
        let nats = Self {
            reserve: reserve(&jetstream, name, settings),
            setup: Setup::new(&jetstream, &link, name, settings),
            client,
            link,
            capacity: Capacity::new(streams.size_limit),
            streams,
            subjects,
            pull: Pull::new(consumer, settings.lease),
            leased: Mutex::default(),
            looked_through: AtomicU64::new(0),
            keep_done: settings.done_retention,
            longest_wait: settings.backoff.longest.max(settings.lease),
        };
        if !settings.must_exist {
            // Without, what is waiting can be processed. It is logged.
            let _ = nats.has_reserve().await;
        }
        Ok(nats)
    }

    /// Waits for something to be processed. Where that fails, what is missing is made.
    async fn wait_for_work(&self) -> Result<(), InboxError> {
        let Err(error) = self.pull.wait().await else { return Ok(()) };
        match self.setup.restore().await? {
            Found::Restored => self.pull.wait().await,
            Found::Whole => Err(error),
        }
    }

    async fn take_in(&self, arrival: Arrival) -> Result<Stored, InboxError> {
        self.link.connected().await?;
        let received = self.receive(&arrival).await;
        if received.is_err() && self.setup.restore().await? == Found::Restored {
            return self.receive(&arrival).await;
        }
        received
    }

    /// Fails while what comes in cannot be stored, or what is noted of it.
    async fn try_to_store(&self) -> Result<(), InboxError> {
        let probes = self.subjects.probes();
        for (messages, probe) in self.streams.all().into_iter().zip(&probes) {
            // One is enough to see whether the server stores, but each may fail for itself.
            if std::ptr::eq(messages, &self.streams.seen) || !messages.stores() {
                messages.probe(probe).await?;
            }
        }
        Ok(())
    }

    /// Sees to it that there is room to spare.
    async fn has_reserve(&self) -> Result<(), InboxError> {
        self.reserve.set_aside(self.try_to_store()).await
    }

    /// Makes what is missing, or room where there is none: what has failed may succeed the next time.
    async fn recover(&self) {
        if self.link.is_full() {
            self.reserve.release().await;
        } else {
            // If it fails, so does what comes next, and says why.
            let _ = self.setup.restore().await;
        }
    }
}

fn reserve(jetstream: &Context, name: &str, settings: &Settings) -> ReserveStream {
    let max_payload = jetstream.client().server_info().max_payload;
    let piece_size = reserve::piece_size(settings.size_limit, max_payload);
    ReserveStream::new(jetstream, streams::reserve(name, settings, piece_size), piece_size)
}

/// A name of a stream that is a part of a subject, too.
fn is_name(name: &str) -> bool {
    let is_fine = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    !name.is_empty() && name.chars().all(is_fine)
}

/// Before 2.11.7, what a message expects of other subjects was overlooked now and then. Before 2.12, the
/// id of one that was refused in a cluster was in use from then on.
fn check(client: &Client) -> Result<(), InboxError> {
    if client.is_server_compatible(2, 12, 0) {
        return Ok(());
    }
    let version = client.server_info().version;
    Err(InboxError::new(format!("nats-server {version}, expected 2.12 or newer")))
}

fn warn_of_what_cannot_be_seen(client: &Client, streams: &Streams) {
    if streams.replicas == 1 {
        quietly(|| {
            tracing::warn!(
                "the inbox has one replica: only a server with `sync_interval: always` keeps what it \
             acknowledged when the power fails, and from here nobody can see whether it is set"
            );
        });
    }
    let max_payload = client.server_info().max_payload;
    if max_payload < LARGEST_REQUEST {
        quietly(|| tracing::warn!(max_payload, "the server does not store the largest requests"));
    }
}

#[async_trait]
impl Engine for Nats {
    async fn put(&self, arrival: Arrival) -> Result<Stored, InboxError> {
        self.take_in(arrival).await
    }

    async fn wait(&self) -> Result<(), InboxError> {
        self.wait_for_work().await
    }

    async fn claim(&self, limit: usize, lease: Lease) -> Result<Vec<Claim>, InboxError> {
        Ok(self.hand_out(limit, lease).await)
    }

    async fn renew(&self, ticket: Ticket, lease: Lease) -> Result<bool, InboxError> {
        self.keep(ticket, lease).await
    }

    async fn settle(
        &self,
        ticket: Ticket,
        verdict: Verdict,
        now: Timestamp,
    ) -> Result<bool, InboxError> {
        self.end(ticket, verdict, now).await
    }

    async fn release(&self) -> Result<(), InboxError> {
        self.pull.rest().await
    }

    async fn probe(&self) -> Result<(), InboxError> {
        self.link.connected().await?;
        self.setup.restore().await?;
        self.try_to_store().await?;
        self.has_reserve().await
    }

    async fn untaken(&self, _now: Timestamp) -> Result<Option<String>, InboxError> {
        self.next_delivery().await
    }

    /// Payloads and keys go by themselves.
    async fn sweep(&self, _now: Timestamp) -> Result<bool, InboxError> {
        self.setup.restore().await?;
        self.put_right().await
    }

    async fn stats(&self) -> Result<Stats, InboxError> {
        self.count().await
    }

    async fn list(
        &self,
        state: State,
        after: Option<EntryId>,
        limit: usize,
    ) -> Result<Vec<Entry>, InboxError> {
        self.page(state, after, limit).await
    }

    async fn show(&self, id: EntryId) -> Result<Option<Shown>, InboxError> {
        self.find(id).await
    }

    async fn retry(&self, id: EntryId, now: Timestamp) -> Result<bool, InboxError> {
        self.hurry(id, now).await
    }

    async fn discard(&self, id: EntryId) -> Result<bool, InboxError> {
        self.drop(id).await
    }
}

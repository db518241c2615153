//! Entries in NATS JetStream.
//!
//! Each case and agent has a subject for what is processed now, its head, and one for what comes after it,
//! its tail. Workers share one consumer, which delivers the heads; whoever ends one puts the first of
//! the tail in its place. So a case that fails waits, and nothing else does.

mod act;
mod case;
mod ended;
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
mod sweep;
mod upkeep;

use std::sync::Arc;

use async_nats::Client;
use async_nats::jetstream::consumer::PullConsumer;
use async_nats::jetstream::{self, Context};
use async_trait::async_trait;

use self::act::Actions;
use self::inspect::Inspector;
use self::lease::Leases;
use self::link::{Link, TIMEOUT};
use self::put::Receipts;
use self::reserve::ReserveStream;
use self::setup::{Setup, consumer};
use self::streams::Streams;
use self::sweep::Repairs;
use self::upkeep::Upkeep;
use super::engine::{Arrival, Claim, Engine, Lease, Stored, Ticket, Verdict};
use super::entry::{Entry, EntryId, Shown, State, Stats};
use super::error::InboxError;
use super::settings::Settings;
use crate::caught::quietly;
use crate::storage::nats;
use crate::timestamp::Timestamp;

/// Size of the largest request that a receiver takes by default, with what is noted of it.
const LARGEST_REQUEST: usize = 2 * 1024 * 1024 + 4096;

pub(super) struct Nats {
    receipts: Arc<Receipts>,
    leases: Leases,
    inspector: Inspector,
    actions: Actions,
    repairs: Repairs,
}

impl Nats {
    pub(super) async fn connect(
        url: &str,
        name: &str,
        settings: &Settings,
    ) -> Result<Self, InboxError> {
        check_name(name)?;
        let client = nats::connect(url, TIMEOUT).await.map_err(InboxError::new)?;
        check_version(&client)?;
        let mut jetstream = jetstream::new(client.clone());
        jetstream.set_timeout(TIMEOUT);
        let link = Arc::new(Link::new(client.clone()));
        let streams = Arc::new(Streams::open(&jetstream, &link, name, settings).await?);
        warn_of_what_cannot_be_seen(&client, &streams);
        let consumer = consumer(&streams.cases, settings).await?;
        let setup = Setup::new(&jetstream, name, settings, &streams);
        let reserve = reserve(&jetstream, name, settings);
        let upkeep = Arc::new(Upkeep::new(link, setup, &streams, reserve));
        if !settings.must_exist {
            // Without it, what is waiting can still be processed. The failure is logged.
            let _ = upkeep.set_aside().await;
        }
        Ok(Self::new(client, &consumer, &streams, &upkeep, settings))
    }

    fn new(
        client: Client,
        consumer: &PullConsumer,
        streams: &Arc<Streams>,
        upkeep: &Arc<Upkeep>,
        settings: &Settings,
    ) -> Self {
        // Between two attempts, or until a worker that died has lost its lease.
        let longest_wait = settings.backoff.longest.max(settings.lease);
        let receipts = Arc::new(Receipts::new(client, streams, upkeep));
        Self {
            leases: Leases::new(consumer.clone(), streams, upkeep, settings, longest_wait),
            inspector: Inspector::new(consumer.clone(), streams, upkeep, longest_wait),
            actions: Actions::new(streams, &receipts),
            repairs: Repairs::new(consumer.clone(), streams, upkeep),
            receipts,
        }
    }
}

/// Only delegates: each verb stands under its name in the file of its kind.
#[async_trait]
impl Engine for Nats {
    async fn put(&self, arrival: Arrival) -> Result<Stored, InboxError> {
        self.receipts.put(&arrival).await
    }

    async fn wait(&self) -> Result<(), InboxError> {
        self.leases.wait().await
    }

    async fn claim(&self, limit: usize, lease: Lease) -> Result<Vec<Claim>, InboxError> {
        Ok(self.leases.claim(limit, lease).await)
    }

    async fn renew(&self, ticket: Ticket, lease: Lease) -> Result<bool, InboxError> {
        self.leases.renew(ticket, lease).await
    }

    async fn settle(
        &self,
        ticket: Ticket,
        verdict: Verdict,
        now: Timestamp,
    ) -> Result<bool, InboxError> {
        self.leases.settle(ticket, verdict, now).await
    }

    async fn release(&self) -> Result<(), InboxError> {
        self.leases.release().await
    }

    async fn probe(&self) -> Result<(), InboxError> {
        self.inspector.probe().await
    }

    async fn untaken(&self, _now: Timestamp) -> Result<Option<String>, InboxError> {
        self.inspector.untaken().await
    }

    async fn sweep(&self, _now: Timestamp) -> Result<bool, InboxError> {
        self.repairs.sweep().await
    }

    async fn stats(&self) -> Result<Stats, InboxError> {
        self.inspector.stats().await
    }

    async fn list(
        &self,
        state: State,
        after: Option<EntryId>,
        limit: usize,
    ) -> Result<Vec<Entry>, InboxError> {
        self.inspector.list(state, after, limit).await
    }

    async fn show(&self, id: EntryId) -> Result<Option<Shown>, InboxError> {
        self.inspector.show(id).await
    }

    async fn retry(&self, id: EntryId, now: Timestamp) -> Result<bool, InboxError> {
        self.actions.retry(id, now).await
    }

    async fn discard(&self, id: EntryId) -> Result<bool, InboxError> {
        self.actions.discard(id).await
    }
}

/// Refuses a name that cannot be both a stream's and a part of a subject.
fn check_name(name: &str) -> Result<(), InboxError> {
    let is_fine = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !name.is_empty() && name.chars().all(is_fine) {
        return Ok(());
    }
    Err(InboxError::new(format!("name `{name}`: expected letters, digits, `-` and `_`")))
}

fn check_version(client: &Client) -> Result<(), InboxError> {
    // Before 2.11.7, a server overlooked now and then what a message expects of other subjects: entries of a
    // case were handed out beside each other. Before 2.12, the id of a message that was refused in a cluster
    // was in use from then on: the second entry of a case was answered 503 while the first was open.
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

fn reserve(jetstream: &Context, name: &str, settings: &Settings) -> ReserveStream {
    let max_payload = jetstream.client().server_info().max_payload;
    let piece_size = reserve::piece_size(settings.size_limit, max_payload);
    ReserveStream::new(jetstream, streams::reserve(name, settings, piece_size), piece_size)
}

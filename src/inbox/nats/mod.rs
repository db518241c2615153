//! Entries in NATS JetStream.
//!
//! # Streams
//!
//! For an inbox of the name `inbox`. All are files, on as many servers as `Options::replicas` says.
//!
//! | stream | kept | at most | content |
//! |---|---|---|---|
//! | `inbox` | until removed | size limit + 16 MiB, else refused | [open entries](case) |
//! | `inbox-done` | `done_retention` | 1/4 of it, the oldest go | [entries that are done](ended) |
//! | `inbox-seen` | `repeat_window` | 1/4 of it, the oldest go | [keys of what is done](ended) |
//! | `inbox-dead` | until removed | the size limit, else refused | [dead letters](ended) |
//! | `inbox-tries` | a week, or two leases | 64 MiB, the oldest go | [notes on attempts](notes) |
//! | `inbox-reserve` | until room is needed | 2 to 16 MiB | [noise](mod@reserve) |
//!
//! `inbox` is a work queue, whose one durable consumer, `workers`, delivers heads. [`streams`]
//! makes the first five and checks those it finds; [`setup`] makes them and the consumer again when
//! they are gone.
//!
//! # Subjects
//!
//! A key, a case and an agent stand there as hashes of 32 digits.
//!
//! | subject | message |
//! |---|---|
//! | `inbox.case.0cf3….head` | entry of a case that is processed now: one at most |
//! | `inbox.case.0cf3….tail` | entry behind it: any number, in the order of receipt |
//! | `inbox.done.9a41…` | entry that is done, by its key |
//! | `inbox.seen.9a41…` | nothing: an entry of this key was processed |
//! | `inbox.dead.9a41…` | dead letter, by its key |
//! | `inbox.try.17.working` | note that a handler has the entry of message 17, with its lease |
//! | `inbox.try.17.failed` | note that an attempt at it failed, why, and when the next is due |
//!
//! An entry's message is the body as it came, with one header for all that is known of it
//! ([`letter`]). Only heads are delivered, so a case that fails waits, and no other does. The usual
//! way to an order, a partition for each worker with one message in flight, would have all cases of
//! a partition wait.
//!
//! # Life of an entry
//!
//! Each step is durable before the next begins. A crash between two of them is repaired by the next
//! process that meets what it left, so nothing is repaired at the start. An operation that fails,
//! or whose answer is lost, leaves what a crash would.
//!
//! 1. [`put`] stores it: as the head of its case, or in the tail behind one ([`case`]).
//!    - *Crash before its 200:* SnapEngage sends it again. The server knows the message's id for
//!      two hours. A later repeat is stored, and removed in its turn by [`lease`], which finds its
//!      key in `inbox-seen`.
//! 2. [`case`] fills the head, if that went while the tail was stored.
//!    - *Crash before:* a tail without a head. The next receipt of the case fills it, or [`sweep`].
//! 3. [`pull`] has it delivered, and [`lease`] looks up its key and its notes.
//!    - *Crash after:* the server delivers it again when the lease is over. It does not count as an
//!      attempt.
//! 4. [`lease`] notes the attempt as `working` ([`notes`]), and again with each renewal. The
//!    handler runs.
//!    - *Crash after:* the server delivers it again when the lease is over. The note has it
//!      counted.
//! 5. [`lease`] stores its key in `inbox-seen`, and the entry in `inbox-done` ([`ended`]).
//!    - *Crash after the key:* the server delivers it again. [`lease`] finds the key, and goes on
//!      with 6.
//!    - *Crash after the entry, without the key:* it is processed again, and replaces the entry in
//!      `inbox-done`.
//! 6. [`lease`] removes the head, by its number.
//!    - *Crash after:* a tail without a head, as in 2. The server takes the removal for an
//!      acknowledgement.
//! 7. [`case`] stores the first of the tail as the head.
//!    - *Crash after:* the next entry is in head and tail. When the one from the tail is delivered
//!      in its turn, [`lease`] finds the key or the dead letter of the other, and removes it.
//! 8. [`case`] removes it from the tail; beside 7 and 8, [`lease`] acknowledges the first and
//!    forgets its notes.
//!    - *Crash after:* at most notes on no entry. They go by their age; no number is used twice.
//!
//! A failed attempt, instead of 5 to 8:
//!
//! 1. [`lease`] notes it as `failed`, with the time of the next one, and forgets `working`.
//!    - *Crash between the two:* the entry is listed as working until that note goes, after two
//!      leases.
//! 2. [`lease`] gives the message back, to be delivered at that time.
//!    - *Crash before:* the server delivers it again when the lease is over, whenever it was due.
//!
//! A dead letter, instead of 5:
//!
//! 1. [`lease`] stores it in `inbox-dead`, and goes on with 6.
//!    - *Crash after:* the server delivers it again. [`lease`] finds the dead letter of the same
//!      origin.
//!
//! A dead letter that is retried, or whose repeat comes in:
//!
//! 1. [`put`] stores it in its case, as in 1 and 2 above, and removes the dead letter.
//!    - *Crash between the two:* [`lease`] removes the dead letter when the entry is delivered.
//!
//! An entry that waits for its next attempt and is retried at once ([`act`]):
//!
//! 1. [`case`] stores it as its own successor, and removes the first.
//!    - *Crash between the two:* [`lease`] finds the second at the head when the first is
//!      delivered, and removes the first.
//!
//! An entry that is discarded ([`act`]):
//!
//! 1. Of one that is done, the key goes first.
//!    - *Crash after:* its repeat is new, though it is still listed.
//! 2. It is erased; of an open one, [`case`] then fills the head.
//!    - *Crash between the two:* a tail without a head, as in 2 above.
//!
//! A server that is killed may bring back heads that were removed. Their consumer knows that they
//! are over and does not deliver them: [`sweep`] stores them again, and [`lease`] finds them to be
//! over.

mod act;
mod case;
mod ended;
mod inspect;
mod lease;
mod letter;
mod link;
mod messages;
mod notes;
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
use crate::panics::log_safely;
use crate::storage::nats;
use crate::timestamp::Timestamp;

/// Size of the largest request that a receiver accepts by default, with the notes on it.
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
            // Without it, waiting entries can still be processed. The failure is logged.
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
        let receipts = Arc::new(Receipts::new(client, streams, upkeep));
        Self {
            leases: Leases::new(consumer.clone(), streams, upkeep, settings),
            inspector: Inspector::new(consumer.clone(), streams, upkeep),
            actions: Actions::new(streams, &receipts),
            repairs: Repairs::new(consumer.clone(), streams, upkeep),
            receipts,
        }
    }
}

/// Only delegates: each verb is in the file of its kind, under its name.
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
    // Before 2.11.7, a server overlooked now and then what a message expects of other subjects:
    // entries of a case were handed out beside each other. Before 2.12, the id of a message that
    // was refused in a cluster was in use from then on: the second entry of a case was answered 503
    // while the first was open.
    if client.is_server_compatible(2, 12, 0) {
        return Ok(());
    }
    let version = client.server_info().version;
    Err(InboxError::new(format!("nats-server {version}, expected 2.12 or newer")))
}

fn warn_of_what_cannot_be_seen(client: &Client, streams: &Streams) {
    if streams.replicas == 1 {
        log_safely(|| {
            tracing::warn!(
                "the inbox has one replica: only a server with `sync_interval: always` keeps \
                 what it acknowledged when the power fails, and this cannot be checked from here"
            );
        });
    }
    let max_payload = client.server_info().max_payload;
    if max_payload < LARGEST_REQUEST {
        log_safely(|| {
            tracing::warn!(max_payload, "the server does not store the largest requests");
        });
    }
}

fn reserve(jetstream: &Context, name: &str, settings: &Settings) -> ReserveStream {
    let max_payload = jetstream.client().server_info().max_payload;
    let piece_size = reserve::piece_size(settings.size_limit, max_payload);
    ReserveStream::new(jetstream, streams::reserve(name, settings, piece_size), piece_size)
}

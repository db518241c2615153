//! Entries in a SQLite file.
//!
//! Each verb of the engine has one name, from here down to its query: [`put`], [`lease`] (claim,
//! renew, settle), [`inspect`] (stats, list, show), [`act`] (retry, discard) and [`sweep`]. Below
//! them are the [`database`], its [`schema`] and its [`files`], and [`rows`], the queries on an
//! entry's row that several verbs share.
//!
//! An entry is a row, from its receipt until its key is forgotten; its state is one of these:
//!
//! | state | is | becomes |
//! |---|---|---|
//! | new | stored, in no queue yet | ready or queued, when a worker claims |
//! | ready | the head of its case's queue, due at `due_at` | working |
//! | queued | behind the head | ready, once the head is done, dead or discarded |
//! | working | leased until `due_at` | done, ready for another attempt, or dead; ready, once the lease is over |
//! | done | kept until `due_at` | forgotten |
//! | dead | kept until it is retried, repeated or discarded | ready or queued |
//! | forgotten | its key alone, until the repeat window is over | removed |
//!
//! Every change is one transaction, shared with others that wait: a crash leaves it made, or not
//! begun. A worker that dies leaves its lease, which ends.

mod act;
mod damage;
mod database;
mod files;
mod inspect;
mod lease;
mod put;
mod rows;
mod schema;
mod sweep;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use self::act::Acts;
use self::damage::Damage;
use self::database::Database;
use self::inspect::Views;
use self::lease::Claims;
use self::put::Puts;
use self::sweep::Sweeps;
use super::engine::{Arrival, Claim, Engine, Lease, Stored, Ticket, Verdict};
use super::entry::{Entry, EntryId, Shown, State, Stats};
use super::error::InboxError;
use super::settings::Settings;
use crate::timestamp::Timestamp;

pub(super) struct Sqlite {
    puts: Puts,
    claims: Claims,
    views: Views,
    acts: Acts,
    sweeps: Sweeps,
}

impl Sqlite {
    pub(super) fn open(path: &Path, settings: &Settings) -> Result<Self, InboxError> {
        let database = Arc::new(Database::open(path, settings.must_exist)?);
        let damage = Arc::new(Damage::default());
        let window = millis(settings.repeat_window);
        Ok(Self {
            puts: Puts::new(&database, window, settings.size_limit),
            claims: Claims::new(&database, &damage, settings),
            views: Views::new(&database, &damage),
            acts: Acts::new(&database),
            sweeps: Sweeps::new(&database, &damage, window),
        })
    }
}

/// Only delegates: each verb is in the file of its kind, under its name.
#[async_trait]
impl Engine for Sqlite {
    async fn put(&self, arrival: Arrival) -> Result<Stored, InboxError> {
        self.puts.put(arrival).await
    }

    async fn wait(&self) -> Result<(), InboxError> {
        self.claims.wait().await
    }

    async fn claim(&self, limit: usize, lease: Lease) -> Result<Vec<Claim>, InboxError> {
        self.claims.claim(limit, lease).await
    }

    async fn renew(&self, ticket: Ticket, lease: Lease) -> Result<bool, InboxError> {
        self.claims.renew(ticket, lease).await
    }

    async fn settle(
        &self,
        ticket: Ticket,
        verdict: Verdict,
        now: Timestamp,
    ) -> Result<bool, InboxError> {
        self.claims.settle(ticket, verdict, now).await
    }

    async fn probe(&self) -> Result<(), InboxError> {
        self.puts.probe().await?;
        self.views.check_damage().await
    }

    async fn untaken(&self, now: Timestamp) -> Result<Option<String>, InboxError> {
        self.views.untaken(now).await
    }

    async fn sweep(&self, now: Timestamp) -> Result<bool, InboxError> {
        self.sweeps.sweep(now).await
    }

    async fn stats(&self) -> Result<Stats, InboxError> {
        self.views.stats().await
    }

    async fn list(
        &self,
        state: State,
        after: Option<EntryId>,
        limit: usize,
    ) -> Result<Vec<Entry>, InboxError> {
        self.views.list(state, after, limit).await
    }

    async fn show(&self, id: EntryId) -> Result<Option<Shown>, InboxError> {
        self.views.show(id).await
    }

    async fn retry(&self, id: EntryId, now: Timestamp) -> Result<bool, InboxError> {
        self.acts.retry(id, now).await
    }

    async fn discard(&self, id: EntryId) -> Result<bool, InboxError> {
        self.acts.discard(id).await
    }
}

fn millis(duration: Duration) -> i64 {
    // Bounded, so that adding it to a time cannot overflow.
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX).min(i64::MAX / 4)
}

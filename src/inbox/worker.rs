//! Worker: claims entries, calls their handlers, and stores the outcome.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::oneshot;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use super::engine::{Claim, Engine, Lease, Verdict};
use super::error::InboxError;
use super::event::{AttemptEnd, InboxEnd};
use super::feeds::Mounted;
use super::shared::Shared;
use super::span::QuietSpan;
use crate::clock;
use crate::error::HandlerError;
use crate::panics::{error_text, log_safely};
use crate::wire::legible::legible;

/// Pause between sweeps, after each of which the counts are logged.
const SWEEP: Duration = Duration::from_secs(60);
/// Pause after a failure of the engine.
const PAUSE: Duration = Duration::from_secs(1);
/// Number of attempts to store a verdict.
const NOTES: u32 = 5;
const PANICKED: &str = "handler panicked";
/// Part of an error that is kept, in bytes: it is shown in a table, and stored with each attempt.
const LONGEST_ERROR: usize = 4096;

/// Claims entries and has their handlers process them.
pub(super) struct Worker {
    shared: Arc<Shared>,
}

impl Worker {
    pub(super) fn new(shared: Arc<Shared>) -> Arc<Self> {
        Arc::new(Self { shared })
    }

    /// Works until `until` is ready, and then until the handlers that have started are done.
    pub(super) async fn run<F: Future>(self: &Arc<Self>, until: F) -> F::Output {
        let (going_on, over) = oneshot::channel();
        let until = async {
            let output = until.await;
            drop(going_on);
            output
        };
        // Concurrently with the work, not within it: `until` may wait for an entry that the inbox
        // is processing.
        let work = async { tokio::join!(until, self.process_all(over)) };
        tokio::select! {
            (output, ()) = work => output,
            never = self.keep_sweeping() => match never {},
        }
    }

    async fn process_all(self: &Arc<Self>, mut over: oneshot::Receiver<()>) {
        let mut attempts = JoinSet::new();
        loop {
            let free = self.shared.options.concurrency - attempts.len();
            tokio::select! {
                // The end is polled first: while there is always something to claim, it would be
                // late.
                biased;
                _ = &mut over => break,
                Some(_) = attempts.join_next(), if !attempts.is_empty() => {}
                found = self.engine().wait(), if free > 0 => {
                    for claim in self.claims(found, free).await {
                        let span = span(&claim);
                        attempts.spawn(span.clone().around(Arc::clone(self).work(claim, span)));
                    }
                }
            }
        }
        if let Err(error) = self.engine().release().await {
            let problem = "entries fetched ahead are free once their leases are over";
            log_safely(|| tracing::warn!(reason = ?error, "{problem}"));
        }
        while attempts.join_next().await.is_some() {}
    }

    fn engine(&self) -> &dyn Engine {
        &*self.shared.engine
    }

    async fn claims(&self, found: Result<(), InboxError>, limit: usize) -> Vec<Claim> {
        let claims = match found {
            Ok(()) => self.engine().claim(limit, self.lease()).await,
            Err(error) => Err(error),
        };
        match claims {
            Ok(claims) => {
                self.shared.claiming.over("entries can be processed again");
                claims
            }
            Err(error) => {
                self.shared.claiming.error("nothing can be processed", &error);
                sleep(PAUSE).await;
                Vec::new()
            }
        }
    }

    fn lease(&self) -> Lease {
        Lease { now: clock::now(), length: self.shared.options.settings.lease }
    }

    async fn work(self: Arc<Self>, claim: Claim, span: QuietSpan) {
        let started = Instant::now();
        let end = match self.attempt(&claim, span).await {
            Some(verdict) => {
                log(&claim, &verdict);
                self.settle(&claim, verdict).await
            }
            None => {
                log_safely(|| tracing::warn!("the lease was lost: another worker has the entry"));
                AttemptEnd::LeaseLost
            }
        };
        self.shared.tell(&claim.api, InboxEnd::Attempt(end), started);
    }

    /// Returns the verdict on one attempt; `None` if the lease was lost meanwhile.
    async fn attempt(self: &Arc<Self>, claim: &Claim, span: QuietSpan) -> Option<Verdict> {
        if claim.attempts > self.shared.options.max_attempts {
            let error =
                "the process ended during the last attempt, and said nothing of it".to_owned();
            return Some(Verdict::Dead { error });
        }
        let Some(feed) = self.shared.feeds.get(&claim.api, &claim.path) else {
            let error = format!("no handler of {} is mounted on `{}`", claim.api, claim.path);
            return Some(self.failed(claim, error));
        };
        let handler = Arc::clone(self).call(feed, claim.body.clone());
        // A task of its own, so that a panic in it ends nothing else; it is aborted if this is
        // dropped.
        let mut task = JoinSet::new();
        task.spawn(span.around(handler));
        self.wait_for(claim, task).await
    }

    /// Waits for the handler, and renews the lease meanwhile; `None` if that is lost.
    async fn wait_for(
        &self,
        claim: &Claim,
        mut task: JoinSet<Result<(), HandlerError>>,
    ) -> Option<Verdict> {
        let mut renewal = interval(self.shared.options.settings.lease / 3);
        renewal.set_missed_tick_behavior(MissedTickBehavior::Delay);
        renewal.tick().await;
        loop {
            tokio::select! {
                biased;
                Some(done) = task.join_next() => return Some(self.verdict(claim, done)),
                _ = renewal.tick() => if !self.renew(claim).await { return None },
            }
        }
    }

    /// Calls the handler, up to its deadline, once there is memory for the parsed body. A handler
    /// that is late has been dropped on return.
    async fn call(
        self: Arc<Self>,
        feed: Arc<dyn Mounted>,
        body: Bytes,
    ) -> Result<(), HandlerError> {
        let deadline = self.shared.options.deadline;
        let work = async {
            let Some(_share) = self.shared.memory.share(&body, deadline).await else {
                return Err(format!("no memory within {deadline:?}: see `memory_limit`").into());
            };
            feed.process(&body).await
        };
        let started = Instant::now();
        let Ok(done) = timeout(deadline, work).await else {
            return Err(format!("handler not done within {deadline:?}").into());
        };
        // Any other handler is dropped by then.
        if started.elapsed() > deadline {
            let reason =
                "handler blocked its thread past its deadline: see `tokio::task::spawn_blocking`";
            log_safely(|| tracing::warn!(reason, "late"));
        }
        done
    }

    /// Returns whether it makes sense to go on: not once another worker has the entry.
    async fn renew(&self, claim: &Claim) -> bool {
        self.engine().renew(claim.ticket, self.lease()).await.unwrap_or_else(|error| {
            self.shared.noting.error("a lease cannot be renewed", &error);
            true
        })
    }

    fn verdict(&self, claim: &Claim, done: Result<Result<(), HandlerError>, JoinError>) -> Verdict {
        match done {
            Ok(Ok(())) => Verdict::Done,
            Ok(Err(error)) if error.is_permanent() => Verdict::Dead { error: reason(error) },
            Ok(Err(error)) => self.failed(claim, reason(error)),
            Err(_) => self.failed(claim, PANICKED.to_owned()),
        }
    }

    fn failed(&self, claim: &Claim, error: String) -> Verdict {
        if claim.attempts >= self.shared.options.max_attempts {
            return Verdict::Dead { error };
        }
        Verdict::Again {
            after: self.shared.options.settings.backoff.upper_half(claim.attempts),
            error,
        }
    }

    /// Stores a verdict. If that fails, the entry is processed again.
    async fn settle(&self, claim: &Claim, verdict: Verdict) -> AttemptEnd {
        for _ in 0..NOTES {
            match self.engine().settle(claim.ticket, verdict.clone(), clock::now()).await {
                Ok(true) => {
                    self.shared.noting.over("outcomes can be stored again");
                    return AttemptEnd::of(&verdict);
                }
                Ok(false) => {
                    log_safely(|| tracing::warn!("the lease was lost: this may be done twice"));
                    return AttemptEnd::LeaseLost;
                }
                Err(error) => self.shared.noting.error("an outcome cannot be stored", &error),
            }
            sleep(PAUSE).await;
        }
        AttemptEnd::NotStored
    }

    async fn keep_sweeping(&self) -> Infallible {
        let mut rounds = interval(SWEEP);
        rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            rounds.tick().await;
            let is_well = self.look().await;
            let swept = self.sweep().await;
            // Otherwise the problem is known already.
            if let (true, Err(error)) = (is_well, swept) {
                log_safely(
                    || tracing::error!(reason = ?error, "expired entries cannot be forgotten"),
                );
            }
        }
    }

    async fn sweep(&self) -> Result<(), InboxError> {
        while self.engine().sweep(clock::now()).await? {}
        Ok(())
    }

    /// Logs the counts, and returns whether all is well.
    async fn look(&self) -> bool {
        let Ok(stats) = self.shared.monitor.look(self.engine()).await else { return false };
        let (waiting, working, dead) = (stats.waiting, stats.working, stats.dead);
        log_safely(|| {
            tracing::info!(
                waiting,
                working,
                dead,
                oldest_s = stats.oldest_s(),
                size = stats.size,
                "inbox"
            );
        });
        true
    }
}

/// Creates the span of one attempt.
fn span(claim: &Claim) -> QuietSpan {
    QuietSpan::new(|| {
        tracing::error_span!(
            "inbox",
            api = claim.api,
            event = &*legible(&claim.event),
            subject = &*legible(&claim.subject),
        )
    })
}

/// Returns the part of an error that is kept.
fn reason(error: HandlerError) -> String {
    let mut reason = error_text(error).unwrap_or_else(|_| PANICKED.to_owned());
    reason.truncate(reason.floor_char_boundary(LONGEST_ERROR));
    reason
}

fn log(claim: &Claim, verdict: &Verdict) {
    let attempts = claim.attempts;
    match verdict {
        Verdict::Done => log_safely(|| tracing::info!(attempts, "processed")),
        Verdict::Again { after, error } => {
            log_safely(|| {
                tracing::warn!(attempts, ?after, reason = error, "failed, to be retried");
            });
        }
        Verdict::Dead { error } => {
            log_safely(|| tracing::error!(attempts, reason = error, "a dead letter"));
        }
    }
}

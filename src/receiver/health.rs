//! Health route, and the checks it runs.

use std::collections::{BTreeMap, BTreeSet};
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Map, Value};

use super::log::RequestLog;
use super::run::Supervised;
use crate::endpoint::Answer;
use crate::endpoint::rejection::{Failure, Rejection};
use crate::error::HandlerError;

/// Name of the report's own field, which no check may have.
pub(crate) const STATUS: &str = "status";

/// Check of a part of the service, run by the health route.
///
/// ```
/// use std::sync::atomic::{AtomicU64, Ordering};
///
/// use http::{Request, StatusCode};
/// use serde_json::{Value, json};
/// use snapengage::{HandlerError, HealthCheck, Receiver, async_trait};
///
/// #[derive(Default)]
/// struct Outbox {
///     waiting: AtomicU64,
/// }
///
/// #[async_trait]
/// impl HealthCheck for Outbox {
///     async fn check(&self) -> Result<Value, HandlerError> {
///         Ok(json!({ "waiting": self.waiting.load(Ordering::Relaxed) }))
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let receiver = Receiver::builder()
///     .healthz("/healthz")
///     .health_check("outbox", Outbox::default())
///     .build()?;
/// let response = receiver.handle(Request::get("/healthz").body(String::new())?).await;
/// assert_eq!(response.status(), StatusCode::OK);
/// let body: Value = serde_json::from_slice(&response.into_body().into_bytes())?;
/// assert_eq!(body, json!({ "status": "ok", "outbox": { "waiting": 0 } }));
/// # Ok(())
/// # }
/// ```
///
/// Every `impl` needs [`#[async_trait]`](macro@crate::async_trait) as above. Without it, the
/// compiler reports E0195: "lifetime parameters or bounds on method `check` do not match the
/// trait declaration".
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a health check",
    label = "the trait `HealthCheck` is not implemented for `{Self}`",
    note = "a closure is none: its figures come from a struct of yours that implements it"
)]
#[async_trait]
pub trait HealthCheck: Send + Sync + 'static {
    /// Returns figures for the report.
    ///
    /// The route has no token and is requested often: the figures must hold no names and nothing
    /// that was sent, and must be cheap to get.
    ///
    /// # Errors
    ///
    /// If the part does not work: the route answers 503. The reason is logged when that begins, and
    /// again when it is over.
    async fn check(&self) -> Result<Value, HandlerError>;
}

#[async_trait]
impl<C: HealthCheck + ?Sized> HealthCheck for Arc<C> {
    async fn check(&self) -> Result<Value, HandlerError> {
        (**self).check().await
    }
}

/// Health route.
pub(crate) struct Health {
    pub(crate) path: String,
    pub(crate) checks: BTreeMap<String, Box<dyn HealthCheck>>,
    /// Deadline of each check.
    pub(crate) deadline: Duration,
    /// Checks that failed the last time.
    pub(crate) failed: Mutex<BTreeSet<String>>,
}

impl Health {
    pub(crate) async fn answer(&self, log: &RequestLog) -> Result<Answer, Rejection> {
        if self.checks.is_empty() {
            return Ok(Answer::text("ok".to_owned()).of_health_checks());
        }
        let mut report = Map::from_iter([(STATUS.to_owned(), "ok".into())]);
        let mut failures = Vec::new();
        for (name, result) in self.checks.keys().zip(self.results().await) {
            self.note(name, result.as_ref().err(), log);
            match result {
                Ok(figures) => drop(report.insert(name.clone(), figures)),
                Err(failure) => failures.push((&**name, failure)),
            }
        }
        if !failures.is_empty() {
            return Err(Rejection::unhealthy(&failures));
        }
        let report = Value::Object(report).to_string();
        Ok(Answer::json(report.into_bytes()).of_health_checks())
    }

    /// Runs all checks, in the order of their names, at once: a probe waits for the slowest of
    /// them, and not for their sum.
    async fn results(&self) -> Vec<Result<Value, Failure>> {
        let mut running: Vec<_> = self.checks.values().map(|check| self.run(&**check)).collect();
        let mut results: Vec<_> = running.iter().map(|_| None).collect();
        poll_fn(|context| {
            let checks = running.iter_mut().zip(&mut results);
            for (check, result) in checks.filter(|(_, result)| result.is_none()) {
                if let Poll::Ready(done) = Pin::new(check).poll(context) {
                    *result = Some(done);
                }
            }
            if results.iter().all(Option::is_some) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        results.into_iter().flatten().collect()
    }

    fn run<'c>(&self, check: &'c dyn HealthCheck) -> Supervised<'c, Value> {
        let figures = async { Ok(check.check().await?) };
        Supervised::new(Box::pin(figures), self.deadline)
    }

    /// Logs changes only: a probe every few seconds would fill the log with what stays as it is.
    fn note(&self, name: &str, failure: Option<&Failure>, log: &RequestLog) {
        match failure {
            Some(failure) => {
                if self.failed().insert(name.to_owned()) {
                    log.unhealthy(name, &failure.to_log());
                }
            }
            None => {
                if self.failed().remove(name) {
                    log.healthy_again(name);
                }
            }
        }
    }

    fn failed(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! What the health route tells of the parts that were hooked into it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Map, Value};

use crate::endpoint::{Answer, supervise};
use crate::error::HandlerError;
use crate::rejection::Rejection;

/// The report's own name, which no check may have.
pub(crate) const STATUS: &str = "status";

/// A part of the service that the health route asks how it is.
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
#[async_trait]
pub trait HealthCheck: Send + Sync + 'static {
    /// Figures for whoever asks.
    ///
    /// The route has no token, and is asked often: no names and nothing that was sent, and no work
    /// that grows.
    ///
    /// # Errors
    ///
    /// Where the part is of no use: the route answers 503, and the log says why.
    async fn check(&self) -> Result<Value, HandlerError>;
}

#[async_trait]
impl<C: HealthCheck + ?Sized> HealthCheck for Arc<C> {
    async fn check(&self) -> Result<Value, HandlerError> {
        (**self).check().await
    }
}

/// The health route.
pub(crate) struct Health {
    pub(crate) path: String,
    pub(crate) checks: BTreeMap<String, Box<dyn HealthCheck>>,
    /// For each check.
    pub(crate) deadline: Duration,
}

impl Health {
    pub(crate) async fn answer(&self) -> Result<Answer, Rejection> {
        if self.checks.is_empty() {
            return Ok(Answer::text("ok".to_owned()));
        }
        let mut report = Map::from_iter([(STATUS.to_owned(), "ok".into())]);
        for (name, check) in &self.checks {
            let figures = supervise(self.deadline, async { check.check().await })
                .await
                .map_err(|failure| Rejection::unhealthy(name, &failure))?;
            report.insert(name.clone(), figures);
        }
        Ok(Answer::json(Value::Object(report).to_string().into_bytes()))
    }
}

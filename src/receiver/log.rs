//! Log of a request: one span, and one event in it. Of what was sent, only the event's name and the
//! case id are logged, and of a token only its name.

use std::time::Instant;

use tracing::Span;
use tracing::field::Empty;

use crate::endpoint::rejection::Rejection;
use crate::endpoint::{Answer, Origin};
use crate::id::CaseId;
use crate::panics::{catch_panic, log_safely};
use crate::wire::legible::legible;

/// Log of one request. A subscriber that panics loses its log line, and not the request.
#[derive(Clone)]
pub(crate) struct RequestLog {
    /// Created at the highest level, so that no refusal is logged without it.
    span: Span,
    /// `None` if the span is disabled: then the clock is not read.
    started: Option<Instant>,
}

impl RequestLog {
    pub(crate) fn start() -> Self {
        let span = || {
            tracing::error_span!(
                "snapengage",
                api = Empty,
                event = Empty,
                case_id = Empty,
                token = Empty,
                repeat = Empty,
                status = Empty,
                duration_ms = Empty,
            )
        };
        let span = catch_panic(span).unwrap_or_else(|_| Span::none());
        Self { started: (!span.is_disabled()).then(Instant::now), span }
    }

    /// Records the name of the API, or of what is mounted beside them.
    pub(crate) fn api(&self, name: &'static str) {
        self.with_span(|span| {
            span.record("api", name);
        });
    }

    /// Records the name of the token that came.
    pub(crate) fn token(&self, name: &str) {
        self.with_span(|span| {
            span.record("token", name);
        });
    }

    /// Records the event.
    pub(crate) fn event(&self, name: &str, case_id: Option<&CaseId>) {
        self.with_span(|span| {
            span.record("event", &*legible(name));
            if let Some(case_id) = case_id {
                span.record("case_id", &*legible(case_id.as_str()));
            }
        });
    }

    /// Runs work in the request's span.
    pub(crate) fn within<T>(&self, work: impl FnOnce() -> T) -> T {
        if self.span.is_disabled() {
            return work();
        }
        let entered = catch_panic(|| self.span.enter());
        let done = work();
        log_safely(|| drop(entered));
        done
    }

    pub(crate) fn hung_up(&self) {
        self.with_span(|span| span.in_scope(|| tracing::debug!("the caller hung up")));
    }

    /// Logs a health check that passed the last time and fails.
    pub(crate) fn unhealthy(&self, check: &str, reason: &str) {
        self.with_span(|span| span.in_scope(|| tracing::error!(check, reason, "unhealthy")));
    }

    /// Logs a health check that failed the last time and passes.
    pub(crate) fn healthy_again(&self, check: &str) {
        self.with_span(|span| span.in_scope(|| tracing::info!(check, "healthy again")));
    }

    /// Logs the one line for a request.
    pub(crate) fn outcome(&self, result: &Result<Answer, Rejection>) {
        self.with_span(|span| {
            let duration = self.started.map_or(0, |started| started.elapsed().as_millis());
            let status = result.as_ref().map_or_else(|refused| refused.status.as_u16(), |_| 200);
            span.record("duration_ms", u64::try_from(duration).unwrap_or(u64::MAX));
            span.record("status", status);
            span.in_scope(|| line(result));
        });
    }

    /// Returns the time if a subscriber listens.
    pub(crate) fn now(&self) -> Option<Instant> {
        self.is_enabled().then(Instant::now)
    }

    fn is_enabled(&self) -> bool {
        !self.span.is_disabled()
    }

    fn with_span(&self, log: impl FnOnce(&Span)) {
        if self.is_enabled() {
            log_safely(|| log(&self.span));
        }
    }
}

impl Drop for RequestLog {
    fn drop(&mut self) {
        if self.is_enabled() {
            let span = std::mem::replace(&mut self.span, Span::none());
            log_safely(|| drop(span));
        }
    }
}

fn line(result: &Result<Answer, Rejection>) {
    match result {
        Ok(answer) => answered(answer),
        Err(rejection) => {
            let reason = rejection.log.as_deref().unwrap_or(&rejection.message);
            if rejection.is_routine {
                tracing::debug!(reason, "not healthy");
            } else if rejection.status.is_server_error() {
                tracing::error!(reason, "not answered");
            } else {
                tracing::warn!(reason, "refused");
            }
        }
    }
}

fn answered(answer: &Answer) {
    match (&answer.origin, answer.lack) {
        (Origin::Handler, None) => tracing::info!("answered"),
        (Origin::Handler, Some(lack)) => tracing::warn!(reason = lack.to_log(), "answered"),
        (Origin::LateHandler, _) => tracing::warn!(
            reason =
                "handler blocked its thread past its deadline: see `tokio::task::spawn_blocking`",
            "answered late"
        ),
        (Origin::HealthChecks, _) => tracing::debug!("answered"),
        (Origin::Fallback(failure), _) => {
            tracing::error!(reason = failure.to_log(), "answered instead of the handler");
        }
    }
}

//! What is logged of a request: one span, and one line in it. Nothing that was sent but the event's
//! name and the case id, and nothing of a token but its name.

use std::time::Instant;

use tracing::Span;
use tracing::field::{DebugValue, Empty};

use crate::endpoint::Answer;
use crate::id::CaseId;
use crate::rejection::Rejection;

/// The span of a request: at the highest level, so that a refusal in the log is never without it.
pub(crate) fn span() -> Span {
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
}

/// What came in.
pub(crate) fn event(span: &Span, name: &str, case_id: Option<&CaseId>) {
    span.record("event", legible(name));
    if let Some(case_id) = case_id {
        span.record("case_id", legible(case_id.as_str()));
    }
}

/// The one line for a request.
pub(crate) fn outcome(span: &Span, result: &Result<Answer, Rejection>, started: Instant) {
    if span.is_disabled() {
        return;
    }
    let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    span.record("duration_ms", duration_ms);
    span.record("status", result.as_ref().map_or_else(|refused| refused.status.as_u16(), |_| 200));
    span.in_scope(|| line(result));
}

fn line(result: &Result<Answer, Rejection>) {
    match result {
        Ok(Answer { failure: None, warning: None, .. }) => tracing::info!("answered"),
        Ok(Answer { failure: None, warning: Some(reason), .. }) => {
            tracing::warn!(reason, "answered");
        }
        Ok(Answer { failure: Some(failure), .. }) => {
            tracing::error!(reason = failure.to_log(), "answered instead of the handler");
        }
        Err(rejection) => {
            let reason = rejection.log.as_deref().unwrap_or(&rejection.message);
            if rejection.status.is_server_error() {
                tracing::error!(reason, "not answered");
            } else {
                tracing::warn!(reason, "refused");
            }
        }
    }
}

/// Text of a request as it may stand in the log: no control characters, and not much of it.
fn legible(text: &str) -> DebugValue<&str> {
    const LIMIT: usize = 128;
    tracing::field::debug(&text[..text.floor_char_boundary(LIMIT)])
}

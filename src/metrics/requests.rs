//! Metrics of a receiver: of its requests, and of the connections that they come by.

use ::metrics::SharedString;
use http::Response;

use super::list::{
    CONNECTION_FAILURES, CONNECTIONS, FALLBACK_REPLIES, ODD_FIELDS, OPEN_CONNECTIONS, REFUSALS,
    REQUEST_DURATION, REQUESTS, SILENT_REPLIES,
};
use crate::api::Api;
use crate::endpoint::rejection::Reason;
use crate::receiver::documented::is_documented;
use crate::receiver::observer::{Conclusion, ConnectionEvent, ObservedRequest, Observer};
use crate::receiver::response::Body;

/// Value of a label where there is nothing to name.
const NONE: &str = "none";

/// Value of a label for what the caller made up: no series is named by a caller.
pub(super) const OTHER: &str = "other";

/// Reason of a fallback reply that completes the bot's own.
const COMPLETED: &str = "failed-transfer";

/// Refusals of bodies that were not read to their ends.
const BODIES: [Reason; 4] =
    [Reason::Encoding, Reason::TooLarge, Reason::TooSlow, Reason::BrokenBody];

/// Observer that counts.
pub(super) struct RequestMeter;

impl RequestMeter {
    /// Creates an observer, and the series that are alerted on: the first increase of one that was
    /// not there before is none to Prometheus.
    pub(super) fn new() -> Self {
        use Reason::{Failed, NoMemory, Panicked, Permanent, TimedOut, Unreadable};

        let failures = [Failed, NoMemory, Panicked, Permanent, TimedOut, Unreadable];
        for reason in failures.map(Reason::as_str).into_iter().chain([COMPLETED]) {
            FALLBACK_REPLIES.add(0, [reason.into()]);
        }
        // What a feed is refused may be lost.
        for api in [Api::Integration, Api::Conversation, Api::AgentStatus].map(Api::as_str) {
            for reason in failures.into_iter().chain(BODIES).map(Reason::as_str) {
                REFUSALS.add(0, [api.into(), reason.into()]);
            }
        }
        SILENT_REPLIES.add(0, []);
        CONNECTIONS.add(0, []);
        for reason in ConnectionEvent::ALL.into_iter().filter_map(fault) {
            CONNECTION_FAILURES.add(0, [reason.into()]);
        }
        Self
    }
}

impl Observer for RequestMeter {
    fn sees_bodies(&self) -> bool {
        false
    }

    fn observe(&self, request: &ObservedRequest<'_>, response: Option<&Response<Body>>) {
        let api = request.api.map_or(NONE, Api::as_str);
        let token = request.token.clone().map_or(NONE.into(), SharedString::from);
        REQUESTS.add(1, [api.into(), event(request), status(response), token]);
        for &field in &request.odd_fields {
            ODD_FIELDS.add(1, [api.into(), field.into()]);
        }
        let Some(conclusion) = request.conclusion else { return };
        if request.api.is_some() {
            REQUEST_DURATION.record(request.arrived.elapsed(), [api.into()]);
        }
        match conclusion {
            Conclusion::Handled => {}
            Conclusion::Silent => SILENT_REPLIES.add(1, []),
            Conclusion::Completed => FALLBACK_REPLIES.add(1, [COMPLETED.into()]),
            Conclusion::Fallback(reason) => FALLBACK_REPLIES.add(1, [reason.as_str().into()]),
            Conclusion::Refused(reason) => REFUSALS.add(1, [api.into(), reason.as_str().into()]),
        }
    }

    fn note_connection(&self, event: ConnectionEvent) {
        match event {
            ConnectionEvent::Opened => {
                CONNECTIONS.add(1, []);
                OPEN_CONNECTIONS.change(1.0, []);
            }
            ConnectionEvent::Closed => OPEN_CONNECTIONS.change(-1.0, []),
            _ => {}
        }
        if let Some(reason) = fault(event) {
            CONNECTION_FAILURES.add(1, [reason.into()]);
        }
    }
}

fn status(response: Option<&Response<Body>>) -> SharedString {
    response.map_or(NONE.into(), |response| response.status().as_str().to_owned().into())
}

/// Returns the event under its documented name.
fn event(request: &ObservedRequest<'_>) -> SharedString {
    let (Some(api), Some(name)) = (request.api, request.event.as_deref()) else {
        return NONE.into();
    };
    match name {
        "" => NONE.into(),
        name if is_documented(api, name) => name.to_owned().into(),
        _ => OTHER.into(),
    }
}

/// Returns the fault of a client, or the limit that was met, in a word.
fn fault(event: ConnectionEvent) -> Option<&'static str> {
    match event {
        ConnectionEvent::Opened | ConnectionEvent::Closed => None,
        ConnectionEvent::Full => Some("full"),
        ConnectionEvent::NotAccepted => Some("not-accepted"),
        ConnectionEvent::Handshake => Some("handshake"),
        ConnectionEvent::HeadTooLarge => Some("head-too-large"),
        ConnectionEvent::Malformed => Some("malformed"),
        ConnectionEvent::HeadTooSlow => Some("head-too-slow"),
        ConnectionEvent::ReadTooSlow => Some("read-too-slow"),
        ConnectionEvent::Cut => Some("cut"),
    }
}

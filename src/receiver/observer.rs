//! Observation: what is built around a receiver is told of each request, of its answer, and of the
//! connections that requests come by.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use http::{Response, request};
use tokio::time::Instant;

use super::response::Body;
use crate::api::Api;
use crate::endpoint::rejection::{Reason, Rejection};
use crate::endpoint::{Answer, Lack, Origin};
use crate::id::CaseId;
use crate::panics::{catch_panic, log_safely};

/// Party that is told of each request and of its answer, but for those of the health route.
pub(crate) trait Observer: Send + Sync + 'static {
    /// Returns `true` if it looks at bodies, which are kept for it until there is an answer.
    fn sees_bodies(&self) -> bool;

    /// Takes note of a request and of its answer; `None` if the caller hung up before there was
    /// one. The answer waits for it: it must not block.
    fn observe(&self, request: &ObservedRequest<'_>, response: Option<&Response<Body>>);

    /// Takes note of what happened to a connection to this crate's server.
    fn note_connection(&self, _event: ConnectionEvent) {}
}

/// Request as it was received, as far as that came.
pub(crate) struct ObservedRequest<'r> {
    pub(crate) head: &'r request::Parts,
    /// Path as it came, but for its secret, or for what may be one where nothing is served.
    pub(crate) path: Cow<'r, str>,
    pub(crate) arrived: Instant,
    /// API of the path; `None` if nothing is served there.
    pub(crate) api: Option<Api>,
    /// Name of the token that it came with.
    pub(crate) token: Option<String>,
    /// Name of the event as the caller wrote it; `None` if the body was not read, and empty if it
    /// has none.
    pub(crate) event: Option<String>,
    pub(crate) case_id: Option<CaseId>,
    /// Names of the documented fields whose values are not as documented, each once.
    pub(crate) odd_fields: Vec<&'static str>,
    /// Source of the answer; `None` if the caller hung up before there was one.
    pub(crate) conclusion: Option<Conclusion>,
    /// Body up to where it was read, before any change of its charset. Empty if no observer sees
    /// bodies.
    pub(crate) body: Bytes,
    /// Length of a body whose end was not read.
    pub(crate) unread: Option<UnreadBody>,
}

/// Length that a body announced whose end was not read, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UnreadBody {
    Announced(u64),
    /// It came in chunks, which announce nothing.
    Unknown,
}

/// Source of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Conclusion {
    Handled,
    /// The handler's, and the visitor is left in silence.
    Silent,
    /// The fallback reply, in the place of the handler's.
    Fallback(Reason),
    /// The fallback reply, since the handler said nothing to a transfer that failed.
    Completed,
    Refused(Reason),
}

impl Conclusion {
    fn of(result: &Result<Answer, Rejection>) -> Self {
        match result {
            Err(rejection) => Self::Refused(rejection.reason),
            Ok(Answer { origin: Origin::Fallback(failure), .. }) => {
                Self::Fallback(failure.reason())
            }
            Ok(Answer { lack: Some(Lack::Completed), .. }) => Self::Completed,
            Ok(Answer { lack: Some(Lack::Silence), .. }) => Self::Silent,
            Ok(_) => Self::Handled,
        }
    }
}

/// Event in the life of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ConnectionEvent {
    /// It was accepted, and its handshake is done.
    Opened,
    /// It ended after that, for whatever reason.
    Closed,
    /// It could not be accepted yet: `max_connections` are open.
    Full,
    /// It could not be accepted by the system.
    NotAccepted,
    /// Its handshake failed, or took too long.
    Handshake,
    /// It was closed since a head was larger than `header_limit`, or had too many fields.
    HeadTooLarge,
    /// It was closed since what came is not HTTP.
    Malformed,
    /// It was closed since a head did not come in time.
    HeadTooSlow,
    /// It was closed since an answer was not read in time.
    ReadTooSlow,
    /// It was cut at the end of the drain.
    Cut,
}

impl ConnectionEvent {
    pub(crate) const ALL: [Self; 10] = [
        Self::Opened,
        Self::Closed,
        Self::Full,
        Self::NotAccepted,
        Self::Handshake,
        Self::HeadTooLarge,
        Self::Malformed,
        Self::HeadTooSlow,
        Self::ReadTooSlow,
        Self::Cut,
    ];
}

/// Observers of a receiver.
#[derive(Clone, Default)]
pub(super) struct Observers(Option<Arc<[Arc<dyn Observer>]>>);

impl Observers {
    pub(super) fn with(self, observer: Arc<dyn Observer>) -> Self {
        let all = self.0.iter().flat_map(|observers| observers.iter().cloned());
        Self(Some(all.chain([observer]).collect()))
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Tells all of them of what happened to a connection.
    pub(super) fn note_connection(&self, event: ConnectionEvent) {
        for observer in self.0.as_deref().unwrap_or_default() {
            safely(|| observer.note_connection(event));
        }
    }

    /// Starts to observe a request whose head is there.
    pub(super) fn start<'r>(
        &'r self,
        head: &'r request::Parts,
        path: Cow<'r, str>,
        unread: Option<UnreadBody>,
    ) -> Observation<'r> {
        let observers = self.0.as_deref().unwrap_or_default();
        let request = ObservedRequest {
            head,
            path,
            arrived: Instant::now(),
            api: None,
            token: None,
            event: None,
            case_id: None,
            odd_fields: Vec::new(),
            conclusion: None,
            body: Bytes::new(),
            unread,
        };
        let sees_bodies = observers.iter().any(|observer| observer.sees_bodies());
        Observation(Some(Box::new(Watched { observers, sees_bodies, request })))
    }
}

/// Observation of one request; without observers, nothing. Dropped before there is an answer, it
/// tells that the caller hung up.
#[derive(Default)]
pub(crate) struct Observation<'r>(Option<Box<Watched<'r>>>);

struct Watched<'r> {
    observers: &'r [Arc<dyn Observer>],
    sees_bodies: bool,
    request: ObservedRequest<'r>,
}

impl Watched<'_> {
    #[cold]
    fn tell(&self, response: Option<&Response<Body>>) {
        for observer in self.observers {
            safely(|| observer.observe(&self.request, response));
        }
    }
}

fn safely(tell: impl FnOnce()) {
    if catch_panic(tell).is_err() {
        log_safely(|| tracing::error!("an observer of the receiver panicked"));
    }
}

impl Observation<'_> {
    #[inline]
    pub(super) fn api(&mut self, api: Api) {
        if let Some(watched) = &mut self.0 {
            watched.request.api = Some(api);
        }
    }

    #[inline]
    pub(super) fn token(&mut self, name: &str) {
        if let Some(watched) = &mut self.0 {
            watched.request.token = Some(name.to_owned());
        }
    }

    #[inline]
    pub(super) fn event(&mut self, name: &str, case_id: Option<&CaseId>) {
        if let Some(watched) = &mut self.0 {
            watched.request.event = Some(name.to_owned());
            watched.request.case_id = case_id.cloned();
        }
    }

    /// Returns the list for the names of odd fields, if anybody observes.
    #[inline]
    pub(super) fn odd_fields(&mut self) -> Option<&mut Vec<&'static str>> {
        self.0.as_mut().map(|watched| &mut watched.request.odd_fields)
    }

    #[inline]
    pub(super) fn concluded(&mut self, result: &Result<Answer, Rejection>) {
        if let Some(watched) = &mut self.0 {
            watched.request.conclusion = Some(Conclusion::of(result));
        }
    }

    #[inline]
    pub(super) fn sees_bodies(&self) -> bool {
        self.0.as_ref().is_some_and(|watched| watched.sees_bodies)
    }

    /// Takes note of a body that was read to its end.
    #[inline]
    pub(super) fn body(&mut self, body: &Bytes) {
        if let Some(watched) = &mut self.0 {
            watched.request.unread = None;
            if watched.sees_bodies {
                watched.request.body = body.clone();
            }
        }
    }

    /// Takes note of the part of a refused body that was read.
    #[inline]
    pub(super) fn part_of_body(&mut self, part: Bytes) {
        if let Some(watched) = self.0.as_mut().filter(|watched| watched.sees_bodies) {
            watched.request.body = part;
        }
    }

    #[inline]
    pub(super) fn answered(mut self, response: &Response<Body>) {
        if let Some(watched) = self.0.take() {
            watched.tell(Some(response));
        }
    }
}

impl Drop for Observation<'_> {
    fn drop(&mut self) {
        if let Some(watched) = self.0.take() {
            watched.tell(None);
        }
    }
}

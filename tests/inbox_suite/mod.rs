//! An inbox, a receiver before it, and a handler behind it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use http::Response;
use snapengage::agent_status::{self, StatusChange};
use snapengage::conversation::{self, Event};
use snapengage::inbox::{Entry, Inbox, State};
use snapengage::integration::{self, SupportRequest};
use snapengage::{Body, HandlerError, Receiver, Timestamp, async_trait};
use tokio::sync::Semaphore;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, timeout};

use crate::support::{Failing, assert_refused, auth, post};

/// Does as it is told, and tells what it was called with.
#[derive(Clone)]
pub(crate) struct Crm {
    called: UnboundedSender<(String, Instant)>,
    /// How many calls are yet to fail, and how.
    failing: Arc<(AtomicU32, Failing)>,
    /// Taken by each call, and not given back.
    pub(crate) gate: Arc<Semaphore>,
}

pub(crate) type Calls = UnboundedReceiver<(String, Instant)>;

impl Crm {
    pub(crate) fn failing_times(times: u32, failing: Failing) -> (Self, Calls) {
        let (called, calls) = unbounded_channel();
        let failing = Arc::new((AtomicU32::new(times), failing));
        (Self { called, failing, gate: Arc::new(Semaphore::new(1000)) }, calls)
    }

    pub(crate) fn up() -> (Self, Calls) {
        Self::failing_times(0, Failing::Passing)
    }

    /// One whose calls do not end before the gate has permits.
    pub(crate) fn gated() -> (Self, Calls) {
        let (crm, calls) = Self::up();
        (Self { gate: Arc::new(Semaphore::new(0)), ..crm }, calls)
    }

    async fn take(&self, what: String) -> Result<(), HandlerError> {
        self.called.send((what, Instant::now())).expect("somebody listens");
        self.gate.acquire().await.expect("an open gate").forget();
        let (times, failing) = &*self.failing;
        let less = |times: u32| times.checked_sub(1);
        if times.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_ok() {
            return failing.run().await;
        }
        Ok(())
    }
}

#[async_trait]
impl integration::Handler for Crm {
    async fn support_request(&self, request: SupportRequest) -> Result<(), HandlerError> {
        self.take(format!("{} {}", request.id, request.requested_by.unwrap_or_default())).await
    }
}

#[async_trait]
impl conversation::Handler for Crm {
    async fn event(&self, event: Event) -> Result<(), HandlerError> {
        let time = event.timestamp.map_or(0, Timestamp::as_millis);
        self.take(format!("{} {} {time}", event.case_id, event.kind)).await
    }
}

#[async_trait]
impl agent_status::Handler for Crm {
    async fn status_change(&self, change: StatusChange) -> Result<(), HandlerError> {
        let time = change.timestamp.map_or(0, Timestamp::as_millis);
        self.take(format!("{} {} {time}", change.agent_id, change.status)).await
    }
}

#[track_caller]
pub(crate) fn receiver(inbox: &Inbox, crm: &Crm) -> Receiver {
    Receiver::builder()
        .integration("/integration", auth(), inbox.feed(crm.clone()))
        .conversation("/conversation-events", auth(), inbox.feed(crm.clone()))
        .agent_status("/agent-status", auth(), inbox.feed(crm.clone()))
        .build()
        .expect("a valid receiver")
}

pub(crate) async fn chat(receiver: &Receiver, case_id: &str) -> Response<Body> {
    receiver.handle(post("/integration", format!(r#"{{"id":"{case_id}"}}"#))).await
}

pub(crate) fn event(case_id: &str, kind: &str, time: Option<i64>) -> String {
    let time = time.map(|time| format!(r#","timestamp":{time}"#)).unwrap_or_default();
    format!(r#"{{"event":"{kind}","widget_id":"w","case_id":"{case_id}"{time}}}"#)
}

/// Works until this many calls were made and are over; what they were made with.
pub(crate) async fn work(inbox: &Inbox, calls: &mut Calls, count: usize) -> Vec<String> {
    let mut made = Vec::new();
    inbox.run(async { made = next(calls, count).await }).await;
    made
}

pub(crate) async fn next(calls: &mut Calls, count: usize) -> Vec<String> {
    let mut made = Vec::new();
    while made.len() < count {
        made.push(calls.recv().await.expect("a call").0);
    }
    made
}

/// Works off all there is, with paused time; what was called.
pub(crate) async fn work_all(inbox: &Inbox, calls: &mut Calls) -> Vec<String> {
    let mut made = Vec::new();
    let none_left = async {
        while let Ok(call) = timeout(Duration::from_secs(10), calls.recv()).await {
            made.push(call.expect("a call").0);
        }
    };
    inbox.run(none_left).await;
    made
}

pub(crate) async fn list(inbox: &Inbox, state: State) -> Vec<Entry> {
    inbox.list(state, None, 100).await.expect("a list")
}

#[track_caller]
pub(crate) fn assert_not_stored(response: Response<Body>) {
    assert_refused(response, 503, "try again later");
}

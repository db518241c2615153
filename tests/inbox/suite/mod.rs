//! What an inbox promises through a receiver, whatever keeps its entries.
//!
//! In real time: a server's clock cannot be paused.

pub(crate) mod looking;
pub(crate) mod receipt;
pub(crate) mod repeats;
pub(crate) mod serving;
pub(crate) mod work_is;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use http::Response;
use snapengage::agent_status::{self, StatusChange};
use snapengage::conversation::{self, Event};
use snapengage::inbox::{Entry, Inbox, Options, State, Stats};
use snapengage::integration::{self, SupportRequest};
use snapengage::{Body, HandlerError, Receiver, Timestamp, async_trait};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{Semaphore, oneshot};
use tokio::time::{Instant, timeout};

use crate::field_cases::lines;
use crate::support::{Failing, Seen, assert_refused, assert_taken, auth, post};

pub(crate) const HOUR: Duration = Duration::from_secs(60 * 60);
/// Long enough for what must not happen to happen.
// A call that is not made gives no signal, and the clock of a `nats-server` cannot be paused.
const MOMENT: Duration = Duration::from_millis(300);

/// Where an inbox is kept. It can be opened again and again, as after a restart or by another
/// process.
pub(crate) trait Place {
    /// Reached by 2 to 10 bodies of 20 kB.
    const SIZE_LIMIT: u64 = 200_000;

    /// A place of its own, with nothing in it.
    async fn fresh() -> Self;

    async fn inbox(&self, options: Options) -> Inbox;
}

/// Makes each promise a test, of the place that is named by its whole path.
macro_rules! promises {
    ($place:path) => {
        $crate::suite::promises! { $place;
            receipt:
                is_stored_as_it_came_before_the_200,
                that_cannot_be_read_is_a_dead_letter_and_answered_400,
                of_many_at_a_time_is_of_all_of_them,
                past_the_size_limit_is_answered_503_until_there_is_room;
            repeats:
                are_answered_200_and_not_processed_again,
                that_come_at_a_time_are_stored_once,
                of_what_a_handler_is_at_are_not_processed_again,
                differ_from_events_of_another_time_kind_case_or_path,
                differ_from_events_of_the_same_millisecond,
                differ_from_a_case_that_comes_again_with_more,
                are_told_in_the_log,
                are_not_known_without_a_time,
                of_a_dead_letter_revive_it,
                of_what_was_dropped_are_stored_once;
            serving:
                is_over_before_the_work_and_loses_nothing;
            work_is:
                begun_when_it_comes_in,
                tried_again_at_growing_distances_until_it_passes,
                not_tried_again_after_a_permanent_failure,
                given_up_after_the_last_try,
                tried_again_when_the_error_panics,
                given_up_with_a_long_error_however_large_the_request,
                given_up_where_nothing_is_mounted_any_more,
                given_up_when_the_process_dies_in_the_last_try,
                in_order_for_one_case_however_often_the_first_fails,
                done_beside_a_case_whose_first_entry_waits,
                done_where_one_case_has_filled_the_inbox,
                side_by_side_for_many_cases_up_to_a_bound,
                freed_once_the_lease_of_a_worker_that_died_is_over,
                not_doubled_while_it_takes_longer_than_its_lease,
                shared_by_two_inboxes_each_entry_once_and_in_order,
                done_where_nothing_ever_ends,
                done_for_hundreds_of_cases_that_failed_twice,
                ended_by_a_shutdown_only_between_handlers;
            looking:
                counts_what_there_is_and_knows_the_oldest,
                lists_page_by_page_in_the_order_of_receipt,
                lists_dead_letters_page_by_page,
                shows_what_a_handler_is_at,
                shows_what_failed_and_when_it_is_tried_next,
                finds_nothing_by_a_number_that_was_not_given,
                retries_a_dead_letter,
                retries_what_waits_for_its_next_try_at_once,
                retries_nothing_that_waits_for_another,
                retries_nothing_that_is_done_or_being_processed,
                drops_what_waits,
                drops_a_dead_letter,
                drops_what_is_done,
                drops_nothing_that_a_handler_is_at,
                drops_what_blocks_a_case;
        }
    };
    ($place:path; $($module:ident: $($promise:ident),+;)+) => {
        $(mod $module {
            $(#[tokio::test]
            async fn $promise() {
                $crate::suite::$module::$promise::<$place>().await;
            })+
        })+
    };
}
pub(crate) use promises;

/// Does as it is told, and tells what it was called with.
#[derive(Clone)]
pub(crate) struct Crm {
    called: UnboundedSender<Call>,
    /// How many calls with case `c` are yet to fail, and how.
    failing: Arc<(AtomicU32, Failing)>,
    /// Of all calls.
    pub(crate) keys: Seen<String>,
    /// Taken by each call, and not given back.
    pub(crate) gate: Arc<Semaphore>,
}

type Call = (String, Instant);
pub(crate) type Calls = UnboundedReceiver<Call>;

impl Crm {
    pub(crate) fn failing_times(times: u32, failing: Failing) -> (Self, Calls) {
        let (called, calls) = unbounded_channel();
        let failing = Arc::new((AtomicU32::new(times), failing));
        let gate = Arc::new(Semaphore::new(1000));
        (Self { called, failing, keys: Seen::new(), gate }, calls)
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
        let is_case_c = what.starts_with("c ");
        self.called.send((what, Instant::now())).expect("somebody listens");
        self.gate.acquire().await.expect("an open gate").forget();
        let (times, failing) = &*self.failing;
        let less = |times: u32| times.checked_sub(1);
        if is_case_c && times.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_ok() {
            return failing.run().await;
        }
        Ok(())
    }
}

#[async_trait]
impl integration::Handler for Crm {
    async fn support_request(&self, request: SupportRequest) -> Result<(), HandlerError> {
        self.keys.push(request.key().to_owned());
        self.take(format!("{} {}", request.id, request.requested_by.unwrap_or_default())).await
    }
}

#[async_trait]
impl conversation::Handler for Crm {
    async fn event(&self, event: Event) -> Result<(), HandlerError> {
        self.keys.push(event.key().unwrap_or_default());
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

/// Fails, and comes back soon.
pub(crate) fn quick() -> Options {
    Inbox::options().backoff(Duration::from_millis(1)..=Duration::from_millis(10))
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

/// Something that was said, at this time; 0 is none.
pub(crate) async fn say(receiver: &Receiver, case_id: &str, time: i64) -> Response<Body> {
    let time = (time > 0).then_some(time);
    receiver.handle(post("/conversation-events", event(case_id, "caseResponded", time))).await
}

pub(crate) fn event(case_id: &str, kind: &str, time: Option<i64>) -> String {
    let time = time.map(|time| format!(r#","timestamp":{time}"#)).unwrap_or_default();
    format!(r#"{{"event":"{kind}","widget_id":"w","case_id":"{case_id}"{time}}}"#)
}

/// One of 20 kB.
pub(crate) async fn large_chat(receiver: &Receiver, number: usize) -> Response<Body> {
    let text = "x".repeat(20_000);
    receiver.handle(post("/integration", format!(r#"{{"id":"{number}","x":"{text}"}}"#))).await
}

/// Sends large ones until one is not stored; how many were.
pub(crate) async fn fill(receiver: &Receiver) -> usize {
    let mut taken = 0;
    loop {
        let response = large_chat(receiver, taken).await;
        if response.status() != 200 {
            assert_not_stored(response);
            return taken;
        }
        taken += 1;
    }
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
        made.push(call(calls).await.0);
    }
    made
}

pub(crate) async fn call(calls: &mut Calls) -> Call {
    let call = timeout(Duration::from_secs(30), calls.recv()).await;
    call.expect("a call in time").expect("a call")
}

async fn assert_no_call(calls: &mut Calls) {
    let call = timeout(MOMENT, calls.recv()).await;
    assert!(call.is_err(), "called: {call:?}");
}

/// Has both work until something is over.
pub(crate) async fn run_both([a, b]: &[Inbox; 2], until: impl Future<Output = ()> + Send) {
    let (going_on, over) = oneshot::channel::<()>();
    let until = async {
        until.await;
        drop(going_on);
    };
    tokio::join!(a.run(until), b.run(async { drop(over.await) }));
}

/// Works until the process dies, in a handler.
pub(crate) async fn die_at_work(inbox: Inbox, calls: &mut Calls) {
    tokio::select! {
        () = inbox.run(std::future::pending()) => unreachable!("nobody shut it down"),
        _ = call(calls) => {}
    }
}

pub(crate) async fn list(inbox: &Inbox, state: State) -> Vec<Entry> {
    inbox.list(state, None, 100).await.expect("a list")
}

/// The only one that stands there.
pub(crate) async fn only(inbox: &Inbox, state: State) -> Entry {
    let mut entries = list(inbox, state).await;
    assert_eq!(entries.len(), 1, "{state}: {entries:?}");
    entries.remove(0)
}

/// All there are, one by one.
async fn pages(inbox: &Inbox, state: State) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    loop {
        let after = entries.last().map(|entry| entry.id);
        let mut page = inbox.list(state, after, 1).await.expect("a list");
        assert!(page.len() <= 1, "{page:?}");
        let Some(entry) = page.pop() else { return entries };
        assert!(after < Some(entry.id), "{} after {after:?}", entry.id);
        entries.push(entry);
    }
}

pub(crate) async fn stats(inbox: &Inbox) -> Stats {
    inbox.stats().await.expect("stats")
}

/// How many wait, are processed now, are done, and are dead.
async fn counts(inbox: &Inbox) -> [u64; 4] {
    let stats = stats(inbox).await;
    [stats.waiting, stats.working, stats.done, stats.dead]
}

async fn body(inbox: &Inbox, entry: &Entry) -> Vec<u8> {
    let shown = inbox.show(entry.id).await.expect("read").expect("there");
    assert_eq!(&shown.entry, entry);
    shown.body.to_vec()
}

async fn retry(inbox: &Inbox, entry: &Entry) -> bool {
    inbox.retry(entry.id).await.expect("written")
}

async fn discard(inbox: &Inbox, entry: &Entry) -> bool {
    inbox.discard(entry.id).await.expect("written")
}

#[track_caller]
pub(crate) fn assert_not_stored(response: Response<Body>) {
    assert_refused(response, 503, "try again later");
}

async fn say_all(receiver: &Receiver, events: impl IntoIterator<Item = (&str, i64)>) {
    for (case_id, time) in events {
        assert_taken(say(receiver, case_id, time).await);
    }
}

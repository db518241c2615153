//! What an operator can do to an inbox on NATS: take away what it needs, fill the server, stop it,
//! set a clock wrong. It is noticed, and work goes on once that can be.

use std::sync::Arc;
use std::time::Duration;

use async_nats::datetime::parse_rfc3339;
use async_nats::jetstream::consumer::pull::Config as ConsumerConfig;
use async_nats::jetstream::consumer::{FromConsumer, PullConsumer};
use async_nats::jetstream::stream::{Config, Stream};
use async_nats::jetstream::{self, Context};
use snapengage::inbox::{Inbox, Options, State};
use snapengage::integration::{self, SupportRequest};
use snapengage::{HandlerError, HealthCheck, Receiver};
use tokio::sync::Semaphore;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::{advance, pause, resume, timeout};

use crate::nats_cluster::ask;
use crate::nats_server::Server;
use crate::support::{assert_refused, assert_taken, auth, log, post, record_log};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// An inbox on a server of its own, whose handler says which case it was called with.
struct Fixture {
    server: Server,
    inbox: Inbox,
    receiver: Receiver,
    calls: UnboundedReceiver<String>,
    /// Taken by each call, and not given back.
    gate: Arc<Semaphore>,
}

impl Fixture {
    async fn start(config: &str, options: Options) -> Self {
        let server = Server::start(config);
        let inbox = options.connect(&server.url(""), "inbox").await.expect("an inbox");
        let (called, calls) = unbounded_channel();
        let gate = Arc::new(Semaphore::new(1000));
        let permits = Arc::clone(&gate);
        let crm = integration::from_fn(move |request: SupportRequest| {
            called.send(request.id.to_string()).expect("somebody listens");
            let permits = Arc::clone(&permits);
            async move {
                permits.acquire().await?.forget();
                Ok::<_, HandlerError>(())
            }
        });
        let receiver = Receiver::builder().integration("/integration", auth(), inbox.feed(crm));
        let receiver = receiver.build().expect("a valid receiver");
        Self { server, inbox, receiver, calls, gate }
    }

    async fn jetstream(&self) -> Context {
        jetstream::new(async_nats::connect(self.server.url("")).await.expect("connected"))
    }

    async fn entries(&self) -> Stream {
        self.jetstream().await.get_stream("inbox").await.expect("a stream")
    }
}

async fn chat(receiver: &Receiver, case_id: &str) -> http::Response<snapengage::Body> {
    receiver.handle(post("/integration", format!(r#"{{"id":"{case_id}"}}"#))).await
}

async fn until_taken(receiver: &Receiver, case_id: &str) {
    let taken = async || (chat(receiver, case_id).await.status() == 200).then_some(());
    ask("not stored", taken).await;
}

async fn until_well(inbox: &Inbox) {
    ask("not well", async || inbox.check().await.ok()).await;
}

/// What is wrong with it, once something is.
async fn failure(inbox: &Inbox) -> String {
    ask("well", async || inbox.check().await.err()).await.to_string()
}

async fn next(calls: &mut UnboundedReceiver<String>) -> String {
    timeout(SECOND * 30, calls.recv()).await.expect("a call in time").expect("a call")
}

async fn until_done(inbox: &Inbox, count: u64) {
    let are_done = async || {
        let stats = inbox.stats().await.ok()?;
        (stats.waiting + stats.working == 0 && stats.done == count).then_some(())
    };
    ask("not done", are_done).await;
}

fn times_logged(log: &str, text: &str) -> usize {
    log.lines().filter(|line| line.contains("ERROR") && line.contains(text)).count()
}

#[tokio::test]
async fn a_consumer_that_was_deleted_is_made_again_and_work_goes_on() {
    record_log();
    let mut it = Fixture::start("", Inbox::options()).await;
    let entries = it.entries().await;
    let (receiver, calls) = (&it.receiver, &mut it.calls);
    let deleted = async {
        assert_taken(chat(receiver, "a").await);
        assert_eq!(next(calls).await, "a");
        entries.delete_consumer("workers").await.expect("deleted");
        assert_taken(chat(receiver, "b").await);
        assert_eq!(next(calls).await, "b");
    };
    it.inbox.run(deleted).await;
    assert_eq!(it.inbox.stats().await.expect("read").done, 2);
    assert_eq!(times_logged(&log(), "the consumer was gone: it is created again"), 1);
}

#[tokio::test]
async fn a_consumer_that_was_deleted_is_made_again_by_a_health_check() {
    let it = Fixture::start("", Inbox::options()).await;
    let entries = it.entries().await;
    until_well(&it.inbox).await;
    entries.delete_consumer("workers").await.expect("deleted");
    let is_there = async || {
        let _ = it.inbox.check().await;
        entries.get_consumer::<ConsumerConfig>("workers").await.ok()
    };
    let _: PullConsumer = ask("no consumer", is_there).await;
}

/// A setting of the consumer, and a value that it does not work with.
type Unfit = (&'static str, fn(&mut ConsumerConfig));

const UNFIT: [Unfit; 5] = [
    ("filter_subject", |config| config.filter_subject = "inbox.case.*.tail".into()),
    ("ack_wait", |config| config.ack_wait = SECOND * 7),
    ("max_ack_pending", |config| config.max_ack_pending = 1),
    ("max_deliver", |config| config.max_deliver = 1),
    ("headers_only", |config| config.headers_only = true),
];

#[tokio::test]
async fn a_consumer_that_was_changed_is_set_again_by_a_health_check() {
    record_log();
    let mut it = Fixture::start("", Inbox::options()).await;
    let entries = it.entries().await;
    let fit = consumer_config(&entries).await;
    for (setting, spoil) in UNFIT {
        let mut unfit = fit.clone();
        spoil(&mut unfit);
        entries.create_consumer(unfit).await.expect(setting);
        assert_ne!(consumer_config(&entries).await, fit, "{setting}");
        let is_fit = async || {
            let _ = it.inbox.check().await;
            (consumer_config(&entries).await == fit).then_some(())
        };
        ask(setting, is_fit).await;
    }
    assert_eq!(times_logged(&log(), "the consumer was unfit: it is created again"), UNFIT.len());
    let (receiver, calls) = (&it.receiver, &mut it.calls);
    let set_again = async {
        assert_taken(chat(receiver, "a").await);
        assert_eq!(next(calls).await, "a");
    };
    it.inbox.run(set_again).await;
}

#[tokio::test]
async fn consumer_is_set_by_opening_not_by_looking() {
    let it = Fixture::start("", Inbox::options()).await;
    let entries = it.entries().await;
    for options in [Inbox::options().lease(SECOND * 7), Inbox::options().must_exist()] {
        options.connect(&it.server.url(""), "inbox").await.expect("an inbox");
        assert_eq!(consumer_config(&entries).await.ack_wait, SECOND * 7);
    }
}

async fn consumer_config(entries: &Stream) -> ConsumerConfig {
    let consumer: PullConsumer = entries.get_consumer("workers").await.expect("a consumer");
    let config = consumer.cached_info().config.clone();
    ConsumerConfig::try_from_consumer_config(config).expect("one to pull from")
}

#[tokio::test]
async fn recreated_consumer_delivers_nothing_already_in_a_handler() {
    let mut it = Fixture::start("", Inbox::options()).await;
    it.gate.forget_permits(1000);
    let entries = it.entries().await;
    let (receiver, calls) = (&it.receiver, &mut it.calls);
    let at_work = async {
        assert_taken(chat(receiver, "a").await);
        assert_eq!(next(calls).await, "a");
        entries.delete_consumer("workers").await.expect("deleted");
        assert_taken(chat(receiver, "b").await);
        assert_eq!(next(calls).await, "b", "`a` came before it");
        it.gate.add_permits(2);
        until_done(&it.inbox, 2).await;
    };
    it.inbox.run(at_work).await;
    assert!(it.calls.is_empty());
}

#[tokio::test]
async fn streams_that_were_deleted_are_made_again() {
    record_log();
    let mut it = Fixture::start("", Inbox::options()).await;
    let jetstream = it.jetstream().await;
    let (receiver, calls) = (&it.receiver, &mut it.calls);
    let deleted = async {
        for name in ["inbox", "inbox-seen", "inbox-done", "inbox-dead", "inbox-tries"] {
            jetstream.delete_stream(name).await.expect("deleted");
            until_taken(receiver, name).await;
            assert_eq!(next(calls).await, name);
        }
        jetstream.delete_stream("inbox-reserve").await.expect("deleted");
        until_well(&it.inbox).await;
    };
    it.inbox.run(deleted).await;
    for name in ["inbox", "inbox-seen", "inbox-done", "inbox-dead", "inbox-tries", "inbox-reserve"]
    {
        assert!(jetstream.get_stream(name).await.is_ok(), "{name}");
    }
    assert_eq!(times_logged(&log(), "a stream was gone"), 5);
}

#[tokio::test]
async fn a_stream_that_was_purged_takes_what_comes() {
    let mut it = Fixture::start("", Inbox::options()).await;
    assert_taken(chat(&it.receiver, "a").await);
    it.entries().await.purge().await.expect("purged");
    let (receiver, calls) = (&it.receiver, &mut it.calls);
    let purged = async {
        assert_taken(chat(receiver, "b").await);
        assert_eq!(next(calls).await, "b");
    };
    it.inbox.run(purged).await;
}

#[tokio::test]
async fn a_stream_that_was_sealed_is_a_failed_health_check() {
    record_log();
    let it = Fixture::start("", Inbox::options()).await;
    let entries = it.entries().await;
    until_well(&it.inbox).await;
    let config = Config { sealed: true, ..entries.cached_info().config.clone() };
    it.jetstream().await.update_stream(config).await.expect("sealed");
    let error = failure(&it.inbox).await;
    assert!(error.starts_with("inbox failed: stream `inbox`: `"), "{error}");
    assert_refused(chat(&it.receiver, "a").await, 503, "try again later");
    failure(&it.inbox).await;
    assert_eq!(times_logged(&log(), "the inbox is unhealthy"), 1);
}

#[tokio::test]
async fn paused_consumer_fails_the_health_check() {
    let mut it = Fixture::start("", Inbox::options()).await;
    let entries = it.entries().await;
    until_well(&it.inbox).await;
    let later = parse_rfc3339("2100-01-01T00:00:00Z").expect("a time");
    entries.pause_consumer("workers", later).await.expect("paused");
    let error = failure(&it.inbox).await;
    assert!(error.starts_with("inbox failed: the consumer `workers` is paused for "), "{error}");
    assert_taken(chat(&it.receiver, "a").await);
    // Opened again, it stays as it is.
    let other = Inbox::connect(&it.server.url(""), "inbox").await.expect("an inbox");
    assert!(other.check().await.is_err());
    entries.resume_consumer("workers").await.expect("resumed");
    until_well(&it.inbox).await;
    let calls = &mut it.calls;
    it.inbox.run(async { assert_eq!(next(calls).await, "a") }).await;
}

/// The server has room for the streams of an inbox of this size, and a little for others.
const SMALL: u64 = 4_000_000;
const SMALL_SERVER: &str = "jetstream { max_file_store: 100MB }\n";

#[tokio::test]
async fn a_full_server_takes_nothing_and_processes_what_is_waiting() {
    const ENTRIES: usize = 20;
    record_log();
    let mut it = Fixture::start(SMALL_SERVER, Inbox::options().size_limit(SMALL)).await;
    let jetstream = it.jetstream().await;
    for number in 0..ENTRIES {
        assert_taken(chat(&it.receiver, &number.to_string()).await);
    }
    fill(&jetstream).await;
    failure(&it.inbox).await;
    assert_refused(chat(&it.receiver, "new").await, 503, "try again later");
    let (receiver, calls) = (&it.receiver, &mut it.calls);
    let all = async {
        for _ in 0..ENTRIES {
            next(calls).await;
        }
        let none_left = async || {
            let stats = it.inbox.stats().await.expect("read");
            (stats.waiting + stats.working == 0).then_some(())
        };
        ask("not done", none_left).await;
        assert_refused(chat(receiver, "new").await, 503, "try again later");
        jetstream.delete_stream("others").await.expect("deleted");
        until_taken(receiver, "new").await;
        assert_eq!(next(calls).await, "new");
        until_well(&it.inbox).await;
    };
    it.inbox.run(all).await;
    assert!(it.calls.is_empty());
    let log = log();
    assert_eq!(times_logged(&log, "the server has no room: new entries are refused"), 1);
    let streams = times_logged(&log, "the stream stores nothing");
    assert!((1..=5).contains(&streams), "once for each: {streams}");
}

/// Until there is no room for a note.
async fn fill(jetstream: &Context) {
    let config = Config { name: "others".into(), ..Config::default() };
    jetstream.create_stream(config).await.expect("created");
    for size in [100_000, 1000, 10] {
        loop {
            let sent = jetstream.publish("others", vec![0; size].into()).await.expect("sent");
            if sent.await.is_err() {
                break;
            }
        }
    }
}

#[tokio::test]
async fn absent_server_is_told_and_refused_soon() {
    let mut it = Fixture::start("", Inbox::options()).await;
    until_well(&it.inbox).await;
    it.server.kill();
    // The first may find out that it is down.
    assert_refused(chat(&it.receiver, "a").await, 503, "try again later");
    let refusals = async {
        for number in 0..5 {
            let response = chat(&it.receiver, &number.to_string()).await;
            assert_refused(response, 503, "try again later");
        }
        failure(&it.inbox).await;
    };
    // Each within some 2 s, not after the 10 s that a cluster may take to elect a leader.
    timeout(SECOND * 30, refusals).await.expect("soon");
    it.server.restart();
    until_taken(&it.receiver, "a").await;
    until_well(&it.inbox).await;
}

#[tokio::test]
async fn note_of_fast_clock_is_due_in_time() {
    const FAR_AHEAD: i64 = 4_102_444_800_000;
    let longest = Duration::from_millis(200);
    let options = Inbox::options().backoff(longest..=longest).lease(longest);
    let mut it = Fixture::start("", options).await;
    assert_taken(chat(&it.receiver, "a").await);
    let note = format!(r#"{{"lease":1,"tries":1,"due_at":{FAR_AHEAD}}}"#);
    let jetstream = it.jetstream().await;
    let noted = jetstream.publish("inbox.try.1.failed", note.into()).await;
    noted.expect("sent").await.expect("stored");
    let [entry] = &it.inbox.list(State::Waiting, None, 2).await.expect("read")[..] else {
        panic!("one entry")
    };
    assert_eq!(entry.attempts, 1);
    assert!(entry.due_at.as_millis() < FAR_AHEAD, "{:?}", entry.due_at);
    let calls = &mut it.calls;
    it.inbox.run(async { assert_eq!(next(calls).await, "a") }).await;
}

const FORGOTTEN: &str = "inbox failed: entries wait, and none was claimed for a minute or more: is `inbox.run` running?";

/// For what measures time here: the server's goes on as it does.
async fn pass_a_minute() {
    pause();
    advance(SECOND * 61).await;
    resume();
}

#[tokio::test]
async fn entries_that_no_worker_takes_are_a_failed_health_check() {
    let mut it = Fixture::start("", Inbox::options()).await;
    assert_taken(chat(&it.receiver, "a").await);
    it.inbox.check().await.expect("a worker may come");
    pass_a_minute().await;
    let error = it.inbox.check().await.expect_err("none came").to_string();
    assert_eq!(error, FORGOTTEN);
    let calls = &mut it.calls;
    it.inbox.run(async { assert_eq!(next(calls).await, "a") }).await;
    pass_a_minute().await;
    it.inbox.check().await.expect("all is processed");
}

#[tokio::test]
async fn entries_that_wait_for_a_busy_handler_fail_no_health_check() {
    let mut it = Fixture::start("", Inbox::options().concurrency(1)).await;
    it.gate.forget_permits(1000);
    let (receiver, calls) = (&it.receiver, &mut it.calls);
    let busy = async {
        for case_id in ["a", "b"] {
            assert_taken(chat(receiver, case_id).await);
        }
        assert_eq!(next(calls).await, "a");
        for _ in 0..2 {
            it.inbox.check().await.expect("a handler has one");
            pass_a_minute().await;
        }
        it.inbox.check().await.expect("a handler still has it");
        it.gate.add_permits(2);
        assert_eq!(next(calls).await, "b");
    };
    it.inbox.run(busy).await;
}

#[tokio::test]
async fn entries_that_wait_for_their_next_attempt_fail_no_health_check() {
    let it = Fixture::start("", Inbox::options().deadline(SECOND / 100).backoff(HOUR..=HOUR)).await;
    it.gate.forget_permits(1000);
    assert_taken(chat(&it.receiver, "a").await);
    let has_failed = async || {
        let entries = it.inbox.list(State::Waiting, None, 2).await.expect("read");
        entries.iter().any(|entry| entry.error.is_some()).then_some(())
    };
    it.inbox.run(ask("not failed", has_failed)).await;
    it.inbox.check().await.expect("it waits");
    pass_a_minute().await;
    it.inbox.check().await.expect("it still waits");
}

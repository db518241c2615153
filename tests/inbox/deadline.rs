//! A handler behind an inbox that hangs is dropped at its deadline, and tried again.

use std::sync::Arc;
use std::time::Duration;

use snapengage::inbox::{Inbox, Options, State};
use snapengage::{Receiver, integration};
use tempfile::TempDir;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use crate::support::{Failing, Seen, assert_taken, auth, log, post, record_log};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// Tells when the handler that holds it is dropped.
struct Guard(Seen<Instant>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.push(Instant::now());
    }
}

/// An inbox whose handler does as the case is called: `hangs`, `blocks`, or anything else.
struct Fixture {
    inbox: Inbox,
    receiver: Receiver,
    called: Arc<Notify>,
    dropped: Seen<Instant>,
    /// The file goes last.
    _dir: TempDir,
}

impl Fixture {
    fn new(options: Options) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let inbox = options.open(dir.path().join("inbox.db")).expect("an inbox");
        let (called, dropped) = (Arc::new(Notify::new()), Seen::new());
        let handler = {
            let (called, dropped) = (Arc::clone(&called), dropped.clone());
            integration::from_fn(move |request| {
                called.notify_one();
                let guard = Guard(dropped.clone());
                async move {
                    let _guard = guard;
                    match request.id.as_str() {
                        "hangs" => Failing::Hanging.run().await,
                        "blocks" => {
                            std::thread::sleep(Duration::from_millis(2));
                            Ok(())
                        }
                        _ => Ok(()),
                    }
                }
            })
        };
        let receiver = Receiver::builder()
            .integration("/integration", auth(), inbox.feed(handler))
            .build()
            .expect("a valid receiver");
        Self { inbox, receiver, called, dropped, _dir: dir }
    }

    async fn chat(&self, case_id: &str) {
        let body = format!(r#"{{"id":"{case_id}"}}"#);
        assert_taken(self.receiver.handle(post("/integration", body)).await);
    }

    /// The tries and the error of the only entry of this state.
    async fn entry(&self, state: State) -> (u32, String) {
        let [entry] = &self.inbox.list(state, None, 2).await.expect("a list")[..] else {
            panic!("one entry is {state}")
        };
        (entry.attempts, entry.error.clone().unwrap_or_default())
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_hangs_has_ten_minutes() {
    let fixture = Fixture::new(Inbox::options().backoff(MINUTE * 60..=MINUTE * 60));
    fixture.chat("hangs").await;
    let started = Instant::now();
    fixture.inbox.run(sleep(MINUTE * 11)).await;
    let after = fixture.dropped.one() - started;
    assert!(after >= MINUTE * 10 && after < MINUTE * 10 + SECOND, "{after:?}");
    let expected = (1, "handler not done within 600s".to_owned());
    assert_eq!(fixture.entry(State::Waiting).await, expected);
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_hangs_is_tried_again_up_to_the_last_try() {
    let options =
        Inbox::options().deadline(SECOND * 5).backoff(SECOND * 10..=SECOND * 10).max_attempts(3);
    let fixture = Fixture::new(options);
    fixture.chat("hangs").await;
    fixture.inbox.run(sleep(MINUTE * 2)).await;
    let dropped = fixture.dropped.take();
    assert_eq!(dropped.len(), 3);
    for pair in dropped.windows(2) {
        let between = pair[1] - pair[0];
        assert!(between >= SECOND * 10 && between < SECOND * 17, "{between:?}");
    }
    let expected = (3, "handler not done within 5s".to_owned());
    assert_eq!(fixture.entry(State::Dead).await, expected);
}

#[tokio::test(start_paused = true)]
async fn a_slot_is_free_again_after_the_deadline() {
    let options = Inbox::options().concurrency(1).deadline(SECOND * 5).backoff(MINUTE..=MINUTE);
    let fixture = Fixture::new(options);
    for case_id in ["hangs", "passes"] {
        fixture.chat(case_id).await;
    }
    fixture.inbox.run(sleep(SECOND * 6)).await;
    let stats = fixture.inbox.stats().await.expect("stats");
    assert_eq!((stats.waiting, stats.working, stats.done), (1, 0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_waits_no_longer_than_the_deadline() {
    let fixture = Fixture::new(Inbox::options().deadline(MINUTE));
    fixture.chat("hangs").await;
    let started = Instant::now();
    fixture.inbox.run(fixture.called.notified()).await;
    let waited = started.elapsed();
    assert!(waited >= MINUTE && waited < MINUTE + SECOND, "{waited:?}");
    assert_eq!(fixture.entry(State::Waiting).await.0, 1);
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_blocks_its_thread_past_its_deadline_is_told() {
    record_log();
    let fixture = Fixture::new(Inbox::options().deadline(Duration::from_millis(1)));
    fixture.chat("blocks").await;
    fixture.inbox.run(sleep(SECOND)).await;
    assert_eq!(fixture.inbox.stats().await.expect("stats").done, 1);
    let log = log();
    assert!(log.contains("handler blocked its thread past its deadline"), "{log}");
}

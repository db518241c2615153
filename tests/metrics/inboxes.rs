//! Inboxes in a real SQLite file.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use metrics_util::debugging::DebugValue;
use serde_json::json;
use snapengage::inbox::{Inbox, State};
use snapengage::{HandlerError, Receiver, integration, metrics as meters};
use tokio::sync::Notify;

use crate::recorded::{assert_series, recorder, taken};
use crate::requests::{auth, post};

/// A handler that fails once, for good, or not at all, as the id of the case says.
fn receiver(inbox: &Inbox, attempts: usize) -> (Receiver, Arc<Notify>) {
    let done = Arc::new(Notify::new());
    let (made, all) = (AtomicU32::new(0), Arc::clone(&done));
    let once = Arc::new(AtomicU32::new(0));
    let crm = integration::from_fn(move |request| {
        if made.fetch_add(1, Ordering::Relaxed) + 1 == u32::try_from(attempts).expect("few") {
            all.notify_one();
        }
        let once = Arc::clone(&once);
        async move {
            match request.id.as_str() {
                "for-good" => Err(HandlerError::permanent("told to")),
                "once" if once.fetch_add(1, Ordering::Relaxed) == 0 => Err("told to".into()),
                _ => Ok(()),
            }
        }
    });
    let receiver = Receiver::builder().integration("/integration", auth(), inbox.feed(crm));
    (receiver.build().expect("a receiver"), done)
}

async fn send(receiver: &Receiver, body: &str) -> u16 {
    receiver.handle(post("/integration", body.to_owned())).await.status().as_u16()
}

#[tokio::test(start_paused = true)]
async fn receipts_and_attempts_are_counted_by_their_outcomes() {
    recorder!(recorder);
    let folder = tempfile::tempdir().expect("a folder");
    let inbox = Inbox::open(folder.path().join("crm.db")).expect("an inbox");
    let inbox = meters::observe(inbox);
    let (receiver, done) = receiver(&inbox, 4);
    for id in ["fine", "fine", "once", "for-good"] {
        let body = json!({"id": id, "type": "chat", "created_at_seconds": 1, });
        assert_eq!(send(&receiver, &body.to_string()).await, 200);
    }
    assert_eq!(send(&receiver, r#"{"type":"chat"}"#).await, 400);
    meters::sample(&inbox).await;
    let waiting = taken(&recorder);
    inbox.run(done.notified()).await;
    let revived = json!({"id": "for-good", "type": "chat", "created_at_seconds": 1, });
    assert_eq!(send(&receiver, &revived.to_string()).await, 200);
    let mut series = taken(&recorder);
    series.extend(waiting.into_iter().filter(|(series, _)| !series.contains("receipt_duration")));
    assert_series(
        &series,
        &[
            (r#"inbox_entries{inbox="crm.db",state="waiting"}"#, 3.0),
            (r#"inbox_entries{inbox="crm.db",state="dead"}"#, 1.0),
            (r#"inbox_healthy{inbox="crm.db"}"#, 1.0),
            (r#"inbox_receipts_total{inbox="crm.db",api="integration",outcome="new"}"#, 3.0),
            (r#"inbox_receipts_total{inbox="crm.db",api="integration",outcome="repeat"}"#, 1.0),
            (r#"inbox_receipts_total{inbox="crm.db",api="integration",outcome="unreadable"}"#, 1.0),
            (r#"inbox_receipts_total{inbox="crm.db",api="integration",outcome="revived"}"#, 1.0),
            (r#"inbox_receipt_duration_seconds{inbox="crm.db"}"#, 1.0),
            (r#"inbox_attempts_total{inbox="crm.db",api="integration",outcome="done"}"#, 2.0),
            (r#"inbox_attempts_total{inbox="crm.db",api="integration",outcome="retried"}"#, 1.0),
            (r#"inbox_attempts_total{inbox="crm.db",api="integration",outcome="dead"}"#, 1.0),
            (r#"inbox_attempt_duration_seconds{inbox="crm.db",api="integration"}"#, 4.0),
        ],
    );
    assert!(series[r#"inbox_size_bytes{inbox="crm.db"}"#] > 0.0, "{series:?}");
}

#[tokio::test(start_paused = true)]
async fn a_sample_tells_the_age_of_the_oldest() {
    recorder!(recorder);
    let folder = tempfile::tempdir().expect("a folder");
    let inbox = Inbox::open(folder.path().join("inbox.db")).expect("an inbox");
    let (receiver, _) = receiver(&inbox, 1);
    meters::sample(&inbox).await;
    assert!(!taken(&recorder).contains_key(r#"inbox_oldest_age_seconds{inbox="inbox.db"}"#));
    assert_eq!(send(&receiver, r#"{"id":"c","type":"chat"}"#).await, 200);
    tokio::time::advance(Duration::from_secs(90)).await;
    meters::sample(&inbox).await;
    let age = taken(&recorder)[r#"inbox_oldest_age_seconds{inbox="inbox.db"}"#];
    assert!((90.0..100.0).contains(&age), "{age}");
    assert_eq!(inbox.list(State::Waiting, None, 10).await.expect("a list").len(), 1);
}

#[tokio::test]
async fn an_inbox_whose_file_is_gone_is_not_healthy() {
    recorder!(recorder);
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("inbox.db");
    let inbox = meters::observe(Inbox::open(&file).expect("an inbox"));
    let (receiver, _) = receiver(&inbox, 1);
    for entry in fs::read_dir(folder.path()).expect("a folder") {
        fs::remove_file(entry.expect("an entry").path()).expect("removed");
    }
    meters::sample(&inbox).await;
    let snapshot = recorder.snapshotter().snapshot().into_vec();
    let healthy = snapshot.iter().find(|(key, ..)| key.key().name().ends_with("_healthy"));
    assert_eq!(healthy.map(|(.., value)| value), Some(&DebugValue::Gauge(0.0.into())));
    assert_eq!(send(&receiver, r#"{"id":"c","type":"chat"}"#).await, 503);
    let not_stored =
        r#"inbox_receipts_total{inbox="inbox.db",api="integration",outcome="not-stored"}"#;
    assert_series(&taken(&recorder), &[(not_stored, 1.0)]);
}

#[tokio::test]
async fn an_inbox_that_is_full_is_counted() {
    recorder!(recorder);
    let folder = tempfile::tempdir().expect("a folder");
    let inbox = Inbox::options().size_limit(1).open(folder.path().join("inbox.db"));
    let inbox = meters::observe(inbox.expect("an inbox"));
    let (receiver, _) = receiver(&inbox, 1);
    assert_eq!(send(&receiver, r#"{"id":"c","type":"chat"}"#).await, 503);
    let full = r#"inbox_receipts_total{inbox="inbox.db",api="integration",outcome="full"}"#;
    assert_series(&taken(&recorder), &[(full, 1.0)]);
}

//! Chats that go on to Segment, which is a server of the test.

use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;

use super::*;

/// Serves Segment's API, which is down until it is told, and returns its address.
fn segment(is_up: Arc<AtomicBool>, batches: mpsc::Sender<Value>) -> String {
    let batch = async |State((is_up, batches)): State<Shared>, body: String| {
        // Before it is told: the test then puts it up.
        let is_up = is_up.load(Ordering::Relaxed);
        batches.send(parsed(&body)).expect("the test waits");
        if is_up { StatusCode::OK } else { StatusCode::UNAUTHORIZED }
    };
    let app = Router::new().route("/v1/batch", post(batch)).with_state((is_up, batches));
    serve_by(async move |listener| axum::serve(listener, app).await)
}

type Shared = (Arc<AtomicBool>, mpsc::Sender<Value>);

#[test]
fn chats_wait_until_segment_takes_them() {
    let is_up = Arc::new(AtomicBool::new(false));
    let (batches, sent) = mpsc::channel();
    let url = segment(Arc::clone(&is_up), batches);
    let dir = tempfile::tempdir().expect("a folder");
    let mut command = example("segment_events");
    command.arg(ANY_PORT).arg(dir.path().join("segment.db"));
    command.env("SNAPENGAGE_TOKEN", "my-token").env("SEGMENT_WRITE_KEY", "write-key");
    let events = Example::start_with(command.env("SEGMENT_URL", url).env("NO_PROXY", "*"));
    let wrong = events.send(&Curl::post("/integration", "wrong-token", "{}"));
    assert_eq!(wrong.status, 401);
    let [taken, health] = events.answers_to_header();
    assert_eq!((taken, health.status), (Answer::ok(""), 200));
    let refused = sent.recv_timeout(PATIENCE).expect("a batch");
    is_up.store(true, Ordering::Relaxed);
    let accepted = sent.recv_timeout(PATIENCE).expect("the same batch");
    assert_eq!(refused, accepted);
    let of_user = accepted["batch"].as_array().expect("events");
    assert_eq!(of_user.len(), 6);
    assert!(of_user.iter().all(|event| event["userId"] == "v1_1234"), "{accepted}");
    let left = events.stop();
    let told = left.stderr.iter().any(|line| line.contains("segment-batch: answered 401"));
    assert!(
        told && !left.stderr.iter().any(|line| line.contains("write-key")),
        "{:?}",
        left.stderr
    );
}

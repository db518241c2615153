//! What the health route tells of what was hooked into it.

use std::future::pending;
use std::time::Duration;

use serde_json::{Value, json};
use snapengage::{
    FailureReason, HandlerError, HealthCheck, Receiver, ReceiverBuilder, Server, async_trait,
};
use tokio::time::Instant;

use crate::wire::{Answer, Calls, Served, ask, bare, build};

const SECRET: &str = "postgres://user:password@db";

/// A part of the service that is as it is told to be.
#[derive(Clone)]
enum Part {
    Well(Calls),
    Failing,
    Panicking,
    Hanging,
}

#[async_trait]
impl HealthCheck for Part {
    async fn check(&self) -> Result<Value, HandlerError> {
        match self {
            Self::Well(calls) => {
                calls.add();
                Ok(json!({ "calls": calls.count() }))
            }
            Self::Failing => Err(SECRET.into()),
            Self::Panicking => panic!("{SECRET}"),
            Self::Hanging => pending().await,
        }
    }
}

fn well() -> Part {
    Part::Well(Calls::default())
}

fn builder() -> ReceiverBuilder {
    Receiver::builder().healthz("/healthz")
}

async fn healthz(receiver: &Receiver) -> Answer {
    ask(receiver, bare("GET", "/healthz")).await
}

/// The report of a receiver that is well.
async fn report(receiver: &Receiver) -> Value {
    let answer = healthz(receiver).await;
    assert_eq!(answer, Answer::json(200, answer.body.clone()));
    serde_json::from_str(&answer.body).expect("JSON")
}

/// Why the last answer is what it is, as the log has it.
async fn reason(receiver: &Receiver) -> String {
    let response = receiver.handle(bare("GET", "/healthz")).await;
    let reason = response.extensions().get::<FailureReason>();
    reason.expect("a failure").as_str().to_owned()
}

#[tokio::test]
async fn nothing_is_told_of_nothing() {
    assert_eq!(healthz(&build(builder())).await, Answer::text(200, "ok"));
}

#[tokio::test]
async fn a_probe_of_http_1_0_without_a_host_is_answered() {
    let served = Served::start(Server::new(build(builder()))).await;
    let probe = include_bytes!("../field-cases/health-check-1.0.http");
    assert_eq!(served.exchange(probe).await, [Answer::text(200, "ok")]);
    let newer = String::from_utf8_lossy(probe).replace("HTTP/1.0", "HTTP/1.1");
    let refused = served.exchange(newer).await;
    assert_eq!(refused, [Answer::refused(400, "expected one Host").closing()]);
    served.stop().await;
}

#[tokio::test]
async fn every_check_is_told_by_its_name() {
    let receiver = build(
        builder().health_check("outbox", well()).health_check("crm", std::sync::Arc::new(well())),
    );
    for calls in 1..3 {
        let expected =
            json!({ "status": "ok", "outbox": { "calls": calls }, "crm": { "calls": calls } });
        assert_eq!(report(&receiver).await, expected);
    }
}

#[tokio::test]
async fn head_is_answered_as_get_is_without_the_body() {
    for part in [well(), Part::Failing] {
        let receiver = build(builder().health_check("crm", part));
        let get = healthz(&receiver).await;
        let length = format!("content-length: {}", get.body.len());
        let head = ask(&receiver, bare("HEAD", "/healthz")).await;
        assert_eq!(head, Answer { body: String::new(), ..get.with(length) });
    }
}

#[tokio::test(start_paused = true)]
async fn failed_check_is_503_with_its_reason_logged() {
    let late = "handler not done within 2s".to_owned();
    for (part, expected) in [
        (Part::Failing, format!("handler failed: {SECRET}")),
        (Part::Panicking, "handler panicked".to_owned()),
        (Part::Hanging, late),
    ] {
        let receiver = build(builder().health_check("crm", part).health_check("outbox", well()));
        let failed = Answer::text(503, "health check `crm` failed");
        assert_eq!(healthz(&receiver).await, failed);
        assert_eq!(reason(&receiver).await, format!("health check `crm`: {expected}"));
    }
}

#[tokio::test(start_paused = true)]
async fn all_checks_run_at_once_and_each_failure_is_named() {
    let receiver = build(
        builder()
            .health_check("crm", Part::Hanging)
            .health_check("mail", Part::Hanging)
            .health_check("outbox", well())
            .health_check("queue", Part::Failing),
    );
    let started = Instant::now();
    let failed = Answer::text(503, "health checks `crm`, `mail`, `queue` failed");
    assert_eq!(healthz(&receiver).await, failed);
    assert_eq!(started.elapsed(), Duration::from_secs(2));
    let late = "handler not done within 2s";
    let expected = format!(
        "health check `crm`: {late}; health check `mail`: {late}; \
         health check `queue`: handler failed: {SECRET}"
    );
    assert_eq!(reason(&receiver).await, expected);
}

#[tokio::test(start_paused = true)]
async fn a_check_that_hangs_has_a_deadline() {
    for (deadline, builder) in [
        (Duration::from_secs(2), builder()),
        (Duration::from_millis(300), builder().health_deadline(Duration::from_millis(300))),
    ] {
        let receiver = build(builder.health_check("crm", Part::Hanging));
        let started = Instant::now();
        assert_eq!(healthz(&receiver).await.status, 503);
        let waited = started.elapsed();
        assert!(waited >= deadline && waited < deadline * 2, "{waited:?}");
    }
}

#[tokio::test]
async fn nothing_is_checked_while_draining_or_by_another_method() {
    let calls = Calls::default();
    let receiver = build(builder().health_check("outbox", Part::Well(calls.clone())));
    assert_eq!(ask(&receiver, bare("POST", "/healthz")).await.status, 405);
    receiver.start_draining();
    assert_eq!(healthz(&receiver).await, Answer::text(503, "draining"));
    assert_eq!(calls.count(), 0);
}

#[test]
fn check_needs_its_own_name_and_path() {
    let mistake = |builder: ReceiverBuilder| builder.build().expect_err("a mistake").to_string();
    let twice = builder().health_check("crm", well()).health_check("crm", well());
    assert_eq!(mistake(twice), "health check `crm`: the name is taken");
    let status = builder().health_check("status", well());
    assert_eq!(mistake(status), "health check `status`: the name is taken");
    let nowhere = Receiver::builder().health_check("crm", well());
    assert_eq!(mistake(nowhere), "health check `crm`: expected a path, set by `healthz`");
    assert!(Receiver::builder().health_check("crm", well()).healthz("/healthz").build().is_ok());
}

#[cfg(all(feature = "inbox", feature = "sqlite"))]
mod an_inbox {
    use rusqlite::Connection;
    use snapengage::inbox::Inbox;
    use snapengage::{Token, integration};
    use tempfile::TempDir;
    use tokio::time::sleep;

    use super::*;
    use crate::wire::{TOKEN, post};

    struct Disk(TempDir);

    impl Disk {
        fn new() -> Self {
            Self(tempfile::tempdir().expect("a folder"))
        }

        fn file(&self) -> std::path::PathBuf {
            self.0.path().join("inbox.db")
        }

        /// A receiver whose handler fails for good where the case is called `dead`.
        fn receiver(&self) -> (Inbox, Receiver) {
            let inbox = Inbox::open(self.file()).expect("an inbox");
            let handler = integration::from_fn(|request| async move {
                match request.id.as_str() {
                    "dead" => Err(HandlerError::permanent("no such plan")),
                    _ => Ok(()),
                }
            });
            let builder = builder()
                .integration("/integration", Token::new(TOKEN), inbox.feed(handler))
                .health_check("inbox", inbox.clone());
            (inbox, build(builder))
        }
    }

    async fn chat(receiver: &Receiver, case_id: &str) {
        let request = post("/integration", format!(r#"{{"id":"{case_id}"}}"#));
        assert_eq!(ask(receiver, request).await, Answer::taken());
    }

    async fn figures(receiver: &Receiver) -> Value {
        let mut figures = report(receiver).await["inbox"].take();
        let size = figures["size"].take().as_u64().expect("a number of bytes");
        assert!(size > 0);
        figures
    }

    fn expected(waiting: u64, done: u64, dead: u64, oldest_s: Option<u64>) -> Value {
        json!({
            "waiting": waiting,
            "working": 0,
            "done": done,
            "dead": dead,
            "oldest_s": oldest_s,
            "size": null,
        })
    }

    #[tokio::test(start_paused = true)]
    async fn shows_how_much_there_is_and_how_old() {
        let disk = Disk::new();
        let (inbox, receiver) = disk.receiver();
        assert_eq!(figures(&receiver).await, expected(0, 0, 0, None));
        for case_id in ["a", "b", "dead"] {
            chat(&receiver, case_id).await;
        }
        sleep(Duration::from_secs(90)).await;
        assert_eq!(figures(&receiver).await, expected(3, 0, 0, Some(90)));
        inbox.run(sleep(Duration::from_secs(5))).await;
        assert_eq!(figures(&receiver).await, expected(0, 2, 1, None));
    }

    #[tokio::test(start_paused = true)]
    async fn is_counted_once_a_second_at_most() {
        let (disk, second) = (Disk::new(), Duration::from_secs(1));
        let (_inbox, receiver) = disk.receiver();
        chat(&receiver, "a").await;
        assert_eq!(figures(&receiver).await["waiting"], 1);
        chat(&receiver, "b").await;
        assert_eq!(figures(&receiver).await["waiting"], 1);
        sleep(second).await;
        assert_eq!(figures(&receiver).await["waiting"], 2);
    }

    #[tokio::test]
    async fn that_cannot_be_read_is_503() {
        let disk = Disk::new();
        let (_inbox, receiver) = disk.receiver();
        let other = Connection::open(disk.file()).expect("opened");
        other.execute_batch("DROP TABLE entry").expect("dropped");
        let failed = Answer::text(503, "health check `inbox` failed");
        assert_eq!(healthz(&receiver).await, failed);
        let expected = "health check `inbox`: handler failed: inbox failed: no such table: entry";
        let reason = reason(&receiver).await;
        assert!(reason.starts_with(expected), "{reason}");
    }
}

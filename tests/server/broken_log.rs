//! A subscriber that panics costs what is logged, and no request.

use std::process::Command;

use serde_json::Value;
use snapengage::bot::{self, Reply};
use snapengage::{HandlerError, HealthCheck, Server, Token, async_trait, integration};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

use crate::wire::{Answer, Calls, STATUS, Served, TOKEN, build, builder, get_bytes, post_bytes};
#[cfg(all(feature = "inbox", feature = "sqlite"))]
use {
    crate::wire::{ask, post},
    snapengage::Receiver,
};

/// Panics whatever it is told, as a subscriber may whose output is full or closed.
struct Broken;

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Broken {
    fn on_new_span(&self, _attributes: &Attributes<'_>, _id: &Id, _context: Context<'_, S>) {
        panic!("a panic of the test, on purpose");
    }

    fn on_record(&self, _id: &Id, _values: &Record<'_>, _context: Context<'_, S>) {
        panic!("a panic of the test, on purpose");
    }

    fn on_event(&self, _event: &Event<'_>, _context: Context<'_, S>) {
        panic!("a panic of the test, on purpose");
    }
}

/// The same, where spans can be made.
struct BrokenWithin;

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for BrokenWithin {
    fn on_record(&self, _id: &Id, _values: &Record<'_>, _context: Context<'_, S>) {
        panic!("a panic of the test, on purpose");
    }

    fn on_event(&self, _event: &Event<'_>, _context: Context<'_, S>) {
        panic!("a panic of the test, on purpose");
    }

    fn on_enter(&self, _id: &Id, _context: Context<'_, S>) {
        panic!("a panic of the test, on purpose");
    }

    fn on_exit(&self, _id: &Id, _context: Context<'_, S>) {
        panic!("a panic of the test, on purpose");
    }

    fn on_close(&self, _id: Id, _context: Context<'_, S>) {
        panic!("a panic of the test, on purpose");
    }
}

struct Ill;

#[async_trait]
impl HealthCheck for Ill {
    async fn check(&self) -> Result<Value, HandlerError> {
        Err("no disk".into())
    }
}

/// Requests that are answered, refused, failed and warned of, each over a connection that goes on.
async fn serves_all_the_same() {
    let calls = Calls::default();
    let bot = bot::from_fn(|message| async move {
        match message.text.as_str() {
            "fail" => Err("the database is down".into()),
            text => Ok(Reply::say(text)),
        }
    });
    let receiver = builder(&calls)
        .bot("/bot", Token::new(TOKEN), bot)
        .integration("/integration", Token::new(TOKEN), integration::from_fn(|_| async { Ok(()) }))
        .healthz("/healthz")
        .health_check("ill", Ill);
    let served = Served::start(Server::new(build(receiver)).max_connections(1)).await;
    let mut client = served.connect().await;
    let message = r#"{"event":"message","widget_id":"w","case_id":"c","text":"Hi"}"#;
    let odd = r#"{"id":"c","latitude":"a"}"#;
    for (request, status) in [
        (post_bytes("/status", STATUS), 200),
        (post_bytes("/bot", message), 200),
        (post_bytes("/bot", &message.replace("Hi", "fail")), 200),
        (post_bytes("/integration", odd), 200),
        (get_bytes("/contact?email=a"), 200),
        (get_bytes("/healthz"), 503),
        (get_bytes("/other"), 404),
        (post_bytes("/status", "{}"), 400),
    ] {
        client.send(&request).await;
        let Answer { status: answered, .. } = client.answer().await;
        assert_eq!(answered, status, "{request}");
    }
    drop(client);
    served.stop().await;
    assert_eq!(calls.count(), 1);
}

#[cfg(all(feature = "inbox", feature = "sqlite"))]
#[tokio::test(start_paused = true)]
async fn an_inbox_works_without_a_log() {
    let _log = tracing_subscriber::registry().with(BrokenWithin).set_default();
    processes_all_the_same().await;
    let _log = tracing_subscriber::registry().with(Broken).set_default();
    processes_all_the_same().await;
}

#[cfg(all(feature = "inbox", feature = "sqlite"))]
async fn processes_all_the_same() {
    use std::time::Duration;

    let folder = tempfile::tempdir().expect("a folder");
    let inbox = snapengage::inbox::Inbox::options().max_attempts(2);
    let inbox = inbox.open(folder.path().join("inbox.db")).expect("an inbox");
    let calls = Calls::default();
    let counted = calls.clone();
    let handler = integration::from_fn(move |request| {
        counted.add();
        async move {
            match request.id.as_str() {
                "dead" => Err(HandlerError::permanent("no such plan")),
                "panics" => panic!("a panic of the test, on purpose"),
                _ => Ok(()),
            }
        }
    });
    let receiver = build(Receiver::builder().integration(
        "/integration",
        Token::new(TOKEN),
        inbox.feed(handler),
    ));
    for case_id in ["a", "dead", "panics", "a"] {
        let request = post("/integration", format!(r#"{{"id":"{case_id}"}}"#));
        assert_eq!(ask(&receiver, request).await, Answer::taken());
    }
    inbox.run(tokio::time::sleep(Duration::from_secs(150))).await;
    assert_eq!(calls.count(), 4);
    let stats = inbox.stats().await.expect("figures");
    assert_eq!((stats.waiting, stats.done, stats.dead), (0, 1, 2));
}

/// Set in a process whose only log is broken.
const ALONE: &str = "SNAPENGAGE_TEST_BROKEN_LOG";

#[tokio::test]
async fn a_log_that_cannot_be_written_costs_no_request() {
    if std::env::var_os(ALONE).is_some() {
        tracing_subscriber::registry().with(Broken).init();
        return serves_all_the_same().await;
    }
    let within = tracing_subscriber::registry().with(BrokenWithin).set_default();
    serves_all_the_same().await;
    drop(within);
    let test = ["--exact", "broken_log::a_log_that_cannot_be_written_costs_no_request"];
    let binary = std::env::current_exe().expect("this test's own path");
    let output = Command::new(binary).args(test).env(ALONE, "").output();
    let output = output.expect("this test runs itself");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

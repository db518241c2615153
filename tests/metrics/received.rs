//! Requests of a receiver.

use std::convert::Infallible;
use std::future::pending;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body::Frame;
use http_body_util::Full;
use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use serde_json::json;
use snapengage::bot::{self, Reply};
use snapengage::{
    Auth, HandlerError, Receiver, Token, agent_status, contact, conversation, integration,
    metrics as meters,
};

use crate::recorded::{assert_series, recorder, taken};
use crate::requests::{auth, post, text};

/// A receiver whose handlers do what the case id says.
fn receiver() -> Receiver {
    let bot = bot::from_fn(|message| async move {
        match message.case_id.as_str() {
            "fail" => Err(HandlerError::new("told to")),
            "fail-for-good" => Err(HandlerError::permanent("told to")),
            "panic" => panic!("told to"),
            "wait" => pending().await,
            "silent" => Ok(Reply::new()),
            _ => Ok(Reply::say("Hi")),
        }
    });
    let feed = integration::from_fn(|request| async move {
        match request.id.as_str() {
            "fail" => Err("told to".into()),
            "fail-for-good" => Err(HandlerError::permanent("told to")),
            "panic" => panic!("told to"),
            "wait" => pending().await,
            _ => Ok(()),
        }
    });
    let tokens = || Auth::from([Token::new("my-token"), Token::new("old").name("since May")]);
    let receiver = Receiver::builder()
        .bot("/bot", tokens(), bot)
        .integration("/integration", auth(), feed)
        .conversation("/events", auth(), conversation::from_fn(|_| async { Ok(()) }))
        .agent_status("/status", auth(), agent_status::from_fn(|_| async { Ok(()) }))
        .contact(
            "/contact",
            Auth::secret_path(Token::new("s3cret")),
            contact::from_fn(|_| async { Ok(None) }),
        )
        .healthz("/healthz")
        .body_limit(4096);
    meters::observe(receiver.build().expect("a receiver"))
}

fn message(case_id: &str) -> Request<Full<Bytes>> {
    let message = json!({"event": "message", "widget_id": "w", "case_id": case_id, "text": "Hi"});
    post("/bot", message.to_string())
}

fn chat(id: &str) -> Request<Full<Bytes>> {
    post("/integration", json!({"id": id, "type": "chat"}).to_string())
}

#[tokio::test]
async fn each_api_is_counted_by_its_documented_event() {
    recorder!(recorder);
    let receiver = receiver();
    let contact = Request::get("/contact/s3cret?email=a%40example.com").body(Full::default());
    let requests = [
        message("c"),
        post("/bot", r#"{"event":"chatClosed","widget_id":"w","case_id":"c"}"#),
        chat("c"),
        post("/events", r#"{"event":"caseClosed","widget_id":"w","case_id":"c"}"#),
        post("/status", r#"{"agent_id":"a","status":"pause"}"#),
        contact.expect("a request"),
    ];
    for request in requests {
        assert_eq!(receiver.handle(request).await.status(), 200);
    }
    assert_series(
        &taken(&recorder),
        &[
            (r#"requests_total{api="bot",event="message",status="200",token="default"}"#, 1.0),
            (r#"requests_total{api="bot",event="chatClosed",status="200",token="default"}"#, 1.0),
            (r#"requests_total{api="integration",event="chat",status="200",token="default"}"#, 1.0),
            (
                r#"requests_total{api="conversation-events",event="caseClosed",status="200",token="default"}"#,
                1.0,
            ),
            (
                r#"requests_total{api="agent-status",event="pause",status="200",token="default"}"#,
                1.0,
            ),
            (
                r#"requests_total{api="get-contact",event="query",status="200",token="default"}"#,
                1.0,
            ),
            (r#"request_duration_seconds{api="bot"}"#, 2.0),
            (r#"request_duration_seconds{api="integration"}"#, 1.0),
            (r#"request_duration_seconds{api="conversation-events"}"#, 1.0),
            (r#"request_duration_seconds{api="agent-status"}"#, 1.0),
            (r#"request_duration_seconds{api="get-contact"}"#, 1.0),
        ],
    );
}

#[tokio::test]
async fn tokens_are_counted_by_the_names_in_the_program() {
    recorder!(recorder);
    let receiver = receiver();
    for token in ["my-token", "old", "guessed", "since May"] {
        let body = r#"{"event":"message","widget_id":"w","case_id":"c","text":"Hi"}"#;
        let request = Request::post("/bot").header("Authorization", token).body(body.to_owned());
        receiver.handle(request.expect("a request")).await;
    }
    assert_series(
        &taken(&recorder),
        &[
            (r#"requests_total{api="bot",event="message",status="200",token="default"}"#, 1.0),
            (r#"requests_total{api="bot",event="message",status="200",token="since May"}"#, 1.0),
            (r#"requests_total{api="bot",event="none",status="401",token="none"}"#, 2.0),
            (r#"refusals_total{api="bot",reason="token"}"#, 2.0),
        ],
    );
}

#[tokio::test(start_paused = true)]
async fn refusals_are_counted_by_their_reasons() {
    recorder!(recorder);
    let receiver = receiver();
    let status = r#"{"agent_id":"a","status":"pause"}"#;
    let refused = |request: http::request::Builder, body: &str| {
        let request = request.header("Authorization", "my-token").body(body.to_owned());
        let receiver = receiver.clone();
        async move { receiver.handle(request.expect("a request")).await.status().as_u16() }
    };
    assert_eq!(refused(Request::post("/nowhere"), status).await, 404);
    assert_eq!(refused(Request::put("/status"), status).await, 405);
    assert_eq!(refused(Request::post("/status"), &" ".repeat(4097)).await, 413);
    let compressed = Request::post("/status").header("Content-Encoding", "gzip");
    assert_eq!(refused(compressed, status).await, 415);
    assert_eq!(refused(Request::post("/status"), "[]").await, 400);
    let slow = Request::post("/status").header("Authorization", "my-token").body(Stalled);
    assert_eq!(receiver.handle(slow.expect("a request")).await.status(), 408);
    let broken = Request::post("/status").header("Authorization", "my-token").body(Broken);
    assert_eq!(receiver.handle(broken.expect("a request")).await.status(), 400);
    assert_series(
        &taken(&recorder),
        &[
            (r#"refusals_total{api="none",reason="path"}"#, 1.0),
            (r#"refusals_total{api="agent-status",reason="method"}"#, 1.0),
            (r#"refusals_total{api="agent-status",reason="too-large"}"#, 1.0),
            (r#"refusals_total{api="agent-status",reason="encoding"}"#, 1.0),
            (r#"refusals_total{api="agent-status",reason="unreadable"}"#, 1.0),
            (r#"refusals_total{api="agent-status",reason="too-slow"}"#, 1.0),
            (r#"refusals_total{api="agent-status",reason="broken-body"}"#, 1.0),
        ],
    );
}

/// A body that never comes.
struct Stalled;

impl http_body::Body for Stalled {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Pending
    }
}

/// A body that ends in an error.
struct Broken;

impl http_body::Body for Broken {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(
        self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, &'static str>>> {
        Poll::Ready(Some(Err("reset")))
    }
}

#[tokio::test(start_paused = true)]
async fn failures_of_handlers_are_counted_by_their_reasons() {
    recorder!(recorder);
    let receiver = receiver();
    for case_id in ["fail", "fail-for-good", "panic", "wait", "fine"] {
        assert_eq!(receiver.handle(message(case_id)).await.status(), 200);
        receiver.handle(chat(case_id)).await;
    }
    receiver.handle(post("/bot", r#"{"case_id":"c","text":"#)).await;
    assert_series(
        &taken(&recorder),
        &[
            (r#"fallback_replies_total{reason="failed"}"#, 1.0),
            (r#"fallback_replies_total{reason="permanent"}"#, 1.0),
            (r#"fallback_replies_total{reason="panicked"}"#, 1.0),
            (r#"fallback_replies_total{reason="timed-out"}"#, 1.0),
            (r#"fallback_replies_total{reason="unreadable"}"#, 1.0),
            (r#"refusals_total{api="integration",reason="failed"}"#, 1.0),
            (r#"refusals_total{api="integration",reason="permanent"}"#, 1.0),
            (r#"refusals_total{api="integration",reason="panicked"}"#, 1.0),
            (r#"refusals_total{api="integration",reason="timed-out"}"#, 1.0),
        ],
    );
}

#[tokio::test]
async fn a_bot_that_says_nothing_is_counted() {
    recorder!(recorder);
    let receiver = receiver();
    receiver.handle(message("silent")).await;
    let failed = json!({
        "event": "commandResult", "widget_id": "w", "case_id": "c",
        "failed_commands": [{"operation": "HUMAN_TRANSFER"}],
    });
    receiver.handle(post("/bot", failed.to_string())).await;
    let series = taken(&recorder);
    let completed = r#"fallback_replies_total{reason="failed-transfer"}"#;
    assert_series(&series, &[("silent_replies_total", 1.0), (completed, 1.0)]);
    assert!(!series.keys().any(|series| series.starts_with("refusals")), "{series:?}");
}

#[tokio::test]
async fn fields_that_are_not_as_documented_are_counted_by_name() {
    recorder!(recorder);
    let receiver = receiver();
    let odd = json!({
        "id": "c", "type": "chat", "transcripts": "none", "created_at_seconds": ["a", "b"],
        "a visitor's secret": {"x": 1},
    });
    for _ in 0..2 {
        assert_eq!(receiver.handle(post("/integration", odd.to_string())).await.status(), 200);
    }
    receiver.handle(chat("c")).await;
    let odd = r#"{"event":"message","widget_id":"w","case_id":"c","text":"Hi","text":"Ho"}"#;
    receiver.handle(post("/bot", odd)).await;
    assert_series(
        &taken(&recorder),
        &[
            (r#"odd_fields_total{api="integration",field="transcripts"}"#, 2.0),
            (r#"odd_fields_total{api="integration",field="created_at_seconds"}"#, 2.0),
            (r#"odd_fields_total{api="bot",field="text"}"#, 1.0),
        ],
    );
}

/// Whatever a caller makes up, with the token or without, is `other` or `none`.
#[tokio::test]
async fn no_caller_names_a_series() {
    recorder!(recorder);
    let receiver = receiver();
    for n in 0..200 {
        let name = format!("evil-{n}");
        let bodies = [
            ("/bot", json!({"event": name, "widget_id": name, "case_id": name, (&*name): name})),
            ("/events", json!({"event": name, "widget_id": name, "case_id": name})),
            ("/status", json!({"agent_id": name, "status": name})),
            ("/integration", json!({"id": name, "type": name})),
            ("/bot", json!({"event": name, "case_id": name, "text": [name]})),
        ];
        for (path, body) in bodies {
            receiver.handle(post(path, body.to_string())).await;
            let request = Request::post(path).header("Authorization", &name);
            receiver.handle(request.body(body.to_string()).expect("a request")).await;
        }
        let lost = Request::post(format!("/{name}")).header("Authorization", "my-token");
        receiver.handle(lost.body(name.clone()).expect("a request")).await;
        let method = Request::builder().method(&*name.to_uppercase()).uri("/bot");
        receiver.handle(method.body(name).expect("a request")).await;
    }
    let series = taken(&recorder);
    assert!(series.len() < 30, "{} series: {series:#?}", series.len());
    assert!(!series.keys().any(|series| series.to_lowercase().contains("evil")), "{series:#?}");
    let unknown =
        r#"requests_total{api="agent-status",event="other",status="200",token="default"}"#;
    assert_eq!(series[unknown], 200.0);
}

#[tokio::test]
async fn a_caller_that_hangs_up_is_counted_without_a_status() {
    recorder!(recorder);
    let receiver = receiver();
    {
        let mut waiting = std::pin::pin!(receiver.handle(message("wait")));
        std::future::poll_fn(|context| {
            assert!(waiting.as_mut().poll(context).is_pending());
            Poll::Ready(())
        })
        .await;
    }
    let series = taken(&recorder);
    let hung_up = r#"requests_total{api="bot",event="message",status="none",token="default"}"#;
    assert_series(&series, &[(hung_up, 1.0)]);
    assert!(!series.contains_key(r#"request_duration_seconds{api="bot"}"#), "{series:?}");
}

#[tokio::test]
async fn the_health_route_and_other_receivers_are_not_counted() {
    recorder!(recorder);
    let observed = receiver();
    let health = Request::get("/healthz").body(Full::<Bytes>::default());
    assert_eq!(observed.handle(health.expect("a request")).await.status(), 200);
    let other =
        Receiver::builder().bot("/bot", auth(), bot::from_fn(|_| async { Ok(Reply::say("Hi")) }));
    assert_eq!(other.build().expect("a receiver").handle(message("c")).await.status(), 200);
    let series = taken(&recorder);
    assert!(series.is_empty(), "{series:?}");
}

/// The first increase of a series that was not there before is none to Prometheus.
#[tokio::test]
async fn series_that_are_alerted_on_are_there_from_the_start() {
    recorder!(recorder);
    let _receiver = receiver();
    let snapshot = recorder.snapshotter().snapshot().into_vec();
    let names: Vec<_> = snapshot.iter().map(|(key, ..)| key.key().name()).collect();
    for name in [
        "fallback_replies_total",
        "silent_replies_total",
        "refusals_total",
        "connection_failures_total",
    ] {
        assert!(names.contains(&&*format!("snapengage_{name}")), "{name}");
    }
}

/// A recorder that panics at whatever it is asked for but for a description.
struct Landmine;

impl Recorder for Landmine {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
        panic!("told to")
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        panic!("told to")
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        panic!("told to")
    }
}

#[tokio::test]
async fn a_recorder_that_panics_costs_no_request() {
    let receiver = receiver();
    let _local = metrics::set_default_local_recorder(&Landmine);
    let reply = receiver.handle(message("c")).await.into_body().into_bytes();
    assert!(text(&reply).contains(r#""text":"Hi""#), "{reply:?}");
    assert_eq!(receiver.handle(chat("c")).await.status(), 200);
    let timeout = Duration::from_secs(10);
    tokio::time::timeout(timeout, receiver.finished()).await.expect("nothing is left");
}

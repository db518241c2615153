//! One span and one line a request, with nothing in them that should stay secret.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::{self, Debug};
use std::future::{Ready, pending, ready};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Once};
use std::time::Duration;

use serde_json::Value;
use snapengage::bot::{self, Reply};
use snapengage::{
    Auth, HandlerError, HealthCheck, Listener, Receiver, Server, Token, agent_status, async_trait,
    contact, conversation, integration,
};
use tokio::io::DuplexStream;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

use crate::wire::{
    self, Answer, Gate, STATUS, Served, TOKEN, Unread, ask, bare, build, gated, hang_up, in_time,
    post, post_bytes, settle,
};

type Fields = BTreeMap<&'static str, String>;

/// A span of the crate: its fields, and the lines in it.
#[derive(Debug, Clone, Default, PartialEq)]
struct Span {
    name: &'static str,
    fields: Fields,
    lines: Vec<Line>,
}

#[derive(Debug, Clone, PartialEq)]
struct Line {
    level: Level,
    fields: Fields,
}

impl Span {
    /// The fields of the span as `name=value`, without the duration, which is a number.
    #[track_caller]
    fn summary(&self) -> String {
        let mut fields = self.fields.clone();
        let duration = fields.remove("duration_ms").expect("a duration");
        duration.parse::<u64>().expect("a number of milliseconds");
        let fields: Vec<_> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
        format!("{} {}", self.name, fields.join(" "))
    }

    /// The one line of the request, as `LEVEL message reason=...`.
    #[track_caller]
    fn line(&self) -> String {
        let lines: Vec<_> = self.lines.iter().filter(|line| line.level <= Level::INFO).collect();
        let [line] = &*lines else {
            panic!("not one line: {lines:?}");
        };
        line.to_string()
    }

    fn all_lines(&self) -> Vec<String> {
        self.lines.iter().map(Line::to_string).collect()
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fields = self.fields.clone();
        let message = fields.remove("message").expect("a message");
        let fields: Vec<_> =
            fields.iter().map(|(name, value)| format!(" {name}={value}")).collect();
        write!(f, "{} {message}{}", self.level, fields.concat())
    }
}

#[derive(Debug, Default)]
struct Log {
    spans: Vec<(u64, Span)>,
    outside: Vec<Line>,
    everything: String,
    /// The fields that came as text, which a subscriber of JSON quotes once.
    texts: BTreeSet<&'static str>,
}

thread_local! {
    static LOG: RefCell<Log> = RefCell::default();
}

/// Records what the crate logs, by thread: each test has one of its own, and its tasks with it.
struct Recorder;

impl Recorder {
    fn start() {
        static INSTALL: Once = Once::new();
        INSTALL.call_once(|| tracing_subscriber::registry().with(Self).init());
        LOG.take();
    }
}

struct Visitor<'a>(&'a mut Fields);

impl Visit for Visitor<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        LOG.with_borrow_mut(|log| log.texts.insert(field.name()));
        self.record_debug(field, &value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let value = format!("{value:?}");
        LOG.with_borrow_mut(|log| log.everything += &format!("{}={value}\n", field.name()));
        let first = self.0.insert(field.name(), value);
        assert_eq!(first, None, "recorded twice: {field}");
    }
}

fn is_ours(metadata: &Metadata<'_>) -> bool {
    metadata.target().split("::").next() == Some("snapengage")
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Recorder {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, _context: Context<'_, S>) {
        if !is_ours(attributes.metadata()) {
            return;
        }
        let mut span = Span { name: attributes.metadata().name(), ..Span::default() };
        attributes.record(&mut Visitor(&mut span.fields));
        LOG.with_borrow_mut(|log| log.spans.push((id.into_u64(), span)));
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _context: Context<'_, S>) {
        let find = |log: &mut Log| log.spans.iter().rposition(|(span, _)| *span == id.into_u64());
        let Some(at) = LOG.with_borrow_mut(find) else {
            return;
        };
        let mut fields = LOG.with_borrow_mut(|log| std::mem::take(&mut log.spans[at].1.fields));
        values.record(&mut Visitor(&mut fields));
        LOG.with_borrow_mut(|log| log.spans[at].1.fields = fields);
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        if !is_ours(event.metadata()) {
            return;
        }
        let mut fields = Fields::new();
        event.record(&mut Visitor(&mut fields));
        let line = Line { level: *event.metadata().level(), fields };
        let span = context.event_span(event).map(|span| span.id().into_u64());
        LOG.with_borrow_mut(|log| {
            let found = log.spans.iter_mut().rev().find(|(id, _)| Some(*id) == span);
            match found {
                Some((_, span)) => span.lines.push(line),
                None => log.outside.push(line),
            }
        });
    }
}

/// The only request since the last time.
#[track_caller]
fn request() -> Span {
    let Log { mut spans, outside, .. } = LOG.take();
    assert_eq!(outside, [], "outside of a request");
    assert_eq!(spans.len(), 1, "{spans:?}");
    spans.remove(0).1
}

const MESSAGE: &str = r#"{"event":"message","widget_id":"the-widget","case_id":"the-case","from":"visitor","text":"the-text","context_id":"the-context"}"#;

fn everything() -> Receiver {
    let tokens = || [Token::new("the-old-secret").name("old"), Token::new(TOKEN).name("new")];
    build(
        Receiver::builder()
            .bot(
                "/bot",
                tokens(),
                bot::from_fn(|message| async move {
                    match message.text.as_str() {
                        "panic" => panic!("a panic of the test, on purpose"),
                        "fail" => Err("the database is down".into()),
                        _ => Ok(Reply::say("the-reply")),
                    }
                }),
            )
            .integration(
                "/integration",
                tokens(),
                integration::from_fn(|_| async {
                    Err(HandlerError::permanent("the case is known"))
                }),
            )
            .conversation("/conversation", tokens(), conversation::from_fn(|_| async { Ok(()) }))
            .agent_status(
                "/status",
                tokens(),
                agent_status::from_fn(|_| async { Err("the database is down".into()) }),
            )
            .contact(
                "/contact",
                Auth::secret_path(Token::new("the-secret-path").name("path")),
                contact::from_fn(|_| async { Ok(Some("the-contact".to_owned())) }),
            )
            .healthz("/healthz")
            .body_limit(10_000),
    )
}

#[tokio::test]
async fn an_answered_request_is_one_span_and_one_line() {
    Recorder::start();
    let receiver = everything();
    ask(&receiver, post("/bot", MESSAGE.to_owned())).await;
    let span = request();
    assert_eq!(
        span.summary(),
        r#"snapengage api="bot" case_id="the-case" event="message" status=200 token="new""#
    );
    assert_eq!(span.line(), "INFO answered");

    let event = r#"{"event":"caseClosed","widget_id":"w","case_id":"c"}"#;
    ask(&receiver, post("/conversation", event.to_owned())).await;
    let span = request();
    assert_eq!(
        span.summary(),
        r#"snapengage api="conversation-events" case_id="c" event="caseClosed" status=200 token="new""#
    );
    assert_eq!(span.line(), "INFO answered");
    assert_eq!(span.lines.len(), 1);

    ask(&receiver, bare("GET", "/contact/the-secret-path?email=the-email&caseId=c")).await;
    let span = request();
    assert_eq!(
        span.summary(),
        r#"snapengage api="get-contact" case_id="c" event="query" status=200 token="path""#
    );
    assert_eq!(span.line(), "INFO answered");

    ask(&receiver, bare("GET", "/healthz")).await;
    let span = request();
    assert_eq!(span.summary(), "snapengage status=200");
    assert_eq!(span.all_lines(), ["DEBUG answered"]);
}

#[tokio::test]
async fn the_name_of_the_token_is_told() {
    Recorder::start();
    let receiver = everything();
    let event = r#"{"event":"caseClosed","widget_id":"w","case_id":"c"}"#;
    for (token, name) in [("the-old-secret", "\"old\""), (TOKEN, "\"new\"")] {
        let mut request_with = post("/conversation", event.to_owned());
        let value = http::HeaderValue::from_static(token);
        request_with.headers_mut().insert("authorization", value);
        ask(&receiver, request_with).await;
        assert_eq!(request().fields["token"], name);
    }
    let mut refused = post("/conversation", Unread);
    refused.headers_mut().clear();
    ask(&receiver, refused).await;
    assert_eq!(request().fields.get("token"), None);
}

#[tokio::test]
async fn a_refused_request_is_one_span_and_one_line() {
    Recorder::start();
    let receiver = everything();
    let no_token = || {
        let mut request = post("/status", Unread);
        request.headers_mut().clear();
        request
    };
    ask(&receiver, no_token()).await;
    let span = request();
    assert_eq!(span.summary(), r#"snapengage api="agent-status" status=401"#);
    assert_eq!(span.line(), r#"WARN refused reason="no token""#);

    let mut wrong = no_token();
    wrong.headers_mut().append("authorization", http::HeaderValue::from_static("the-guess"));
    ask(&receiver, wrong).await;
    assert_eq!(request().line(), r#"WARN refused reason="wrong token""#);

    let mut two = post("/status", Unread);
    two.headers_mut().append("authorization", http::HeaderValue::from_static("the-guess"));
    ask(&receiver, two).await;
    assert_eq!(request().line(), r#"WARN refused reason="more than one token""#);

    ask(&receiver, post("/the-path", Unread)).await;
    let span = request();
    assert_eq!(span.summary(), "snapengage status=404");
    let lost = "nothing is served at `/…`, the nearest that is: `/healthz`";
    assert_eq!(span.line(), format!("WARN refused reason={lost:?}"));

    ask(&receiver, bare("GET", "/bot")).await;
    let span = request();
    assert_eq!(span.summary(), r#"snapengage api="bot" status=405"#);
    assert_eq!(span.line(), r#"WARN refused reason="expected POST""#);

    ask(&receiver, post("/status", "the-body".to_owned())).await;
    let span = request();
    assert_eq!(span.summary(), r#"snapengage api="agent-status" status=400 token="new""#);
    assert_eq!(span.line(), r#"WARN refused reason="agent status: expected a JSON object""#);

    ask(&receiver, post("/status", "x".repeat(10_001))).await;
    assert_eq!(request().line(), r#"WARN refused reason="the body is larger than 10000 bytes""#);

    receiver.start_draining();
    ask(&receiver, bare("GET", "/healthz")).await;
    let span = request();
    assert_eq!(span.summary(), "snapengage status=503");
    assert_eq!(span.all_lines(), [r#"DEBUG not healthy reason="draining""#]);
}

/// A part of the service that fails when it is told to.
#[derive(Clone, Default)]
struct Part(Arc<AtomicBool>);

#[async_trait]
impl HealthCheck for Part {
    async fn check(&self) -> Result<Value, HandlerError> {
        if self.0.load(Ordering::SeqCst) { Err("no disk".into()) } else { Ok(Value::Null) }
    }
}

#[tokio::test]
async fn health_check_is_logged_only_when_it_changes() {
    Recorder::start();
    let (disk, well) = (Part::default(), Part::default());
    let receiver = build(
        Receiver::builder()
            .healthz("/healthz")
            .health_check("disk", disk.clone())
            .health_check("well", well),
    );
    let reason = r#"reason="health check `disk`: handler failed: no disk""#;
    let probe = format!("DEBUG not healthy {reason}");
    let begins = r#"ERROR unhealthy check="disk" reason="handler failed: no disk""#.to_owned();
    let is_over = r#"INFO healthy again check="disk""#.to_owned();
    let answered = "DEBUG answered".to_owned();
    for _ in 0..2 {
        for (fails, expected) in [
            (false, vec![answered.clone()]),
            (true, vec![begins.clone(), probe.clone()]),
            (true, vec![probe.clone()]),
            (true, vec![probe.clone()]),
            (false, vec![is_over.clone(), answered.clone()]),
        ] {
            disk.0.store(fails, Ordering::SeqCst);
            ask(&receiver, bare("GET", "/healthz")).await;
            assert_eq!(request().all_lines(), expected);
        }
    }
}

#[tokio::test]
async fn a_failed_handler_is_told_with_its_reason() {
    Recorder::start();
    let receiver = everything();
    ask(&receiver, post("/status", STATUS.to_owned())).await;
    let span = request();
    assert_eq!(
        span.summary(),
        r#"snapengage api="agent-status" event="online" status=503 token="new""#
    );
    let down = r#"reason="handler failed: the database is down""#;
    assert_eq!(span.line(), format!("ERROR not answered {down}"));

    ask(&receiver, post("/integration", r#"{"id":"c"}"#.to_owned())).await;
    let span = request();
    assert_eq!(
        span.summary(),
        r#"snapengage api="integration" case_id="c" event="" status=422 token="new""#
    );
    assert_eq!(span.line(), r#"WARN refused reason="handler failed: the case is known""#);

    ask(&receiver, post("/bot", MESSAGE.replace("the-text", "fail"))).await;
    let span = request();
    assert_eq!(span.fields["status"], "200");
    assert_eq!(span.line(), format!("ERROR answered instead of the handler {down}"));

    ask(&receiver, post("/bot", MESSAGE.replace("the-text", "panic"))).await;
    assert_eq!(
        request().line(),
        r#"ERROR answered instead of the handler reason="handler panicked""#
    );
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_times_out_is_told() {
    Recorder::start();
    let receiver = build(gated(&Gate::new()));
    ask(&receiver, post("/status", STATUS.to_owned())).await;
    assert_eq!(request().line(), r#"ERROR not answered reason="handler not done within 30s""#);
}

/// Blocks its thread past the deadline, and is done all the same.
fn blocking() -> Receiver {
    let deadline = Duration::from_millis(1);
    let block = move || std::thread::sleep(deadline * 2);
    let bot = bot::from_fn(move |_| async move {
        block();
        Ok(Reply::say("late"))
    });
    let feed = agent_status::from_fn(move |_| async move {
        block();
        Ok(())
    });
    let book = contact::from_fn(move |_| async move {
        block();
        Ok(None)
    });
    build(
        Receiver::builder()
            .bot("/bot", Token::new(TOKEN), bot)
            .agent_status("/status", Token::new(TOKEN), feed)
            .contact("/contact", Auth::dangerously_open(), book)
            .bot_deadline(deadline)
            .feed_deadline(deadline)
            .contact_deadline(deadline),
    )
}

#[tokio::test]
async fn a_handler_that_blocked_its_thread_is_told_and_its_answer_kept() {
    let late = r#"WARN answered late reason="handler blocked its thread past its deadline: see `tokio::task::spawn_blocking`""#;
    Recorder::start();
    let receiver = blocking();
    let answer = ask(&receiver, post("/bot", MESSAGE.to_owned())).await;
    assert!(answer.body.contains("late"), "{answer:?}");
    assert_eq!(request().line(), late);
    assert_eq!(ask(&receiver, post("/status", STATUS.to_owned())).await, Answer::taken());
    assert_eq!(request().line(), late);
    assert_eq!(ask(&receiver, bare("GET", "/contact?email=a")).await, Answer::text(200, ""));
    assert_eq!(request().line(), late);
}

#[tokio::test]
async fn a_handler_whose_caller_hung_up_is_told_when_it_is_done() {
    Recorder::start();
    let gate = Gate::new();
    let receiver = build(gated(&gate));
    hang_up(&receiver, &gate).await;
    settle().await;
    gate.open();
    in_time(receiver.finished()).await;
    let span = request();
    assert_eq!(
        span.summary(),
        r#"snapengage api="agent-status" event="online" status=200 token="default""#
    );
    assert_eq!(span.line(), "INFO answered");
}

#[tokio::test]
async fn nothing_secret_is_told_at_any_level() {
    Recorder::start();
    let served = Served::start(Server::new(everything())).await;
    let mut requests = vec![
        post_bytes("/bot", MESSAGE),
        post_bytes("/bot", &MESSAGE.replace('{', r#"{"timestamp":"the-time","#)),
        post_bytes("/bot", &MESSAGE.replace("message", "the-event")),
        post_bytes("/bot", &MESSAGE.replace("\"the-case\"", "5.5")),
        post_bytes("/bot", &MESSAGE.replace("\"the-case\"", "{\"the-key\":1}")),
        post_bytes("/bot", &MESSAGE.replace("\"the-text\"", "{\"the-key\":\"the-text\"}")),
        post_bytes("/bot", &MESSAGE[..100]),
        post_bytes("/status", "\"the-body\""),
        post_bytes("/status", r#"{"agent_id":"the-email","status":"online","org":"the-org"}"#),
        post_bytes(
            "/integration",
            r#"{"id":"c","requested_by":"the-email","description":"the-text","latitude":"the-place"}"#,
        ),
        post_bytes("/integration", "<case><id>c</id><requested_by>the-email</requested_by></case>"),
        post_bytes("/integration", "<case><the-element>the-text</the-other></case>"),
        post_bytes("/integration", "<!DOCTYPE the-type><case/>"),
        post_bytes(
            "/conversation",
            r#"{"event":"caseClosed","widget_id":"w","case_id":"c","agent_email":"the-email","survey_score":"the-score","label":["the-label"]}"#,
        ),
        post_bytes(
            "/conversation",
            r#"{"event":"caseClosed","widget_id":"w","case_id":["the-case"]}"#,
        ),
        post_bytes("/the-path?the-query", MESSAGE),
        post_bytes("/status", "the-body").replace(TOKEN, "the-guess"),
        post_bytes("/status", "the-body").replace(TOKEN, "the-old-secret-2"),
        wire::get_bytes("/contact/the-secret-path?email=the-email&ip=the-ip&url=the-url"),
        wire::get_bytes("/contact/the-secret-path?ip=the-ip"),
        wire::get_bytes("/contact/the-guess?email=the-email"),
        wire::get_bytes("/contact/the-secret-path/the-guess?email=the-email"),
        format!("THE-METHOD /status HTTP/1.1\r\nHost: the-host\r\nAuthorization: {TOKEN}\r\n\r\n"),
        format!("GET /status HTTP/1.1\r\nHost: the-host\r\nthe header: {TOKEN}\r\n\r\n"),
        format!("{TOKEN}\r\n\r\n"),
        format!("POST /status HTTP/1.1\r\nAuthorization: {TOKEN}\r\n\r\n"),
        format!(
            "POST /status HTTP/1.1\r\nHost: the-host\r\nAuthorization: {TOKEN}\r\nContent-Encoding: the-encoding\r\n\r\n"
        ),
        format!(
            "POST /status HTTP/1.1\r\nHost: the-host\r\nAuthorization: {TOKEN}\r\nTransfer-Encoding: the-encoding, chunked\r\n\r\n"
        ),
        format!(
            "POST /status HTTP/1.1\r\nHost: the-host\r\nAuthorization: {TOKEN}\r\nTransfer-Encoding: chunked\r\n\r\nthe-chunk\r\n"
        ),
        format!(
            "POST /status HTTP/1.1\r\nHost: the-host\r\nAuthorization: {TOKEN}\r\nContent-Length: the-length\r\n\r\n"
        ),
        format!(
            "POST /status HTTP/1.1\r\nHost: the-host\r\nAuthorization: {TOKEN}\r\nContent-Length: 100\r\n\r\nthe-body"
        ),
    ];
    requests.push(post_bytes("/status", &"the-body".repeat(10_000)));
    for request in &requests {
        let mut client = served.connect().await;
        client.send(request).await;
        settle().await;
        let _ = tokio::io::AsyncWriteExt::shutdown(&mut client.stream).await;
        client.count_rest().await;
    }
    served.stop().await;
    let Log { spans, everything, .. } = LOG.take();
    assert!(spans.len() + 4 >= requests.len(), "{}", spans.len());
    let told = everything.replace(r#""the-case""#, "").replace(r#""the-event""#, "");
    assert!(!told.contains("the-"), "{told}");
    assert!(!told.contains("the header"), "{told}");
    assert!(!told.contains(TOKEN), "{told}");
    assert!(told.contains(r#"fields="timestamp""#), "{told}");
}

#[tokio::test]
async fn ids_and_events_are_escaped_and_cut() {
    Recorder::start();
    let receiver = everything();
    let event = |name: &str, case_id: &str| {
        let event = serde_json::json!({ "event": name, "widget_id": "w", "case_id": case_id });
        post("/conversation", event.to_string())
    };
    ask(&receiver, event("a\r\nb", "c\nINFO answered\u{1b}[31m\0\u{202e}\u{2028}\"")).await;
    let span = request();
    let text = |text: &str| format!("{text:?}");
    assert_eq!(span.fields["event"], text(r"a\r\nb"));
    let case_id = text(r#"c\nINFO answered\u{1b}[31m\0\u{202e}\u{2028}""#);
    assert_eq!(span.fields["case_id"], case_id);

    ask(&receiver, event(&"e".repeat(256), &("x".to_owned() + &"ü".repeat(100)))).await;
    let span = request();
    assert_eq!(span.fields["event"], format!("{:?}", "e".repeat(128)));
    assert_eq!(span.fields["case_id"], format!("{:?}", "x".to_owned() + &"ü".repeat(63)));

    let query = bare("GET", "/contact/the-secret-path?email=a&caseId=c%0Ad");
    assert_eq!(ask(&receiver, query).await, Answer::text(200, "the-contact"));
    assert_eq!(request().fields["case_id"], text(r"c\nd"));
}

#[tokio::test]
async fn texts_are_told_as_text_and_quoted_once_in_json() {
    Recorder::start();
    let receiver = everything();
    ask(&receiver, post("/bot", MESSAGE.replace("the-text", "fail"))).await;
    let texts = LOG.take().texts;
    assert_eq!(texts, BTreeSet::from(["api", "case_id", "event", "reason", "token"]));
}

#[tokio::test]
async fn a_connection_cut_at_shutdown_is_told() {
    Recorder::start();
    let gate = Gate::new();
    let server = Server::new(build(gated(&gate)));
    let served = Served::start(server.drain_deadline(Duration::from_millis(1))).await;
    let mut client = served.connect().await;
    client.send(post_bytes("/status", STATUS)).await;
    gate.started().await;
    served.stop().await;
    let Log { outside, .. } = LOG.take();
    let fields = [
        ("connections", "1".to_owned()),
        ("message", "not drained in time, connections are cut".to_owned()),
    ];
    assert_eq!(outside, [Line { level: Level::ERROR, fields: fields.into() }]);
}

/// Accepts what it is told, and nothing after that.
struct Script(VecDeque<io::Result<Handshake>>);

type Handshake = Ready<io::Result<DuplexStream>>;

impl Listener for Script {
    type Io = DuplexStream;
    type Handshake = Handshake;

    async fn accept(&mut self) -> io::Result<Handshake> {
        match self.0.pop_front() {
            Some(accepted) => accepted,
            None => pending().await,
        }
    }
}

#[tokio::test]
async fn failing_connections_are_told() {
    Recorder::start();
    let script = Script(VecDeque::from([
        Err(io::ErrorKind::ConnectionAborted.into()),
        Ok(ready(Err(io::Error::other("no common cipher")))),
        Err(io::Error::other("too many open files")),
        // Within the same minute.
        Err(io::Error::other("too many open files")),
    ]));
    let served = Server::new(everything()).serve(script, settle());
    in_time(served).await.expect("good settings");
    let told: Vec<_> = LOG.take().outside.iter().map(Line::to_string).collect();
    assert_eq!(
        told,
        [
            "ERROR no connection could be accepted error=too many open files",
            "DEBUG handshake failed error=no common cipher",
        ]
    );
}

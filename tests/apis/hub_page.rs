//! The page of an agent link: what it is served, what it relays, and what is refused.

use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use snapengage::hub::{
    self, Action, ActionDetail, ActionError, CapturedEmail, Event, EventDetail, HubPage, Session,
};
use snapengage::{Auth, Body, HandlerError, Receiver, Token};

use crate::support::{Failing, Seen, assert_refused, body, header, log, record_log};

const SECRET: &str = "kT4mZ0qvW8";
const PAGE: &str = "/hub/kT4mZ0qvW8";
const JANE: &str = "jane@example.com";

fn receiver(page: impl Into<HubPage>) -> Receiver {
    let builder = Receiver::builder().hub("/hub", Auth::secret_path(Token::new(SECRET)), page);
    builder.build().expect("no mistakes")
}

/// A receiver whose handler keeps what it gets and answers with actions.
fn seen(details: &'static [fn() -> ActionDetail]) -> (Receiver, Seen<(Event, Session)>) {
    let seen = Seen::new();
    let events = seen.clone();
    let handler = hub::from_fn(move |event, session| {
        events.push((event, session));
        async move { Ok(details.iter().map(|detail| detail()).collect()) }
    });
    (receiver(handler), seen)
}

fn request(
    method: &str,
    query: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Request<Full<Bytes>> {
    let mut request = Request::builder().method(method).uri(format!("{PAGE}{query}"));
    for (name, value) in [("host", "bot.example.com")].iter().chain(headers) {
        request = request.header(*name, *value);
    }
    request.body(Full::new(body.to_owned().into())).expect("a valid request")
}

const OWN: (&str, &str) = ("origin", "https://bot.example.com");

/// The stream of one page, as a browser reads it.
struct Stream {
    body: Pin<Box<Body>>,
    session: String,
    last: String,
}

impl Stream {
    async fn open(receiver: &Receiver, last: &str) -> Self {
        let query = format!("?stream={last}");
        let response = receiver.handle(request("GET", &query, &[], "")).await;
        assert_eq!(response.status(), 200);
        assert_eq!(header(&response, "content-type"), "text/event-stream");
        assert_eq!(header(&response, "cache-control"), "no-store");
        assert_eq!(header(&response, "x-accel-buffering"), "no");
        let body = Box::pin(response.into_body());
        let mut stream = Self { body, session: String::new(), last: String::new() };
        let greeting = stream.piece().await.expect("a greeting");
        stream.session = field(&greeting, "data").to_owned();
        assert_eq!(field(&greeting, "event"), "session");
        stream.last = field(&greeting, "id").to_owned();
        stream
    }

    async fn piece(&mut self) -> Option<String> {
        let frame = self.body.frame().await?.expect("never fails");
        let data = frame.into_data().expect("no trailers");
        Some(String::from_utf8(data.into()).expect("UTF-8"))
    }

    /// The actions of the next piece.
    async fn actions(&mut self) -> Vec<Action> {
        let piece = self.piece().await.expect("actions");
        let events = piece.split_terminator("\n\n").map(|event| {
            assert_eq!(field(event, "event"), "action");
            self.last = field(event, "id").to_owned();
            Action::from_json(field(event, "data").as_bytes()).expect("an action")
        });
        events.collect()
    }

    fn event(&self, number: u64, event: &Value) -> Request<Full<Bytes>> {
        let query = format!("?session={}&n={number}", self.session);
        request("POST", &query, &[OWN], &event.to_string())
    }
}

#[track_caller]
fn field<'e>(event: &'e str, name: &str) -> &'e str {
    let fields = event.lines().filter_map(|line| line.split_once(": "));
    fields.filter(|(found, _)| *found == name).map(|(_, value)| value).next().expect("a field")
}

fn message(text: &str) -> Value {
    json!({
        "type": "visitor_message_received",
        "conversationId": "bce21499&d",
        "agentEmail": JANE,
        "data": {"message": {"type": "text", "text": text}},
    })
}

#[track_caller]
fn assert_taken(response: Response<Body>) {
    assert_eq!(response.status(), 200);
    assert_eq!(body(response), "");
}

#[tokio::test]
async fn page_is_framed_by_the_hub_and_nobody_else() {
    let (receiver, _seen) = seen(&[]);
    let page = receiver.handle(request("GET", "", &[], "")).await;
    assert_eq!(page.status(), 200);
    assert_eq!(header(&page, "content-type"), "text/html; charset=utf-8");
    assert_eq!(
        header(&page, "content-security-policy"),
        "default-src 'none'; script-src 'self'; connect-src 'self'; base-uri 'none'; \
         form-action 'none'; frame-ancestors https://www.snapengage.com https://snapengage.com"
    );
    for (name, value) in [
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
        ("cache-control", "no-store"),
        ("set-cookie", ""),
        ("x-frame-options", ""),
    ] {
        assert_eq!(header(&page, name), value, "{name}");
    }
    let html = body(page);
    let origins = r#"data-origins="https://www.snapengage.com https://snapengage.com""#;
    assert!(html.contains(origins), "{html}");
    assert!(!html.contains(SECRET), "{html}");

    let head = receiver.handle(request("HEAD", "?stream=", &[], "")).await;
    assert_eq!(header(&head, "content-length"), html.len().to_string());
    assert_eq!(body(head), "");
    let script = receiver.handle(request("GET", "?script", &[], "")).await;
    assert_eq!(header(&script, "content-type"), "text/javascript; charset=utf-8");
    let script = body(script);
    assert!(script.contains("postMessage(JSON.parse(data), hub)"), "{script}");
    assert!(!script.contains("'*'"), "{script}");
}

#[tokio::test]
async fn more_origins_are_allowed_by_name() {
    let handler = hub::from_fn(|_, _| async { Ok(vec![]) });
    let page = HubPage::new(handler).allow_origin("http://127.0.0.1:7070");
    let page = receiver(page).handle(request("GET", "", &[], "")).await;
    let policy = header(&page, "content-security-policy");
    assert!(policy.ends_with("https://snapengage.com http://127.0.0.1:7070"), "{policy}");
}

#[tokio::test]
async fn event_arrives_typed_and_its_actions_go_back() {
    let (receiver, seen) = seen(&[|| ActionDetail::say("Hi"), || ActionDetail::RequestFile]);
    let mut stream = Stream::open(&receiver, "").await;
    let event = json!({
        "type": "email_captured",
        "conversationId": "bce21499&d",
        "agentEmail": JANE,
        "data": {"phone": "v@example.com"},
    });
    assert_taken(receiver.handle(stream.event(1, &event)).await);
    let (event, _session) = seen.one();
    let mut captured = CapturedEmail::new();
    captured.phone = Some("v@example.com".to_owned());
    let mut expected = Event::new("bce21499&d", EventDetail::EmailCaptured(captured));
    expected.agent_email = Some(JANE.into());
    assert_eq!(event, expected);
    let expected = [ActionDetail::say("Hi"), ActionDetail::RequestFile];
    let expected = expected.map(|detail| Action::new("bce21499&d", JANE, detail));
    assert_eq!(stream.actions().await, expected);
}

#[tokio::test]
async fn actions_follow_later_on_behalf_of_the_last_agent() {
    let (receiver, seen) = seen(&[]);
    let mut stream = Stream::open(&receiver, "").await;
    // The one event without an agent.
    let closed = json!({"type": "conversation_closed_by_visitor", "conversationId": "c"});
    assert_taken(receiver.handle(stream.event(1, &closed)).await);
    let (_, session) = seen.one();
    let error = session.act("c", ActionDetail::RequestFile).expect_err("nobody");
    assert_eq!(error.to_string(), "hub action: the page has named no agent");
    assert_taken(receiver.handle(stream.event(2, &message("Hello"))).await);
    session.act("c", ActionDetail::RequestFile).expect("taken");
    assert_eq!(stream.actions().await, [Action::new("c", JANE, ActionDetail::RequestFile)]);
    let bobs = Action::new("d", "bob@example.com", ActionDetail::ReclaimTransferRequest);
    session.clone().send(&bobs).expect("taken");
    assert_eq!(stream.actions().await, [bobs]);
}

#[tokio::test]
async fn actions_without_an_agent_are_logged_and_the_event_taken() {
    record_log();
    let (receiver, seen) = seen(&[|| ActionDetail::RequestFile]);
    let stream = Stream::open(&receiver, "").await;
    let closed = json!({"type": "conversation_closed_by_visitor", "conversationId": "c"});
    assert_taken(receiver.handle(stream.event(1, &closed)).await);
    seen.one();
    let log = log();
    assert!(log.contains("WARN") && log.contains("the page has named no agent"), "{log}");
}

#[tokio::test]
async fn requests_of_other_origins_are_refused() {
    let (receiver, seen) = seen(&[]);
    let stream = Stream::open(&receiver, "").await;
    let query = format!("?session={}&n=1", stream.session);
    let text = message("Hello").to_string();
    let refused = "expected a request of the page itself";
    for foreign in [
        &[][..],
        &[("origin", "null")],
        &[("origin", "https://evil.example")],
        &[("origin", "https://www.snapengage.com")],
        &[OWN, ("sec-fetch-site", "cross-site")],
        &[OWN, ("sec-fetch-site", "same-site")],
    ] {
        let response = receiver.handle(request("POST", &query, foreign, &text)).await;
        assert_refused(response, 403, refused);
    }
    for foreign in [("origin", "https://evil.example"), ("sec-fetch-site", "same-site")] {
        let response = receiver.handle(request("GET", "?stream=", &[foreign], "")).await;
        assert_refused(response, 403, refused);
    }
    let response = receiver.handle(request("OPTIONS", &query, &[], "")).await;
    assert_eq!(header(&response, "allow"), "GET, HEAD, POST");
    assert_refused(response, 405, "expected GET, HEAD, POST");
    assert_eq!(seen.take().len(), 0);
    assert_taken(receiver.handle(request("POST", &query, &[OWN], &text)).await);
    seen.one();
}

#[tokio::test]
async fn secret_is_checked_and_never_logged() {
    record_log();
    let (receiver, seen) = seen(&[]);
    for wrong in ["/hub/kT4mZ0qvW9", "/hub/", "/hub"] {
        for method in ["GET", "POST"] {
            let request = Request::builder().method(method).uri(wrong);
            let request = request.body(Full::<Bytes>::default()).expect("a valid request");
            let status = receiver.handle(request).await.status();
            assert_eq!(status, StatusCode::UNAUTHORIZED, "{method} {wrong}");
        }
    }
    let stream = Stream::open(&receiver, "").await;
    assert_taken(receiver.handle(stream.event(1, &message("Hello, 555-1234"))).await);
    receiver.handle(request("PUT", "", &[], "")).await;
    receiver.handle(request("POST", "?session=a&n=1", &[OWN], "{}")).await;
    let (_, session) = seen.one();
    let log = log() + &format!("{receiver:?} {session:?}");
    assert!(log.contains(r#"api="hub""#) && log.contains("visitor_message_received"), "{log}");
    for secret in [SECRET, "kT4mZ0qvW9", &stream.session, "555-1234", JANE] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}

#[tokio::test]
async fn malformed_events_are_refused() {
    let (receiver, seen) = seen(&[]);
    let stream = Stream::open(&receiver, "").await;
    let query = format!("?session={}&n=1", stream.session);
    for (text, message) in [
        ("", "hub event: expected a JSON object"),
        ("[]", "hub event: expected a JSON object"),
        ("\"text\"", "hub event: expected a JSON object"),
        (r#"{"type":"ignore"}"#, "hub event: missing field `conversationId` at line 1 column 17"),
    ] {
        let response = receiver.handle(request("POST", &query, &[OWN], text)).await;
        assert_refused(response, 400, message);
    }
    for broken in ["{", r#"{"type":"ignore","conversationId":"c""#, "\u{0}"] {
        let response = receiver.handle(request("POST", &query, &[OWN], broken)).await;
        assert_eq!(response.status(), 400, "{broken}");
    }
    for odd in ["", "?session=a", "?n=1", "?session=a&n=x", "?session=a&n=-1"] {
        let response = receiver.handle(request("POST", odd, &[OWN], "{}")).await;
        assert_refused(response, 400, "hub query: expected `session` and `n`");
    }
    assert_eq!(seen.take().len(), 0);
    // One that nobody knows is handed over.
    let unknown = json!({"type": "new_event", "conversationId": "c", "data": {"a": 1}});
    assert_taken(receiver.handle(stream.event(1, &unknown)).await);
    let (event, _) = seen.one();
    assert!(matches!(event.detail, EventDetail::Unknown { .. }), "{event:?}");
}

#[tokio::test]
async fn event_of_a_megabyte_is_refused() {
    let (receiver, seen) = seen(&[]);
    let stream = Stream::open(&receiver, "").await;
    let large = receiver.handle(stream.event(1, &message(&"x".repeat(1024 * 1024)))).await;
    assert_refused(large, 413, "the body is larger than 65536 bytes");
    assert_eq!(seen.take().len(), 0);
    let fits = receiver.handle(stream.event(1, &message(&"x".repeat(60 * 1024)))).await;
    assert_taken(fits);
    seen.one();
}

#[tokio::test]
async fn event_that_is_posted_again_is_handled_once() {
    let (receiver, seen) = seen(&[|| ActionDetail::RequestFile]);
    let mut stream = Stream::open(&receiver, "").await;
    for number in [1, 1, 2, 1, 2] {
        assert_taken(receiver.handle(stream.event(number, &message("Hello"))).await);
    }
    assert_eq!(seen.take().len(), 2);
    assert_eq!(stream.actions().await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn failures_are_answered_and_the_event_may_come_again() {
    for (failing, status, message_text) in [
        (Failing::Passing, 503, "try again later"),
        (Failing::Permanent, 422, "the event cannot be processed"),
        (Failing::Panicking, 500, "internal error"),
        (Failing::Hanging, 503, "not done in time, try again later"),
    ] {
        record_log();
        let seen = Seen::new();
        let events = seen.clone();
        let receiver = receiver(hub::from_fn(move |event, _| {
            events.push(event);
            failing.run::<Vec<ActionDetail>>()
        }));
        let stream = Stream::open(&receiver, "").await;
        for _ in 0..2 {
            let response = receiver.handle(stream.event(7, &message("Hello"))).await;
            assert_refused(response, status, message_text);
        }
        assert_eq!(seen.take().len(), 2, "{failing:?}");
        assert!(log().contains("ERROR") || status == 422, "{failing:?}");
    }
}

#[tokio::test]
async fn page_that_comes_back_gets_what_it_has_not_had() {
    let (receiver, seen) = seen(&[]);
    let mut stream = Stream::open(&receiver, "").await;
    assert_taken(receiver.handle(stream.event(1, &message("Hello"))).await);
    let (_, session) = seen.one();
    let say = |text: &str| session.act("c", ActionDetail::say(text)).expect("taken");
    let said = |text: &str| Action::new("c", JANE, ActionDetail::say(text));
    say("one");
    assert_eq!(stream.actions().await, [said("one")]);
    let after_one = stream.last.clone();
    say("two");
    assert_eq!(stream.actions().await, [said("two")]);
    // The connection breaks before the page has the second.
    drop(stream);
    say("three");
    let mut again = Stream::open(&receiver, &after_one).await;
    assert_eq!(again.actions().await, [said("two"), said("three")]);
    // Its own number still counts.
    assert_taken(receiver.handle(again.event(1, &message("Hello"))).await);
    assert_eq!(seen.take().len(), 0);
}

#[tokio::test]
async fn the_browsers_own_last_id_counts() {
    let (receiver, _seen) = seen(&[]);
    let stream = Stream::open(&receiver, "").await;
    let headers = [("last-event-id", &*stream.last)];
    let response = receiver.handle(request("GET", "?stream=", &headers, "")).await;
    let mut again = Box::pin(response.into_body());
    let greeting = again.frame().await.expect("a frame").expect("never fails");
    let greeting = greeting.into_data().expect("no trailers");
    assert_eq!(field(str::from_utf8(&greeting).expect("UTF-8"), "data"), stream.session);
}

#[tokio::test]
async fn second_stream_of_a_session_ends_the_first() {
    let (receiver, _seen) = seen(&[]);
    let mut first = Stream::open(&receiver, "").await;
    let second = Stream::open(&receiver, &first.last.clone()).await;
    assert_eq!(first.session, second.session);
    assert_eq!(first.piece().await, None);
}

#[tokio::test(start_paused = true)]
async fn session_is_over_half_a_minute_after_its_page() {
    let (receiver, seen) = seen(&[]);
    let stream = Stream::open(&receiver, "").await;
    assert_taken(receiver.handle(stream.event(1, &message("Hello"))).await);
    let (_, session) = seen.one();
    let (late, last) = (stream.event(2, &message("Hello")), stream.last.clone());
    drop(stream);
    tokio::time::advance(Duration::from_secs(29)).await;
    assert!(session.is_open());
    session.act("c", ActionDetail::RequestFile).expect("waits");
    tokio::time::advance(Duration::from_secs(1)).await;
    assert!(!session.is_open());
    let error = session.act("c", ActionDetail::RequestFile).expect_err("gone");
    assert!(error.is_page_gone());
    let response = receiver.handle(late).await;
    assert_refused(response, 410, "the session is over, expected a new one");
    let fresh = Stream::open(&receiver, &last).await;
    assert_ne!(fresh.last, last);
}

#[tokio::test(start_paused = true)]
async fn quiet_stream_has_a_pulse() {
    let (receiver, _seen) = seen(&[]);
    let mut stream = Stream::open(&receiver, "").await;
    let started = tokio::time::Instant::now();
    assert_eq!(stream.piece().await.as_deref(), Some(":\n\n"));
    assert_eq!(started.elapsed(), Duration::from_secs(15));
}

#[tokio::test]
async fn actions_beyond_the_bound_are_refused() {
    let seen = Seen::new();
    let sessions = seen.clone();
    let handler = hub::from_fn(move |_, session| {
        sessions.push(session);
        async { Ok(vec![]) }
    });
    let receiver = receiver(HubPage::new(handler).max_waiting(3));
    let mut stream = Stream::open(&receiver, "").await;
    assert_taken(receiver.handle(stream.event(1, &message("Hello"))).await);
    let session: Session = seen.one();
    let act = || session.act("c", ActionDetail::RequestFile);
    let acted: Vec<_> = (0..5).map(|_| act()).collect();
    assert!(acted[..3].iter().all(Result::is_ok) && acted[3..].iter().all(Result::is_err));
    let full: &ActionError = acted[3].as_ref().expect_err("full");
    assert_eq!(full.to_string(), "hub action: too many wait for the page");
    assert!(!full.is_page_gone());
    assert_eq!(stream.actions().await.len(), 3);
    // Those that were written make room.
    act().expect("room");
    assert_eq!(stream.actions().await.len(), 1);
}

#[tokio::test]
async fn thousands_of_pages_are_bounded() {
    let handler = hub::from_fn(|_, _| async { Ok(vec![]) });
    let receiver = receiver(HubPage::new(handler).max_pages(2000));
    let mut streams = Vec::new();
    for _ in 0..2000 {
        streams.push(Stream::open(&receiver, "").await);
    }
    let mut sessions: Vec<_> = streams.iter().map(|stream| stream.session.clone()).collect();
    sessions.sort();
    sessions.dedup();
    assert_eq!(sessions.len(), 2000);
    let response = receiver.handle(request("GET", "?stream=", &[], "")).await;
    assert_refused(response, 503, "too many pages are open");
    // One that has gone makes room for one that comes.
    let gone = streams.pop().expect("one");
    let late = gone.event(1, &message("Hello"));
    drop(gone);
    streams.push(Stream::open(&receiver, "").await);
    let response = receiver.handle(late).await;
    assert_refused(response, 410, "the session is over, expected a new one");
    for _ in 0..1000 {
        streams.pop();
        streams.push(Stream::open(&receiver, "").await);
    }
}

#[tokio::test]
async fn drain_ends_streams_behind_what_waits() {
    let (receiver, seen) = seen(&[|| ActionDetail::RequestFile]);
    let mut stream = Stream::open(&receiver, "").await;
    let mut other = Stream::open(&receiver, "").await;
    assert_taken(receiver.handle(stream.event(1, &message("Hello"))).await);
    let (_, session) = seen.one();
    receiver.start_draining();
    assert_eq!(stream.actions().await.len(), 1);
    assert_eq!(stream.piece().await, None);
    assert_eq!(other.piece().await, None);
    assert!(!session.is_open());
    let response = receiver.handle(request("GET", "?stream=", &[], "")).await;
    assert_eq!(response.status(), 503);
    assert_eq!(body(response), "draining");
}

#[tokio::test]
async fn handler_is_shared_as_an_object() {
    struct Deaf;

    #[snapengage::async_trait]
    impl hub::Handler for Deaf {
        async fn event(&self, _: Event, _: Session) -> Result<Vec<ActionDetail>, HandlerError> {
            Err(HandlerError::permanent("no ears"))
        }
    }

    let handler: std::sync::Arc<dyn hub::Handler> = std::sync::Arc::new(Deaf);
    let receiver = receiver(handler);
    let stream = Stream::open(&receiver, "").await;
    let response = receiver.handle(stream.event(1, &message("Hello"))).await;
    assert_refused(response, 422, "the event cannot be processed");
}

#[test]
fn mistakes_keep_the_page_from_being_built() {
    let page = |page: fn(HubPage) -> HubPage| {
        page(HubPage::new(hub::from_fn(|_, _| async { Ok(vec![]) })))
    };
    let secret = || Auth::secret_path(Token::new(SECRET));
    let no_header = "the Hub opens an address and sends no header, expected `Auth::secret_path`";
    for (auth, page, mistake) in [
        (Token::new("a").into(), page(|page| page), no_header),
        (secret(), page(|page| page.max_pages(0)), "`max_pages`: expected more than zero"),
        (secret(), page(|page| page.max_waiting(0)), "`max_waiting`: expected more than zero"),
        (secret(), page(|page| page.event_limit(0)), "`event_limit`: expected more than zero"),
        (
            secret(),
            page(|page| page.event_deadline(Duration::ZERO)),
            "`event_deadline`: expected more than zero",
        ),
        (
            secret(),
            page(|page| page.allow_origin("*")),
            "`*` is no origin, expected one such as `https://example.com`",
        ),
    ] {
        let error = Receiver::builder().hub("/hub", auth, page).build().expect_err(mistake);
        let text = error.to_string();
        assert!(text.contains(&format!("path `/hub`: {mistake}")), "{text}");
    }
}

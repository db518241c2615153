//! How much and how long: bodies, heads, handlers, answers and connections.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::pending;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use http_body::{Frame, SizeHint};
use snapengage::bot::{self, Reply};
use snapengage::{
    Auth, FailureReason, Receiver, ReceiverBuilder, Server, Token, agent_status, contact,
    conversation, integration,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::wire::{
    Answer, Calls, Client, DENIED, Gate, STATUS, Served, TOKEN, ask, bare, build, builder,
    chunked_bytes, gated, get_bytes, in_time, post, post_bytes, settle,
};

/// Long enough for a slow machine to do what must come before it, short enough to wait for.
const SHORT: Duration = Duration::from_millis(250);

/// Longer than any test.
const LONG: Duration = Duration::from_secs(3600);

/// More than the system keeps of an answer for a client that does not read.
const LARGE: usize = 64 * 1024 * 1024;

fn too_large(limit: usize) -> Answer {
    Answer::refused(413, &format!("the body is larger than {limit} bytes")).closing()
}

/// [`STATUS`], as long as told.
fn status_of(length: usize) -> String {
    STATUS.to_owned() + &" ".repeat(length - STATUS.len())
}

/// A body in frames.
struct Pieces(VecDeque<Result<Frame<Bytes>, &'static str>>);

impl Pieces {
    fn new<'a>(pieces: impl IntoIterator<Item = &'a str>) -> Self {
        let pieces = pieces.into_iter();
        Self(pieces.map(|piece| Ok(Frame::data(Bytes::from(piece.to_owned())))).collect())
    }

    fn and(mut self, frame: Result<Frame<Bytes>, &'static str>) -> Self {
        self.0.push_back(frame);
        self
    }
}

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, &'static str>>> {
        Poll::Ready(self.0.pop_front())
    }
}

/// A body that goes on for ever, one byte at a time.
struct Endless {
    pause: Pin<Box<tokio::time::Sleep>>,
    every: Duration,
}

impl Endless {
    fn every(every: Duration) -> Self {
        Self { pause: Box::pin(sleep(every)), every }
    }
}

impl http_body::Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        std::task::ready!(self.pause.as_mut().poll(context));
        let next = Instant::now() + self.every;
        self.pause.as_mut().reset(next);
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b" ")))))
    }
}

/// A body that says how long it is, and must not be read.
struct Declared(u64);

impl http_body::Body for Declared {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        panic!("the body was read");
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0)
    }
}

#[tokio::test]
async fn declared_length_over_the_limit_is_refused_unread() {
    let receiver = build(builder(&Calls::default()).body_limit(100));
    for length in [101, 4_294_967_396, u64::MAX] {
        assert_eq!(ask(&receiver, post("/status", Declared(length))).await, too_large(100));
    }
}

#[tokio::test]
async fn a_body_may_be_as_long_as_the_limit_and_no_longer() {
    let calls = Calls::default();
    let receiver = build(builder(&calls).body_limit(100));
    assert_eq!(ask(&receiver, post("/status", status_of(100))).await, Answer::taken());
    assert_eq!(ask(&receiver, post("/status", status_of(101))).await, too_large(100));
    let body = status_of(100);
    let (head, tail) = body.split_at(60);
    for pieces in [&[head, tail] as &[_], &["", head, "", tail, ""], &[&body]] {
        let pieces = Pieces::new(pieces.iter().copied());
        assert_eq!(ask(&receiver, post("/status", pieces)).await, Answer::taken());
    }
    for pieces in [&[head, tail, " "] as &[_], &[" ", &body], &[&body, "", " "]] {
        let pieces = Pieces::new(pieces.iter().copied());
        assert_eq!(ask(&receiver, post("/status", pieces)).await, too_large(100));
    }
    assert_eq!(calls.count(), 4);
}

#[tokio::test]
async fn the_limit_is_two_mebibytes_by_default() {
    let receiver = build(builder(&Calls::default()));
    let limit = 2 * 1024 * 1024;
    assert_eq!(ask(&receiver, post("/status", status_of(limit))).await, Answer::taken());
    assert_eq!(ask(&receiver, post("/status", status_of(limit + 1))).await, too_large(limit));
}

#[tokio::test]
async fn trailers_are_not_of_the_body() {
    let mut trailers = HeaderMap::new();
    trailers.insert("authorization", HeaderValue::from_static("wrong"));
    let receiver = build(builder(&Calls::default()));
    let body = Pieces::new([STATUS]).and(Ok(Frame::trailers(trailers)));
    assert_eq!(ask(&receiver, post("/status", body)).await, Answer::taken());
}

#[tokio::test]
async fn a_body_that_breaks_off_is_refused() {
    let calls = Calls::default();
    let receiver = build(builder(&calls));
    let body = Pieces::new([STATUS]).and(Err("the secret of the socket"));
    assert_eq!(
        ask(&receiver, post("/status", body)).await,
        Answer::refused(400, "the body broke off").closing()
    );
    assert_eq!(calls.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_body_has_fifteen_seconds_in_all() {
    let receiver = build(builder(&Calls::default()));
    let too_slow = Answer::refused(408, "the body did not arrive within 15s").closing();
    for every in [Duration::from_millis(10), Duration::from_secs(14), LONG] {
        let started = Instant::now();
        let request = post("/status", Endless::every(every));
        assert_eq!(ask(&receiver, request).await, too_slow);
        assert_eq!(started.elapsed(), Duration::from_secs(15));
    }
}

#[tokio::test(start_paused = true)]
async fn the_deadline_of_a_body_may_be_chosen() {
    let deadline = Duration::from_millis(1500);
    let receiver = build(builder(&Calls::default()).body_deadline(deadline));
    let started = Instant::now();
    let request = post("/status", Endless::every(Duration::from_secs(1)));
    assert_eq!(
        ask(&receiver, request).await,
        Answer::refused(408, "the body did not arrive within 1.5s").closing()
    );
    assert_eq!(started.elapsed(), deadline);
}

/// A receiver whose handlers are never done.
fn stuck() -> ReceiverBuilder {
    let token = || Token::new(TOKEN);
    Receiver::builder()
        .bot("/bot", token(), bot::from_fn(|_| pending()))
        .integration("/integration", token(), integration::from_fn(|_| pending()))
        .conversation("/conversation", token(), conversation::from_fn(|_| pending()))
        .agent_status("/status", token(), agent_status::from_fn(|_| pending()))
        .contact("/contact", Auth::dangerously_open(), contact::from_fn(|_| pending()))
}

const MESSAGE: &str = r#"{"event":"message","widget_id":"w","case_id":"c","text":"Hi"}"#;
const FEEDS: [(&str, &str); 3] = [
    ("/integration", r#"{"id":"c"}"#),
    ("/conversation", r#"{"event":"caseClosed","widget_id":"w","case_id":"c"}"#),
    ("/status", STATUS),
];

async fn times_out(receiver: &Receiver, feed: Duration, bot: Duration, contact: Duration) {
    for (path, event) in FEEDS {
        let started = Instant::now();
        assert_eq!(
            ask(receiver, post(path, event.to_owned())).await,
            Answer::refused(503, "not done in time, try again later"),
            "{path}"
        );
        assert_eq!(started.elapsed(), feed, "{path}");
    }
    let started = Instant::now();
    let fallback = r#"{"widget_id":"w","case_id":"c","content":[{"type":"command","operation":"HUMAN_TRANSFER"}]}"#;
    assert_eq!(ask(receiver, post("/bot", MESSAGE.to_owned())).await, Answer::json(200, fallback));
    assert_eq!(started.elapsed(), bot);
    let started = Instant::now();
    assert_eq!(
        ask(receiver, bare("GET", "/contact?email=a")).await,
        Answer::text(503, "the contact could not be looked up")
    );
    assert_eq!(started.elapsed(), contact);
}

#[tokio::test(start_paused = true)]
async fn handlers_have_deadlines() {
    let seconds = Duration::from_secs;
    times_out(&build(stuck()), seconds(30), seconds(8), seconds(5)).await;
}

#[tokio::test(start_paused = true)]
async fn the_deadlines_of_handlers_may_be_chosen() {
    let seconds = Duration::from_secs;
    let builder =
        stuck().contact_deadline(seconds(3)).bot_deadline(seconds(2)).feed_deadline(seconds(1));
    times_out(&build(builder), seconds(1), seconds(2), seconds(3)).await;
}

#[tokio::test(start_paused = true)]
async fn a_handler_may_take_all_its_time() {
    let slow = contact::from_fn(|_| async {
        sleep(Duration::from_millis(4999)).await;
        Ok(Some("in the end".to_owned()))
    });
    let bot = bot::from_fn(|_| async {
        sleep(Duration::from_millis(7999)).await;
        Ok(Reply::new().bye())
    });
    let receiver =
        build(Receiver::builder().contact("/contact", Auth::dangerously_open(), slow).bot(
            "/bot",
            Token::new(TOKEN),
            bot,
        ));
    let contact = ask(&receiver, bare("GET", "/contact?email=a")).await;
    assert_eq!(contact, Answer::text(200, "in the end"));
    let bye = r#"{"widget_id":"w","case_id":"c","content":[{"type":"command","operation":"BYE"}]}"#;
    let bot = ask(&receiver, post("/bot", MESSAGE.to_owned())).await;
    assert_eq!(bot, Answer::json(200, bye));
}

fn head_of_body(length: &str) -> String {
    format!("POST /status HTTP/1.1\r\nHost: test\r\nAuthorization: {TOKEN}\r\n{length}\r\n\r\n")
}

#[tokio::test]
async fn a_client_is_told_of_its_length_although_it_keeps_sending() {
    let calls = Calls::default();
    let served = Served::start(Server::new(build(builder(&calls)))).await;
    let mut client = served.connect().await;
    client.send(head_of_body("Content-Length: 1000000000000")).await;
    let answers = client.rest_while_sending(&[b' '; 64 * 1024]).await;
    assert_eq!(answers, [too_large(2 * 1024 * 1024)]);
    served.stop().await;
    assert_eq!(calls.count(), 0);
}

#[tokio::test]
async fn a_client_without_a_length_is_told_as_well() {
    let calls = Calls::default();
    let served = Served::start(Server::new(build(builder(&calls).body_limit(100_000)))).await;
    let mut client = served.connect().await;
    client.send(head_of_body("Transfer-Encoding: chunked")).await;
    let chunk = format!("ffff\r\n{}\r\n", " ".repeat(0xffff));
    let answers = client.rest_while_sending(chunk.as_bytes()).await;
    assert_eq!(answers, [too_large(100_000)]);
    served.stop().await;
    assert_eq!(calls.count(), 0);
}

#[tokio::test]
async fn a_client_without_a_token_is_told_although_it_keeps_sending() {
    let calls = Calls::default();
    let served = Served::start(Server::new(build(builder(&calls)))).await;
    let mut client = served.connect().await;
    client.send("POST /status HTTP/1.1\r\nHost: test\r\nContent-Length: 2000000\r\n\r\n").await;
    let answers = client.rest_while_sending(&[b' '; 64 * 1024]).await;
    assert_eq!(answers, [Answer::refused(401, DENIED).closing()]);
    served.stop().await;
    assert_eq!(calls.count(), 0);
}

#[tokio::test]
async fn bodies_as_long_as_the_limit_share_a_connection() {
    let calls = Calls::default();
    let limit = 1_000_000;
    let served = Served::start(Server::new(build(builder(&calls).body_limit(limit)))).await;
    let mut client = served.connect().await;
    for _ in 0..3 {
        client.send(post_bytes("/status", &status_of(limit))).await;
        assert_eq!(client.answer().await, Answer::taken());
    }
    client.send(post_bytes("/status", &status_of(limit + 1))).await;
    assert_eq!(client.rest().await, [too_large(limit)]);
    let chunked = chunked_bytes("/status", &status_of(limit));
    assert_eq!(served.exchange(chunked).await, [Answer::taken().closing()]);
    let chunked = chunked_bytes("/status", &status_of(limit + 1));
    assert_eq!(served.exchange(chunked).await, [too_large(limit)]);
    served.stop().await;
    assert_eq!(calls.count(), 4);
}

#[tokio::test]
async fn a_body_that_trickles_in_is_answered_408() {
    let calls = Calls::default();
    let server = Server::new(build(builder(&calls).body_deadline(SHORT)));
    let served = Served::start(server).await;
    for length in ["Content-Length: 100000", "Transfer-Encoding: chunked"] {
        let mut client = served.connect().await;
        client.send(head_of_body(length)).await;
        let piece: &[u8] = if length.contains("chunked") { b"1\r\n \r\n" } else { b" " };
        let answers = client.rest_while_trickling(piece).await;
        let too_slow = Answer::refused(408, "the body did not arrive within 250ms");
        assert_eq!(answers, [too_slow.closing()], "{length}");
    }
    served.stop().await;
    assert_eq!(calls.count(), 0);
}

fn impatient(receiver: Receiver) -> Server {
    Server::new(receiver).header_deadline(SHORT).idle_deadline(LONG).write_deadline(LONG)
}

#[tokio::test]
async fn a_head_that_trickles_in_closes_the_connection() {
    let served = Served::start(impatient(build(builder(&Calls::default())))).await;
    let mut client = served.connect().await;
    client.send("POST /status HTTP/1.1\r\nHost: test\r\nX-Slow: ").await;
    assert_eq!(client.rest_while_trickling(b"x").await, []);

    let mut client = served.connect().await;
    client.send(post_bytes("/status", STATUS)).await;
    assert_eq!(client.answer().await, Answer::taken());
    client.send("G").await;
    assert_eq!(client.rest_while_trickling(b"E").await, []);
    served.stop().await;
}

#[tokio::test]
async fn empty_lines_before_a_head_are_of_the_head() {
    let served = Served::start(impatient(build(builder(&Calls::default())))).await;
    let client = served.connect().await;
    assert_eq!(client.rest_while_trickling(b"\r\n").await, []);
    served.stop().await;
}

#[tokio::test]
async fn head_started_after_a_request_has_its_deadline() {
    let served = Served::start(impatient(build(builder(&Calls::default())))).await;
    let mut client = served.connect().await;
    client.send(post_bytes("/status", STATUS) + "POST /sta").await;
    assert_eq!(client.answer().await, Answer::taken());
    client.closed().await;
    served.stop().await;
}

#[tokio::test]
async fn head_started_during_a_handler_has_its_deadline() {
    let gate = Gate::new();
    let served = Served::start(impatient(build(gated(&gate)))).await;
    let mut client = served.connect().await;
    client.send(post_bytes("/status", STATUS)).await;
    gate.started().await;
    client.send("POST /sta").await;
    settle().await;
    gate.open();
    assert_eq!(client.answer().await, Answer::taken());
    client.closed().await;
    served.stop().await;
}

/// An Integration request of so many bytes, of what takes the most memory.
fn heavy(length: usize) -> String {
    let objects = vec![r#"{"":0}"#; length / 7].join(",");
    format!(r#"{{"id":"c","transcripts":[{objects}]}}"#)
}

/// A builder with an Integration feed and a bot that wait in a gate, and room for one heavy body.
fn held(gate: &Gate) -> ReceiverBuilder {
    let (in_feed, in_bot) = (gate.clone(), gate.clone());
    Receiver::builder()
        .integration(
            "/integration",
            Token::new(TOKEN),
            integration::from_fn(move |_| {
                let gate = in_feed.clone();
                async move {
                    gate.pass().await;
                    Ok(())
                }
            }),
        )
        .bot(
            "/bot",
            Token::new(TOKEN),
            bot::from_fn(move |message| {
                let gate = in_bot.clone();
                async move {
                    gate.pass().await;
                    Ok(Reply::say(message.text))
                }
            }),
        )
        .memory_limit(1024 * 1024)
}

#[tokio::test]
async fn a_body_is_not_read_before_there_is_memory_for_it() {
    let gate = Gate::new();
    let served = Served::start(Server::new(build(held(&gate)))).await;
    let mut first = served.connect().await;
    first.send(post_bytes("/integration", &heavy(10_000))).await;
    gate.started().await;
    let mut second = served.connect().await;
    second.send(post_bytes("/integration", &heavy(10_000))).await;
    settle().await;
    assert!(!gate.has_started(), "there is memory for one");
    gate.open();
    assert_eq!(first.answer().await, Answer::taken());
    gate.started().await;
    gate.open();
    assert_eq!(second.answer().await, Answer::taken());
    drop((first, second));
    served.stop().await;
}

#[tokio::test]
async fn memory_is_held_until_an_abandoned_handler_ends() {
    let gate = Gate::new();
    let served = Served::start(Server::new(build(held(&gate)))).await;
    let mut gone = served.connect().await;
    gone.send(post_bytes("/integration", &heavy(10_000))).await;
    gate.started().await;
    drop(gone);
    let mut next = served.connect().await;
    next.send(post_bytes("/integration", &heavy(10_000))).await;
    settle().await;
    assert!(!gate.has_started());
    gate.open();
    gate.started().await;
    gate.open();
    assert_eq!(next.answer().await, Answer::taken());
    drop(next);
    served.stop().await;
}

#[tokio::test]
async fn bodies_of_the_usual_kind_hardly_take_memory() {
    let gate = Gate::new();
    let receiver = build(held(&gate));
    let chat = include_str!("../../sample-payloads/integration/chat.json");
    let mut handlers = JoinSet::new();
    for _ in 0..10 {
        let receiver = receiver.clone();
        handlers.spawn(async move { ask(&receiver, post("/integration", chat.to_owned())).await });
        gate.started().await;
    }
    for _ in 0..10 {
        gate.open();
    }
    assert_eq!(in_time(handlers.join_all()).await, vec![Answer::taken(); 10]);
}

#[tokio::test(start_paused = true)]
async fn a_request_without_memory_is_503_and_a_bots_the_fallback() {
    let gate = Gate::new();
    let receiver = build(held(&gate).feed_deadline(LONG).memory_limit(1));
    let first = receiver.clone();
    let first = tokio::spawn(async move { ask(&first, post("/integration", heavy(10_000))).await });
    gate.started().await;
    let started = Instant::now();
    let refused = Answer::refused(503, "try again later");
    assert_eq!(ask(&receiver, post("/integration", heavy(10_000))).await, refused);
    assert_about(started.elapsed(), Duration::from_secs(15));

    let started = Instant::now();
    let message = r#"{"event":"message","widget_id":"w","case_id":"c","text":"Hi"}"#;
    let response = receiver.handle(post("/bot", message.to_owned())).await;
    let reason = response.extensions().get::<FailureReason>().map(FailureReason::as_str);
    assert_eq!(reason, Some("requests being handled took all of `memory_limit` for 8s"));
    let fallback = r#"{"widget_id":"w","case_id":"c","content":[{"type":"command","operation":"HUMAN_TRANSFER"}]}"#;
    assert_eq!(Answer::of(response), Answer::json(200, fallback));
    assert_about(started.elapsed(), Duration::from_secs(8));
    let unreadable = ask(&receiver, post("/bot", message.replace("case_id", "case"))).await;
    assert_eq!(unreadable, refused);

    gate.open();
    assert_eq!(first.await.expect("no panic"), Answer::taken());
}

#[tokio::test(start_paused = true)]
async fn what_a_handler_waited_for_memory_is_of_its_time() {
    let gate = Gate::new();
    let receiver = build(held(&gate));
    let [first, second] = [receiver.clone(), receiver].map(|receiver| {
        tokio::spawn(async move { ask(&receiver, post("/integration", heavy(10_000))).await })
    });
    let started = Instant::now();
    gate.started().await;
    sleep(Duration::from_secs(10)).await;
    gate.open();
    assert_eq!(first.await.expect("no panic"), Answer::taken());
    let late = Answer::refused(503, "not done in time, try again later");
    assert_eq!(second.await.expect("no panic"), late);
    assert_about(started.elapsed(), Duration::from_secs(30));
}

/// Waits, with the clock paused, until a connection is closed, and tells how long that took.
async fn time_to_close(mut client: Client) -> Duration {
    let started = Instant::now();
    assert_eq!(client.stream.read(&mut [0]).await.expect("closed, not reset"), 0);
    started.elapsed()
}

/// Timers of tokio are as exact as a millisecond.
#[track_caller]
fn assert_about(elapsed: Duration, expected: Duration) {
    let range = expected..expected + Duration::from_millis(10);
    assert!(range.contains(&elapsed), "{elapsed:?}, expected {expected:?}");
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_outlasts_the_minute_of_a_proxy() {
    let served = Served::start(Server::new(build(builder(&Calls::default())))).await;
    let mut client = served.connect().await;
    for _ in 0..3 {
        sleep(Duration::from_millis(74_900)).await;
        client.send(get_bytes("/contact?email=a")).await;
        assert_eq!(client.answer().await, Answer::text(200, "a"));
    }
    assert_about(time_to_close(client).await, Duration::from_secs(75));
    served.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_sends_nothing_gets_less_time_in_a_crowd() {
    let server = Server::new(build(builder(&Calls::default()))).max_connections(4);
    let served = Served::start(server).await;
    let [first, second, third] =
        [served.connect().await, served.connect().await, served.connect().await];
    let (first, second, third) =
        tokio::join!(time_to_close(first), time_to_close(second), time_to_close(third));
    assert_about(first, Duration::from_secs(75));
    assert_about(second, Duration::from_secs(75));
    assert_about(third, Duration::from_secs(10));
    assert_about(time_to_close(served.connect().await).await, Duration::from_secs(75));
    served.stop().await;
}

#[tokio::test]
async fn the_longest_duration_is_no_deadline() {
    let server = Server::new(build(builder(&Calls::default())))
        .header_deadline(Duration::MAX)
        .write_deadline(Duration::MAX)
        .idle_deadline(Duration::MAX)
        .drain_deadline(Duration::MAX);
    let served = Served::start(server).await;
    let mut client = served.connect().await;
    client.send("G").await;
    settle().await;
    client.send(&get_bytes("/contact?email=a")[1..]).await;
    assert_eq!(client.answer().await, Answer::text(200, "a"));
    served.stop().await;
    client.closed().await;
}

fn idling(receiver: Receiver) -> Server {
    Server::new(receiver).idle_deadline(SHORT).header_deadline(LONG).write_deadline(LONG)
}

#[tokio::test]
async fn a_connection_that_is_not_used_is_closed() {
    let served = Served::start(idling(build(builder(&Calls::default())))).await;
    served.connect().await.closed().await;
    served.stop().await;
}

#[tokio::test]
async fn a_connection_is_closed_when_it_is_idle_after_an_answer() {
    let served = Served::start(idling(build(builder(&Calls::default())))).await;
    let get = (get_bytes("/contact?email=a"), 200);
    let refused = (get_bytes("/other"), 404);
    let post = (post_bytes("/status", STATUS), 200);
    for (request, status) in [get, refused, post] {
        let mut client = served.connect().await;
        for _ in 0..3 {
            client.send(&request).await;
            assert_eq!(client.answer().await.status, status, "{request}");
        }
        client.closed().await;
    }
    served.stop().await;
}

#[tokio::test]
async fn a_connection_is_closed_when_it_is_idle_after_a_slow_handler() {
    let gate = Gate::new();
    let served = Served::start(idling(build(gated(&gate))).header_deadline(SHORT)).await;
    let mut slow = served.connect().await;
    slow.send(post_bytes("/status", STATUS)).await;
    gate.started().await;
    served.connect().await.closed().await;
    gate.open();
    assert_eq!(slow.answer().await, Answer::taken());
    slow.closed().await;
    served.stop().await;
}

#[tokio::test]
async fn a_busy_connection_is_not_closed() {
    let gate = Gate::new();
    let receiver = build(gated(&gate).contact(
        "/contact",
        Auth::dangerously_open(),
        contact::from_fn(|query| async move { Ok(Some(query.email)) }),
    ));
    let served = Served::start(idling(receiver)).await;
    let mut working = served.connect().await;
    working.send(post_bytes("/status", STATUS)).await;
    gate.started().await;
    let mut sending = served.connect().await;
    sending.send(head_of_body("Content-Length: 5")).await;
    let mut starting = served.connect().await;
    starting.send("G").await;
    served.connect().await.closed().await;

    gate.open();
    assert_eq!(working.answer().await, Answer::taken());
    sending.send("{}   ").await;
    assert_eq!(sending.answer().await.status, 400);
    starting.send(&get_bytes("/contact?email=a")[1..]).await;
    assert_eq!(starting.answer().await, Answer::text(200, "a"));
    drop((working, sending, starting));
    served.stop().await;
}

fn large() -> Receiver {
    let book = contact::from_fn(|query| async move {
        Ok(Some(if query.email == "large" { "x".repeat(LARGE) } else { query.email }))
    });
    build(Receiver::builder().contact("/contact", Auth::dangerously_open(), book))
}

#[tokio::test]
async fn a_client_that_reads_slowly_is_not_idle() {
    let served = Served::start(idling(large()).header_deadline(SHORT)).await;
    let mut slow = served.connect().await;
    slow.send(get_bytes("/contact?email=large")).await;
    in_time(slow.stream.readable()).await.expect("an answer");
    let idle = served.connect().await;
    idle.closed().await;
    let answer = slow.answer().await;
    assert_eq!((answer.status, answer.body.len()), (200, LARGE));
    drop(slow);
    served.stop().await;
}

#[tokio::test]
async fn a_client_that_does_not_read_its_answer_is_cut() {
    let server = Server::new(large()).write_deadline(SHORT).idle_deadline(LONG);
    let served = Served::start(server.max_connections(1)).await;
    let mut deaf = served.connect().await;
    deaf.send(get_bytes("/contact?email=large")).await;
    in_time(deaf.stream.readable()).await.expect("an answer");
    let mut next = served.connect().await;
    next.send(get_bytes("/contact?email=a")).await;
    assert_eq!(next.answer().await, Answer::text(200, "a"));
    assert!(deaf.count_rest().await < LARGE);
    drop(next);
    served.stop().await;
}

#[tokio::test]
async fn a_client_that_reads_its_answer_in_sips_is_cut() {
    let server = Server::new(large()).write_deadline(SHORT).idle_deadline(LONG);
    let served = Served::start(server.max_connections(1)).await;
    let mut sipping = served.connect().await;
    sipping.send(get_bytes("/contact?email=large")).await;
    in_time(sipping.stream.readable()).await.expect("an answer");
    let mut next = served.connect().await;
    next.send(get_bytes("/contact?email=a")).await;
    let mut read = 0;
    let sips = async {
        let mut pace = tokio::time::interval(Duration::from_millis(1));
        let mut sip = [0; 1024];
        while let Ok(count @ 1..) = sipping.stream.read(&mut sip).await {
            read += count;
            pace.tick().await;
        }
        pending().await
    };
    let answer = tokio::select! {
        answer = next.answer() => answer,
        never = sips => never,
    };
    assert_eq!(answer, Answer::text(200, "a"));
    assert!(read + sipping.count_rest().await < LARGE);
    drop(next);
    served.stop().await;
}

#[tokio::test]
async fn a_head_may_be_as_long_as_the_limit_and_no_longer() {
    let server = Server::new(build(builder(&Calls::default()))).header_limit(1000);
    let served = Served::start(server).await;
    let head = |length: usize| {
        let start = "GET /contact?email=a HTTP/1.1\r\nHost: test\r\nConnection: close\r\nX: ";
        let fill = length - start.len() - "\r\n\r\n".len();
        format!("{start}{}\r\n\r\n", "x".repeat(fill))
    };
    assert_eq!(served.exchange(head(1000)).await, [Answer::text(200, "a").closing()]);
    let refused = [Answer::new(431, &["connection: close"], "")];
    for length in [1001, 1100, 7000, 9000] {
        assert_eq!(served.exchange(head(length)).await, refused, "{length}");
    }
    served.stop().await;
}

#[tokio::test]
async fn a_head_is_16_kib_by_default_and_has_100_headers() {
    let served = Served::start(Server::new(build(builder(&Calls::default())))).await;
    let start = "GET /contact?email=a HTTP/1.1\r\nHost: test\r\nConnection: close\r\n";
    let refused = [Answer::new(431, &["connection: close"], "")];
    let ok = [Answer::text(200, "a").closing()];
    let long = |length: usize| format!("{start}X: {}\r\n\r\n", "x".repeat(length));
    assert_eq!(served.exchange(long(16_000)).await, ok);
    assert_eq!(served.exchange(long(17_000)).await, refused);
    let many = |count: usize| format!("{start}{}\r\n", "X: x\r\n".repeat(count));
    assert_eq!(served.exchange(many(98)).await, ok);
    assert_eq!(served.exchange(many(99)).await, refused);
    served.stop().await;
}

#[tokio::test]
async fn a_client_is_told_of_its_head_although_it_keeps_sending() {
    let served = Served::start(Server::new(build(builder(&Calls::default())))).await;
    let mut client = served.connect().await;
    client.send("GET /contact?email=a HTTP/1.1\r\nHost: test\r\nX: ").await;
    let answers = client.rest_while_sending(&[b'x'; 64 * 1024]).await;
    assert_eq!(answers, [Answer::new(431, &["connection: close"], "")]);
    served.stop().await;
}

#[tokio::test]
async fn the_next_connection_waits_until_one_closes() {
    let served =
        Served::start(Server::new(build(builder(&Calls::default()))).max_connections(2)).await;
    let mut clients = [served.connect().await, served.connect().await];
    for client in &mut clients {
        client.send(get_bytes("/contact?email=a")).await;
        assert_eq!(client.answer().await, Answer::text(200, "a"));
    }
    let mut next = served.connect().await;
    next.send(get_bytes("/contact?email=next")).await;
    for _ in 0..20 {
        for client in &mut clients {
            client.send(get_bytes("/contact?email=a")).await;
            assert_eq!(client.answer().await, Answer::text(200, "a"));
        }
        assert!(next.is_silent());
    }
    let [first, second] = clients;
    drop(first);
    assert_eq!(next.answer().await, Answer::text(200, "next"));
    drop((second, next));
    served.stop().await;
}

#[tokio::test]
async fn at_least_one_connection_is_accepted() {
    let served =
        Served::start(Server::new(build(builder(&Calls::default()))).max_connections(0)).await;
    let mut client = served.connect().await;
    client.send(get_bytes("/contact?email=a")).await;
    assert_eq!(client.answer().await, Answer::text(200, "a"));
    drop(client);
    served.stop().await;
}

#[tokio::test]
async fn settings_that_let_nothing_through_are_refused() {
    let server = Server::new(build(builder(&Calls::default())))
        .header_limit(0)
        .header_deadline(Duration::ZERO)
        .write_deadline(Duration::ZERO)
        .idle_deadline(Duration::ZERO);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let refused = in_time(server.serve(listener, pending())).await.expect_err("zeros");
    assert_eq!(
        refused.to_string(),
        "`header_limit`: expected more than zero\n\
         `header_deadline`: expected more than zero\n\
         `write_deadline`: expected more than zero\n\
         `idle_deadline`: expected more than zero"
    );
}

fn expecting(token: &str, length: usize) -> String {
    format!(
        "POST /status HTTP/1.1\r\nHost: test\r\nAuthorization: {token}\r\nExpect: 100-continue\r\nContent-Length: {length}\r\n\r\n"
    )
}

#[tokio::test]
async fn a_client_may_continue_only_once_its_token_is_right() {
    let calls = Calls::default();
    let receiver = build(builder(&calls).body_limit(100));
    let served = Served::start(Server::new(receiver)).await;
    let mut client = served.connect().await;
    client.send(expecting(TOKEN, STATUS.len())).await;
    assert_eq!(client.answer().await, Answer::new(100, &[], ""));
    client.send(STATUS).await;
    assert_eq!(client.answer().await, Answer::taken());
    client.send(expecting("wrong", STATUS.len())).await;
    assert_eq!(client.rest().await, [Answer::refused(401, DENIED).closing()]);

    let too_long = served.exchange(expecting(TOKEN, 101)).await;
    assert_eq!(too_long, [too_large(100)]);
    let encoded = expecting(TOKEN, 5).replace("Host", "Content-Encoding: gzip\r\nHost");
    let encoded: Vec<_> = served.exchange(encoded).await.iter().map(|it| it.status).collect();
    assert_eq!(encoded, [415]);
    let other = expecting(TOKEN, 5).replace("/status", "/other");
    let other: Vec<_> = served.exchange(other).await.iter().map(|it| it.status).collect();
    assert_eq!(other, [404]);
    served.stop().await;
    assert_eq!(calls.count(), 1);
}

#[tokio::test]
async fn a_client_that_goes_in_the_middle_of_a_body_harms_nobody() {
    let calls = Calls::default();
    let served = Served::start(Server::new(build(builder(&calls))).max_connections(1)).await;
    for bytes in [
        "",
        "\r\n",
        "POST /sta",
        &head_of_body("Content-Length: 100"),
        &(head_of_body("Content-Length: 100") + "{"),
        &(head_of_body("Transfer-Encoding: chunked") + "5\r\n{"),
    ] {
        let mut client = served.connect().await;
        client.send(bytes).await;
        client.stream.shutdown().await.expect("a connection");
        let answers = client.rest().await;
        assert!(answers.iter().all(|answer| answer.status == 400), "{bytes:?}: {answers:?}");
    }
    let mut client = served.connect().await;
    client.send(post_bytes("/status", STATUS)).await;
    assert_eq!(client.answer().await, Answer::taken());
    drop(client);
    served.stop().await;
    assert_eq!(calls.count(), 1);
}

//! Handlers run to their end: when the caller hangs up, when one panics, and when the server shuts
//! down.

use std::pin::Pin;
use std::time::Duration;

use snapengage::bot::{self, Reply};
use snapengage::{Auth, HandlerError, Receiver, Server, Token, agent_status, contact};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::wire::{
    self, Answer, Calls, Gate, STATUS, Served, TOKEN, ask, bare, build, builder, gated, get_bytes,
    hang_up, in_time, post, post_bytes, settle,
};

/// Long enough for a slow machine to do what must come before it, short enough to wait for.
const SHORT: Duration = Duration::from_millis(250);

/// Longer than any test.
const LONG: Duration = Duration::from_secs(3600);

/// Waits until nobody listens there any more.
async fn is_refused(served: &Served) {
    let mut pause = tokio::time::interval(Duration::from_millis(1));
    while in_time(TcpStream::connect(served.address)).await.is_ok() {
        pause.tick().await;
    }
}

#[tokio::test]
async fn a_request_being_answered_is_answered_before_serve_returns() {
    let gate = Gate::new();
    let mut served = Served::start(Server::new(build(gated(&gate)))).await;
    let mut client = served.connect().await;
    client.send(post_bytes("/status", STATUS)).await;
    gate.started().await;
    served.begin_shutdown();
    is_refused(&served).await;
    assert!(!served.has_returned());
    gate.open();
    assert_eq!(client.answer().await, Answer::taken().closing());
    client.closed().await;
    served.returned().await;
    assert!(gate.has_finished());
}

#[tokio::test]
async fn a_body_being_sent_is_taken_before_serve_returns() {
    let calls = Calls::default();
    let mut served = Served::start(Server::new(build(builder(&calls)))).await;
    let mut client = served.connect().await;
    let request = post_bytes("/status", STATUS);
    let (first, second) = request.split_at(request.len() - 10);
    client.send(first).await;
    settle().await;
    served.begin_shutdown();
    is_refused(&served).await;
    client.send(second).await;
    assert_eq!(client.rest().await, [Answer::taken().closing()]);
    served.returned().await;
    assert_eq!(calls.count(), 1);
}

#[tokio::test]
async fn no_further_request_is_taken_on_a_connection_at_shutdown() {
    let gate = Gate::new();
    let mut served = Served::start(Server::new(build(gated(&gate)))).await;
    let mut client = served.connect().await;
    client.send(post_bytes("/status", STATUS)).await;
    gate.started().await;
    served.begin_shutdown();
    is_refused(&served).await;
    client.send(post_bytes("/status", STATUS)).await;
    settle().await;
    gate.open();
    gate.open();
    assert_eq!(client.answer().await, Answer::taken().closing());
    drop(client);
    served.returned().await;
    assert!(gate.has_finished());
    assert!(!gate.has_finished());
}

#[tokio::test]
async fn idle_connections_are_closed_at_shutdown() {
    let calls = Calls::default();
    let server = Server::new(build(builder(&calls))).idle_deadline(LONG).drain_deadline(LONG);
    let served = Served::start(server).await;
    let unused = served.connect().await;
    let mut after_get = served.connect().await;
    after_get.send(get_bytes("/contact?email=a")).await;
    assert_eq!(after_get.answer().await, Answer::text(200, "a"));
    let mut after_post = served.connect().await;
    after_post.send(post_bytes("/status", STATUS)).await;
    assert_eq!(after_post.answer().await, Answer::taken());
    served.stop().await;
    unused.closed().await;
    after_get.closed().await;
    after_post.closed().await;
}

#[tokio::test]
async fn half_a_head_holds_a_shutdown_no_longer_than_its_deadline() {
    let server = Server::new(build(builder(&Calls::default())));
    let served = Served::start(server.header_deadline(SHORT).drain_deadline(LONG)).await;
    let mut client = served.connect().await;
    client.send("POST /sta").await;
    settle().await;
    served.stop().await;
    client.closed().await;
}

#[tokio::test]
async fn a_handler_whose_caller_hangs_up_runs_to_its_end() {
    let gate = Gate::new();
    let mut served = Served::start(Server::new(build(gated(&gate)))).await;
    let mut client = served.connect().await;
    client.send(post_bytes("/status", STATUS)).await;
    gate.started().await;
    drop(client);
    settle().await;
    served.begin_shutdown();
    is_refused(&served).await;
    settle().await;
    assert!(!served.has_returned(), "serve waits for the handler");
    gate.open();
    served.returned().await;
    assert!(gate.has_finished());
}

#[tokio::test]
async fn callers_that_all_hang_up_lose_no_handler() {
    let gate = Gate::new();
    let mut served = Served::start(Server::new(build(gated(&gate)))).await;
    let mut clients = Vec::new();
    for _ in 0..50 {
        let mut client = served.connect().await;
        client.send(post_bytes("/status", STATUS)).await;
        clients.push(client);
    }
    for _ in 0..50 {
        gate.started().await;
    }
    served.begin_shutdown();
    drop(clients);
    is_refused(&served).await;
    for _ in 0..50 {
        gate.open();
    }
    served.returned().await;
    for _ in 0..50 {
        assert!(gate.has_finished());
    }
}

#[tokio::test]
async fn an_abandoned_handler_is_waited_for() {
    let gate = Gate::new();
    let receiver = build(gated(&gate));
    hang_up(&receiver, &gate).await;
    gate.open();
    in_time(receiver.finished()).await;
    assert!(gate.has_finished());
}

#[tokio::test]
async fn an_abandoned_handler_that_has_not_woken_is_waited_for() {
    let gate = Gate::new();
    let receiver = build(gated(&gate));
    hang_up(&receiver, &gate).await;
    let mut finished = std::pin::pin!(receiver.finished());
    tokio::select! {
        biased;
        () = &mut finished => panic!("the handler has not finished"),
        () = settle() => {}
    }
    gate.open();
    in_time(finished).await;
    assert!(gate.has_finished());
}

#[tokio::test(start_paused = true)]
async fn an_abandoned_handler_has_its_deadline() {
    let gate = Gate::new();
    let receiver = build(gated(&gate));
    hang_up(&receiver, &gate).await;
    settle().await;
    let started = Instant::now();
    receiver.finished().await;
    assert_eq!(started.elapsed(), Duration::from_secs(30));
    assert!(!gate.has_finished());
}

#[tokio::test]
async fn a_receiver_with_nothing_abandoned_is_finished() {
    let receiver = build(builder(&Calls::default()));
    in_time(receiver.finished()).await;
    assert_eq!(ask(&receiver, post("/status", STATUS.to_owned())).await, Answer::taken());
    in_time(receiver.finished()).await;
}

#[tokio::test]
async fn a_caller_that_goes_before_its_handler_starts_starts_none() {
    let calls = Calls::default();
    let receiver = build(builder(&calls));
    drop(receiver.handle(post("/status", STATUS.to_owned())));
    in_time(receiver.finished()).await;
    settle().await;
    assert_eq!(calls.count(), 0);
}

#[tokio::test]
async fn draining_has_an_end() {
    let gate = Gate::new();
    let server = Server::new(build(gated(&gate))).drain_deadline(SHORT);
    let served = Served::start(server).await;
    let mut client = served.connect().await;
    client.send(post_bytes("/status", STATUS)).await;
    gate.started().await;
    served.stop().await;
    assert_eq!(client.count_rest().await, 0);
    assert!(!gate.has_finished());
}

#[tokio::test]
async fn draining_has_an_end_for_abandoned_handlers() {
    let gate = Gate::new();
    let server = Server::new(build(gated(&gate))).drain_deadline(SHORT);
    let served = Served::start(server).await;
    let mut client = served.connect().await;
    client.send(post_bytes("/status", STATUS)).await;
    gate.started().await;
    drop(client);
    settle().await;
    served.stop().await;
    assert!(!gate.has_finished());
}

#[tokio::test]
async fn a_server_may_go_on_accepting_while_others_are_told() {
    let calls = Calls::default();
    let receiver = build(builder(&calls).healthz("/healthz"));
    let mut served = Served::start(Server::new(receiver).drain_delay(LONG)).await;
    let mut before = served.connect().await;
    before.send(get_bytes("/healthz")).await;
    assert_eq!(before.answer().await, Answer::text(200, "ok"));
    served.begin_shutdown();
    settle().await;
    before.send(get_bytes("/healthz")).await;
    assert_eq!(before.answer().await, Answer::text(503, "draining"));
    let mut after = served.connect().await;
    after.send(get_bytes("/healthz")).await;
    assert_eq!(after.answer().await, Answer::text(503, "draining"));
    after.send(post_bytes("/status", STATUS)).await;
    assert_eq!(after.answer().await, Answer::taken());
    assert!(!served.has_returned());
    assert_eq!(calls.count(), 1);
}

#[tokio::test]
async fn a_server_stops_accepting_after_its_delay() {
    let server = Server::new(build(builder(&Calls::default()))).drain_delay(SHORT);
    let mut served = Served::start(server).await;
    let idle = served.connect().await;
    served.begin_shutdown();
    is_refused(&served).await;
    idle.closed().await;
    served.returned().await;
}

#[tokio::test(start_paused = true)]
async fn a_server_is_open_for_as_long_as_its_delay() {
    for delay in [Duration::ZERO, Duration::from_secs(15)] {
        let server = Server::new(build(builder(&Calls::default()))).drain_delay(delay);
        let mut served = Served::start(server).await;
        let address = served.address;
        let started = Instant::now();
        served.begin_shutdown();
        served.returned().await;
        let open = started.elapsed();
        assert!(open >= delay && open < delay + Duration::from_millis(10), "{open:?}");
        assert!(TcpStream::connect(address).await.is_err());
    }
}

#[tokio::test]
async fn a_server_that_is_full_shuts_down() {
    let gate = Gate::new();
    let server = Server::new(build(gated(&gate))).max_connections(1).drain_deadline(LONG);
    let mut served = Served::start(server).await;
    let mut client = served.connect().await;
    client.send(post_bytes("/status", STATUS)).await;
    gate.started().await;
    let _waiting = served.connect().await;
    served.begin_shutdown();
    is_refused(&served).await;
    gate.open();
    assert_eq!(client.answer().await, Answer::taken().closing());
    served.returned().await;
}

#[tokio::test]
async fn a_server_whose_future_is_dropped_lets_go_of_its_port() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let receiver = build(builder(&Calls::default()));
    let server = tokio::spawn(snapengage::serve(listener, receiver, std::future::pending()));
    let stream = in_time(TcpStream::connect(address)).await.expect("a connection");
    let mut client = wire::Client::new(stream);
    client.send(get_bytes("/contact?email=a")).await;
    assert_eq!(client.answer().await, Answer::text(200, "a"));
    server.abort();
    assert!(in_time(server).await.expect_err("aborted").is_cancelled());
    client.closed().await;
    assert!(in_time(TcpStream::connect(address)).await.is_err());
}

fn panicking() -> snapengage::ReceiverBuilder {
    Receiver::builder()
        .agent_status(
            "/status",
            Token::new(TOKEN),
            agent_status::from_fn(|_| async { panic!("a panic of the test, on purpose") }),
        )
        .bot(
            "/bot",
            Token::new(TOKEN),
            bot::from_fn(|_| async { panic!("a panic of the test, on purpose") }),
        )
        .contact(
            "/contact",
            Auth::dangerously_open(),
            contact::from_fn(|query| async move {
                assert_ne!(query.email, "panic", "a panic of the test, on purpose");
                Ok(Some(query.email))
            }),
        )
}

const MESSAGE: &str = r#"{"event":"message","widget_id":"w","case_id":"c","text":"Hi"}"#;

#[tokio::test]
async fn a_panic_ends_a_handler_and_nothing_else() {
    let served = Served::start(Server::new(build(panicking()))).await;
    let mut client = served.connect().await;
    let fallback = r#"{"widget_id":"w","case_id":"c","content":[{"type":"command","operation":"HUMAN_TRANSFER"}]}"#;
    for _ in 0..2 {
        client.send(post_bytes("/status", STATUS)).await;
        assert_eq!(client.answer().await, Answer::refused(500, "internal error"));
        client.send(post_bytes("/bot", MESSAGE)).await;
        assert_eq!(client.answer().await, Answer::json(200, fallback));
        client.send(get_bytes("/contact?email=panic")).await;
        let refused = Answer::text(500, "the contact could not be looked up");
        assert_eq!(client.answer().await, refused);
        client.send(get_bytes("/contact?email=a")).await;
        assert_eq!(client.answer().await, Answer::text(200, "a"));
    }
    drop(client);
    served.stop().await;
}

/// Handlers that panic before there is a future.
struct Hasty;

type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<T, HandlerError>> + Send + 'a>>;

impl contact::Handler for Hasty {
    fn look_up<'a, 'b>(&'a self, _query: contact::Query) -> Pending<'b, Option<String>>
    where
        'a: 'b,
        Self: 'b,
    {
        panic!("a panic of the test, on purpose");
    }
}

impl agent_status::Handler for Hasty {
    fn status_change<'a, 'b>(&'a self, _change: agent_status::StatusChange) -> Pending<'b, ()>
    where
        'a: 'b,
        Self: 'b,
    {
        panic!("a panic of the test, on purpose");
    }
}

impl bot::Handler for Hasty {
    fn message<'a, 'b>(&'a self, _message: bot::Message) -> Pending<'b, Reply>
    where
        'a: 'b,
        Self: 'b,
    {
        panic!("a panic of the test, on purpose");
    }
}

fn hasty() -> Receiver {
    build(
        Receiver::builder()
            .agent_status("/status", Token::new(TOKEN), Hasty)
            .bot("/bot", Token::new(TOKEN), Hasty)
            .contact("/contact", Auth::dangerously_open(), Hasty),
    )
}

#[tokio::test]
async fn early_panic_is_caught_in_feeds_and_bots() {
    let receiver = hasty();
    assert_eq!(
        ask(&receiver, post("/status", STATUS.to_owned())).await,
        Answer::refused(500, "internal error")
    );
    assert_eq!(ask(&receiver, post("/bot", MESSAGE.to_owned())).await.status, 200);
}

#[tokio::test]
async fn early_panic_is_caught_in_contact_books() {
    let receiver = hasty();
    let asking = tokio::spawn(async move { ask(&receiver, bare("GET", "/contact?email=a")).await });
    assert_eq!(
        in_time(asking).await.expect("the panic is caught"),
        Answer::text(500, "the contact could not be looked up")
    );
}

/// An error that panics when it is told.
#[derive(Debug)]
struct Unspeakable;

impl std::fmt::Display for Unspeakable {
    fn fmt(&self, _f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        panic!("a panic of the test, on purpose");
    }
}

impl std::error::Error for Unspeakable {}

/// Panics when it is dropped, unless that would end the process.
#[derive(Debug)]
struct Landmine;

impl Drop for Landmine {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "a panic of the test, on purpose");
    }
}

impl std::fmt::Display for Landmine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a mine")
    }
}

impl std::error::Error for Landmine {}

/// Panics when it is told, and when it is dropped.
#[derive(Debug)]
struct Cursed(Landmine);

impl std::fmt::Display for Cursed {
    fn fmt(&self, _f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        panic!("a panic of the test, on purpose");
    }
}

impl std::error::Error for Cursed {}

/// Does one thing that panics in a drop.
async fn harm(what: &str) -> Result<(), HandlerError> {
    match what {
        "done" => {
            let _mine = Landmine;
            Ok(())
        }
        "error" => Err(Landmine.into()),
        "permanent" => Err(HandlerError::permanent(Landmine)),
        "error that cannot be told" => Err(Cursed(Landmine).into()),
        "thrown" => std::panic::panic_any(Landmine),
        "late" => {
            let _mine = Landmine;
            std::future::pending().await
        }
        _ => Ok(()),
    }
}

#[tokio::test]
async fn a_drop_that_panics_is_answered_and_not_a_reset() {
    let fallback = r#"{"widget_id":"w","case_id":"c","content":[{"type":"command","operation":"HUMAN_TRANSFER"}]}"#;
    for what in ["done", "error", "permanent", "error that cannot be told", "thrown", "late"] {
        let receiver = Receiver::builder()
            .agent_status("/status", Token::new(TOKEN), agent_status::from_fn(move |_| harm(what)))
            .bot(
                "/bot",
                Token::new(TOKEN),
                bot::from_fn(async move |_| harm(what).await.map(|()| Reply::say("done"))),
            )
            .contact(
                "/contact",
                Auth::dangerously_open(),
                contact::from_fn(async move |_| harm(what).await.map(|()| None)),
            )
            .feed_deadline(SHORT)
            .bot_deadline(SHORT)
            .contact_deadline(SHORT);
        let served = Served::start(Server::new(build(receiver))).await;
        let mut client = served.connect().await;
        client.send(post_bytes("/status", STATUS)).await;
        assert_eq!(client.answer().await, Answer::refused(500, "internal error"), "{what}");
        client.send(post_bytes("/bot", MESSAGE)).await;
        assert_eq!(client.answer().await, Answer::json(200, fallback), "{what}");
        client.send(get_bytes("/contact?email=a")).await;
        let refused = Answer::text(500, "the contact could not be looked up");
        assert_eq!(client.answer().await, refused, "{what}");
        drop(client);
        served.stop().await;
    }
}

#[tokio::test]
async fn a_panic_in_the_text_of_an_error_is_caught() {
    let feed = agent_status::from_fn(|_| async { Err(Unspeakable.into()) });
    let receiver = build(Receiver::builder().agent_status("/status", Token::new(TOKEN), feed));
    let asking =
        tokio::spawn(async move { ask(&receiver, post("/status", STATUS.to_owned())).await });
    let answer = in_time(asking).await.expect("the panic is caught");
    assert_eq!(answer, Answer::refused(503, "try again later"));
}

#[tokio::test(start_paused = true)]
async fn a_panic_while_a_handler_is_dropped_is_caught() {
    let feed = agent_status::from_fn(|_| async {
        let _mine = Landmine;
        std::future::pending().await
    });
    let receiver = build(Receiver::builder().agent_status("/status", Token::new(TOKEN), feed));
    let asking =
        tokio::spawn(async move { ask(&receiver, post("/status", STATUS.to_owned())).await });
    let answer = asking.await.expect("the panic is caught");
    assert_eq!(answer, Answer::refused(500, "internal error"));
}

#[tokio::test]
async fn an_abandoned_handler_that_panics_is_finished() {
    let (tell, mut told) = mpsc::channel::<()>(1);
    let gate = Gate::new();
    let held = gate.clone();
    let feed = agent_status::from_fn(move |_| {
        let (held, tell) = (held.clone(), tell.clone());
        async move {
            held.pass().await;
            drop(tell);
            panic!("a panic of the test, on purpose")
        }
    });
    let receiver = build(Receiver::builder().agent_status("/status", Token::new(TOKEN), feed));
    hang_up(&receiver, &gate).await;
    settle().await;
    gate.open();
    in_time(receiver.finished()).await;
    drop(receiver);
    assert_eq!(in_time(told.recv()).await, None);
}

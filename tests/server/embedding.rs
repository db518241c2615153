//! A receiver in somebody else's server: hyper and axum.

use std::convert::Infallible;
use std::sync::Arc;

use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use snapengage::bot::{self, Reply};
use snapengage::{
    Auth, HandlerError, Receiver, Token, agent_status, async_trait, contact, conversation,
    integration,
};
use tokio::net::{TcpListener, TcpStream};

use crate::wire::{
    Answer, Calls, Client, DENIED, Gate, STATUS, TOKEN, Unread, ask, bare, build, builder, gated,
    get_bytes, in_time, post, post_bytes,
};

/// Both ends of a connection.
async fn socket_pair() -> (TcpStream, Client) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let connecting = tokio::spawn(async move {
        let stream = TcpStream::connect(address).await.expect("a connection");
        Client::new(stream)
    });
    let (stream, _) = in_time(listener.accept()).await.expect("a connection");
    (stream, connecting.await.expect("connected"))
}

#[tokio::test]
async fn hyper_serves_a_receiver_as_its_service() {
    let calls = Calls::default();
    let receiver = build(builder(&calls).body_limit(100));
    let (stream, mut client) = socket_pair().await;
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), receiver);
    let connection = tokio::spawn(connection);
    client.send(post_bytes("/status", STATUS)).await;
    assert_eq!(client.answer().await, Answer::taken());
    client.send(get_bytes("/contact?email=a%40b.c")).await;
    assert_eq!(client.answer().await, Answer::text(200, "a@b.c"));
    client.send(get_bytes("/other")).await;
    assert_eq!(client.answer().await, Answer::refused(404, "nothing is served at this path"));
    client.send(post_bytes("/status", &" ".repeat(101))).await;
    assert_eq!(
        client.answer().await,
        Answer::refused(413, "the body is larger than 100 bytes").closing()
    );
    client.closed().await;
    in_time(connection).await.expect("no panic").expect("a good end");
    assert_eq!(calls.count(), 1);
}

#[tokio::test]
async fn hyper_waits_for_abandoned_handlers_by_finished() {
    let gate = Gate::new();
    let receiver = build(gated(&gate));
    let (stream, mut client) = socket_pair().await;
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), receiver.clone());
    let connection = tokio::spawn(connection);
    client.send(post_bytes("/status", STATUS)).await;
    gate.started().await;
    drop(client);
    in_time(connection).await.expect("no panic").expect_err("cut off");
    let mut finished = tokio::spawn(async move { receiver.finished().await });
    tokio::select! {
        biased;
        _ = &mut finished => panic!("the handler has not finished"),
        () = tokio::task::yield_now() => {}
    }
    gate.open();
    in_time(finished).await.expect("no panic");
    assert!(gate.has_finished());
}

/// The one handler of a house with all five rooms.
struct Everything(Calls);

#[async_trait]
impl bot::Handler for Everything {
    async fn message(&self, message: bot::Message) -> Result<Reply, HandlerError> {
        self.0.add();
        Ok(Reply::say(message.text))
    }
}

#[async_trait]
impl contact::Handler for Everything {
    async fn look_up(&self, query: contact::Query) -> Result<Option<String>, HandlerError> {
        self.0.add();
        Ok(Some(query.email))
    }
}

#[async_trait]
impl integration::Handler for Everything {
    async fn support_request(
        &self,
        _request: integration::SupportRequest,
    ) -> Result<(), HandlerError> {
        self.0.add();
        Ok(())
    }
}

#[async_trait]
impl conversation::Handler for Everything {
    async fn event(&self, _event: conversation::Event) -> Result<(), HandlerError> {
        self.0.add();
        Ok(())
    }
}

#[async_trait]
impl agent_status::Handler for Everything {
    async fn status_change(&self, _change: agent_status::StatusChange) -> Result<(), HandlerError> {
        self.0.add();
        Ok(())
    }
}

const MESSAGE: &str = r#"{"event":"message","widget_id":"w","case_id":"c","text":"Hi"}"#;
const REPLY: &str = r#"{"widget_id":"w","case_id":"c","content":[{"type":"message","text":"Hi"}]}"#;
const FEEDS: [(&str, &str); 3] = [
    ("/integration", r#"{"id":"c"}"#),
    ("/conversation", r#"{"event":"caseClosed","widget_id":"w","case_id":"c"}"#),
    ("/status", STATUS),
];

async fn answers_in_every_room(receiver: &Receiver) {
    assert_eq!(ask(receiver, post("/bot", MESSAGE.to_owned())).await, Answer::json(200, REPLY));
    for (path, event) in FEEDS {
        assert_eq!(ask(receiver, post(path, event.to_owned())).await, Answer::taken(), "{path}");
    }
    let mut request = bare("GET", "/contact?email=a");
    request.headers_mut().insert("authorization", http::HeaderValue::from_static(TOKEN));
    assert_eq!(ask(receiver, request).await, Answer::text(200, "a"));
    for path in ["/bot", "/integration", "/conversation", "/status"] {
        let mut request = post(path, Unread);
        request.headers_mut().clear();
        let denied = Answer::refused(401, DENIED).closing();
        assert_eq!(ask(receiver, request).await, denied, "{path}");
    }
}

#[tokio::test]
async fn one_handler_may_be_mounted_in_every_room_and_twice() {
    let calls = Calls::default();
    let handler = Arc::new(Everything(calls.clone()));
    let token = || Token::new(TOKEN);
    let shared: Arc<dyn bot::Handler> = Arc::clone(&handler) as _;
    let receiver = build(
        Receiver::builder()
            .bot("/bot", token(), shared)
            .bot("/bot/again", Token::new("other"), Arc::clone(&handler))
            .integration("/integration", token(), Arc::clone(&handler))
            .conversation("/conversation", token(), Arc::clone(&handler))
            .agent_status("/status", token(), Arc::clone(&handler))
            .contact("/contact", Auth::dangerously_open(), handler),
    );
    answers_in_every_room(&receiver).await;
    assert_eq!(calls.count(), 5);
    let mut again = post("/bot/again", MESSAGE.to_owned());
    again.headers_mut().insert("authorization", http::HeaderValue::from_static("other"));
    assert_eq!(ask(&receiver, again).await, Answer::json(200, REPLY));
    assert_eq!(calls.count(), 6);
    assert_eq!(
        ask(&receiver, post("/bot/again", Unread)).await,
        Answer::refused(401, DENIED).closing()
    );
}

#[tokio::test]
async fn a_closure_will_do_in_every_room() {
    let token = || Token::new(TOKEN);
    let receiver = build(
        Receiver::builder()
            .bot(
                "/bot",
                token(),
                bot::from_fn(|message| async move { Ok(Reply::say(message.text)) }),
            )
            .integration("/integration", token(), integration::from_fn(|_| async { Ok(()) }))
            .conversation("/conversation", token(), conversation::from_fn(|_| async { Ok(()) }))
            .agent_status("/status", token(), agent_status::from_fn(|_| async { Ok(()) }))
            .contact(
                "/contact",
                Auth::dangerously_open(),
                contact::from_fn(|query| async move { Ok(Some(query.email)) }),
            ),
    );
    answers_in_every_room(&receiver).await;
}

#[test]
fn a_receiver_goes_where_servers_need_it() {
    fn is_service<S>()
    where
        S: hyper::service::Service<
                http::Request<hyper::body::Incoming>,
                Response = http::Response<snapengage::Body>,
                Error = Infallible,
            > + Clone
            + Send
            + Sync
            + 'static,
    {
    }
    is_service::<Receiver>();
}

mod tower {
    use axum::Router;
    use axum::body::Body;
    use axum::routing::get;
    use http::Request;
    use tokio::net::TcpListener;
    use tokio::sync::oneshot;
    use tower_service::Service;

    use super::*;

    fn hooks(calls: &Calls) -> Receiver {
        build(builder(calls).healthz("/healthz"))
    }

    async fn call(router: &mut Router, request: Request<Body>) -> Answer {
        let response = router.call(request).await.unwrap_or_else(|never| match never {});
        let (head, body) = response.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.expect("a body");
        let mut headers: Vec<_> = head
            .headers
            .iter()
            .filter(|(name, _)| *name != "content-length")
            .map(|(name, value)| format!("{name}: {}", value.to_str().expect("ASCII")))
            .collect();
        headers.sort();
        let body = String::from_utf8(body.into()).expect("UTF-8");
        Answer { status: head.status.as_u16(), headers, body }
    }

    #[tokio::test]
    async fn axum_falls_back_to_a_receiver() {
        let calls = Calls::default();
        let mut router =
            Router::new().route("/own", get(|| async { "own" })).fallback_service(hooks(&calls));
        let own = Request::get("/own").body(Body::empty()).expect("a valid request");
        let own = call(&mut router, own).await;
        assert_eq!(own, Answer::new(200, &["content-type: text/plain; charset=utf-8"], "own"));
        let taken = call(&mut router, post("/status", Body::from(STATUS))).await;
        assert_eq!(taken, Answer::taken());
        assert_eq!(calls.count(), 1);
        let mut request = post("/status", Body::from(STATUS));
        request.headers_mut().clear();
        assert_eq!(call(&mut router, request).await, Answer::refused(401, DENIED).closing());
        let other = post("/other", Body::empty());
        assert_eq!(
            call(&mut router, other).await,
            Answer::refused(404, "nothing is served at this path")
        );
        assert_eq!(calls.count(), 1);
    }

    #[tokio::test]
    async fn axum_nests_a_receiver_under_a_prefix() {
        let calls = Calls::default();
        let mut router = Router::new().nest_service("/hooks", hooks(&calls));
        let taken = call(&mut router, post("/hooks/status", Body::from(STATUS))).await;
        assert_eq!(taken, Answer::taken());
        let contact = Request::get("/hooks/contact?email=a%40b.c").body(Body::empty());
        let contact = call(&mut router, contact.expect("a valid request")).await;
        assert_eq!(contact, Answer::text(200, "a@b.c"));
        let other = call(&mut router, post("/hooks/other", Body::empty())).await;
        assert_eq!(other, Answer::refused(404, "nothing is served at this path"));
        assert_eq!(call(&mut router, post("/status", Body::empty())).await.status, 404);
        assert_eq!(calls.count(), 1);
    }

    #[tokio::test]
    async fn axum_serves_a_receiver_on_a_socket() {
        let calls = Calls::default();
        let receiver = build(builder(&calls).body_limit(100));
        let router = Router::new().nest_service("/hooks", receiver);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (shutdown, signal) = oneshot::channel::<()>();
        let server = axum::serve(listener, router).with_graceful_shutdown(async {
            let _ = signal.await;
        });
        let server = tokio::spawn(async { server.await });
        let mut client = Client::new(TcpStream::connect(address).await.expect("a connection"));
        client.send(post_bytes("/hooks/status", STATUS)).await;
        assert_eq!(client.answer().await, Answer::taken());
        client.send(crate::wire::chunked_bytes("/hooks/status", STATUS)).await;
        assert_eq!(client.answer().await, Answer::taken());
        client.send(post_bytes("/hooks/status", &" ".repeat(101))).await;
        assert_eq!(
            client.answer().await,
            Answer::refused(413, "the body is larger than 100 bytes").closing()
        );
        client.closed().await;
        assert_eq!(calls.count(), 2);
        shutdown.send(()).expect("the server listens for it");
        in_time(server).await.expect("no panic").expect("a good end");
    }
}

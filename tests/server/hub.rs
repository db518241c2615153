//! The stream of a Hub page on a real socket: how long it lives, and what ends it.

use std::time::Duration;

use serde_json::json;
use snapengage::hub::{self, ActionDetail, HubPage, Session};
use snapengage::{Auth, Receiver, Server, Token};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use crate::wire::{Served, in_time};

const PAGE: &str = "/hub/kT4mZ0qvW8";

/// Short enough to wait for.
const SHORT: Duration = Duration::from_millis(50);

/// Longer than any test.
const LONG: Duration = Duration::from_secs(3600);

/// A receiver whose handler gives the sessions away.
fn receiver() -> (Receiver, mpsc::UnboundedReceiver<Session>) {
    let (sender, sessions) = mpsc::unbounded_channel();
    let handler = hub::from_fn(move |_, session| {
        let sent = sender.send(session);
        async move { Ok(sent.map(|()| vec![])?) }
    });
    let auth = Auth::secret_path(Token::new("kT4mZ0qvW8"));
    let page = HubPage::new(handler).max_pages(300);
    (Receiver::builder().hub("/hub", auth, page).build().expect("no mistakes"), sessions)
}

/// A connection that reads a stream.
struct Reader {
    socket: TcpStream,
    read: String,
}

impl Reader {
    async fn open(served: &Served, last: &str) -> Self {
        let mut reader = Self::connect(served).await;
        let request = format!(
            "GET {PAGE}?stream= HTTP/1.1\r\nHost: a\r\nSec-Fetch-Site: same-origin\r\n\
             Last-Event-ID: {last}\r\n\r\n"
        );
        reader.socket.write_all(request.as_bytes()).await.expect("sent");
        reader.until("event: session").await;
        reader.until("\n\n").await;
        reader
    }

    async fn connect(served: &Served) -> Self {
        let socket = in_time(TcpStream::connect(served.address)).await.expect("a connection");
        Self { socket, read: String::new() }
    }

    async fn until(&mut self, text: &str) {
        while !self.read.contains(text) {
            assert!(self.more().await, "closed behind {:?}", self.read);
        }
    }

    async fn more(&mut self) -> bool {
        let mut buffer = [0; 4096];
        let length = in_time(self.socket.read(&mut buffer)).await.expect("no reset");
        self.read += str::from_utf8(&buffer[..length]).expect("text");
        length > 0
    }

    /// Reads to the end, which is that of a whole answer.
    async fn rest(mut self) -> String {
        while self.more().await {}
        self.read
    }

    fn last(&self) -> &str {
        let last = self.read.lines().rev().find_map(|line| line.strip_prefix("id: "));
        last.expect("an id")
    }

    fn session(&self) -> &str {
        self.last().split_once('.').expect("a number behind it").0
    }
}

/// Posts an event of a session, and returns the answer.
async fn post(served: &Served, session: &str, text: &str) -> String {
    let event = json!({
        "type": "visitor_typing",
        "conversationId": "c",
        "agentEmail": "jane@example.com",
        "data": {"message": {"type": "text", "text": text}},
    })
    .to_string();
    let mut connection = Reader::connect(served).await;
    let head = format!(
        "POST {PAGE}?session={session}&n=1 HTTP/1.1\r\nHost: a\r\nOrigin: http://a\r\n\
         Connection: close\r\nContent-Length: {}\r\n\r\n",
        event.len()
    );
    connection.socket.write_all(head.as_bytes()).await.expect("sent");
    // The answer may come before all of it is sent.
    let _ = connection.socket.write_all(event.as_bytes()).await;
    connection.rest().await
}

#[tokio::test]
async fn stream_outlives_the_deadlines_of_idle_connections() {
    let (receiver, mut sessions) = receiver();
    let server = Server::new(receiver).idle_deadline(SHORT).write_deadline(SHORT);
    let served = Served::start(server).await;
    let mut reader = Reader::open(&served, "").await;
    for _ in 0..3 {
        let idle = Reader::connect(&served).await;
        assert_eq!(idle.rest().await, "");
    }
    let session = reader.session().to_owned();
    assert!(post(&served, &session, "Hel").await.starts_with("HTTP/1.1 200 "));
    let session = in_time(sessions.recv()).await.expect("an event");
    session.act("c", ActionDetail::RequestFile).expect("taken");
    reader.until(r#"data: {"type":"request_file","conversationId":"c""#).await;
    served.stop().await;
}

#[tokio::test]
async fn streams_hold_no_shutdown_up() {
    let (receiver, mut sessions) = receiver();
    let served = Served::start(Server::new(receiver).drain_deadline(LONG)).await;
    let mut readers = Vec::new();
    for _ in 0..10 {
        readers.push(Reader::open(&served, "").await);
    }
    let session = readers[0].session().to_owned();
    post(&served, &session, "Hel").await;
    let session = in_time(sessions.recv()).await.expect("an event");
    session.act("c", ActionDetail::RequestFile).expect("taken");
    served.stop().await;
    for (number, reader) in readers.into_iter().enumerate() {
        let read = reader.rest().await;
        assert_eq!(read.contains("request_file"), number == 0, "{read}");
        // In order, and not cut.
        assert!(read.ends_with("0\r\n\r\n"), "{read}");
    }
    assert!(session.act("c", ActionDetail::RequestFile).expect_err("over").is_page_gone());
}

#[tokio::test]
async fn page_whose_connection_is_killed_misses_nothing() {
    let (receiver, mut sessions) = receiver();
    let served = Served::start(Server::new(receiver)).await;
    let reader = Reader::open(&served, "").await;
    let session = reader.session().to_owned();
    post(&served, &session, "Hel").await;
    let session = in_time(sessions.recv()).await.expect("an event");
    let last = reader.last().to_owned();
    // Closed with what it has not read: a reset.
    session.act("c", ActionDetail::say("one")).expect("taken");
    drop(reader);
    session.act("c", ActionDetail::say("two")).expect("taken");
    let mut again = Reader::open(&served, &last).await;
    again.until("\"two\"").await;
    let (one, two) = (again.read.find("\"one\""), again.read.find("\"two\""));
    assert!(one.is_some() && one < two, "{}", again.read);
    served.stop().await;
}

#[tokio::test]
async fn event_of_megabytes_is_refused_unread() {
    let (receiver, mut sessions) = receiver();
    let served = Served::start(Server::new(receiver)).await;
    let reader = Reader::open(&served, "").await;
    let answer = post(&served, reader.session(), &"x".repeat(4 * 1024 * 1024)).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(sessions.try_recv().is_err());
    served.stop().await;
}

#[tokio::test]
async fn pages_beyond_the_bound_are_refused_and_the_others_go_on() {
    let (receiver, mut sessions) = receiver();
    let served = Served::start(Server::new(receiver)).await;
    let mut readers = Vec::new();
    for _ in 0..300 {
        readers.push(Reader::open(&served, "").await);
    }
    let mut refused = Reader::connect(&served).await;
    let request = format!("GET {PAGE}?stream= HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    refused.socket.write_all(request.as_bytes()).await.expect("sent");
    let answer = refused.rest().await;
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    for reader in &mut readers {
        let session = reader.session().to_owned();
        post(&served, &session, "Hel").await;
        let session = in_time(sessions.recv()).await.expect("an event");
        session.act("c", ActionDetail::RequestFile).expect("taken");
        reader.until("request_file").await;
    }
    served.stop().await;
}

//! Connections of a server, on real sockets.

use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use metrics_util::debugging::DebuggingRecorder;
use snapengage::{Listener, Receiver, Server, agent_status, metrics as meters};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::recorded::{Series, assert_series, recorder, taken};
use crate::requests::{TOKEN, auth};

const STATUS: &str = r#"{"agent_id":"a","status":"pause"}"#;

/// Longer than any test.
const LONG: Duration = Duration::from_secs(60);

struct Served {
    address: SocketAddr,
    shutdown: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Served {
    async fn start(settings: impl FnOnce(Server) -> Server) -> Self {
        Self::start_with(settings, |listener| listener).await
    }

    async fn start_with<L: Listener + 'static>(
        settings: impl FnOnce(Server) -> Server,
        wrap: impl FnOnce(TcpListener) -> L,
    ) -> Self {
        let status = agent_status::from_fn(|change| async move {
            if change.agent_id.as_str() == "wait" { pending().await } else { Ok(()) }
        });
        let receiver = Receiver::builder().agent_status("/status", auth(), status);
        let receiver = meters::observe(receiver.build().expect("a receiver"));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (shutdown, asked) = oneshot::channel();
        let serving = settings(Server::new(receiver)).serve(wrap(listener), async {
            let _ = asked.await;
        });
        let task = tokio::spawn(async { serving.await.expect("good settings") });
        Self { address, shutdown, task }
    }

    /// Sends bytes, and returns what comes back until the server closes.
    async fn ask(&self, bytes: &str) -> String {
        let mut client = TcpStream::connect(self.address).await.expect("a connection");
        client.write_all(bytes.as_bytes()).await.expect("sent");
        let mut answer = Vec::new();
        let read = timeout(LONG, client.read_to_end(&mut answer)).await.expect("in time");
        read.map_or_else(|error| format!("{error}"), |_| String::from_utf8_lossy(&answer).into())
    }

    /// Stops, and returns what was counted.
    async fn stop(self, recorder: &DebuggingRecorder) -> Series {
        let _ = self.shutdown.send(());
        timeout(LONG, self.task).await.expect("in time").expect("no panic");
        taken(recorder)
    }
}

fn post(body: &str) -> String {
    let length = body.len();
    format!(
        "POST /status HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: {TOKEN}\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    )
}

fn ok(server: Server) -> Server {
    server
}

#[tokio::test]
async fn connections_are_counted_and_closed() {
    recorder!(recorder);
    let served = Served::start(ok).await;
    for _ in 0..3 {
        assert!(served.ask(&post(STATUS)).await.starts_with("HTTP/1.1 200 "));
    }
    let open = TcpStream::connect(served.address).await.expect("a connection");
    // Connections are accepted in order: this one is, once the next is answered.
    served.ask(&post(STATUS)).await;
    let series = taken(&recorder);
    assert_series(&series, &[("connections_total", 5.0), ("open_connections", 1.0)]);
    drop(open);
    let series = served.stop(&recorder).await;
    assert_series(&series, &[("open_connections", -1.0)]);
    assert!(!series.keys().any(|series| series.starts_with("connection_failures")), "{series:?}");
}

#[tokio::test]
async fn faults_of_clients_are_counted_by_their_reasons() {
    recorder!(recorder);
    let served = Served::start(|server| {
        server.header_limit(1024).header_deadline(Duration::from_millis(50))
    });
    let served = served.await;
    let large = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(2000));
    assert!(served.ask(&large).await.starts_with("HTTP/1.1 431 "));
    assert!(served.ask("not HTTP\r\n\r\n").await.starts_with("HTTP/1.1 400 "));
    assert_eq!(served.ask("POST /status HT").await, "");
    let doubtful = "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n";
    assert!(served.ask(doubtful).await.starts_with("HTTP/1.1 400 "));
    assert_series(
        &served.stop(&recorder).await,
        &[
            (r#"connection_failures_total{reason="head-too-large"}"#, 1.0),
            (r#"connection_failures_total{reason="malformed"}"#, 1.0),
            (r#"connection_failures_total{reason="head-too-slow"}"#, 1.0),
            (r#"refusals_total{api="none",reason="framing"}"#, 1.0),
        ],
    );
}

#[tokio::test]
async fn a_server_that_is_full_is_counted() {
    recorder!(recorder);
    let served = Served::start(|server| server.max_connections(1)).await;
    let first = TcpStream::connect(served.address).await.expect("a connection");
    let request = post(STATUS);
    let (second, ()) = tokio::join!(served.ask(&request), async { drop(first) });
    assert!(second.starts_with("HTTP/1.1 200 "), "{second}");
    let series = served.stop(&recorder).await;
    assert!(series[r#"connection_failures_total{reason="full"}"#] >= 1.0, "{series:?}");
    assert_eq!(series["connections_total"], 2.0);
}

#[tokio::test]
async fn what_is_cut_at_the_end_is_counted() {
    recorder!(recorder);
    let served = Served::start(|server| server.drain_deadline(Duration::ZERO)).await;
    let mut client = TcpStream::connect(served.address).await.expect("a connection");
    let wait = post(r#"{"agent_id":"wait","status":"pause"}"#);
    client.write_all(wait.as_bytes()).await.expect("sent");
    served.ask(&post(STATUS)).await;
    let series = served.stop(&recorder).await;
    assert_series(&series, &[(r#"connection_failures_total{reason="cut"}"#, 1.0)]);
}

/// A listener whose handshakes fail, and which cannot accept at first.
struct Faulty {
    inner: TcpListener,
    has_failed: bool,
}

impl Listener for Faulty {
    type Io = TcpStream;
    type Handshake = std::future::Ready<io::Result<TcpStream>>;

    async fn accept(&mut self) -> io::Result<Self::Handshake> {
        if !std::mem::replace(&mut self.has_failed, true) {
            return Err(io::Error::other("too many open files"));
        }
        let (_, _) = self.inner.accept().await?;
        Ok(std::future::ready(Err(io::Error::other("no TLS"))))
    }
}

#[tokio::test]
async fn handshakes_that_fail_are_counted() {
    recorder!(recorder);
    let faulty = |inner| Faulty { inner, has_failed: false };
    let served = Served::start_with(ok, faulty).await;
    served.ask("").await;
    assert_series(
        &served.stop(&recorder).await,
        &[
            (r#"connection_failures_total{reason="handshake"}"#, 1.0),
            (r#"connection_failures_total{reason="not-accepted"}"#, 1.0),
        ],
    );
}

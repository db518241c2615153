//! A served receiver, a client of raw bytes, and whole answers to compare.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::Full;
use snapengage::agent_status;
use snapengage::contact;
use snapengage::{Auth, Body, BuildError, Receiver, ReceiverBuilder, Server, Token};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, SemaphorePermit, oneshot};
use tokio::task::JoinHandle;

pub(crate) const TOKEN: &str = "my-token";

/// An agent's change of status, which is the smallest event there is.
pub(crate) const STATUS: &str = r#"{"agent_id":"wc:agent@example.com","status":"online"}"#;

pub(crate) const DENIED: &str = "the token is missing or wrong";

/// Fails a test that would hang. No test waits for it to pass.
pub(crate) async fn in_time<F: Future>(future: F) -> F::Output {
    let guard = Duration::from_secs(20);
    tokio::time::timeout(guard, future).await.expect("the test hangs")
}

/// Lets the other tasks of this test do what they can without waiting.
pub(crate) async fn settle() {
    for _ in 0..256 {
        tokio::task::yield_now().await;
    }
}

/// Counts calls. A clone counts the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Calls(Arc<AtomicUsize>);

impl Calls {
    pub(crate) fn add(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

/// Holds handlers until they are let go, and tells when they start and finish. A clone is the same
/// gate.
#[derive(Debug, Clone)]
pub(crate) struct Gate(Arc<[Semaphore; 3]>);

impl Gate {
    pub(crate) fn new() -> Self {
        Self(Arc::new([const { Semaphore::const_new(0) }; 3]))
    }

    /// For the handler: waits in the gate.
    pub(crate) async fn pass(&self) {
        let [started, open, finished] = &*self.0;
        started.add_permits(1);
        open.acquire().await.expect("never closed").forget();
        finished.add_permits(1);
    }

    /// Waits until one more handler has started.
    pub(crate) async fn started(&self) {
        in_time(self.0[0].acquire()).await.expect("never closed").forget();
    }

    /// Whether one more handler has started.
    pub(crate) fn has_started(&self) -> bool {
        self.0[0].try_acquire().map(SemaphorePermit::forget).is_ok()
    }

    /// Lets one handler go.
    pub(crate) fn open(&self) {
        self.0[1].add_permits(1);
    }

    /// Whether one more handler has come to its end.
    pub(crate) fn has_finished(&self) -> bool {
        self.0[2].try_acquire().map(SemaphorePermit::forget).is_ok()
    }
}

/// A builder with an agent status feed at `/status` behind [`TOKEN`] that counts, and a contact
/// book at `/contact`, open, that says the email back.
pub(crate) fn builder(calls: &Calls) -> ReceiverBuilder {
    let calls = calls.clone();
    let feed = agent_status::from_fn(move |_| {
        calls.add();
        async { Ok(()) }
    });
    Receiver::builder().agent_status("/status", Token::new(TOKEN), feed).contact(
        "/contact",
        Auth::dangerously_open(),
        contact::from_fn(|query| async move { Ok(Some(query.email)) }),
    )
}

#[track_caller]
pub(crate) fn build(builder: ReceiverBuilder) -> Receiver {
    builder.build().expect("a receiver without mistakes")
}

/// A builder with an agent status feed at `/status` that waits in a gate.
pub(crate) fn gated(gate: &Gate) -> ReceiverBuilder {
    let gate = gate.clone();
    let feed = agent_status::from_fn(move |_| {
        let gate = gate.clone();
        async move {
            gate.pass().await;
            Ok(())
        }
    });
    Receiver::builder().agent_status("/status", Token::new(TOKEN), feed)
}

/// A caller of [`gated`] that hangs up once the handler has started.
pub(crate) async fn hang_up(receiver: &Receiver, gate: &Gate) {
    let mut handle = std::pin::pin!(receiver.handle(post("/status", STATUS.to_owned())));
    tokio::select! {
        biased;
        _ = &mut handle => panic!("the gate is closed"),
        () = gate.started() => {}
    }
}

/// A POST for [`Receiver::handle`], with a token.
#[track_caller]
pub(crate) fn post<B>(path: &str, body: B) -> Request<B> {
    Request::post(path).header("Authorization", TOKEN).body(body).expect("a valid request")
}

/// A request without a body or a token.
#[track_caller]
pub(crate) fn bare(method: &str, path: &str) -> Request<Full<Bytes>> {
    let request = Request::builder().method(method).uri(path);
    request.body(Full::default()).expect("a valid request")
}

/// A body that must not be read.
#[derive(Debug)]
pub(crate) struct Unread;

impl http_body::Body for Unread {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        panic!("the body was read");
    }
}

/// A POST in bytes, with a token.
pub(crate) fn post_bytes(path: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: test\r\nAuthorization: {TOKEN}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// A GET in bytes.
pub(crate) fn get_bytes(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n")
}

/// A POST in bytes whose body is in one chunk.
pub(crate) fn chunked_bytes(path: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: test\r\nAuthorization: {TOKEN}\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
        body.len()
    )
}

/// An answer, whole: status, headers but for `Date` and a right `Content-Length`, and body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<String>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn new(status: u16, headers: &[&str], body: impl Into<String>) -> Self {
        let mut headers: Vec<_> = headers.iter().map(|&header| header.to_owned()).collect();
        headers.sort();
        Self { status, headers, body: body.into() }
    }

    /// What a feed is answered.
    pub(crate) fn taken() -> Self {
        Self::new(200, &[], "")
    }

    pub(crate) fn text(status: u16, body: impl Into<String>) -> Self {
        Self::new(
            status,
            &["content-type: text/plain; charset=utf-8", "x-content-type-options: nosniff"],
            body,
        )
    }

    pub(crate) fn json(status: u16, body: impl Into<String>) -> Self {
        Self::new(
            status,
            &["content-type: application/json; charset=utf-8", "x-content-type-options: nosniff"],
            body,
        )
    }

    pub(crate) fn refused(status: u16, message: &str) -> Self {
        Self::json(status, format!(r#"{{"code":{status},"message":"{message}"}}"#))
    }

    pub(crate) fn with(mut self, header: impl Into<String>) -> Self {
        self.headers.push(header.into());
        self.headers.sort();
        self
    }

    /// The same, as the last on its connection.
    pub(crate) fn closing(self) -> Self {
        self.with("connection: close")
    }

    #[track_caller]
    pub(crate) fn of(response: Response<Body>) -> Self {
        let (head, body) = response.into_parts();
        let headers = head.headers.iter();
        let mut headers: Vec<_> = headers
            .map(|(name, value)| format!("{name}: {}", value.to_str().expect("ASCII")))
            .collect();
        headers.sort();
        let body = String::from_utf8(body.into_bytes().into()).expect("UTF-8");
        Self { status: head.status.as_u16(), headers, body }
    }
}

/// What a receiver answers without a socket.
pub(crate) async fn ask<B>(receiver: &Receiver, request: Request<B>) -> Answer
where
    B: http_body::Body,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    Answer::of(receiver.handle(request).await)
}

/// A server on a port of its own.
#[derive(Debug)]
pub(crate) struct Served {
    pub(crate) address: SocketAddr,
    shutdown: Option<oneshot::Sender<()>>,
    task: JoinHandle<Result<(), BuildError>>,
}

impl Served {
    pub(crate) async fn start(server: Server) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (shutdown, signal) = oneshot::channel();
        let task = tokio::spawn(server.serve(listener, async {
            let _ = signal.await;
        }));
        Self { address, shutdown: Some(shutdown), task }
    }

    pub(crate) fn begin_shutdown(&mut self) {
        let shutdown = self.shutdown.take().expect("not shut down before");
        shutdown.send(()).expect("the server listens for it");
    }

    pub(crate) fn has_returned(&self) -> bool {
        self.task.is_finished()
    }

    /// Waits until `serve` returns.
    pub(crate) async fn returned(self) {
        let served = in_time(self.task).await.expect("serve does not panic");
        served.expect("settings that let requests through");
    }

    pub(crate) async fn stop(mut self) {
        self.begin_shutdown();
        self.returned().await;
    }

    pub(crate) async fn connect(&self) -> Client {
        let stream = in_time(TcpStream::connect(self.address)).await;
        Client::new(stream.expect("a connection"))
    }

    /// All that the server says to these bytes before it closes the connection.
    pub(crate) async fn exchange(&self, bytes: impl AsRef<[u8]>) -> Vec<Answer> {
        let mut client = self.connect().await;
        client.send(bytes).await;
        client.rest().await
    }
}

/// A client that sends what it is told.
#[derive(Debug)]
pub(crate) struct Client<S = TcpStream> {
    pub(crate) stream: S,
    received: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    pub(crate) fn over(stream: S) -> Self {
        Self { stream, received: Vec::new() }
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        in_time(self.stream.write_all(bytes.as_ref())).await.expect("the server reads");
    }

    /// The next answer. Its `Content-Length` is right.
    pub(crate) async fn answer(&mut self) -> Answer {
        loop {
            if let Some(answer) = self.next() {
                return answer;
            }
            let count = in_time(self.stream.read_buf(&mut self.received)).await;
            if count.expect("no reset") == 0 {
                let head = self.received.get(..1000).unwrap_or(&self.received);
                let (count, head) = (self.received.len(), String::from_utf8_lossy(head));
                panic!("closed after {count} bytes: {head:?}");
            }
        }
    }

    /// All answers until the connection is closed.
    pub(crate) async fn rest(mut self) -> Vec<Answer> {
        in_time(self.stream.read_to_end(&mut self.received)).await.expect("closed, not reset");
        let answers = std::iter::from_fn(|| self.next()).collect();
        assert_eq!(String::from_utf8_lossy(&self.received), "", "no whole answer");
        answers
    }

    /// How many bytes are left to read, whether the connection is closed or cut after them.
    pub(crate) async fn count_rest(mut self) -> usize {
        let _ = in_time(self.stream.read_to_end(&mut self.received)).await;
        self.received.len()
    }

    /// Waits until the connection is closed with nothing more being said.
    pub(crate) async fn closed(self) {
        assert_eq!(self.rest().await, []);
    }

    fn next(&mut self) -> Option<Answer> {
        let end = memchr::memmem::find(&self.received, b"\r\n\r\n")?;
        let head = String::from_utf8(self.received[..end].to_vec()).expect("an ASCII head");
        let (status, headers) = head.split_once("\r\n").unwrap_or((&head, ""));
        let status = status.strip_prefix("HTTP/1.1 ").or(status.strip_prefix("HTTP/1.0 "));
        let status = status.and_then(|status| status.get(..3)).expect("a status line");
        let (mut length, mut kept) = (0, Vec::new());
        for header in headers.lines() {
            let (name, value) = header.split_once(": ").expect("a header");
            match name {
                "content-length" => length = value.parse().expect("a length"),
                "date" => {}
                _ => kept.push(header),
            }
        }
        let rest = &self.received[end + 4..];
        let body = rest.get(..length)?.to_vec();
        let body = String::from_utf8(body).expect("UTF-8");
        let answer = Answer::new(status.parse().expect("a number"), &kept, body);
        self.received.drain(..end + 4 + length);
        Some(answer)
    }
}

impl Client {
    #[track_caller]
    pub(crate) fn new(stream: TcpStream) -> Self {
        stream.set_nodelay(true).expect("TCP_NODELAY");
        Self::over(stream)
    }

    /// All answers until the connection is closed, while the client never stops sending.
    pub(crate) async fn rest_while_sending(self, piece: &[u8]) -> Vec<Answer> {
        self.rest_while(piece, None).await
    }

    /// All answers until the connection is closed, while the client sends little by little.
    pub(crate) async fn rest_while_trickling(self, piece: &[u8]) -> Vec<Answer> {
        self.rest_while(piece, Some(Duration::from_millis(5))).await
    }

    async fn rest_while(mut self, piece: &[u8], pause: Option<Duration>) -> Vec<Answer> {
        let (mut reader, mut writer) = self.stream.split();
        let sending = async {
            while writer.write_all(piece).await.is_ok() {
                if let Some(pause) = pause {
                    tokio::time::sleep(pause).await;
                }
            }
            std::future::pending().await
        };
        let read = in_time(async {
            tokio::select! {
                read = reader.read_to_end(&mut self.received) => read,
                never = sending => never,
            }
        });
        let read = read.await;
        let answers: Vec<_> = std::iter::from_fn(|| self.next()).collect();
        let rest = String::from_utf8_lossy(&self.received);
        assert_eq!(rest, "", "no whole answer after {answers:?}, then {read:?}");
        answers
    }

    /// Whether nothing has come in that was not looked at.
    pub(crate) fn is_silent(&mut self) -> bool {
        let mut byte = [0];
        let read = self.stream.try_read(&mut byte);
        self.received.is_empty()
            && read.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
    }
}

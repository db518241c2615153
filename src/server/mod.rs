//! Serves a receiver on a TCP listener.

mod framing;
mod patience;
mod progress;
pub(crate) mod shutdown;
mod socket;

use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::Duration;

use http::header::CONNECTION;
use http::{HeaderValue, Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use self::patience::Patience;
use self::progress::{Deadlines, Watch};
use self::socket::Socket;
use crate::caught::quietly;
use crate::receiver::Receiver;
use crate::receiver::response::Body;

/// Serves a receiver until `shutdown` is ready, with the defaults of [`Server`].
///
/// ```no_run
/// use snapengage::bot::{self, Reply};
/// use snapengage::{Receiver, Token};
///
/// #[tokio::main]
/// async fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let bot = bot::from_fn(|message| async move { Ok(Reply::say(message.text)) });
///     let receiver =
///         Receiver::builder().bot("/bot", Token::from_env("SNAPENGAGE_TOKEN"), bot).build()?;
///     let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
///     snapengage::serve(listener, receiver, snapengage::shutdown_signal()).await;
///     Ok(())
/// }
/// ```
pub async fn serve(listener: TcpListener, receiver: Receiver, shutdown: impl Future<Output = ()>) {
    Server::new(receiver).serve(listener, shutdown).await;
}

/// Serves a receiver, with limits to choose.
///
/// It speaks HTTP/1.1 and HTTP/1.0 without TLS, which is left to the proxy in front of it.
/// Requests whose boundaries a proxy could see elsewhere are answered 400, and the connection is
/// closed.
#[derive(Debug, Clone)]
#[must_use]
pub struct Server {
    receiver: Receiver,
    max_connections: u32,
    header_limit: usize,
    deadlines: Deadlines,
    drain_delay: Duration,
    drain_deadline: Duration,
}

impl Server {
    /// Longer than the minute that proxies keep a connection by default: whoever closes first must be the
    /// one that sends the requests.
    const IDLE: Duration = Duration::from_secs(75);

    /// A server with the defaults.
    pub fn new(receiver: Receiver) -> Self {
        Self {
            receiver,
            max_connections: 10_000,
            header_limit: 16 * 1024,
            deadlines: Deadlines {
                first: Self::IDLE,
                header: Duration::from_secs(10),
                write: Duration::from_secs(10),
                idle: Self::IDLE,
            },
            drain_delay: Duration::ZERO,
            drain_deadline: Duration::from_secs(35),
        }
    }

    /// How many connections may be open at once, at least 1. 10,000 by default; more wait to be
    /// accepted.
    pub fn max_connections(self, connections: u32) -> Self {
        Self { max_connections: connections.max(1), ..self }
    }

    /// The largest head of a request accepted, in bytes. 16 KiB by default; larger ones are
    /// answered 431.
    pub fn header_limit(self, bytes: usize) -> Self {
        Self { header_limit: bytes, ..self }
    }

    /// How long the head of a request may take from its first byte to its last. 10 seconds by default;
    /// after that the connection is closed.
    ///
    /// While more than half of [`max_connections`](Self::max_connections) are open, a new connection may
    /// wait no longer before it sends one.
    pub fn header_deadline(mut self, deadline: Duration) -> Self {
        self.deadlines.header = deadline;
        self
    }

    /// How long a client may take to read an answer. 10 seconds by default; after that the
    /// connection is closed.
    pub fn write_deadline(mut self, deadline: Duration) -> Self {
        self.deadlines.write = deadline;
        self
    }

    /// How long a connection may wait for its next request, and a new one for its first. 75 seconds by
    /// default; after that it is closed.
    ///
    /// A proxy in front should close before the server does: a request that it sends just then is lost,
    /// and reported as 502. nginx and AWS's load balancers keep an idle connection for 60 seconds by
    /// default, Google's for 600.
    pub fn idle_deadline(mut self, deadline: Duration) -> Self {
        self.deadlines.idle = deadline;
        self
    }

    /// How long connections are still accepted after the shutdown began, with `/healthz` at 503:
    /// time for a load balancer to look elsewhere. None by default.
    pub fn drain_delay(self, delay: Duration) -> Self {
        Self { drain_delay: delay, ..self }
    }

    /// How long requests may take to be answered once no more connections are accepted. 35 seconds
    /// by default, more than any handler's deadline; after that connections are cut.
    pub fn drain_deadline(self, deadline: Duration) -> Self {
        Self { drain_deadline: deadline, ..self }
    }

    /// Serves until `shutdown` is ready, then answers what has been asked and returns.
    ///
    /// Handlers whose callers have hung up are waited for as well. A limit or deadline of zero, with which
    /// nothing can be answered, is an `ERROR` in the log.
    pub async fn serve(self, listener: TcpListener, shutdown: impl Future<Output = ()>) {
        for setting in self.zeros() {
            quietly(|| tracing::error!(setting, "expected more than zero: no request is answered"));
        }
        let permits = Arc::new(Semaphore::new(self.max_connections as usize));
        let (stage, _) = watch::channel(Stage::Serving);
        {
            let mut accepting = pin!(self.accept(&listener, &permits, &stage));
            tokio::select! {
                never = &mut accepting => match never {},
                () = shutdown => self.receiver.start_draining(),
            }
            // In this order: a connection that is there already is accepted, not reset.
            tokio::select! {
                biased;
                never = &mut accepting => match never {},
                () = tokio::time::sleep(self.drain_delay) => {}
            }
        }
        drop(listener);
        stage.send_replace(Stage::Draining);
        let drained = async {
            let _ = permits.acquire_many(self.max_connections).await;
            self.receiver.finished().await;
        };
        if tokio::time::timeout(self.drain_deadline, drained).await.is_err() {
            let open = self.max_connections as usize - permits.available_permits();
            quietly(|| {
                tracing::error!(connections = open, "not drained in time, connections are cut");
            });
            stage.send_replace(Stage::Cut);
        }
    }

    /// The settings that let nothing through.
    fn zeros(&self) -> impl Iterator<Item = &'static str> {
        let Deadlines { header, write, idle, .. } = self.deadlines;
        let settings = [
            ("header_limit", self.header_limit == 0),
            ("header_deadline", header.is_zero()),
            ("write_deadline", write.is_zero()),
            ("idle_deadline", idle.is_zero()),
        ];
        settings.into_iter().filter(|(_, is_zero)| *is_zero).map(|(setting, _)| setting)
    }

    async fn accept(
        &self,
        listener: &TcpListener,
        permits: &Arc<Semaphore>,
        stage: &watch::Sender<Stage>,
    ) -> Infallible {
        let mut backoff = Backoff::default();
        loop {
            if permits.available_permits() == 0 {
                quietly(|| tracing::warn!("as many connections as may be are open, others wait"));
            }
            let permit = Arc::clone(permits).acquire_owned().await.expect("never closed");
            match listener.accept().await {
                Ok((stream, _)) => {
                    backoff = Backoff::default();
                    let server = self.with_room(permits.available_permits());
                    tokio::spawn(server.connection(stream, stage.subscribe(), permit));
                }
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    quietly(|| tracing::error!(%error, "no connection could be accepted"));
                    tokio::time::sleep(backoff.next()).await;
                }
            }
        }
    }

    /// The same, for a new connection beside which so many more may be open: once more than half are,
    /// they may all be of somebody who opens them and sends nothing.
    fn with_room(&self, room: usize) -> Self {
        let mut server = self.clone();
        let Deadlines { header, idle, .. } = self.deadlines;
        let is_crowded = room < self.max_connections as usize / 2;
        server.deadlines.first = if is_crowded { idle.min(header) } else { idle };
        server
    }

    async fn connection(
        self,
        stream: TcpStream,
        mut stage: watch::Receiver<Stage>,
        _permit: OwnedSemaphorePermit,
    ) {
        if let Err(error) = stream.set_nodelay(true) {
            quietly(|| tracing::debug!(%error, "TCP_NODELAY could not be set"));
        }
        let watch = Arc::new(Watch::default());
        let io = TokioIo::new(Socket::new(stream, Arc::clone(&watch)));
        let service = service_fn(|request| answer(&self.receiver, &watch, request));
        let mut http = http1::Builder::new();
        http.max_header_size(self.header_limit);
        let mut connection = pin!(http.serve_connection(io, service));
        let mut patience = Patience::new(&watch, self.deadlines);
        let mut is_draining = false;
        loop {
            let next_stage = if is_draining { Stage::Cut } else { Stage::Draining };
            tokio::select! {
                biased;
                ended = connection.as_mut() => {
                    if let Err(error) = ended {
                        quietly(|| tracing::debug!(%error, "connection broke"));
                    }
                    return;
                }
                () = patience.lost() => return quietly(|| tracing::debug!("client too slow")),
                () = reached(&mut stage, next_stage) => {
                    if is_draining {
                        return;
                    }
                    is_draining = true;
                    connection.as_mut().graceful_shutdown();
                }
            }
        }
    }
}

async fn answer(
    receiver: &Receiver,
    watch: &Watch,
    request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    let framing = watch.begin(&request);
    let mut response = receiver.handle_framed(request, framing).await;
    if watch.end() {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    if !response.status().is_success() && response.headers().contains_key(CONNECTION) {
        watch.linger();
    }
    Ok(response)
}

/// How far a server is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Serving,
    Draining,
    Cut,
}

/// Waits for a stage. A server that is gone has reached them all.
///
/// A connection asks for it at every turn, so it is looked for only where something has changed.
async fn reached(stage: &mut watch::Receiver<Stage>, expected: Stage) {
    let changes = stage.clone();
    let mut stage = pin!(stage.wait_for(|stage| *stage >= expected));
    let mut waker: Option<Waker> = None;
    poll_fn(|context| {
        let is_known = waker.as_ref().is_some_and(|waker| waker.will_wake(context.waker()));
        if is_known && changes.has_changed().is_ok_and(|has_changed| !has_changed) {
            return Poll::Pending;
        }
        waker = Some(context.waker().clone());
        stage.as_mut().poll(context).map(drop)
    })
    .await;
}

/// How long to wait after an error that the next connection would meet as well: too many open
/// files, say.
struct Backoff(Duration);

impl Backoff {
    const MAX: Duration = Duration::from_secs(1);

    fn next(&mut self) -> Duration {
        let now = self.0;
        self.0 = (self.0 * 2).min(Self::MAX);
        now
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self(Duration::from_millis(5))
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_doubles_up_to_a_second() {
        let mut backoff = Backoff::default();
        let waits: Vec<_> =
            std::iter::repeat_with(|| backoff.next().as_millis()).take(10).collect();
        assert_eq!(waits, [5, 10, 20, 40, 80, 160, 320, 640, 1000, 1000]);
    }
}

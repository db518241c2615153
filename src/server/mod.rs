//! Server: accepts connections, serves a receiver on them, and shuts down in order.

mod connection;
mod framing;
pub(crate) mod listener;
mod patience;
mod progress;
pub(crate) mod shutdown;
mod socket;

use std::convert::Infallible;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use self::connection::Connection;
use self::listener::Listener;
use self::patience::Deadlines;
use self::shutdown::Stage;
use crate::error::{BuildError, WithCauses};
use crate::panics::log_safely;
use crate::receiver::Receiver;

/// Serves a receiver until `shutdown` is ready, with the defaults of [`Server`], and shuts down
/// [in order](Server#shutdown).
///
/// ```no_run
/// use snapengage::bot::{self, Reply};
/// use snapengage::{Receiver, Token};
///
/// #[tokio::main]
/// async fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let bot = bot::from_fn(|message| async move { Ok(Reply::say(message.text)) });
///     let token = Token::from_env("SNAPENGAGE_TOKEN");
///     let receiver = Receiver::builder().bot("/bot", token, bot).build()?;
///     let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
///     snapengage::serve(listener, receiver, snapengage::shutdown_signal()).await;
///     Ok(())
/// }
/// ```
///
/// # Panics
///
/// Outside of a tokio runtime with time, which `#[tokio::main]` has.
pub async fn serve(
    listener: impl Listener,
    receiver: Receiver,
    shutdown: impl Future<Output = ()>,
) {
    Server::new(receiver).run(listener, shutdown).await;
}

/// Server for a receiver, with limits and deadlines of one's own.
///
/// It speaks HTTP/1.1 and HTTP/1.0; TLS is left to the proxy in front of it, or to a [`Listener`].
/// Requests whose boundaries a proxy could see elsewhere are answered 400, and the connection is
/// closed. No address of a client is trusted, and none is logged.
///
/// ```no_run
/// use std::time::Duration;
///
/// use snapengage::{Receiver, Server};
///
/// # async fn example(receiver: Receiver) -> Result<(), Box<dyn std::error::Error>> {
/// let server = Server::new(receiver)
///     .idle_deadline(Duration::from_secs(620))
///     .drain_delay(Duration::from_secs(15));
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
/// server.serve(listener, snapengage::shutdown_signal()).await?;
/// # Ok(())
/// # }
/// ```
///
/// # Limits and deadlines
///
/// | setting | default | range | past it |
/// |---|---|---|---|
/// | [`max_connections`](Self::max_connections) | 10,000 | from 1; 0 is taken for 1 | others wait |
/// | [`header_limit`](Self::header_limit) | 16 KiB | from 1 byte | 431, closed |
/// | [`header_deadline`](Self::header_deadline) | 10 s | more than zero | closed |
/// | [`write_deadline`](Self::write_deadline) | 10 s | more than zero | closed |
/// | [`idle_deadline`](Self::idle_deadline) | 75 s | more than zero | closed |
/// | [`drain_delay`](Self::drain_delay) | zero | any | |
/// | [`drain_deadline`](Self::drain_deadline) | 35 s | any; zero cuts at once | cut |
///
/// `Duration::MAX` is no deadline at all. A head has at most 100 headers. What a body and a handler
/// may take is set on the [`ReceiverBuilder`](crate::ReceiverBuilder).
///
/// # Shutdown
///
/// 1. `shutdown` is ready: `/healthz` answers 503, and connections are accepted for the
///    `drain_delay`.
/// 2. The listener is dropped, and connections that wait for a request are closed.
/// 3. Requests that have begun are answered, each as the last on its connection, and handlers whose
///    callers have hung up are waited for.
/// 4. After the `drain_deadline`, what is left is cut, and an `ERROR` in the log counts the
///    connections.
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
    /// Longer than the minute that proxies keep a connection by default: whoever closes first must
    /// be the one that sends the requests.
    const IDLE: Duration = Duration::from_secs(75);

    /// Creates a server with the defaults.
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

    /// Sets the number of connections that may be open at once, at least 1. 10,000 by default; more
    /// wait to be accepted.
    pub fn max_connections(self, connections: u32) -> Self {
        Self { max_connections: connections.max(1), ..self }
    }

    /// Sets the largest head of a request that is accepted, in bytes. 16 KiB by default; larger
    /// ones are answered 431.
    pub fn header_limit(self, bytes: usize) -> Self {
        Self { header_limit: bytes, ..self }
    }

    /// Sets the time for the head of a request, from its first byte to its last, and before it for
    /// the handshake of a [`Listener`]. 10 seconds by default; after that the connection is closed.
    ///
    /// While more than half of [`max_connections`](Self::max_connections) are open, a new
    /// connection may wait no longer before it sends one.
    pub fn header_deadline(mut self, deadline: Duration) -> Self {
        self.deadlines.header = deadline;
        self
    }

    /// Sets the time for a client to read an answer. 10 seconds by default; after that the
    /// connection is closed.
    pub fn write_deadline(mut self, deadline: Duration) -> Self {
        self.deadlines.write = deadline;
        self
    }

    /// Sets the time that a connection may wait for its next request, and a new one for its first.
    /// 75 seconds by default; after that it is closed.
    ///
    /// A proxy in front should close before the server does: a request that it sends just then is
    /// lost, and reported as 502. nginx and AWS's load balancers keep an idle connection for 60
    /// seconds by default, Google's for 600.
    pub fn idle_deadline(mut self, deadline: Duration) -> Self {
        self.deadlines.idle = deadline;
        self
    }

    /// Sets the time for which connections are still accepted after the shutdown began, with
    /// `/healthz` at 503, so that a load balancer looks elsewhere. Zero by default.
    pub fn drain_delay(self, delay: Duration) -> Self {
        Self { drain_delay: delay, ..self }
    }

    /// Sets the time for requests to be answered once no more connections are accepted. 35 seconds
    /// by default, more than any handler's deadline; after that connections are cut.
    pub fn drain_deadline(self, deadline: Duration) -> Self {
        Self { drain_deadline: deadline, ..self }
    }

    /// Serves until `shutdown` is ready, then answers what has been asked, and returns when the
    /// [shutdown](Self#shutdown) is over.
    ///
    /// # Errors
    ///
    /// At once, if a limit or deadline is zero and must not be: nothing could be answered.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with time, which `#[tokio::main]` has.
    pub async fn serve(
        self,
        listener: impl Listener,
        shutdown: impl Future<Output = ()>,
    ) -> Result<(), BuildError> {
        self.check()?;
        self.run(listener, shutdown).await;
        Ok(())
    }

    fn check(&self) -> Result<(), BuildError> {
        let Deadlines { header, write, idle, .. } = self.deadlines;
        let settings = [
            ("header_limit", self.header_limit == 0),
            ("header_deadline", header.is_zero()),
            ("write_deadline", write.is_zero()),
            ("idle_deadline", idle.is_zero()),
        ];
        let zero = settings.into_iter().filter(|(_, is_zero)| *is_zero);
        let mistakes: Vec<_> =
            zero.map(|(setting, _)| format!("`{setting}`: expected more than zero")).collect();
        if mistakes.is_empty() { Ok(()) } else { Err(BuildError::new(mistakes)) }
    }

    async fn run(self, mut listener: impl Listener, shutdown: impl Future<Output = ()>) {
        let permits = Arc::new(Semaphore::new(self.max_connections as usize));
        let (stage, _) = watch::channel(Stage::Serving);
        {
            let mut accepting = pin!(self.accept(&mut listener, &permits, &stage));
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
        // Before the connections are closed: a client that is turned away comes again, and must
        // find it closed.
        drop(listener);
        stage.send_replace(Stage::Draining);
        self.drain(&permits, &stage).await;
    }

    /// Waits for the connections and for the handlers, and cuts what is left at the deadline.
    async fn drain(&self, permits: &Semaphore, stage: &watch::Sender<Stage>) {
        let drained = async {
            let _ = permits.acquire_many(self.max_connections).await;
            self.receiver.finished().await;
        };
        if tokio::time::timeout(self.drain_deadline, drained).await.is_err() {
            let open = self.max_connections as usize - permits.available_permits();
            log_safely(|| {
                tracing::error!(connections = open, "not drained in time, connections are cut");
            });
            stage.send_replace(Stage::Cut);
        }
    }

    async fn accept(
        &self,
        listener: &mut impl Listener,
        permits: &Arc<Semaphore>,
        stage: &watch::Sender<Stage>,
    ) -> Infallible {
        let mut backoff = AcceptBackoff::default();
        let mut complaint = AcceptComplaint::default();
        loop {
            // Before a connection is accepted: one that cannot be served yet waits in the system's
            // queue, where it takes no file descriptor and no memory of this process.
            let permit = acquire(permits).await;
            match listener.accept().await {
                Ok(handshake) => {
                    backoff = AcceptBackoff::default();
                    let connection = self.connection(permits, permit, stage.subscribe());
                    tokio::spawn(connection.serve(handshake));
                }
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    complaint.not_accepted(&error);
                    tokio::time::sleep(backoff.next()).await;
                }
            }
        }
    }

    fn connection(
        &self,
        permits: &Semaphore,
        permit: OwnedSemaphorePermit,
        stage: watch::Receiver<Stage>,
    ) -> Connection {
        Connection {
            receiver: self.receiver.clone(),
            header_limit: self.header_limit,
            deadlines: self.deadlines_with_room(permits.available_permits()),
            stage,
            _permit: permit,
        }
    }

    /// Deadlines of a new connection beside which so many more may be open.
    fn deadlines_with_room(&self, room: usize) -> Deadlines {
        let Deadlines { header, idle, .. } = self.deadlines;
        // Somebody may be opening connections and sending nothing, to shut out everybody else. Once
        // more than half are open, silence costs no more time than a slow head.
        let is_crowded = room < self.max_connections as usize / 2;
        Deadlines { first: if is_crowded { idle.min(header) } else { idle }, ..self.deadlines }
    }
}

async fn acquire(permits: &Arc<Semaphore>) -> OwnedSemaphorePermit {
    if permits.available_permits() == 0 {
        log_safely(|| tracing::warn!("`max_connections` are open, others wait"));
    }
    Arc::clone(permits).acquire_owned().await.expect("never closed")
}

/// Wait after an error that the next connection would meet as well, such as too many open files:
/// without it, the loop would spin and fill the log while nobody can connect.
struct AcceptBackoff(Duration);

impl AcceptBackoff {
    const MAX: Duration = Duration::from_secs(1);

    fn next(&mut self) -> Duration {
        let now = self.0;
        self.0 = (self.0 * 2).min(Self::MAX);
        now
    }
}

impl Default for AcceptBackoff {
    fn default() -> Self {
        Self(Duration::from_millis(5))
    }
}

/// Complaint that connections are not accepted, once a minute at most. Where the process has run
/// out of files, accepting fails and succeeds by turns as fast as connections close.
#[derive(Default)]
struct AcceptComplaint(Option<Instant>);

impl AcceptComplaint {
    const PAUSE: Duration = Duration::from_secs(60);

    fn not_accepted(&mut self, error: &io::Error) {
        if self.0.is_some_and(|last| last.elapsed() < Self::PAUSE) {
            return;
        }
        self.0 = Some(Instant::now());
        let error = WithCauses(error);
        log_safely(|| tracing::error!(%error, "no connection could be accepted"));
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
        let mut backoff = AcceptBackoff::default();
        let waits: Vec<_> =
            std::iter::repeat_with(|| backoff.next().as_millis()).take(10).collect();
        assert_eq!(waits, [5, 10, 20, 40, 80, 160, 320, 640, 1000, 1000]);
    }
}

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
use std::time::Duration;

use tokio::sync::{Semaphore, watch};

use self::connection::Connection;
use self::listener::Listener;
use self::patience::Deadlines;
use self::shutdown::Stage;
use crate::caught::quietly;
use crate::error::BuildError;
use crate::receiver::Receiver;

/// Serves a receiver until `shutdown` is ready, with the defaults of [`Server`], and shuts down in [its
/// order](Server#shutdown).
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
pub async fn serve(
    listener: impl Listener,
    receiver: Receiver,
    shutdown: impl Future<Output = ()>,
) {
    Server::new(receiver).run(listener, shutdown).await;
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
    /// # Errors
    ///
    /// At once, where a limit or deadline is zero, with which nothing could be answered.
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
        // Before the connections are told: whoever is turned away comes again, and must find it closed.
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
            quietly(|| {
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
        let mut backoff = Backoff::default();
        loop {
            if permits.available_permits() == 0 {
                quietly(|| tracing::warn!("as many connections as may be are open, others wait"));
            }
            let permit = Arc::clone(permits).acquire_owned().await.expect("never closed");
            match listener.accept().await {
                Ok(handshake) => {
                    backoff = Backoff::default();
                    let connection = Connection {
                        receiver: self.receiver.clone(),
                        header_limit: self.header_limit,
                        deadlines: self.deadlines_with_room(permits.available_permits()),
                        stage: stage.subscribe(),
                        _permit: permit,
                    };
                    tokio::spawn(connection.serve(handshake));
                }
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    quietly(|| tracing::error!(%error, "no connection could be accepted"));
                    tokio::time::sleep(backoff.next()).await;
                }
            }
        }
    }

    /// The deadlines of a new connection beside which so many more may be open: once more than half
    /// are, they may all be of somebody who opens them and sends nothing.
    fn deadlines_with_room(&self, room: usize) -> Deadlines {
        let Deadlines { header, idle, .. } = self.deadlines;
        let is_crowded = room < self.max_connections as usize / 2;
        Deadlines { first: if is_crowded { idle.min(header) } else { idle }, ..self.deadlines }
    }
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

//! Server: accepts connections, serves a receiver on them, and shuts down in order.

pub(crate) mod acceptor;
mod connection;
mod framing;
pub(crate) mod listener;
#[cfg_attr(not(feature = "simulator"), allow(dead_code, reason = "a receiver answers at once"))]
mod paced;
mod patience;
mod progress;
#[cfg_attr(not(feature = "simulator"), allow(dead_code, reason = "a receiver answers at once"))]
pub(crate) mod service;
pub(crate) mod settings;
pub(crate) mod shutdown;
mod socket;

use std::time::Duration;

use self::acceptor::Acceptor;
use self::listener::Listener;
use self::settings::Settings;
use crate::error::BuildError;
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
    Acceptor::new(receiver, Settings::default()).run(listener, shutdown).await;
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
    settings: Settings,
}

impl Server {
    /// Creates a server with the defaults.
    pub fn new(receiver: Receiver) -> Self {
        Self { receiver, settings: Settings::default() }
    }

    /// Sets the number of connections that may be open at once, at least 1. 10,000 by default; more
    /// wait to be accepted.
    pub fn max_connections(mut self, connections: u32) -> Self {
        self.settings.max_connections = connections.max(1);
        self
    }

    /// Sets the largest head of a request that is accepted, in bytes. 16 KiB by default; larger
    /// ones are answered 431.
    pub fn header_limit(mut self, bytes: usize) -> Self {
        self.settings.header_limit = bytes;
        self
    }

    /// Sets the time for the head of a request, from its first byte to its last, and before it for
    /// the handshake of a [`Listener`]. 10 seconds by default; after that the connection is closed.
    ///
    /// While more than half of [`max_connections`](Self::max_connections) are open, a new
    /// connection may wait no longer before it sends one.
    pub fn header_deadline(mut self, deadline: Duration) -> Self {
        self.settings.deadlines.header = deadline;
        self
    }

    /// Sets the time for a client to read an answer. 10 seconds by default; after that the
    /// connection is closed.
    pub fn write_deadline(mut self, deadline: Duration) -> Self {
        self.settings.deadlines.write = deadline;
        self
    }

    /// Sets the time that a connection may wait for its next request, and a new one for its first.
    /// 75 seconds by default; after that it is closed.
    ///
    /// A proxy in front should close before the server does: a request that it sends just then is
    /// lost, and reported as 502. nginx and AWS's load balancers keep an idle connection for 60
    /// seconds by default, Google's for 600.
    pub fn idle_deadline(mut self, deadline: Duration) -> Self {
        self.settings.deadlines.idle = deadline;
        self
    }

    /// Sets the time for which connections are still accepted after the shutdown began, with
    /// `/healthz` at 503, so that a load balancer looks elsewhere. Zero by default.
    pub fn drain_delay(mut self, delay: Duration) -> Self {
        self.settings.drain_delay = delay;
        self
    }

    /// Sets the time for requests to be answered once no more connections are accepted. 35 seconds
    /// by default, more than any handler's deadline; after that connections are cut.
    pub fn drain_deadline(mut self, deadline: Duration) -> Self {
        self.settings.drain_deadline = deadline;
        self
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
        self.settings.check()?;
        Acceptor::new(self.receiver, self.settings).run(listener, shutdown).await;
        Ok(())
    }
}

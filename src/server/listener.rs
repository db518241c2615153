//! Listeners: sources of connections.

use std::any::Any;
use std::future::{Ready, ready};
use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
#[cfg(unix)]
use tokio::net::{UnixListener, UnixStream};

use crate::panics::log_safely;

/// Source of connections for a [`Server`](crate::Server).
///
/// tokio's `TcpListener` is one, and on Unix its `UnixListener`. What else a connection can come
/// by, TLS for one, is an implementation of a few lines:
///
/// ```
/// use std::future::{Ready, ready};
/// use std::io;
///
/// use snapengage::Listener;
/// use tokio::io::DuplexStream;
/// use tokio::sync::mpsc;
///
/// /// Connections within the process.
/// struct InMemory(mpsc::Receiver<DuplexStream>);
///
/// impl Listener for InMemory {
///     type Io = DuplexStream;
///     type Handshake = Ready<io::Result<DuplexStream>>;
///
///     async fn accept(&mut self) -> io::Result<Self::Handshake> {
///         match self.0.recv().await {
///             Some(stream) => Ok(ready(Ok(stream))),
///             None => std::future::pending().await,
///         }
///     }
/// }
/// ```
///
/// # TLS
///
/// [`accept`](Self::accept) returns a handshake that has not begun, and the server runs it beside
/// the other connections: a client that is slow or hostile in it keeps nobody else from being
/// accepted. For tokio-rustls, the [handshake](Self::Handshake) is a
/// `tokio_rustls::Accept<TcpStream>`, as `TlsAcceptor::accept` returns it: see
/// [`examples/tls.rs`][tls]. No handshake should be awaited in `accept`.
///
/// # A proxy on the same host
///
/// nginx speaks to a socket file as to a port, and no other host can:
///
/// ```nginx
/// location /snapengage/ {
///     proxy_pass http://unix:/run/snapengage/http.sock;
///     proxy_http_version 1.1;
///     proxy_set_header Connection "";
/// }
/// ```
///
/// The file stays when the listener is dropped, after a crash as after a shutdown, and
/// `UnixListener::bind` fails if there is one. [`examples/unix_socket.rs`][unix] removes one
/// that nobody listens at, and lets the proxy's group connect.
///
/// [tls]: https://docs.rs/crate/snapengage/latest/source/examples/tls.rs
/// [unix]: https://docs.rs/crate/snapengage/latest/source/examples/unix_socket.rs
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a listener",
    label = "expected tokio's `TcpListener` or `UnixListener`, or a `Listener` of yours",
    note = "a listener of `std` becomes one by `tokio::net::TcpListener::from_std(..)`"
)]
pub trait Listener: Send {
    /// Connection that is ready for HTTP.
    type Io: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// Rest of the way from an accepted connection to one that is ready for HTTP; if nothing is
    /// left to do, [`Ready`].
    ///
    /// It counts as one of [`max_connections`](crate::Server::max_connections), has the
    /// [`header_deadline`](crate::Server::header_deadline), and is dropped once that has passed. An
    /// error ends the connection and is logged at `DEBUG`: most come from strangers who scan ports.
    type Handshake: Future<Output = io::Result<Self::Io>> + Send + 'static;

    /// Accepts the next connection.
    ///
    /// The future is dropped when the server stops accepting.
    ///
    /// # Errors
    ///
    /// If there is no connection. One that was aborted, refused or reset is passed over in
    /// silence; any other error, such as too many open files, is logged at `ERROR`, and the next
    /// connection is tried for after 5 ms, and after up to a second if that fails again.
    fn accept(&mut self) -> impl Future<Output = io::Result<Self::Handshake>> + Send;
}

impl Listener for TcpListener {
    type Io = TcpStream;
    type Handshake = Ready<io::Result<TcpStream>>;

    async fn accept(&mut self) -> io::Result<Self::Handshake> {
        let (stream, _) = Self::accept(self).await?;
        // Else the end of an answer could wait until the client has acknowledged its start.
        if let Err(error) = stream.set_nodelay(true) {
            log_safely(|| tracing::debug!(%error, "TCP_NODELAY could not be set"));
        }
        Ok(ready(Ok(stream)))
    }
}

#[cfg(unix)]
impl Listener for UnixListener {
    type Io = UnixStream;
    type Handshake = Ready<io::Result<UnixStream>>;

    async fn accept(&mut self) -> io::Result<Self::Handshake> {
        let (stream, _) = Self::accept(self).await?;
        Ok(ready(Ok(stream)))
    }
}

/// Has a connection reset once it is dropped, if it is one of TCP; others are closed.
pub(super) fn reset_when_dropped(stream: &dyn Any) {
    if let Some(stream) = stream.downcast_ref::<TcpStream>() {
        // Deprecated because waiting blocks the thread; zero does not. Its successor is of tokio
        // 1.49.
        #[allow(deprecated)]
        let _ = stream.set_linger(Some(Duration::ZERO));
    }
}

//! Connections: straight or through a proxy, and TLS over either.

use std::error::Error;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use http::uri::Scheme;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tower_service::Service;

use super::proxy::{Proxies, Proxy};

/// Maker of connections, over TLS where the address is https.
#[derive(Clone)]
pub(crate) struct Connector {
    inner: Inner,
    patience: Duration,
}

#[cfg(feature = "client-tls")]
type Inner = hyper_rustls::HttpsConnector<Route>;

#[cfg(not(feature = "client-tls"))]
type Inner = Route;

impl Connector {
    /// Longest time for a connection with its tunnel and TLS.
    const PATIENCE: Duration = Duration::from_secs(10);

    /// Creates a maker of connections, and says why it cannot reach an https address, if so.
    ///
    /// A connection gets a third of the time for an attempt at most, so that a host that is silent
    /// counts as one without a connection, and not as one that may have done what it was asked.
    pub(super) fn new(proxies: Arc<Proxies>, attempt_timeout: Duration) -> (Self, Option<String>) {
        let (inner, no_tls) = secured(Route::new(proxies));
        (Self { inner, patience: Self::PATIENCE.min(attempt_timeout / 3) }, no_tls)
    }
}

impl Service<Uri> for Connector {
    type Response = <Inner as Service<Uri>>::Response;
    type Error = BoxError;
    type Future = Connecting<Self::Response>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, address: Uri) -> Self::Future {
        let patience = self.patience;
        let connecting = timeout(patience, self.inner.call(address));
        Box::pin(async move {
            let connection = connecting.await;
            connection.map_err(|_| format!("no connection within {patience:?}"))?
        })
    }
}

type BoxError = Box<dyn Error + Send + Sync>;
type Connecting<T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send>>;

#[cfg(feature = "client-tls")]
fn secured(route: Route) -> (Inner, Option<String>) {
    use hyper_rustls::ConfigBuilderExt;
    use rustls::crypto::ring;
    use rustls::{ClientConfig, RootCertStore};

    // The provider is named: rustls would panic in a program that has two and chose neither.
    let builder = || {
        ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring has the ciphers of TLS 1.2 and 1.3")
    };
    let (roots, problem) = match builder().with_native_roots() {
        Ok(roots) => (roots, None),
        Err(error) => {
            let problem = format!("https needs root certificates: {error}");
            (builder().with_root_certificates(RootCertStore::empty()), Some(problem))
        }
    };
    (Inner::from((route, roots.with_no_client_auth())), problem)
}

#[cfg(not(feature = "client-tls"))]
fn secured(route: Route) -> (Inner, Option<String>) {
    (route, Some("https needs the feature `client-tls`".to_owned()))
}

/// Way to a host, without the TLS.
#[derive(Clone)]
pub(crate) struct Route {
    tcp: HttpConnector,
    proxies: Arc<Proxies>,
}

impl Route {
    /// Silence after which the network is asked whether the other side is still there.
    const KEEPALIVE: Duration = Duration::from_secs(30);

    fn new(proxies: Arc<Proxies>) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(Self::KEEPALIVE));
        Self { tcp, proxies }
    }
}

impl Service<Uri> for Route {
    type Response = Stream;
    type Error = BoxError;
    type Future = Connecting<Stream>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.tcp.poll_ready(context).map_err(BoxError::from)
    }

    fn call(&mut self, address: Uri) -> Self::Future {
        let proxy = self.proxies.of(&address);
        if let Some(proxy) = proxy
            && address.scheme() == Some(&Scheme::HTTPS)
        {
            let tunnel = tunnel(proxy, self.tcp.clone()).call(address);
            return Box::pin(async { Ok(Stream::new(tunnel.await?, false)) });
        }
        let is_to_proxy = proxy.is_some();
        let tcp = self.tcp.call(proxy.map_or(address, |proxy| proxy.address().clone()));
        Box::pin(async move { Ok(Stream::new(tcp.await?, is_to_proxy)) })
    }
}

/// Way through a proxy that is told the host and the port, and its own credentials.
fn tunnel(proxy: &Proxy, tcp: HttpConnector) -> Tunnel<HttpConnector> {
    let tunnel = Tunnel::new(proxy.address().clone(), tcp);
    match proxy.credentials() {
        Some(credentials) => tunnel.with_auth(credentials.clone()),
        None => tunnel,
    }
}

/// Switch of a connection that ends it, with all that is still to be written.
#[derive(Clone, Default)]
pub(super) struct Cut(Arc<AtomicBool>);

impl Cut {
    pub(super) fn now(&self) {
        self.0.store(true, Ordering::Release);
    }

    fn is_made(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// Connection that can be cut, and knows whether it ends at a proxy, which wants the whole address
/// of a request.
pub(crate) struct Stream {
    tcp: TokioIo<TcpStream>,
    is_to_proxy: bool,
    cut: Cut,
}

impl Stream {
    fn new(tcp: TokioIo<TcpStream>, is_to_proxy: bool) -> Self {
        Self { tcp, is_to_proxy, cut: Cut::default() }
    }

    fn tcp(&mut self) -> io::Result<Pin<&mut TokioIo<TcpStream>>> {
        if self.cut.is_made() {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        Ok(Pin::new(&mut self.tcp))
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if self.cut.is_made() {
            // The kernel would send what it still holds, long after the call has failed or been
            // made again. It blocks for a longer time than none alone.
            #[allow(deprecated)]
            let _ = self.tcp.inner().set_linger(Some(Duration::ZERO));
        }
    }
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        self.tcp.connected().proxy(self.is_to_proxy).extra(self.cut.clone())
    }
}

impl Read for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        self.tcp()?.poll_read(context, buffer)
    }
}

impl Write for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.tcp()?.poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.tcp()?.poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.tcp()?.poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.tcp()?.poll_shutdown(context)
    }
}

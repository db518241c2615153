//! Default transport: hyper over HTTP/1, with a pool of connections.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, PROXY_AUTHORIZATION};
use http::uri::Scheme;
use http::{HeaderValue, Method, Request, Response};
use http_body_util::Full;
use hyper_util::client::legacy;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::connect::{Connector, connector};
use super::proxy::Proxies;
use super::transport::{ResponseBody, Transport, TransportError};

/// Settings of a [`HyperTransport`].
pub(super) struct HyperOptions {
    /// Whether the base address is https, for which the transport must then be able.
    pub(super) is_https: bool,
    pub(super) proxy_from_env: bool,
}

/// Transport over hyper's client.
pub(super) struct HyperTransport {
    client: legacy::Client<Connector, Full<Bytes>>,
    proxies: Arc<Proxies>,
    /// Why it cannot reach an https address.
    no_tls: Option<String>,
}

impl HyperTransport {
    /// Time after which an unused connection is closed. The other side should not be first, or it
    /// may close just as a request is on its way, which then has to count as sent. Of what may be
    /// there, nginx and AWS's balancers have 60 s, this crate's server 75 s, Google's 600 s.
    const IDLE: Duration = Duration::from_secs(45);

    /// Unused connections that are kept for one host; more are closed at once.
    const IDLE_PER_HOST: usize = 8;

    /// Creates a transport.
    ///
    /// # Errors
    ///
    /// If the base address is https and there is no TLS, or no root certificate; if a variable of
    /// the environment names a proxy that cannot be used.
    pub(super) fn new(options: &HyperOptions) -> Result<Self, String> {
        let proxies = if options.proxy_from_env { Proxies::from_env()? } else { Proxies::none() };
        let proxies = Arc::new(proxies);
        let (connector, no_tls) = connector(Arc::clone(&proxies));
        if options.is_https
            && let Some(problem) = no_tls
        {
            return Err(problem);
        }
        // What hyper sends again by itself is a request that a connection has handed back, unwritten.
        let client = legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Self::IDLE)
            .pool_max_idle_per_host(Self::IDLE_PER_HOST)
            .build(connector);
        Ok(Self { client, proxies, no_tls })
    }

    /// Refuses what no connection can be made for. hyper would write such an address to its log,
    /// with the key that is in the query.
    fn check_address(&self, request: &Request<Bytes>) -> Result<(), TransportError> {
        let address = request.uri();
        let scheme = address.scheme().filter(|_| address.host().is_some());
        match &self.no_tls {
            Some(problem) if scheme == Some(&Scheme::HTTPS) => {
                Err(TransportError::not_sent(problem.clone()))
            }
            _ if scheme == Some(&Scheme::HTTP) || scheme == Some(&Scheme::HTTPS) => Ok(()),
            _ => Err(TransportError::not_sent("the address is neither http:// nor https://")),
        }
    }
}

#[async_trait]
impl Transport for HyperTransport {
    async fn send(
        &self,
        mut request: Request<Bytes>,
    ) -> Result<Response<ResponseBody>, TransportError> {
        self.check_address(&request)?;
        if let Some(credentials) = self.proxies.credentials_in_request(request.uri()) {
            request.headers_mut().insert(PROXY_AUTHORIZATION, credentials.clone());
        }
        // Google's servers, which SnapEngage's are, answer 411 to an empty POST or PUT without it,
        // and hyper leaves it out.
        if request.body().is_empty() && [Method::POST, Method::PUT].contains(request.method()) {
            request.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        match self.client.request(request.map(Full::new)).await {
            Ok(response) => Ok(response.map(ResponseBody::new)),
            Err(error) if is_unsent(&error) => Err(TransportError::not_sent(error)),
            Err(error) => Err(TransportError::new(error)),
        }
    }
}

/// Tells whether nothing of a request was written. Three failures say so, and any other may come
/// after a first byte: there was no connection, with its tunnel and TLS; the connection closed
/// before it could take a request; it handed the request back.
fn is_unsent(error: &legacy::Error) -> bool {
    let cause = error.source().and_then(|cause| cause.downcast_ref::<hyper::Error>());
    error.is_connect() || cause.is_some_and(|cause| cause.is_closed() || cause.is_canceled())
}

//! Default transport: hyper over HTTP/1, with a pool of connections.

use std::error::Error;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, PROXY_AUTHORIZATION};
use http::uri::Scheme;
use http::{Extensions, HeaderValue, Method, Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::{CaptureConnection, capture_connection};
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::connect::{Connector, Cut};
use super::proxy::Proxies;
use super::{ResponseBody, Transport, TransportError};

/// Settings of a [`HyperTransport`].
pub(in crate::client) struct HyperOptions {
    /// `true` if the base address is https, which the transport must then be able to reach.
    pub(in crate::client) is_https: bool,
    pub(in crate::client) proxy_from_env: bool,
    pub(in crate::client) attempt_timeout: Duration,
}

/// Transport over hyper's client.
pub(in crate::client) struct HyperTransport {
    client: legacy::Client<Connector, Full<Bytes>>,
    proxies: Arc<Proxies>,
    /// Reason why it cannot reach an https address.
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
    pub(in crate::client) fn new(options: &HyperOptions) -> Result<Self, String> {
        let proxies = if options.proxy_from_env { Proxies::from_env()? } else { Proxies::none() };
        let proxies = Arc::new(proxies);
        let (connector, no_tls) = Connector::new(Arc::clone(&proxies), options.attempt_timeout);
        if options.is_https
            && let Some(problem) = no_tls
        {
            return Err(problem);
        }
        // What hyper sends again by itself is a request that a connection has handed back,
        // unwritten.
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
        match Sending::new(&self.client, request.map(Full::new)).answer().await {
            Ok(response) => Ok(response.map(ResponseBody::new)),
            Err(error) if is_unsent(&error) => Err(TransportError::not_sent(error)),
            Err(error) => Err(TransportError::new(error)),
        }
    }
}

/// Request that is on its way. Dropped before there is an answer, it cuts its connection off: hyper
/// would still send all that it holds of the request.
struct Sending {
    connection: Option<CaptureConnection>,
    answer: legacy::ResponseFuture,
}

impl Sending {
    fn new(
        client: &legacy::Client<Connector, Full<Bytes>>,
        mut request: Request<Full<Bytes>>,
    ) -> Self {
        let connection = Some(capture_connection(&mut request));
        Self { connection, answer: client.request(request) }
    }

    async fn answer(mut self) -> Result<Response<Incoming>, legacy::Error> {
        let answer = poll_fn(|context| Pin::new(&mut self.answer).poll(context)).await;
        self.connection = None;
        answer
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        // Before `answer` is dropped, which wakes the connection to end.
        if let Some(connection) = &self.connection
            && let Some(connected) = &*connection.connection_metadata()
        {
            let mut extras = Extensions::new();
            connected.get_extras(&mut extras);
            extras.get::<Cut>().inspect(|cut| cut.now());
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

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use http_body_util::BodyExt;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

    fn transport() -> HyperTransport {
        let attempt_timeout = Duration::from_secs(30);
        let options = HyperOptions { is_https: false, proxy_from_env: false, attempt_timeout };
        HyperTransport::new(&options).expect("a transport")
    }

    async fn listener() -> (TcpListener, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}/", listener.local_addr().expect("an address"));
        (listener, address)
    }

    async fn accept(listener: &TcpListener) -> TcpStream {
        listener.accept().await.expect("a connection").0
    }

    fn post(address: &str, body: impl Into<Bytes>) -> Request<Bytes> {
        Request::post(address).body(body.into()).expect("a request")
    }

    async fn read_head(connection: &mut TcpStream) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(connection.read_u8().await.expect("a head"));
        }
        String::from_utf8(head).expect("ASCII")
    }

    fn text_of(error: &TransportError) -> String {
        format!("{error:?}")
    }

    #[tokio::test]
    async fn a_request_without_a_connection_was_not_sent() {
        let (listener, refused) = listener().await;
        drop(listener);
        for address in [&*refused, "http://nobody.invalid/", "ftp://localhost/", "/path?key=secret"]
        {
            let error = transport().send(post(address, "{}")).await.expect_err("no connection");
            assert!(error.is_not_sent(), "{address} {error:?}");
            assert!(!text_of(&error).contains("secret"), "{error:?}");
        }
    }

    #[tokio::test]
    async fn a_request_of_which_bytes_were_read_was_sent() {
        let partial: &[&[u8]] =
            &[b"", b"HTT", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n", b"junk\r\n\r\n"];
        for &answer in partial {
            let (listener, address) = listener().await;
            let server = async {
                let mut connection = accept(&listener).await;
                // One byte is enough, and closing with the rest unread is a reset.
                connection.read_u8().await.expect("a byte");
                connection.write_all(answer).await.expect("written");
            };
            let transport = transport();
            let (result, ()) = tokio::join!(transport.send(post(&address, "{}")), server);
            let error = result.expect_err("no answer");
            assert!(!error.is_not_sent(), "{answer:?} {error:?}");
        }
    }

    #[tokio::test]
    async fn a_body_that_ends_early_is_an_error_after_sending() {
        let (listener, address) = listener().await;
        let server = async {
            let mut connection = accept(&listener).await;
            read_head(&mut connection).await;
            connection.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi").await
        };
        let transport = transport();
        let (result, written) = tokio::join!(transport.send(post(&address, "")), server);
        written.expect("written");
        let body = result.expect("a head").into_body().collect().await;
        let error = body.expect_err("half a body");
        assert!(!error.is_not_sent(), "{error:?}");
    }

    #[tokio::test]
    async fn an_empty_post_has_a_length() {
        for (body, length) in [("", "0"), ("{}", "2")] {
            let (listener, address) = listener().await;
            let server = async {
                let mut connection = accept(&listener).await;
                let head = read_head(&mut connection).await;
                connection.write_all(OK).await.expect("written");
                head
            };
            let transport = transport();
            let (result, head) = tokio::join!(transport.send(post(&address, body)), server);
            result.expect("an answer");
            let host = address.trim_start_matches("http://").trim_end_matches('/');
            let expected =
                format!("POST / HTTP/1.1\r\nhost: {host}\r\ncontent-length: {length}\r\n\r\n");
            let mut lines: Vec<_> = head.split_inclusive("\r\n").collect();
            lines[1..]
                .sort_unstable_by_key(|line| (line.trim().is_empty(), !line.starts_with("host")));
            assert_eq!(lines.concat(), expected);
        }
    }

    #[tokio::test]
    async fn a_connection_is_used_again_until_it_closes() {
        let (listener, address) = listener().await;
        let server = async {
            let mut first = accept(&listener).await;
            for _ in 0..2 {
                read_head(&mut first).await;
                first.write_all(OK).await.expect("written");
            }
            drop(first);
            let mut second = accept(&listener).await;
            read_head(&mut second).await;
            second.write_all(OK).await.expect("written");
        };
        let transport = transport();
        let client = async {
            for _ in 0..3 {
                let get = Request::get(&address).body(Bytes::new()).expect("a request");
                let answer = transport.send(get).await.expect("an answer");
                let body = answer.into_body().collect().await.expect("a body").to_bytes();
                assert_eq!(body, "hi");
            }
        };
        tokio::join!(client, server);
        drop(listener);
        let error = transport.send(post(&address, "{}")).await.expect_err("nobody listens");
        assert!(error.is_not_sent(), "{error:?}");
    }

    #[tokio::test]
    async fn a_request_that_is_dropped_is_cut_off() {
        for length in [2, 64 << 20] {
            let (listener, address) = listener().await;
            let transport = transport();
            let sending = transport.send(post(&address, vec![b'x'; length]));
            let mut connection = tokio::select! {
                _ = sending => panic!("nobody has answered"),
                connection = async {
                    let mut connection = accept(&listener).await;
                    read_head(&mut connection).await;
                    connection
                } => connection,
            };
            let mut rest = Vec::new();
            let end = connection.read_to_end(&mut rest).await.expect_err("a reset");
            assert_eq!(end.kind(), ErrorKind::ConnectionReset);
            assert!(length == 2 || rest.len() < length, "{} bytes", rest.len());
        }
    }

    #[tokio::test]
    async fn a_request_that_is_dropped_early_is_never_sent() {
        let (listener, address) = listener().await;
        let transport = transport();
        // Polled once: the connection is being made.
        tokio::select! {
            biased;
            _ = transport.send(post(&address, "{}")) => panic!("nobody has answered"),
            () = async {} => {}
        }
        let server = async {
            let mut heads = Vec::new();
            // Connections in the order in which they were made.
            while heads.len() < 2 {
                let mut connection = accept(&listener).await;
                let mut first = [0];
                let Ok(1) = connection.read(&mut first).await else { continue };
                heads.push(first[0]);
                if first == *b"G" {
                    read_head(&mut connection).await;
                    connection.write_all(OK).await.expect("written");
                    break;
                }
            }
            heads
        };
        let get = Request::get(&address).body(Bytes::new()).expect("a request");
        let (answer, heads) = tokio::join!(transport.send(get), server);
        answer.expect("an answer");
        assert_eq!(heads, b"G");
    }

    #[cfg(feature = "client-tls")]
    #[tokio::test(start_paused = true)]
    async fn a_host_that_is_silent_is_sent_nothing() {
        let (listener, address) = listener().await;
        let address = address.replace("http:", "https:");
        // Whether this machine has root certificates is no matter before the first certificate.
        let transport = HyperTransport { no_tls: None, ..transport() };
        let error = transport.send(post(&address, "{}")).await.expect_err("no TLS");
        assert!(error.is_not_sent() && text_of(&error).ends_with("within 10s"), "{error:?}");
        drop(listener);
    }

    #[cfg(not(feature = "client-tls"))]
    #[tokio::test]
    async fn https_without_tls_names_the_feature() {
        let options = HyperOptions { is_https: true, proxy_from_env: false };
        let problem = HyperTransport::new(&options).err();
        assert_eq!(problem.as_deref(), Some("https needs the feature `client-tls`"));
        let error = transport().send(post("https://localhost/", "{}")).await.expect_err("no TLS");
        assert!(error.is_not_sent(), "{error:?}");
    }
}

//! Transport: carries one request to SnapEngage, and brings the answer back.

mod connect;
mod hyper;
mod proxy;

use std::error::Error;
use std::fmt;
use std::pin::Pin;
#[cfg(feature = "record")]
use std::sync::Arc;
use std::task::{Context, Poll};
#[cfg(feature = "record")]
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use http_body::{Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};

use crate::error::debug_is_text;

#[cfg(feature = "record")]
pub(crate) use self::connect::Connector;
pub(super) use self::hyper::{HyperOptions, HyperTransport};
#[cfg(feature = "record")]
use self::proxy::Proxies;

/// Carrier of requests: the connections, proxies and TLS below a [`Client`](crate::client::Client).
///
/// The default is hyper with a pool of connections. One of your own may count, record, sign or
/// answer by itself; `simulator::Simulator` is one, so that a client and SnapEngage's side run in
/// one process.
///
/// ```
/// use bytes::Bytes;
/// use http::{Request, Response};
/// use snapengage::async_trait;
/// use snapengage::client::{Client, ResponseBody, Transport, TransportError};
///
/// struct Always(&'static str);
///
/// #[async_trait]
/// impl Transport for Always {
///     async fn send(
///         &self,
///         _request: Request<Bytes>,
///     ) -> Result<Response<ResponseBody>, TransportError> {
///         Ok(Response::new(ResponseBody::from(self.0)))
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let body = r#"{"statusCode": 1, "data": {"widgetId": "w", "online": "true"}}"#;
/// let client = Client::builder().transport(Always(body)).build()?;
/// assert!(client.availability("w").await?.is_online());
/// # Ok(())
/// # }
/// ```
#[async_trait]
pub trait Transport: Send + Sync + 'static {
    /// Sends a request to its absolute address, once, and returns the head of the answer; its body
    /// may still be arriving.
    ///
    /// It follows no redirect, retries nothing and waits as long as it takes: all that is done
    /// above it. Dropping the future ends the request.
    ///
    /// # Errors
    ///
    /// If there is no answer. [`TransportError::not_sent`] promises that nothing of the request was
    /// sent, and then it is sent again whatever it does.
    async fn send(&self, request: Request<Bytes>)
    -> Result<Response<ResponseBody>, TransportError>;
}

/// Returns a maker of connections without a proxy, and the reason why it cannot reach an https
/// address, if there is one.
#[cfg(feature = "record")]
pub(crate) fn straight_connector(attempt_timeout: Duration) -> (Connector, Option<String>) {
    Connector::new(Arc::new(Proxies::none()), attempt_timeout)
}

/// Body of an answer as it arrives, an [`http_body::Body`].
pub struct ResponseBody(UnsyncBoxBody<Bytes, TransportError>);

impl ResponseBody {
    /// Creates a body from that of another crate, or of your own.
    pub fn new<B>(body: B) -> Self
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        Self(body.map_err(TransportError::new).boxed_unsync())
    }
}

impl<T: Into<Bytes>> From<T> for ResponseBody {
    fn from(bytes: T) -> Self {
        Self(Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync())
    }
}

impl http_body::Body for ResponseBody {
    type Data = Bytes;
    type Error = TransportError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, TransportError>>> {
        Pin::new(&mut self.0).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}

impl fmt::Debug for ResponseBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseBody").finish_non_exhaustive()
    }
}

/// Failure of a [`Transport`]: there was no answer, or not all of it.
pub struct TransportError {
    cause: Box<dyn Error + Send + Sync>,
    is_sent: bool,
}

impl TransportError {
    /// Creates a failure after which SnapEngage may have received the request.
    pub fn new(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { cause: cause.into(), is_sent: true }
    }

    /// Creates a failure before anything of the request was sent: no connection was made.
    pub fn not_sent(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { cause: cause.into(), is_sent: false }
    }

    /// Returns `true` if nothing of the request was sent.
    pub fn is_not_sent(&self) -> bool {
        !self.is_sent
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_sent { "the connection broke" } else { "no connection was made" })
    }
}

debug_is_text!(TransportError);

impl Error for TransportError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.cause)
    }
}

//! Receivers at an address.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::HOST;
use http::uri::{Authority, Scheme};
use http::{Request, Response, Uri};
use http_body_util::{BodyExt, Limited};

use crate::client::{Transport, TransportError, direct_transport};
use crate::error::debug_is_text;

/// Receiver at an address, in whatever language it is written.
///
/// It is reached directly, not by a proxy of the environment, and `https` needs the feature
/// `client-tls`.
///
/// ```no_run
/// use snapengage::record::{Recording, RemoteReceiver};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let receiver = RemoteReceiver::at("http://127.0.0.1:8080")?;
/// let report = Recording::open("recordings")?.replay(&receiver).token("my-token").await;
/// assert!(report.is_same(), "{report}");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RemoteReceiver {
    transport: Arc<dyn Transport>,
    scheme: Scheme,
    authority: Authority,
    /// Without a slash at its end.
    path: String,
}

impl RemoteReceiver {
    /// Creates a receiver at the address that its paths follow: `http://127.0.0.1:8080`.
    ///
    /// # Errors
    ///
    /// If this is no address of `http` or `https`, or if it is `https` and the program was built
    /// without TLS.
    pub fn at(url: &str) -> Result<Self, RemoteError> {
        let wrong = || RemoteError::new("expected an address like `http://127.0.0.1:8080`");
        let url: Uri = url.parse().map_err(|_| wrong())?;
        let is_https = url.scheme() == Some(&Scheme::HTTPS);
        if url.query().is_some() || !(is_https || url.scheme() == Some(&Scheme::HTTP)) {
            return Err(wrong());
        }
        if is_https && cfg!(not(feature = "client-tls")) {
            return Err(RemoteError::new("https needs the feature `client-tls`"));
        }
        let path = url.path().trim_end_matches('/').to_owned();
        let parts = url.into_parts();
        let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else {
            return Err(wrong());
        };
        let transport = direct_transport(TIMEOUT).map_err(RemoteError::new)?;
        Ok(Self { transport, scheme, authority, path })
    }

    /// Returns `true` if the address has a path, and not just that of the root.
    pub fn has_path(&self) -> bool {
        !self.path.is_empty()
    }

    /// Sends a request to its path at this address, and returns the answer.
    ///
    /// # Errors
    ///
    /// If there is no answer within a minute, if it is larger than 16 MiB, or if the request has no
    /// path.
    pub async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, RemoteError> {
        let request = self.addressed(request)?;
        match tokio::time::timeout(TIMEOUT, self.exchange(request)).await {
            Ok(answer) => answer,
            Err(_) => Err(RemoteError::new("no answer within 60 s")),
        }
    }

    async fn exchange(&self, request: Request<Bytes>) -> Result<Response<Bytes>, RemoteError> {
        let response = match self.transport.send(request).await {
            Ok(response) => response,
            Err(error) => return Err(RemoteError::of_transport(error)),
        };
        let (head, body) = response.into_parts();
        match Limited::new(body, ANSWER_LIMIT).collect().await {
            Ok(body) => Ok(Response::from_parts(head, body.to_bytes())),
            Err(error) if error.is::<http_body_util::LengthLimitError>() => {
                Err(RemoteError::new("an answer of more than 16 MiB"))
            }
            Err(error) => Err(RemoteError { source: Some(error), ..RemoteError::new("cut off") }),
        }
    }

    fn addressed(&self, mut request: Request<Bytes>) -> Result<Request<Bytes>, RemoteError> {
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        let path = match path.strip_prefix('/') {
            // The address is the whole path.
            Some(query) if self.has_path() && (query.is_empty() || query.starts_with('?')) => query,
            _ => path,
        };
        let address = Uri::builder()
            .scheme(self.scheme.clone())
            .authority(self.authority.clone())
            .path_and_query(format!("{}{path}", self.path));
        *request.uri_mut() = address.build().map_err(|_| RemoteError::new("no such path"))?;
        request.headers_mut().remove(HOST);
        Ok(request)
    }
}

/// Shows neither user nor password of the address.
impl fmt::Debug for RemoteReceiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteReceiver")
            .field("host", &self.authority.host())
            .finish_non_exhaustive()
    }
}

/// Request that a [`RemoteReceiver`] has not answered.
pub struct RemoteError {
    problem: String,
    source: Option<Box<dyn Error + Send + Sync>>,
    is_unreachable: bool,
}

impl RemoteError {
    fn new(problem: impl Into<String>) -> Self {
        Self { problem: problem.into(), source: None, is_unreachable: false }
    }

    fn of_transport(error: TransportError) -> Self {
        let is_unreachable = error.is_not_sent();
        Self { source: Some(error.into()), is_unreachable, ..Self::new("no answer") }
    }

    /// Returns `true` if no connection was made: nobody listens there.
    pub fn is_unreachable(&self) -> bool {
        self.is_unreachable
    }
}

impl fmt::Display for RemoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "receiver: {}", self.problem)
    }
}

debug_is_text!(RemoteError);

impl Error for RemoteError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let source = self.source.as_deref()?;
        Some(source)
    }
}

/// Time for an answer, its body included.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Size of the largest answer, in bytes.
const ANSWER_LIMIT: usize = 16 << 20;

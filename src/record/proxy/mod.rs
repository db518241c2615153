//! Proxy in front of a receiver in any language, which records what goes through it.

mod heads;
mod ongoing;
mod tap;

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_TYPE};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri, Version, request, response};
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use serde_json::json;
use tokio::time::timeout;

use self::ongoing::{AnswerBody, BodyCopy, CopiedBody, Ongoing};
use self::tap::{AnswerHead, Tapped};
use super::recorder::Recorder;
use super::writer::{RecordWriter, RecordedPaths};
use crate::client::{Connector, straight_connector};
use crate::error::BuildError;
use crate::receiver::response::{Body, into_response};
use crate::server::acceptor::Acceptor;
use crate::server::listener::Listener;
use crate::server::service::{Exchange, Heads, Paced, Serve};
use crate::server::settings::Settings;

/// Proxy that passes requests on to a receiver in any language, and records them and their answers.
///
/// See [the module](super#a-proxy-before-any-receiver).
///
/// ```no_run
/// use snapengage::record::{Recorder, RecordingProxy};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let recorder = Recorder::to("recordings/");
/// let proxy = RecordingProxy::new("http://127.0.0.1:8080", &recorder)?;
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:9000").await?;
/// proxy.serve(listener, snapengage::shutdown_signal()).await;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RecordingProxy(Arc<Forwarder>);

struct Forwarder {
    client: legacy::Client<Tapped<Connector>, CopiedBody>,
    scheme: Scheme,
    authority: Authority,
    /// The receiver's `Host`.
    host: HeaderValue,
    writer: Arc<RecordWriter>,
}

/// Time for a request and the head of its answer, far above a handler's.
const ANSWER_DEADLINE: Duration = Duration::from_secs(120);

/// Time after which an unused connection to the receiver is closed. Some servers close theirs after
/// two seconds, just when the next request may be on its way.
const IDLE: Duration = Duration::from_secs(1);

impl RecordingProxy {
    /// Creates a proxy to the address of a receiver, `http://HOST:PORT` or `https://HOST`.
    ///
    /// # Errors
    ///
    /// If it is no such address; if it is https without the feature `client-tls` or without a root
    /// certificate; if the recorder is [around](Recorder::around) a receiver, whose routes tell it
    /// which part of a path is secret.
    pub fn new(to: impl AsRef<str>, recorder: &Recorder) -> Result<Self, BuildError> {
        let mistake =
            |problem: &str| BuildError::new(vec![format!("address to forward to: {problem}")]);
        let expected = || mistake("expected `http://HOST:PORT` or `https://HOST`, without a path");
        let address: Uri = to.as_ref().parse().map_err(|_| expected())?;
        let parts = address.into_parts();
        let is_bare = parts.path_and_query.is_none_or(|path| path == "/");
        let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else {
            return Err(expected());
        };
        let is_known = scheme == Scheme::HTTP || scheme == Scheme::HTTPS;
        if !is_bare || !is_known || authority.as_str().contains('@') {
            return Err(expected());
        }
        let (connector, no_tls) = straight_connector(ANSWER_DEADLINE);
        if let Some(problem) = no_tls.filter(|_| scheme == Scheme::HTTPS) {
            return Err(mistake(&problem));
        }
        let host = HeaderValue::from_str(authority.as_str()).map_err(|_| expected())?;
        let client = legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .http1_preserve_header_case(true)
            .build(Tapped(connector));
        let writer = Arc::clone(recorder.writer_of(RecordedPaths::Unknown));
        if writer.paths() == RecordedPaths::Known {
            return Err(mistake(
                "the recorder is around a receiver, expected one of the proxy's own",
            ));
        }
        Ok(Self(Arc::new(Forwarder { client, scheme, authority, host, writer })))
    }

    /// Passes requests on until `shutdown` is ready, and then waits, for 35 seconds at most, until
    /// those that have begun are answered, and until all is written.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with time, which `#[tokio::main]` has.
    pub async fn serve(&self, listener: impl Listener, shutdown: impl Future<Output = ()>) {
        let mut settings = Settings::default();
        settings.header_limit = HEADER_LIMIT;
        Acceptor::new(self.clone(), settings).run(listener, shutdown).await;
        self.0.writer.flush().await;
    }
}

/// Longest head of a request, in bytes: the receiver behind has a limit of its own.
const HEADER_LIMIT: usize = 64 << 10;

impl fmt::Debug for RecordingProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Forwarder { scheme, authority, .. } = &*self.0;
        let to = format_args!("{scheme}://{authority}");
        f.debug_struct("RecordingProxy").field("to", &to).finish_non_exhaustive()
    }
}

impl Serve for RecordingProxy {
    const HEADS: Heads = Heads::Forwarded;

    type Error = Box<dyn Error + Send + Sync>;
    type Body = Paced<AnswerBody>;

    async fn answer(
        &self,
        request: Request<Incoming>,
        mut exchange: Exchange<'_>,
    ) -> Result<Response<Paced<AnswerBody>>, Self::Error> {
        let (head, body) = request.into_parts();
        let recorded = heads::of_request(exchange.raw_head().as_deref(), &head);
        let copy = BodyCopy::of(&body);
        let writer = Arc::clone(&self.0.writer);
        let mut ongoing = Ongoing::start(writer, recorded, copy.clone());
        let is_head = head.method == Method::HEAD;
        let (answer, body) = match std::mem::replace(&mut exchange.framing, Ok(())) {
            Ok(()) => match self.0.forward(head, CopiedBody { body, copy: copy.clone() }).await {
                Ok(answer) => of_receiver(answer, &mut ongoing),
                Err(reason) => of_proxy(bad_gateway(&reason), &mut ongoing),
            },
            Err(rejection) => {
                let refusal = into_response(Err(*rejection), is_head);
                of_proxy(refusal.map(Body::into_bytes), &mut ongoing)
            }
        };
        let body = exchange.paced(AnswerBody { body, ongoing });
        let mut response = Response::from_parts(answer, body);
        // The rest of the request would be read as the next one, so the connection is closed.
        if !copy.is_whole() {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(response)
    }

    fn start_draining(&self) {}

    async fn finished(&self) {}
}

impl Forwarder {
    /// Passes a request on, and returns the answer as it came, or the reason why there is none.
    async fn forward(
        &self,
        mut head: request::Parts,
        body: CopiedBody,
    ) -> Result<Response<Incoming>, String> {
        head.uri = self.address(&head)?;
        head.version = Version::HTTP_11;
        head.headers = heads::passed_on(&head.headers, Some(&self.host));
        let answering = self.client.request(Request::from_parts(head, body));
        match timeout(ANSWER_DEADLINE, answering).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) if error.is_connect() => {
                Err(format!("the receiver cannot be reached: {}", root(&error)))
            }
            Ok(Err(error)) => Err(format!("the receiver did not answer: {}", root(&error))),
            Err(_) => Err(format!("the receiver did not answer within {ANSWER_DEADLINE:?}")),
        }
    }

    /// Returns the address that a request is passed on to.
    fn address(&self, head: &request::Parts) -> Result<Uri, String> {
        let path = head.uri.path_and_query().map_or("", PathAndQuery::as_str);
        if head.method == Method::CONNECT || !path.starts_with('/') {
            return Err("expected a request for a path".to_owned());
        }
        let address = Uri::builder().scheme(self.scheme.clone()).authority(self.authority.clone());
        address.path_and_query(path).build().map_err(|_| "expected another path".to_owned())
    }
}

/// Returns the cause of all causes: the others repeat that hyper could not do it.
fn root(error: &legacy::Error) -> String {
    let mut cause: &dyn Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

type AnswerParts = (response::Parts, Either<Incoming, Full<Bytes>>);

/// Takes note of the receiver's answer, and returns it as it goes back.
fn of_receiver(answer: Response<Incoming>, ongoing: &mut Ongoing) -> AnswerParts {
    let (mut head, body) = answer.into_parts();
    let raw = head.extensions.remove::<AnswerHead>().and_then(|head| head.take());
    ongoing.answered(head.status, heads::of_answer(raw.as_deref(), &head));
    head.headers = heads::passed_on(&head.headers, None);
    head.version = Version::HTTP_11;
    (head, Either::Left(body))
}

fn of_proxy(answer: Response<Bytes>, ongoing: &mut Ongoing) -> AnswerParts {
    let (head, body) = answer.into_parts();
    ongoing.refused(head.status, heads::of_answer(None, &head));
    (head, Either::Right(Full::new(body)))
}

fn bad_gateway(reason: &str) -> Response<Bytes> {
    let status = StatusCode::BAD_GATEWAY;
    let body = json!({ "code": status.as_u16(), "message": reason }).to_string();
    let mut answer = Response::new(body.into());
    *answer.status_mut() = status;
    answer
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    answer
}

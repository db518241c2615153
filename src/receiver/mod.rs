//! Order in which a request is checked, handled and answered.

pub(crate) mod auth;
pub(crate) mod body;
mod builder;
#[cfg(any(feature = "metrics", feature = "record"))]
pub(crate) mod documented;
pub(crate) mod health;
pub(crate) mod log;
mod lost;
#[cfg_attr(
    not(all(feature = "metrics", feature = "record")),
    allow(dead_code, reason = "no other observer sees all of it")
)]
pub(crate) mod observer;
mod path;
pub(crate) mod response;
pub(crate) mod run;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, request};

pub use self::builder::ReceiverBuilder;

use self::auth::Auth;
use self::body::Limits;
use self::health::Health;
use self::log::RequestLog;
use self::lost::Served;
use self::observer::{ConnectionEvent, Observation, Observer, Observers, UnreadBody};
use self::response::{Body, into_response};
use self::run::{Abandoned, Run, RunToEnd};
use crate::api::Api;
use crate::endpoint::rejection::{Failure, Rejection};
use crate::endpoint::{Admitted, Answer, AnswerStream, Endpoint, Methods};
use crate::wire::budget::{Budget, Share};
use crate::wire::charset;

/// Receives what SnapEngage sends and answers it.
///
/// A receiver is built once, is cheap to clone, and may be served in three ways: by
/// [`serve`](crate::serve), by any server that takes a hyper or a tower service, and by calling
/// [`handle`](Self::handle).
///
/// ```
/// use http::{Request, StatusCode};
/// use snapengage::bot::{self, Reply};
/// use snapengage::{Receiver, Token};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let bot = bot::from_fn(|message| async move { Ok(Reply::say(message.text)) });
/// let receiver = Receiver::builder().bot("/bot", Token::new("my-token"), bot).build()?;
///
/// let body = r#"{"event":"message","widget_id":"w","case_id":"c","text":"Hi"}"#;
/// let request = Request::post("/bot")
///     .header("Authorization", "my-token")
///     .body(body.to_owned())?;
/// let response = receiver.handle(request).await;
/// assert_eq!(response.status(), StatusCode::OK);
/// assert_eq!(
///     response.into_body().into_bytes(),
///     r#"{"widget_id":"w","case_id":"c","content":[{"type":"message","text":"Hi"}]}"#
/// );
/// # Ok(())
/// # }
/// ```
///
/// # What is answered
///
/// | What happens | [Integration](crate::integration), [Conversation Events](crate::conversation), [Agent Status](crate::agent_status) | [Bot](crate::bot) | [Get Contact](crate::contact) |
/// |---|---|---|---|
/// | the handler returns `Ok` | 200 | 200 and its reply | 200 and its text |
/// | the handler fails | 503 | 200 and the fallback reply | 503 |
/// | … with [`HandlerError::permanent`](crate::HandlerError::permanent) | 422 | 200 and the fallback reply | 503 |
/// | … with a panic | 500 | 200 and the fallback reply | 500 |
/// | … by its deadline | 503 | 200 and the fallback reply | 503 |
/// | a transfer fails, and the bot says nothing to it | | 200 and the fallback reply, or the apology | |
/// | the body cannot be read | 400 | 200 and the fallback reply; 400 without a `case_id` | |
/// | no `email` in the query | | | 400 |
/// | no token, or a wrong one | 401 | 401 | 401 |
/// | the body comes too slowly | 408 | 408 | |
/// | the body is too large | 413 | 413 | |
/// | the body is compressed | 415 | 415 | |
/// | unknown path, wrong method | 404, 405 | 404, 405 | 404, 405 |
///
/// A refusal is `{"code": 400, "message": "…"}`, with nothing of what was sent in the message;
/// failures of Get Contact are plain text, since an agent may see them. SnapEngage repeats an
/// Integration request for about two hours unless it is answered 2xx; the other APIs are not known
/// to repeat anything. Hyper itself refuses what is not HTTP, and heads of more than 100 fields or
/// past [`header_limit`](crate::Server::header_limit) (431).
///
/// The fallback reply is a transfer to a human agent, unless
/// [`fallback`](ReceiverBuilder::fallback) sets another. A transfer that fails ends in it as well,
/// unless it was one to any human agent, or the fallback reply's own: then the visitor gets the
/// [`apology`](ReceiverBuilder::apology), by default that nobody is available. If the handler fails
/// at the end of a chat, nobody is left to be answered, and the reply is empty.
///
/// A handler that has started runs to its end or its deadline, even if SnapEngage hangs up. At its
/// deadline it is dropped at its next `await`; one that blocks its thread cannot be stopped: its
/// answer is used, and a warning is logged.
///
/// # What is read
///
/// - Bodies are read as UTF-8, or in the charset that the `Content-Type` or the XML itself
///   declares, if that is ISO-8859-1 or windows-1252. Any other charset is ignored.
/// - A byte that is not UTF-8, and half of a surrogate pair in JSON, becomes U+FFFD, and the field
///   is logged. A number that does not fit into 64 bits is kept as its text. What is not JSON or
///   XML is refused with 400.
/// - Numbers and booleans are accepted as text, and text as a number. In XML, white space around
///   CDATA, ids and numbers is layout.
/// - A value that a field cannot hold is kept in `extra` under the field's name, and the field is
///   absent. Of a repeated field the last value counts, and the others are in `extra` under `name
///   (others)`, an array. Both are logged.
/// - Only the indispensable fields are required: the ids, and the name of the event. Ids, names of
///   events and values of a documented set have up to 256 bytes; longer ones are treated as values
///   that their field cannot hold.
/// - JSON nests up to 127 deep, XML up to 128. XML has no DTD and no entities of its own.
///
/// # What is logged
///
/// Each request has one `tracing` span, `snapengage`, with `api`, `event`, `case_id`, `token` (its
/// [name](crate::Token::name)), `repeat`, `status` and `duration_ms`, and one event in it. Of what
/// was sent, only the names and ids are logged; a handler's errors are logged in full. A 404 logs
/// the path and the nearest that is served, without what may be a secret. Requests of the health
/// route are logged at DEBUG, and so, without a span, are a head that hyper refuses and one that
/// comes too slowly.
///
/// A subscriber that panics, as `tracing_subscriber::fmt` does when stderr is full or closed, costs
/// no request. In your own handlers it would: set `.log_internal_errors(false)` to keep it from
/// panicking. One that blocks, on a pipe that nobody reads, blocks the thread it is called on.
///
/// # In a service of your own
///
/// [`handle`](Self::handle) answers an [`http::Request`] with any body, without a socket; tests
/// need no more than that. A receiver is a hyper and a tower service, so that axum mounts it with
/// `Router::new().nest_service("/snapengage", receiver)`: see the example `embed_in_axum`. The
/// other server is then responsible for the limits of [`Server`](crate::Server), and for the
/// refusal of requests whose boundaries are in doubt. On shutdown, call
/// [`start_draining`](Self::start_draining), and wait for [`finished`](Self::finished) before the
/// process ends.
#[derive(Clone)]
pub struct Receiver(Arc<Inner>, Observers);

struct Inner {
    routes: BTreeMap<String, Route>,
    health: Option<Health>,
    memory: Budget,
    is_draining: AtomicBool,
    abandoned: Arc<Abandoned>,
}

struct Route {
    /// Name in the log.
    name: &'static str,
    /// `None` if it is no API, but a room behind a feature.
    api: Option<Api>,
    methods: Methods,
    auth: Auth,
    limits: Limits,
    deadline: Duration,
    endpoint: Box<dyn Endpoint>,
}

impl Receiver {
    /// Starts to configure a receiver.
    pub fn builder() -> ReceiverBuilder {
        ReceiverBuilder::new()
    }

    /// Answers one request.
    ///
    /// The caller may hang up, that is, the future may be dropped: a handler that has started still
    /// runs to its end or its deadline.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with time, which `#[tokio::main]` has.
    pub async fn handle<B>(&self, request: Request<B>) -> Response<Body>
    where
        B: http_body::Body,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let Ok(response) = self.handle_framed(request, Ok(()), |stream| stream).await;
        response
    }

    /// Answers one request whose framing was checked. A stream is put into the hands of `pace`.
    pub(crate) async fn handle_framed<B>(
        &self,
        request: Request<B>,
        framing: Result<(), Box<Rejection>>,
        pace: impl FnOnce(AnswerStream) -> AnswerStream,
    ) -> Result<Response<Body>, Infallible>
    where
        B: http_body::Body,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let log = RequestLog::start();
        let (head, body) = request.into_parts();
        let mut seen = self.observe(&head, &body);
        // If the end of a request is in doubt, nothing in it is trusted: another request may be
        // smuggled in it (RFC 9112, 11.2).
        let result = match framing {
            Ok(()) => self.answer(&head, body, &log, &mut seen).await,
            Err(rejection) => Err(*rejection),
        };
        log.outcome(&result);
        seen.concluded(&result);
        let mut response = into_response(result, head.method == Method::HEAD);
        response.body_mut().pace(pace);
        seen.answered(&response);
        Ok(response)
    }

    /// Returns the same receiver with one more observer of its requests.
    #[cfg_attr(
        not(any(feature = "metrics", feature = "record")),
        allow(dead_code, reason = "nothing else observes")
    )]
    pub(crate) fn observed_by(self, observer: Arc<dyn Observer>) -> Self {
        Self(self.0, self.1.with(observer))
    }

    /// Tells the observers of what happened to a connection.
    pub(crate) fn note_connection(&self, event: ConnectionEvent) {
        self.1.note_connection(event);
    }

    /// Starts to observe a request, if anybody does.
    fn observe<'r, B: http_body::Body>(
        &'r self,
        head: &'r request::Parts,
        body: &B,
    ) -> Observation<'r> {
        if self.1.is_empty() {
            return Observation::default();
        }
        let path = head.uri.path();
        let canonical = path::canonical(path);
        if self.0.health_at(&canonical).is_some() || self.0.is_room(&canonical) {
            return Observation::default();
        }
        let length = body.size_hint().exact();
        let unread = length.map_or(UnreadBody::Unknown, UnreadBody::Announced);
        let unread = (!body.is_end_stream()).then_some(unread);
        self.1.start(head, self.0.without_secrets(path, &canonical), unread)
    }

    /// Makes `/healthz` report from now on that no more requests should come, and ends answers that
    /// are streams.
    ///
    /// [`serve`](crate::serve) calls it by itself. Requests that do come are still answered.
    pub fn start_draining(&self) {
        self.0.is_draining.store(true, Ordering::Relaxed);
        self.0.routes.values().for_each(|route| route.endpoint.start_draining());
    }

    /// Waits until the handlers whose callers have hung up are done.
    ///
    /// [`serve`](crate::serve) calls it by itself. Another server should wait for it before the
    /// process ends.
    pub async fn finished(&self) {
        self.0.abandoned.finished().await;
    }

    async fn answer<B>(
        &self,
        head: &request::Parts,
        body: B,
        log: &RequestLog,
        seen: &mut Observation<'_>,
    ) -> Result<Answer, Rejection>
    where
        B: http_body::Body,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let has_body = !body.is_end_stream();
        let path = path::canonical(head.uri.path());
        // Before all else: probes have no token, and must be answered even while memory is short.
        if let Some(health) = self.0.health_at(&path) {
            let answer = self.health(health, head, log).await;
            return answer.map_err(|rejection| rejection.leaving_body(has_body));
        }
        // The rest of an unread body would be read as the next request, so the connection is
        // closed.
        let (route, body) = self
            .admit(head, &path, body, log, seen)
            .await
            .map_err(|rejection| rejection.leaving_body(has_body))?;
        self.call(route, head, body, log, seen).await
    }

    /// Calls the handler of a route, once there is memory for what is read of the request.
    async fn call(
        &self,
        route: &Route,
        head: &request::Parts,
        body: Bytes,
        log: &RequestLog,
        seen: &mut Observation<'_>,
    ) -> Result<Answer, Rejection> {
        let patience = route.deadline.min(route.limits.deadline);
        let memory = self.0.memory.share(&body, patience).await;
        // The wait counts towards the handler's time: SnapEngage waits no longer for it.
        let waited = memory.as_ref().map_or(patience, Share::waited);
        let deadline = route.deadline.saturating_sub(waited);
        let call = log.within(|| match memory {
            Some(_) => {
                route.endpoint.accept(Admitted { head, body, odd_fields: seen.odd_fields() })
            }
            None => route.endpoint.turn_away(&body, Failure::NoMemory(patience)),
        })?;
        // Recorded before the handler runs, so that its own log lines have the event's name beside
        // them.
        log.event(&call.event, call.case_id.as_ref());
        seen.event(&call.event, call.case_id.as_ref());
        let run = Some(Run::new(call, deadline, log.now()));
        RunToEnd { run, memory, log, abandoned: &self.0.abandoned }.await
    }

    async fn health(
        &self,
        health: &Health,
        head: &request::Parts,
        log: &RequestLog,
    ) -> Result<Answer, Rejection> {
        check_method(&head.method, Methods::Get)?;
        if self.0.is_draining.load(Ordering::Relaxed) {
            return Err(Rejection::draining());
        }
        health.answer(log).await
    }

    /// Runs every check before the API's own, in this order: path, method, token, body.
    async fn admit<B>(
        &self,
        head: &request::Parts,
        path: &str,
        body: B,
        log: &RequestLog,
        seen: &mut Observation<'_>,
    ) -> Result<(&Route, Bytes), Rejection>
    where
        B: http_body::Body,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let (route, last_segment) = self.0.route(path)?;
        log.api(route.name);
        if let Some(api) = route.api {
            seen.api(api);
        }
        check_method(&head.method, route.methods)?;
        // Before a byte of the body is read: a caller without a token must cost no memory.
        if let Some(token) = route.auth.check(&head.headers, last_segment)? {
            log.token(token);
            seen.token(token);
        }
        // The body of a GET means nothing (RFC 9110, 9.3.1).
        if head.method != Method::POST {
            return Ok((route, Bytes::new()));
        }
        let body = body::read(&head.headers, body, route.limits, seen).await?;
        // Converted here, where the header is: a journal stores the body alone, to be read again.
        Ok((route, charset::to_utf_8(&head.headers, body)))
    }
}

impl Inner {
    fn health_at(&self, path: &str) -> Option<&Health> {
        self.health.as_ref().filter(|health| health.path == path)
    }

    /// Returns `true` if what is at the path is no API, but a room behind a feature.
    fn is_room(&self, path: &str) -> bool {
        self.find(path).is_some_and(|(route, _)| route.api.is_none())
    }

    /// Finds the route of a path, and the last segment of the path if that is the token.
    fn route<'p>(&self, path: &'p str) -> Result<(&Route, Option<&'p str>), Rejection> {
        self.find(path).ok_or_else(|| Rejection::not_found(lost::describe(path, &self.served())))
    }

    fn find<'p>(&self, path: &'p str) -> Option<(&Route, Option<&'p str>)> {
        // The whole path first: what is mounted is never taken for the secret of another path.
        if let Some(route) = self.routes.get(path) {
            return Some((route, None));
        }
        let (parent, last_segment) = split(path).unwrap_or_default();
        let route = self.routes.get(parent).filter(|route| route.auth.is_in_path())?;
        Some((route, Some(last_segment)))
    }

    /// Returns a path as it came, but for its secret, or for what may be one where nothing is
    /// served.
    fn without_secrets<'p>(&self, path: &'p str, canonical: &str) -> Cow<'p, str> {
        match self.find(canonical) {
            Some((_, None)) => Cow::Borrowed(path),
            Some((_, Some(_))) => {
                let (parent, _) = path.rsplit_once('/').unwrap_or_default();
                Cow::Owned(format!("{parent}/{}", lost::SECRET))
            }
            None => Cow::Owned(lost::without_secrets(path, &self.served())),
        }
    }

    fn served(&self) -> Vec<Served<'_>> {
        let routes = self.routes.iter();
        let routes = routes.map(|(path, route)| Served { path, auth: Some(&route.auth) });
        let health = self.health.iter().map(|health| Served { path: &health.path, auth: None });
        routes.chain(health).collect()
    }
}

/// Splits a path into the path above the last segment, and that segment.
fn split(path: &str) -> Option<(&str, &str)> {
    let (parent, last_segment) = path.rsplit_once('/')?;
    Some((if parent.is_empty() { "/" } else { parent }, last_segment))
}

fn check_method(method: &Method, expected: Methods) -> Result<(), Rejection> {
    let (is_expected, allow) = match expected {
        Methods::Get => (is_get(method), "GET, HEAD"),
        Methods::Post => (*method == Method::POST, "POST"),
        Methods::GetAndPost => (is_get(method) || *method == Method::POST, "GET, HEAD, POST"),
    };
    if is_expected { Ok(()) } else { Err(Rejection::method_not_allowed(allow)) }
}

fn is_get(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let routes = self.0.routes.iter().map(|(path, route)| (path, route.name));
        f.debug_map().entries(routes).finish()
    }
}

type Answering = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

impl<B> hyper::service::Service<Request<B>> for Receiver
where
    B: http_body::Body<Data: Send> + Send + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answering;

    fn call(&self, request: Request<B>) -> Self::Future {
        let receiver = self.clone();
        Box::pin(async move { Ok(receiver.handle(request).await) })
    }
}

impl<B> tower_service::Service<Request<B>> for Receiver
where
    B: http_body::Body<Data: Send> + Send + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answering;

    fn poll_ready(
        &mut self,
        _context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), Infallible>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        hyper::service::Service::call(self, request)
    }
}

//! Which API is received on which path, behind which token; and the order of the checks, once.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Method, Request, Response, request};
use tracing::Span;

use crate::auth::Auth;
use crate::body::{self, Limits};
use crate::bot::{self, Reply};
use crate::endpoint::{Answer, Call, Endpoint, Input};
use crate::error::BuildError;
use crate::log;
#[cfg(feature = "testing")]
use crate::rejection::Failure;
use crate::rejection::Rejection;
use crate::response::{Body, into_response};
use crate::run::Abandoned;
use crate::{agent_status, contact, conversation, integration};

/// Receives what SnapEngage sends and answers it.
///
/// A receiver is built once, is cheap to clone, and may be served in three ways: by
/// [`serve`](crate::serve), by any server that takes a hyper or (feature `tower`) a tower service,
/// and by calling [`handle`](Self::handle).
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
/// let request = Request::post("/bot")
///     .header("Authorization", "my-token")
///     .body(r#"{"event":"message","widget_id":"w","case_id":"c","text":"Hi"}"#.to_owned())?;
/// let response = receiver.handle(request).await;
/// assert_eq!(response.status(), StatusCode::OK);
/// assert_eq!(
///     response.into_body().into_bytes(),
///     r#"{"widget_id":"w","case_id":"c","content":[{"type":"message","text":"Hi"}]}"#
/// );
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Receiver(Arc<Inner>);

struct Inner {
    routes: BTreeMap<String, Route>,
    healthz: Option<String>,
    limits: Limits,
    is_draining: AtomicBool,
    abandoned: Arc<Abandoned>,
}

struct Route {
    auth: Auth,
    deadline: Duration,
    endpoint: Box<dyn Endpoint>,
}

impl Receiver {
    /// A receiver to be configured.
    pub fn builder() -> ReceiverBuilder {
        ReceiverBuilder::new()
    }

    /// Answers one request. Needs a tokio runtime with time.
    ///
    /// The caller may hang up, which is to say that the future may be dropped: a handler that has
    /// started still runs to its end or its deadline.
    pub async fn handle<B>(&self, request: Request<B>) -> Response<Body>
    where
        B: http_body::Body,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        self.handle_framed(request, Ok(())).await
    }

    /// Answers one request whose boundaries were looked at.
    pub(crate) async fn handle_framed<B>(
        &self,
        request: Request<B>,
        framing: Result<(), Rejection>,
    ) -> Response<Body>
    where
        B: http_body::Body,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let started = Instant::now();
        let is_head = request.method() == Method::HEAD;
        let span = log::span();
        let result = match framing {
            Ok(()) => self.answer(request, started, &span).await,
            Err(rejection) => Err(rejection),
        };
        log::outcome(&span, &result, started);
        into_response(result, is_head)
    }

    /// Answers one request as [`handle`](Self::handle) does, and says why the answer is not the
    /// handler's own, if it is not.
    #[cfg(feature = "testing")]
    pub(crate) async fn handle_and_tell<B>(
        &self,
        request: Request<B>,
    ) -> (Response<Body>, Option<String>)
    where
        B: http_body::Body,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let started = Instant::now();
        let is_head = request.method() == Method::HEAD;
        let span = log::span();
        let result = self.answer(request, started, &span).await;
        log::outcome(&span, &result, started);
        let reason = match &result {
            Ok(answer) => answer.failure.as_ref().map(Failure::to_log),
            Err(rejection) => rejection.log.clone(),
        };
        (into_response(result, is_head), reason)
    }

    /// Has `/healthz` say from now on that no more requests should come.
    ///
    /// [`serve`](crate::serve) does so by itself. Requests that do come are still answered.
    pub fn start_draining(&self) {
        self.0.is_draining.store(true, Ordering::Relaxed);
    }

    /// Waits until the handlers are done whose callers have hung up.
    ///
    /// [`serve`](crate::serve) does so by itself. Another server should wait for it before the
    /// process ends.
    pub async fn finished(&self) {
        self.0.abandoned.finished().await;
    }

    async fn answer<B>(
        &self,
        request: Request<B>,
        started: Instant,
        span: &Span,
    ) -> Result<Answer, Rejection>
    where
        B: http_body::Body,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let (head, body) = request.into_parts();
        let has_body = !body.is_end_stream();
        if self.0.healthz.as_deref() == Some(head.uri.path()) {
            return self.health(&head).map_err(|rejection| rejection.leaving_body(has_body));
        }
        let (route, body) = self
            .admit(&head, body, span)
            .await
            .map_err(|rejection| rejection.leaving_body(has_body))?;
        let input =
            Input { query: head.uri.query().unwrap_or_default(), body, deadline: route.deadline };
        let Call { event, case_id, outcome } = span.in_scope(|| route.endpoint.accept(input))?;
        log::event(span, &event, case_id.as_ref());
        self.0.abandoned.run_to_end(outcome, started, span).await
    }

    fn health(&self, head: &request::Parts) -> Result<Answer, Rejection> {
        check_method(&head.method, &Method::GET)?;
        if self.0.is_draining.load(Ordering::Relaxed) {
            return Err(Rejection::draining());
        }
        Ok(Answer::text("ok".to_owned()))
    }

    /// Every check before the room's own, in this order: path, method, token, body.
    async fn admit<B>(
        &self,
        head: &request::Parts,
        body: B,
        span: &Span,
    ) -> Result<(&Route, Bytes), Rejection>
    where
        B: http_body::Body,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let (route, last_segment) = self.0.route(head.uri.path())?;
        span.record("api", route.endpoint.api());
        check_method(&head.method, &route.endpoint.method())?;
        if let Some(token) = route.auth.check(&head.headers, last_segment)? {
            span.record("token", token);
        }
        let body = body::read(&head.headers, body, self.0.limits).await?;
        Ok((route, body))
    }
}

impl Inner {
    /// The route of a path, and the last segment of the path where that is the token.
    fn route<'p>(&self, path: &'p str) -> Result<(&Route, Option<&'p str>), Rejection> {
        if let Some(route) = self.routes.get(path) {
            return Ok((route, None));
        }
        let (parent, last_segment) = path.rsplit_once('/').unwrap_or_default();
        match self.routes.get(if parent.is_empty() { "/" } else { parent }) {
            Some(route) if route.auth.is_in_path() => Ok((route, Some(last_segment))),
            _ => Err(Rejection::not_found()),
        }
    }
}

fn check_method(method: &Method, expected: &Method) -> Result<(), Rejection> {
    let is_get = *expected == Method::GET;
    if method == expected || is_get && *method == Method::HEAD {
        return Ok(());
    }
    Err(Rejection::method_not_allowed(if is_get { "GET, HEAD" } else { "POST" }))
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let routes = self.0.routes.iter().map(|(path, route)| (path, route.endpoint.api()));
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

#[cfg(feature = "tower")]
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

/// Configures a [`Receiver`].
///
/// Paths start with `/` and are matched whole. The same API may be mounted on several paths, with
/// other tokens and other handlers: one for each widget, or for each tenant. Mistakes come out when
/// it is [built](Self::build).
#[must_use]
pub struct ReceiverBuilder {
    mounts: Vec<Mount>,
    settings: Settings,
}

struct Mount {
    path: String,
    auth: Auth,
    endpoint: Box<MakeEndpoint>,
}

/// Makes the endpoint of a path and says how long its handler may take, once all settings are known.
type MakeEndpoint = dyn FnOnce(&str, &Settings) -> (Box<dyn Endpoint>, Duration) + Send;

struct Settings {
    healthz: Option<String>,
    limits: Limits,
    feed_deadline: Duration,
    bot_deadline: Duration,
    contact_deadline: Duration,
    fallback: Arc<Reply>,
}

impl ReceiverBuilder {
    fn new() -> Self {
        Self {
            mounts: Vec::new(),
            settings: Settings {
                healthz: None,
                limits: Limits { size: 2 * 1024 * 1024, deadline: Duration::from_secs(15) },
                feed_deadline: Duration::from_secs(30),
                bot_deadline: Duration::from_secs(8),
                contact_deadline: Duration::from_secs(5),
                fallback: Arc::new(Reply::new().to_human()),
            },
        }
    }

    /// Receives the [Integration API](integration).
    pub fn integration(
        self,
        path: impl Into<String>,
        auth: impl Into<Auth>,
        handler: impl integration::Handler,
    ) -> Self {
        self.mount(path, auth, |path, settings| {
            (Box::new(integration::Route::new(handler, path)), settings.feed_deadline)
        })
    }

    /// Receives the [Bot API](bot).
    pub fn bot(
        self,
        path: impl Into<String>,
        auth: impl Into<Auth>,
        handler: impl bot::Handler,
    ) -> Self {
        self.mount(path, auth, |_, settings| {
            let fallback = Arc::clone(&settings.fallback);
            (Box::new(bot::Route::new(handler, fallback)), settings.bot_deadline)
        })
    }

    /// Receives the [Conversation Events API](conversation).
    pub fn conversation(
        self,
        path: impl Into<String>,
        auth: impl Into<Auth>,
        handler: impl conversation::Handler,
    ) -> Self {
        self.mount(path, auth, |path, settings| {
            (Box::new(conversation::Route::new(handler, path)), settings.feed_deadline)
        })
    }

    /// Receives the [Agent Status API](agent_status).
    pub fn agent_status(
        self,
        path: impl Into<String>,
        auth: impl Into<Auth>,
        handler: impl agent_status::Handler,
    ) -> Self {
        self.mount(path, auth, |path, settings| {
            (Box::new(agent_status::Route::new(handler, path)), settings.feed_deadline)
        })
    }

    /// Answers the [Get Contact OPEN API](contact).
    pub fn contact(
        self,
        path: impl Into<String>,
        auth: impl Into<Auth>,
        handler: impl contact::Handler,
    ) -> Self {
        self.mount(path, auth, |_, settings| {
            (Box::new(contact::Route::new(handler)), settings.contact_deadline)
        })
    }

    fn mount(
        mut self,
        path: impl Into<String>,
        auth: impl Into<Auth>,
        endpoint: impl FnOnce(&str, &Settings) -> (Box<dyn Endpoint>, Duration) + Send + 'static,
    ) -> Self {
        self.mounts.push(Mount {
            path: path.into(),
            auth: auth.into(),
            endpoint: Box::new(endpoint),
        });
        self
    }

    /// Answers `GET` on this path with 200, and with 503 while draining. Not served by default.
    pub fn healthz(mut self, path: impl Into<String>) -> Self {
        self.settings.healthz = Some(path.into());
        self
    }

    /// The largest body accepted, in bytes. 2 MiB by default; larger ones are answered 413.
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.settings.limits.size = bytes;
        self
    }

    /// How long a body may take from its first byte to its last. 15 seconds by default; slower ones
    /// are answered 408.
    pub fn body_deadline(mut self, deadline: Duration) -> Self {
        self.settings.limits.deadline = deadline;
        self
    }

    /// How long handlers of the Integration, Conversation Events and Agent Status APIs may take. 30
    /// seconds by default; after that the handler is dropped and 503 answered.
    pub fn feed_deadline(mut self, deadline: Duration) -> Self {
        self.settings.feed_deadline = deadline;
        self
    }

    /// How long bots may take. 8 seconds by default; after that the handler is dropped and the
    /// fallback reply answered.
    pub fn bot_deadline(mut self, deadline: Duration) -> Self {
        self.settings.bot_deadline = deadline;
        self
    }

    /// How long handlers of the Get Contact OPEN API may take. 5 seconds by default; after that the
    /// handler is dropped and 503 answered.
    pub fn contact_deadline(mut self, deadline: Duration) -> Self {
        self.settings.contact_deadline = deadline;
        self
    }

    /// What a visitor gets when the bot fails, panics or takes too long. By default, a human agent:
    /// `HUMAN_TRANSFER`.
    pub fn fallback(mut self, reply: Reply) -> Self {
        self.settings.fallback = Arc::new(reply);
        self
    }

    /// The receiver.
    ///
    /// # Errors
    ///
    /// The first mistake: a path that does not start with `/`, has a `?`, `#` or white space, or is
    /// taken twice; a token that nobody can send.
    pub fn build(self) -> Result<Receiver, BuildError> {
        let Self { mounts, settings } = self;
        let mut routes = BTreeMap::new();
        for Mount { path, auth, endpoint } in mounts {
            check_path(&path)?;
            if let Some(mistake) = auth.mistake() {
                return Err(BuildError::new(format_args!("path `{path}`: {mistake}")));
            }
            if routes.contains_key(&path) {
                return Err(taken_twice(&path));
            }
            let (endpoint, deadline) = endpoint(&path, &settings);
            routes.insert(path, Route { auth, deadline, endpoint });
        }
        if let Some(path) = &settings.healthz {
            check_path(path)?;
            if routes.contains_key(path) {
                return Err(taken_twice(path));
            }
        }
        Ok(Receiver(Arc::new(Inner {
            routes,
            healthz: settings.healthz,
            limits: settings.limits,
            is_draining: AtomicBool::new(false),
            abandoned: Arc::default(),
        })))
    }
}

fn check_path(path: &str) -> Result<(), BuildError> {
    if !path.starts_with('/') {
        return Err(BuildError::new(format_args!("path `{path}`: expected `/` at the start")));
    }
    if path.contains(|c: char| matches!(c, '?' | '#') || c.is_whitespace()) {
        return Err(BuildError::new(format_args!("path `{path}`: has `?`, `#` or white space")));
    }
    Ok(())
}

fn taken_twice(path: &str) -> BuildError {
    BuildError::new(format_args!("path `{path}`: taken twice"))
}

impl fmt::Debug for ReceiverBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let paths = self.mounts.iter().map(|mount| (&mount.path, &mount.auth));
        f.debug_map().entries(paths).finish()
    }
}

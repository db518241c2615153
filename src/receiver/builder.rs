//! Builder of a receiver: APIs on their paths, behind their tokens.

mod mistakes;

use std::fmt;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::Method;

use super::auth::Auth;
use super::body::Limits;
use super::health::{Health, HealthCheck};
use super::observer::Observers;
use super::{Inner, Receiver, Route, path};
use crate::api::Api;
use crate::bot::{self, Reply};
use crate::endpoint::feed::{FeedEvent, IntoFeed};
use crate::endpoint::room::Room;
use crate::endpoint::{Endpoint, Methods};
use crate::error::BuildError;
use crate::wire::budget::Budget;
use crate::{agent_status, contact, conversation, integration};

/// Configures a [`Receiver`].
///
/// Paths start with `/` and are matched whole, except that a [secret](Auth::secret_path) is one
/// more segment. Escapes of letters, digits and `-._~` are the same as the characters. The same API
/// may be mounted on several paths, with other tokens and other handlers: one for each widget, or
/// for each tenant. Limits and deadlines must be more than zero. Mistakes are reported when it is
/// [built](Self::build).
///
/// # Limits
///
/// Bounds have one word each, here and on [`Server`](crate::Server) and inboxes: a `max_…` is a
/// number of things, a `…_limit` is in bytes, and what takes longer than its `…_deadline` is given
/// up.
///
/// | Limit | Default | Set with |
/// |---|---|---|
/// | body | 2 MiB | [`body_limit`](Self::body_limit) |
/// | time for a body | 15 s | [`body_deadline`](Self::body_deadline) |
/// | time for a handler of Integration, Conversation Events, Agent Status | 30 s | [`feed_deadline`](Self::feed_deadline) |
/// | time for a bot | 8 s | [`bot_deadline`](Self::bot_deadline) |
/// | time for Get Contact | 5 s | [`contact_deadline`](Self::contact_deadline) |
/// | time for a health check | 2 s | [`health_deadline`](Self::health_deadline) |
/// | memory for what was read of bodies, until their handlers are done | 512 MiB | [`memory_limit`](Self::memory_limit) |
/// | ids, names of events, values of a documented set | 256 bytes | |
///
/// A parsed body takes two or three times its size in memory, and 164 times at worst, for lists of
/// tiny objects: the memory limit bounds the total, and a request beyond it waits. The bounds of
/// connections and heads are the [`Server`](crate::Server)'s.
#[must_use]
pub struct ReceiverBuilder {
    mounts: Vec<Mount>,
    checks: Vec<(String, Box<dyn HealthCheck>)>,
    settings: ReceiverSettings,
}

struct Mount {
    kind: Kind,
    path: String,
    auth: Auth,
    endpoint: Box<MakeEndpoint>,
}

/// Kind of what is mounted.
enum Kind {
    Api(Api),
    Room(Room),
}

impl Mount {
    fn into_route(self, settings: &ReceiverSettings) -> (String, Route) {
        let Self { kind, path, auth, endpoint } = self;
        let endpoint = endpoint(&path, settings);
        let limits = settings.limits;
        let route = match kind {
            Kind::Api(api) => Route {
                name: api.as_str(),
                api: Some(api),
                methods: if api.method() == Method::GET { Methods::Get } else { Methods::Post },
                auth,
                limits,
                deadline: settings.deadline(api),
                endpoint,
            },
            Kind::Room(Room { name, methods, body_limit, deadline, .. }) => Route {
                name,
                api: None,
                methods,
                auth,
                limits: Limits { size: limits.size.min(body_limit), ..limits },
                deadline,
                endpoint,
            },
        };
        (path::canonical(&path).into_owned(), route)
    }
}

/// Constructor of a path's endpoint, run once all settings are known.
// Run by `build` and not before: a bot's fallback may be set after the bot, and an inbox must not
// know a feed of a receiver that has mistakes.
type MakeEndpoint = dyn FnOnce(&str, &ReceiverSettings) -> Box<dyn Endpoint> + Send + Sync;

struct ReceiverSettings {
    healthz: Vec<String>,
    limits: Limits,
    memory: usize,
    feed_deadline: Duration,
    bot_deadline: Duration,
    contact_deadline: Duration,
    health_deadline: Duration,
    fallback: bot::Fallback,
}

impl ReceiverBuilder {
    pub(super) fn new() -> Self {
        Self {
            mounts: Vec::new(),
            checks: Vec::new(),
            settings: ReceiverSettings {
                healthz: Vec::new(),
                limits: Limits { size: 2 * 1024 * 1024, deadline: Duration::from_secs(15) },
                memory: 512 * 1024 * 1024,
                feed_deadline: Duration::from_secs(30),
                bot_deadline: Duration::from_secs(8),
                contact_deadline: Duration::from_secs(5),
                health_deadline: Duration::from_secs(2),
                fallback: bot::Fallback::default(),
            },
        }
    }

    /// Mounts the [Integration API](integration) on a path.
    pub fn integration(
        self,
        path: impl Into<String>,
        auth: impl Into<Auth>,
        handler: impl IntoFeed<integration::SupportRequest>,
    ) -> Self {
        self.feed(path, auth, handler)
    }

    /// Mounts the [Bot API](bot) on a path.
    pub fn bot(
        self,
        path: impl Into<String>,
        auth: impl Into<Auth>,
        handler: impl bot::Handler,
    ) -> Self {
        self.mount(Api::Bot, path, auth, |_, settings| {
            Box::new(bot::BotEndpoint::new(handler, settings.fallback.clone()))
        })
    }

    /// Mounts the [Conversation Events API](conversation) on a path.
    pub fn conversation(
        self,
        path: impl Into<String>,
        auth: impl Into<Auth>,
        handler: impl IntoFeed<conversation::Event>,
    ) -> Self {
        self.feed(path, auth, handler)
    }

    /// Mounts the [Agent Status API](agent_status) on a path.
    pub fn agent_status(
        self,
        path: impl Into<String>,
        auth: impl Into<Auth>,
        handler: impl IntoFeed<agent_status::StatusChange>,
    ) -> Self {
        self.feed(path, auth, handler)
    }

    /// Mounts the [Get Contact OPEN API](contact) on a path. Its requests have a [secret in the
    /// path](Auth::secret_path) or none.
    pub fn contact(
        self,
        path: impl Into<String>,
        auth: impl Into<Auth>,
        handler: impl contact::Handler,
    ) -> Self {
        self.mount(Api::Contact, path, auth, |_, _| {
            Box::new(contact::ContactEndpoint::new(handler))
        })
    }

    fn feed<E: FeedEvent>(
        self,
        path: impl Into<String>,
        auth: impl Into<Auth>,
        handler: impl IntoFeed<E>,
    ) -> Self {
        self.mount(E::API, path, auth, |path, _| Box::new(handler.into_endpoint(path)))
    }

    /// Mounts a room behind a feature, which is no API of SnapEngage.
    #[cfg_attr(not(feature = "hub"), allow(dead_code, reason = "nothing else is mounted yet"))]
    pub(crate) fn room(
        mut self,
        room: Room,
        path: impl Into<String>,
        auth: impl Into<Auth>,
        endpoint: impl Endpoint,
    ) -> Self {
        let endpoint: Box<MakeEndpoint> = Box::new(|_, _| Box::new(endpoint));
        let (path, auth) = (path.into(), auth.into());
        self.mounts.push(Mount { kind: Kind::Room(room), path, auth, endpoint });
        self
    }

    fn mount(
        mut self,
        api: Api,
        path: impl Into<String>,
        auth: impl Into<Auth>,
        endpoint: impl FnOnce(&str, &ReceiverSettings) -> Box<dyn Endpoint> + Send + Sync + 'static,
    ) -> Self {
        let endpoint = Box::new(endpoint);
        let (path, auth) = (path.into(), auth.into());
        self.mounts.push(Mount { kind: Kind::Api(api), path, auth, endpoint });
        self
    }

    /// Serves the receiver's health: answers `GET` on this path with 200, and with 503 while
    /// draining. One path at most, and none by default.
    pub fn healthz(mut self, path: impl Into<String>) -> Self {
        self.settings.healthz.push(path.into());
        self
    }

    /// Adds a check to the report on the path of [`healthz`](Self::healthz), under this name: 200
    /// and, for example, `{"inbox":{"waiting":0},"status":"ok"}`. The answer is 503 if a check
    /// fails, panics or takes too long. None by default: the body is `ok`.
    pub fn health_check(mut self, name: impl Into<String>, check: impl HealthCheck) -> Self {
        self.checks.push((name.into(), Box::new(check)));
        self
    }

    /// Sets the largest body accepted, in bytes. 2 MiB by default; larger ones are answered 413.
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.settings.limits.size = bytes;
        self
    }

    /// Sets the time for a body, from its first byte to its last. 15 seconds by default; slower
    /// ones are answered 408.
    pub fn body_deadline(mut self, deadline: Duration) -> Self {
        self.settings.limits.deadline = deadline;
        self
    }

    /// Sets the memory that parsed bodies may take at once, in bytes, until their handlers are
    /// done. 512 MiB by default. A request that finds too little left waits for it, as long as a
    /// body may take, or as long as its handler may if that is shorter; then it is answered 503,
    /// and a bot's with the fallback reply.
    ///
    /// The memory is estimated: some two or three times the bytes of a body, and at worst 164
    /// times. A body that could take more than all of it is read alone.
    pub fn memory_limit(mut self, bytes: usize) -> Self {
        self.settings.memory = bytes;
        self
    }

    /// Sets the deadline of handlers of the Integration, Conversation Events and Agent Status APIs.
    /// 30 seconds by default; after that the handler is dropped and 503 answered.
    pub fn feed_deadline(mut self, deadline: Duration) -> Self {
        self.settings.feed_deadline = deadline;
        self
    }

    /// Sets the deadline of bots. 8 seconds by default; after that the handler is dropped and the
    /// fallback reply answered.
    pub fn bot_deadline(mut self, deadline: Duration) -> Self {
        self.settings.bot_deadline = deadline;
        self
    }

    /// Sets the deadline of handlers of the Get Contact OPEN API. 5 seconds by default; after that
    /// the handler is dropped and 503 answered.
    pub fn contact_deadline(mut self, deadline: Duration) -> Self {
        self.settings.contact_deadline = deadline;
        self
    }

    /// Sets the deadline of each [health check](Self::health_check). 2 seconds by default; after
    /// that the check is dropped and 503 answered.
    pub fn health_deadline(mut self, deadline: Duration) -> Self {
        self.settings.health_deadline = deadline;
        self
    }

    /// Sets the reply to a visitor when the bot fails, panics or takes too long, and when a
    /// transfer fails and the bot's reply to that is empty. Must not be empty itself. By default, a
    /// transfer to a human agent: `HUMAN_TRANSFER`.
    pub fn fallback(mut self, reply: impl Into<Reply>) -> Self {
        self.settings.fallback.reply = Arc::new(reply.into());
        self
    }

    /// Sets the message to a visitor when the transfer to any human agent fails, or the one of the
    /// [fallback reply](Self::fallback), and the bot's reply to that is empty. By default, `Sorry,
    /// nobody is available right now. Please try again later.`
    ///
    /// Text only: a transfer here could fail again, and again.
    pub fn apology(mut self, text: impl Into<String>) -> Self {
        self.settings.fallback.set_apology(text.into());
        self
    }

    /// Builds the receiver.
    ///
    /// # Errors
    ///
    /// If there are mistakes, with all of them: nothing to serve; a path that nobody can request,
    /// or that is in use; a token that nobody can send, or none; a header token for
    /// [`contact`](Self::contact), whose requests have no such header; a limit or deadline
    /// of zero; a fallback or an apology that leaves the visitor without an answer; a health check
    /// whose name is in use, or without [`healthz`](Self::healthz).
    pub fn build(self) -> Result<Receiver, BuildError> {
        let mistakes = self.mistakes();
        if !mistakes.is_empty() {
            return Err(BuildError::new(mistakes));
        }
        let Self { mounts, checks, settings } = self;
        let routes = mounts.into_iter().map(|mount| mount.into_route(&settings)).collect();
        let health = settings.healthz.first().map(|path| Health {
            path: path::canonical(path).into_owned(),
            checks: checks.into_iter().collect(),
            deadline: settings.health_deadline,
            failed: Mutex::default(),
        });
        let inner = Inner {
            routes,
            health,
            memory: Budget::new(settings.memory),
            is_draining: AtomicBool::new(false),
            abandoned: Arc::default(),
        };
        Ok(Receiver(Arc::new(inner), Observers::default()))
    }
}

impl ReceiverSettings {
    fn deadline(&self, api: Api) -> Duration {
        match api {
            Api::Bot => self.bot_deadline,
            Api::Contact => self.contact_deadline,
            Api::Integration | Api::Conversation | Api::AgentStatus => self.feed_deadline,
        }
    }
}

impl fmt::Debug for ReceiverBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let paths = self.mounts.iter().map(|mount| (self.redacted(&mount.path), &mount.auth));
        f.debug_map().entries(paths).finish()
    }
}

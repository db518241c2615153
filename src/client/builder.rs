//! Settings of a client.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;

use super::origin::Origins;
use super::transport::{HyperOptions, HyperTransport, Transport};
use super::{Client, Shared};
use crate::backoff::Backoff;
use crate::error::BuildError;
use crate::hook::Hook;

/// Builder of a [`Client`]. Setters do not fail: [`build`](Self::build) lists every mistake.
///
/// ```
/// use std::time::Duration;
/// use snapengage::client::Client;
///
/// # fn main() -> Result<(), snapengage::BuildError> {
/// let client = Client::builder()
///     .base_url("http://127.0.0.1:7070")
///     .user_agent("crm/1.2")
///     .call_deadline(Duration::from_secs(20))
///     .build()?;
/// # let _ = client;
/// # Ok(())
/// # }
/// ```
///
/// | setting | default | range |
/// |---|---|---|
/// | [`base_url`](Self::base_url) | `https://www.snapengage.com` | http or https, with a port or a path at most |
/// | [`attempt_timeout`](Self::attempt_timeout) | 30 s | more than zero |
/// | [`call_deadline`](Self::call_deadline) | 60 s | more than zero |
/// | [`attempts`](Self::attempts) | 4 | from 1 |
/// | [`backoff`](Self::backoff) | 0.5 s to 10 s | any, the first not longer than the longest |
/// | [`body_limit`](Self::body_limit) | 32 MiB | from 1 byte |
/// | [`user_agent`](Self::user_agent) | `snapengage-rs/` and the version | visible ASCII |
/// | [`hosts`](Self::hosts) | none | names or IP addresses, without a port |
/// | [`proxy_from_env`](Self::proxy_from_env) | `true` | |
#[must_use]
pub struct ClientBuilder {
    base_url: String,
    hosts: Vec<String>,
    transport: Option<Arc<dyn Transport>>,
    proxy_from_env: bool,
    user_agent: Option<String>,
    backoff: RangeInclusive<Duration>,
    settings: Settings,
}

/// Settings that a call reads.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) attempt_timeout: Duration,
    pub(super) call_deadline: Duration,
    pub(super) attempts: u32,
    pub(super) backoff: Backoff,
    pub(super) body_limit: usize,
    pub(super) user_agent: HeaderValue,
}

impl ClientBuilder {
    const USER_AGENT: &str = concat!("snapengage-rs/", env!("CARGO_PKG_VERSION"));

    pub(super) fn new() -> Self {
        let (first, longest) = (Duration::from_millis(500), Duration::from_secs(10));
        Self {
            base_url: Origins::SNAPENGAGE.to_owned(),
            hosts: Vec::new(),
            transport: None,
            proxy_from_env: true,
            user_agent: None,
            backoff: first..=longest,
            settings: Settings {
                attempt_timeout: Duration::from_secs(30),
                call_deadline: Duration::from_secs(60),
                attempts: 4,
                backoff: Backoff { first, longest },
                body_limit: 32 * 1024 * 1024,
                user_agent: HeaderValue::from_static(Self::USER_AGENT),
            },
        }
    }

    /// Sets the base address, for tests, a proxy of your own or a local SnapEngage: scheme and
    /// host, with a port or a path at most.
    ///
    /// Credentials go to its origin, by https unless this address itself is http.
    pub fn base_url(mut self, address: impl Into<String>) -> Self {
        self.base_url = address.into();
        self
    }

    /// Sets other hosts that may be sent a credential, by https on the usual port: those of uploaded
    /// files, of links and of redirects that are SnapEngage's too. None by default.
    pub fn hosts<H: Into<String>>(mut self, hosts: impl IntoIterator<Item = H>) -> Self {
        self.hosts = hosts.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the carrier of requests, in place of hyper's: a simulator, or one that records.
    pub fn transport(mut self, transport: impl Transport) -> Self {
        self.transport = Some(Arc::new(transport));
        self
    }

    /// Sets whether the variables `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` count,
    /// in either case. They do by default; not with a [`transport`](Self::transport) of your own.
    pub fn proxy_from_env(mut self, counts: bool) -> Self {
        self.proxy_from_env = counts;
        self
    }

    /// Sets the time for one attempt, from the connection to the last byte of the answer. 30
    /// seconds by default. Of that, the connection has a third, and 10 seconds at most.
    ///
    /// Of a file, it is the time to the head of the answer, and then from one part of its body to
    /// the next.
    pub fn attempt_timeout(mut self, timeout: Duration) -> Self {
        self.settings.attempt_timeout = timeout;
        self
    }

    /// Sets the time for all attempts of one call, with the waits between them. 60 seconds by
    /// default. A wait that would go past it is not begun.
    pub fn call_deadline(mut self, deadline: Duration) -> Self {
        self.settings.call_deadline = deadline;
        self
    }

    /// Sets the number of attempts of one call, the first included. 4 by default.
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.settings.attempts = attempts;
        self
    }

    /// Sets the waits between attempts: up to the first bound after the first attempt, and up to
    /// twice as long after each further one, but no longer than the second. From 0.5 to 10 seconds
    /// by default.
    ///
    /// Each wait is a random part of that. SnapEngage's own `Retry-After` is waited for in any
    /// case.
    pub fn backoff(mut self, waits: RangeInclusive<Duration>) -> Self {
        self.backoff = waits;
        self
    }

    /// Sets the largest answer that is read, in bytes, but for files. 32 MiB by default.
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.settings.body_limit = bytes;
        self
    }

    /// Names your program in `User-Agent`, before this crate.
    pub fn user_agent(mut self, program: impl Into<String>) -> Self {
        self.user_agent = Some(program.into());
        self
    }

    /// Builds the client. It connects to nothing yet.
    ///
    /// # Errors
    ///
    /// With every mistake in the settings; for a base address of https, also without the feature
    /// `client-tls`, or if the system has no root certificates.
    pub fn build(self) -> Result<Client, BuildError> {
        let mut mistakes = self.mistakes();
        let mut keep = |mistake: String| mistakes.push(mistake);
        let user_agent = self.user_agent_value().map_err(&mut keep);
        let origins = Origins::new(&self.base_url, &self.hosts).map_err(&mut keep);
        let transport = match (self.transport, &origins) {
            (Some(transport), _) => Ok(transport),
            (None, Ok(origins)) => {
                hyper(origins, self.proxy_from_env, &self.settings).map_err(&mut keep)
            }
            (None, Err(())) => Err(()),
        };
        let (first, longest) = self.backoff.into_inner();
        match (transport, origins, user_agent) {
            (Ok(transport), Ok(origins), Ok(user_agent)) if mistakes.is_empty() => {
                let backoff = Backoff { first, longest };
                let settings = Settings { backoff, user_agent, ..self.settings };
                let ended = Hook::default();
                Ok(Client(Arc::new(Shared { transport, origins, settings, ended })))
            }
            _ => Err(BuildError::new(mistakes)),
        }
    }

    fn mistakes(&self) -> Vec<String> {
        let Settings { attempt_timeout, call_deadline, attempts, body_limit, .. } = self.settings;
        let zero = [
            ("attempt_timeout", attempt_timeout.is_zero()),
            ("call_deadline", call_deadline.is_zero()),
            ("attempts", attempts == 0),
            ("body_limit", body_limit == 0),
        ];
        let zero = zero.into_iter().filter(|(_, is_zero)| *is_zero);
        let mut mistakes: Vec<_> =
            zero.map(|(setting, _)| format!("`{setting}`: expected more than zero")).collect();
        if self.backoff.start() > self.backoff.end() {
            mistakes.push("`backoff`: the first wait is longer than the longest".to_owned());
        }
        mistakes
    }

    fn user_agent_value(&self) -> Result<HeaderValue, String> {
        let Some(program) = &self.user_agent else {
            return Ok(HeaderValue::from_static(Self::USER_AGENT));
        };
        let is_visible = !program.trim().is_empty()
            && program.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
        let value = format!("{} {}", program.trim(), Self::USER_AGENT);
        HeaderValue::try_from(value)
            .ok()
            .filter(|_| is_visible)
            .ok_or_else(|| "`user_agent`: expected visible ASCII".to_owned())
    }
}

fn hyper(
    origins: &Origins,
    proxy_from_env: bool,
    settings: &Settings,
) -> Result<Arc<dyn Transport>, String> {
    let (is_https, attempt_timeout) = (origins.is_https(), settings.attempt_timeout);
    let options = HyperOptions { is_https, proxy_from_env, attempt_timeout };
    HyperTransport::new(&options).map(|transport| Arc::new(transport) as _)
}

/// Returns the transport that a client has by default, without a proxy of the environment.
#[cfg(any(feature = "record", feature = "simulator"))]
pub(crate) fn direct_transport(attempt_timeout: Duration) -> Result<Arc<dyn Transport>, String> {
    let options = HyperOptions { is_https: false, proxy_from_env: false, attempt_timeout };
    HyperTransport::new(&options).map(|transport| Arc::new(transport) as _)
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A base address may have credentials in it, by mistake.
        f.debug_struct("ClientBuilder").field("settings", &self.settings).finish_non_exhaustive()
    }
}

//! Spoilt samples, sent to a receiver.

use std::fmt;

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{Request, StatusCode};
use http_body_util::Full;

use super::samples::samples;
use super::spoilt::{self, Readable};
use crate::api::Api;
use crate::bot::Event;
use crate::receiver::Receiver;
use crate::receiver::response::FailureReason;

/// Sends every sample, and [requests](Self::request) of your own, to your receiver: intact, and
/// spoilt in every way that may come up.
///
/// Each field is removed once, at every depth; a field is added to every object; the event is
/// unknown; the payload is cut short at some 64 places; the token is wrong, and missing. A problem
/// is
///
/// - a handler that fails, panics or takes too long, behind a fallback reply too, which a bot's
///   request that cannot be read may well be answered with;
/// - an answer of 500 or more;
/// - a sample that is refused as it is, or for a new field or an unknown event;
/// - a request with a wrong token that is not refused.
///
/// Time should be [paused](super#time). Your handlers are called thousands of times, with values
/// that are missing or made up: they must not write to anything that matters.
///
/// ```
/// use snapengage::bot::{self, Reply};
/// use snapengage::testing::Mutator;
/// use snapengage::{Api, Receiver, Token};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), snapengage::BuildError> {
/// let bot = bot::from_fn(|message| async move { Ok(Reply::say(message.text)) });
/// let receiver = Receiver::builder().bot("/bot", Token::new("my-token"), bot).build()?;
///
/// let report = Mutator::new(receiver).route(Api::Bot, "/bot", "my-token").run().await;
/// report.assert_clean();
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use]
pub struct Mutator {
    receiver: Receiver,
    routes: Vec<SampleRoute>,
    intact: Vec<Intact>,
}

/// Request that is sent as it is, and spoilt.
struct Intact {
    api: Api,
    name: String,
    /// Body, or for [`Api::Contact`] a query.
    payload: Bytes,
}

/// Shows nothing of the payload.
impl fmt::Debug for Intact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Intact").field(&self.name).finish()
    }
}

#[derive(Debug)]
struct SampleRoute {
    api: Api,
    path: String,
    access: Access,
}

/// Credentials of a request.
enum Access {
    Token(String),
    SecretPath(String),
    Open,
}

/// Keeps the token out of the log.
impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Token(_) => "Token(<redacted>)",
            Self::SecretPath(_) => "SecretPath(<redacted>)",
            Self::Open => "Open",
        })
    }
}

impl Mutator {
    /// Creates a mutator without routes, which sends nothing yet.
    pub fn new(receiver: Receiver) -> Self {
        let intact = samples().iter().map(|sample| Intact {
            api: sample.api(),
            name: sample.name().to_owned(),
            payload: Bytes::from_static(sample.payload()),
        });
        Self { receiver, routes: Vec::new(), intact: intact.collect() }
    }

    /// Leaves the samples out, for requests of your own alone.
    pub fn without_samples(mut self) -> Self {
        self.intact.clear();
        self
    }

    /// Sends this request as well: the name that it is reported by, and its body, or for
    /// [`Api::Contact`] its query.
    pub fn request(mut self, api: Api, name: impl Into<String>, payload: impl AsRef<[u8]>) -> Self {
        let payload = Bytes::copy_from_slice(payload.as_ref());
        self.intact.push(Intact { api, name: name.into(), payload });
        self
    }

    /// Sends the samples of an API to this path, with this token in `Authorization`.
    pub fn route(self, api: Api, path: impl Into<String>, token: impl Into<String>) -> Self {
        self.add(api, path, Access::Token(token.into()))
    }

    /// Sends the samples of an API to this path, with this token as one more segment: see
    /// [`Auth::secret_path`](crate::Auth::secret_path).
    pub fn secret_path(self, api: Api, path: impl Into<String>, token: impl Into<String>) -> Self {
        self.add(api, path, Access::SecretPath(token.into()))
    }

    /// Sends the samples of an API to this path, which needs no token.
    pub fn open_route(self, api: Api, path: impl Into<String>) -> Self {
        self.add(api, path, Access::Open)
    }

    fn add(mut self, api: Api, path: impl Into<String>, access: Access) -> Self {
        self.routes.push(SampleRoute { api, path: path.into(), access });
        self
    }

    /// Sends all samples and requests, one after the other.
    ///
    /// # Panics
    ///
    /// If a path or a token cannot be sent.
    pub async fn run(self) -> Report {
        let mut report = Report { sent: 0, problems: Vec::new() };
        for route in &self.routes {
            for intact in self.intact.iter().filter(|intact| intact.api == route.api) {
                self.spoil(route, intact, &mut report).await;
                self.intrude(route, intact, &mut report).await;
            }
        }
        report
    }

    async fn spoil(&self, route: &SampleRoute, intact: &Intact, report: &mut Report) {
        for spoilt in spoilt::all(intact.api, &intact.payload) {
            let request = route.request(&spoilt.payload, &route.access);
            let expected = match spoilt.readable {
                Readable::Yes => Expected::Taken,
                Readable::Perhaps if route.is_answered_unread(&spoilt.payload) => Expected::Unread,
                Readable::Perhaps => Expected::Any,
            };
            self.send(request, expected, intact, &spoilt.change, report).await;
        }
    }

    /// Sends a request with all tokens but the right one.
    async fn intrude(&self, route: &SampleRoute, intact: &Intact, report: &mut Report) {
        let intruders = match &route.access {
            Access::Token(token) => vec![
                ("with a wrong token", Access::Token(format!("{token}x"))),
                ("with an empty token", Access::Token(String::new())),
                ("without a token", Access::Open),
            ],
            Access::SecretPath(token) => vec![
                ("with a wrong token", Access::SecretPath(format!("{token}x"))),
                ("without a token", Access::Open),
            ],
            Access::Open => Vec::new(),
        };
        for (change, access) in &intruders {
            let request = route.request(&intact.payload, access);
            self.send(request, Expected::Refused, intact, change, report).await;
        }
    }

    async fn send(
        &self,
        request: Request<Full<Bytes>>,
        expected: Expected,
        intact: &Intact,
        change: &str,
        report: &mut Report,
    ) {
        let response = self.receiver.handle(request).await;
        let reason = response.extensions().get::<FailureReason>().cloned();
        report.sent += 1;
        let status = response.status();
        let is_answered_for =
            status.is_success() && reason.is_some() && expected != Expected::Unread;
        let is_failure = status.is_server_error() || is_answered_for;
        if is_failure || !expected.is_met_by(status) {
            let body = response.into_body().into_bytes();
            let body = String::from_utf8_lossy(&body);
            let reason = reason.as_ref().map_or(&*body, FailureReason::as_str);
            report.problems.push(format!("{}, {change}: {status}: {reason}", intact.name));
        }
    }
}

impl SampleRoute {
    /// Returns `true` if a visitor may get the fallback reply although no handler failed.
    fn is_answered_unread(&self, payload: &[u8]) -> bool {
        self.api == Api::Bot && Event::from_json(payload).is_err()
    }

    fn request(&self, payload: &[u8], access: &Access) -> Request<Full<Bytes>> {
        let mut address = self.path.clone();
        if let Access::SecretPath(token) = access {
            address = format!("{address}/{token}");
        }
        let mut body = Bytes::copy_from_slice(payload);
        if self.api == Api::Contact {
            address = format!("{address}?{}", String::from_utf8_lossy(&body));
            body = Bytes::new();
        }
        let mut request = Request::builder().method(self.api.method()).uri(address);
        if let Access::Token(token) = access {
            request = request.header(AUTHORIZATION, token);
        }
        request.body(Full::new(body)).expect("path and token can be sent")
    }
}

/// Outcome that a request may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    /// It is read, and the handler answers.
    Taken,
    Refused,
    /// It is refused, or its visitor gets the fallback reply.
    Unread,
    Any,
}

impl Expected {
    fn is_met_by(self, status: StatusCode) -> bool {
        match self {
            Self::Taken => status.is_success() || status == StatusCode::UNPROCESSABLE_ENTITY,
            Self::Refused => status == StatusCode::UNAUTHORIZED,
            Self::Unread | Self::Any => true,
        }
    }
}

/// Result of a run. Its text has a line for each problem.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Report {
    sent: usize,
    problems: Vec<String>,
}

impl Report {
    /// Returns the number of requests that were sent.
    pub fn sent(&self) -> usize {
        self.sent
    }

    /// Returns the problems, in the order they came up: the sample, the change to it, and the
    /// answer. Empty if there were none.
    pub fn problems(&self) -> &[String] {
        &self.problems
    }

    /// Asserts that there are no problems.
    ///
    /// # Panics
    ///
    /// If there are, with all of them, and if nothing was sent at all.
    #[track_caller]
    pub fn assert_clean(&self) {
        assert!(self.sent > 0, "nothing was sent: the mutator has no routes");
        assert!(self.problems.is_empty(), "{self}");
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} requests, {} with a problem", self.sent, self.problems.len())?;
        self.problems.iter().try_for_each(|problem| write!(f, "\n{problem}"))
    }
}

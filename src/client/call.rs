//! One call: its request, with the credential it needs, and the attempts to get an answer.

use std::fmt;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderName, LOCATION, USER_AGENT};
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri};
use http_body::Body;
use http_body_util::BodyExt;
use percent_encoding::percent_encode_byte;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::{Instant, timeout_at};
use tracing::Instrument;

use super::Client;
use super::error::{Cause, ClientError, Failed, Failure, Retry};
use super::excerpt::{Private, START, excerpt};
use super::operation::Operation;
use super::percent::encoded;
use super::repeat::{Prospect, retry_after};
use super::secret::{Secret, sensitive};
use super::transport::{ResponseBody, TransportError};
use crate::clock;
use crate::error::{DecodeError, WithCauses};
use crate::panics::log_safely;
use crate::wire::budget::fits;
use crate::wire::json;
use crate::wire::lenient::Lenient;
use crate::wire::model::Model;

/// Header of the Visitor Chat API for its key.
const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// Call that is being put together.
pub(super) struct Call {
    client: Client,
    operation: Operation,
    /// Path at the base address's host, or the whole of an address that SnapEngage gave.
    target: Target,
    query: String,
    credential: Option<(HeaderName, HeaderValue)>,
    content_type: Option<HeaderValue>,
    body: Bytes,
    private: Private,
    /// First mistake of the caller.
    mistake: Option<String>,
}

enum Target {
    Path(String),
    Address(Uri),
}

impl Client {
    /// Starts a call to the path of these segments.
    pub(super) fn call(&self, operation: Operation, segments: &[&str]) -> Call {
        let mut path = self.origins().prefix().to_owned();
        for segment in segments {
            path.push('/');
            path.extend(encoded(segment));
        }
        let mut call = Call::new(self.clone(), operation, Target::Path(path));
        // Servers and proxies resolve them (RFC 3986, 5.2.4), and the call would be another one.
        if segments.iter().any(|segment| matches!(*segment, "" | "." | "..")) {
            call.mistake("expected an id, found none");
        }
        call
    }

    /// Starts a call to an address that SnapEngage gave.
    pub(super) fn call_address(&self, operation: Operation, address: Uri) -> Call {
        let mut private = Private::default();
        private.add_address(&address);
        Call { private, ..Call::new(self.clone(), operation, Target::Address(address)) }
    }
}

impl Call {
    fn new(client: Client, operation: Operation, target: Target) -> Self {
        Self {
            client,
            operation,
            target,
            query: String::new(),
            credential: None,
            content_type: None,
            body: Bytes::new(),
            private: Private::default(),
            mistake: None,
        }
    }

    /// Sends the API token: bare, without a scheme.
    pub(super) fn authorization(self, token: &Secret) -> Self {
        self.header(AUTHORIZATION, token)
    }

    /// Sends the key of the Visitor Chat API.
    pub(super) fn chat_key(self, key: &Secret) -> Self {
        self.header(API_KEY, key)
    }

    /// Sends the provisioning key, which is a part of the address.
    pub(super) fn api_key(mut self, key: &Secret) -> Self {
        match key.text() {
            Ok(text) => self.private_query("api_key", text),
            Err(mistake) => {
                self.mistake(mistake);
                self
            }
        }
    }

    fn header(mut self, name: HeaderName, secret: &Secret) -> Self {
        match secret.text() {
            Ok(text) => {
                self.private.add(text);
                self.credential = Some((name, sensitive(text)));
            }
            Err(mistake) => self.mistake(mistake),
        }
        self
    }

    /// Notes a mistake of the caller: nothing is sent then.
    pub(super) fn mistake(&mut self, mistake: impl Into<String>) {
        self.mistake.get_or_insert_with(|| mistake.into());
    }

    pub(super) fn query(mut self, name: &str, value: &str) -> Self {
        self.query.push(if self.query.is_empty() { '?' } else { '&' });
        self.query.extend(encoded(name));
        self.query.push('=');
        self.query.extend(encoded(value));
        self
    }

    /// Adds a parameter that no error may repeat.
    pub(super) fn private_query(mut self, name: &str, value: &str) -> Self {
        self.private.add(value);
        self.query(name, value)
    }

    /// Sends a JSON document. No error may repeat its texts.
    pub(super) fn json(mut self, document: &impl Serialize) -> Self {
        let document = serde_json::to_value(document).expect("names are texts");
        self.private.add_all(&document);
        self.body = document.to_string().into();
        self.content_type(HeaderValue::from_static("application/json"))
    }

    pub(super) fn content_type(mut self, content_type: HeaderValue) -> Self {
        self.content_type = Some(content_type);
        self
    }

    /// Sends the call, and again where that does no harm, until there is an answer.
    pub(super) async fn send(self) -> Result<Answer, ClientError> {
        let span = self.span();
        self.answer().instrument(span).await
    }

    /// Names the call in the log. Its query has a key and what visitors write, and the address of a
    /// file comes out of a transcript: neither is in it.
    pub(super) fn span(&self) -> tracing::Span {
        tracing::debug_span!("snapengage", call = %self.operation, path = self.path())
    }

    async fn answer(mut self) -> Result<Answer, ClientError> {
        let limit = self.client.settings().body_limit;
        let mut attempts = self.attempts();
        let body = loop {
            let response = attempts.head().await?;
            match timeout_at(attempts.ends, attempts.whole(response, limit)).await {
                Ok(Ok(body)) => break body,
                Ok(Err(failure)) => attempts.failed(failure).await?,
                Err(_) => attempts.failed(attempts.timed_out()).await?,
            }
        };
        let (made, private) = (attempts.made, attempts.private);
        self.private = private;
        let answer = Answer { call: self, body, made };
        match answer.contradiction() {
            Some(failure) => Err(answer.failed(failure)),
            None => Ok(answer),
        }
    }

    pub(super) fn attempts(&self) -> Attempts<'_> {
        let deadline = after(self.client.settings().call_deadline);
        let private = self.private.clone();
        Attempts { call: self, private, made: 0, deadline, ends: deadline, perhaps_done: false }
    }

    fn path(&self) -> Option<&str> {
        match &self.target {
            Target::Path(path) => Some(path),
            Target::Address(_) if self.operation == Operation::File => None,
            Target::Address(address) => Some(address.path()),
        }
    }

    /// Returns the address that is asked.
    pub(super) fn address(&self) -> Result<Uri, Failure> {
        match &self.target {
            Target::Address(address) => Ok(address.clone()),
            Target::Path(path) => {
                let address = self.client.origins().address(&format!("{path}{}", self.query));
                address.map_err(|_| Failure::Mistake("the address would be too long".to_owned()))
            }
        }
    }

    /// Returns the mistake of the caller, for which nothing is sent.
    fn check(&self) -> Result<(), Failure> {
        match &self.mistake {
            Some(mistake) => Err(Failure::Mistake(mistake.clone())),
            None => self.address().map(drop),
        }
    }

    fn request(&self, address: &Uri) -> Request<Bytes> {
        let mut request = Request::new(self.body.clone());
        *request.method_mut() = self.operation.method();
        *request.uri_mut() = address.clone();
        let headers = request.headers_mut();
        headers.insert(USER_AGENT, self.client.settings().user_agent.clone());
        headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
        if let Some(content_type) = &self.content_type {
            headers.insert(CONTENT_TYPE, content_type.clone());
        }
        if let Some((name, secret)) = &self.credential
            && self.client.origins().may_have_credentials(address)
        {
            headers.insert(name, secret.clone());
        }
        request
    }

    /// Returns where a redirect leads, if the call may go there.
    fn follow(
        &self,
        from: &Uri,
        status: StatusCode,
        location: &HeaderValue,
    ) -> Result<Uri, Failure> {
        if self.operation.method() != Method::GET {
            let why = "redirected, which is followed for a GET alone";
            let is_outcome = status == StatusCode::SEE_OTHER;
            return Err(if is_outcome { Failure::SeeOther } else { Failure::Astray(why) });
        }
        let target = resolve(from, &ascii(location));
        let target = target.ok_or(Failure::Astray("redirected to an address that is none"))?;
        let origins = self.client.origins();
        // A file may be kept by somebody else, whom the credential is not sent to. Any other answer
        // is SnapEngage's own.
        let is_allowed = match self.operation {
            Operation::File => origins.may_be_followed(&target),
            _ => origins.may_have_credentials(&target),
        };
        if is_allowed { Ok(target) } else { Err(Failure::Astray("redirected to another host")) }
    }

    pub(super) fn error(&self, failure: Failure, attempts: u32, perhaps_done: bool) -> ClientError {
        let changes = self.operation.method() != Method::GET;
        ClientError::new(Failed {
            operation: self.operation,
            path: self.path().map(str::to_owned),
            attempts,
            may_have_been_done: perhaps_done && changes,
            failure,
        })
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("operation", &self.operation).finish_non_exhaustive()
    }
}

/// Attempts of one call.
pub(super) struct Attempts<'c> {
    call: &'c Call,
    /// What no error may repeat: that of the call, and where redirects led.
    private: Private,
    made: u32,
    deadline: Instant,
    /// End of the current attempt.
    pub(super) ends: Instant,
    /// `true` if an attempt that failed may have been done all the same.
    perhaps_done: bool,
}

impl Attempts<'_> {
    /// Returns the head of an answer of success.
    pub(super) async fn head(&mut self) -> Result<Response<ResponseBody>, ClientError> {
        if let Err(mistake) = self.call.check() {
            return Err(self.call.error(mistake, 0, false));
        }
        loop {
            self.made += 1;
            self.ends = self.deadline.min(after(self.limit()));
            let ends = self.ends;
            match timeout_at(ends, self.attempt()).await {
                Ok(Ok(response)) => return Ok(response),
                Ok(Err(failure)) => self.failed(failure).await?,
                Err(_) => self.failed(self.timed_out()).await?,
            }
        }
    }

    /// Returns the time for an attempt.
    pub(super) fn limit(&self) -> Duration {
        self.call.client.settings().attempt_timeout
    }

    async fn attempt(&mut self) -> Result<Response<ResponseBody>, Failure> {
        let response = self.exchange().await?;
        let status = response.status();
        log_safely(|| tracing::debug!(attempt = self.made, status = status.as_u16(), "answered"));
        if status.is_success() {
            return Ok(response);
        }
        // What an attempt whose answer was lost deleted is not there any more.
        let was_deleted = self.call.operation.is_delete() && self.perhaps_done;
        if was_deleted && status == StatusCode::NOT_FOUND {
            return Ok(Response::new(ResponseBody::from("")));
        }
        Err(self.status_failure(response).await)
    }

    /// Sends the request once, and follows redirects.
    async fn exchange(&mut self) -> Result<Response<ResponseBody>, Failure> {
        const MOST_REDIRECTS: usize = 5;
        let mut address = self.call.address()?;
        for _ in 0..=MOST_REDIRECTS {
            let response = self.call.client.transport().send(self.call.request(&address)).await;
            let response = response.map_err(|error| self.transport_failure(&error))?;
            match location(&response) {
                Some(location) => {
                    address = self.call.follow(&address, response.status(), location)?;
                    self.private.add_address(&address);
                }
                None => return Ok(response),
            }
        }
        Err(Failure::Astray("redirected again and again"))
    }

    fn transport_failure(&self, error: &TransportError) -> Failure {
        if error.is_not_sent() { Failure::NotSent(self.cause(error)) } else { self.broken(error) }
    }

    /// Returns the failure of an answer that ended early: by then, the request was sent.
    pub(super) fn broken(&self, error: &TransportError) -> Failure {
        Failure::Broken(self.cause(error))
    }

    fn cause(&self, error: &TransportError) -> Cause {
        let causes = std::error::Error::source(error).map(|cause| WithCauses(cause).to_string());
        Cause(self.private.scrub(&causes.unwrap_or_default()))
    }

    /// Reads all of an answer, up to a limit.
    async fn whole(
        &self,
        response: Response<ResponseBody>,
        limit: usize,
    ) -> Result<Bytes, Failure> {
        let mut bytes = BytesMut::new();
        match fill(&mut bytes, response.into_body(), limit).await {
            Ok(()) => Ok(bytes.freeze()),
            Err(Unread::TooLarge) => Err(Failure::TooLarge(limit as u64)),
            Err(Unread::Broken(error)) => Err(self.broken(&error)),
        }
    }

    /// Returns the failure that an answer other than a success is, before the attempt ends.
    async fn status_failure(&self, response: Response<ResponseBody>) -> Failure {
        /// Shorter than the attempt: past that, a refusal would be no more than a timeout.
        const LONGEST: Duration = Duration::from_secs(2);
        let status = response.status();
        let retry = retry_after(response.headers())
            .map(|after| Retry { after, at: clock::now().saturating_add(after) });
        let mut body = BytesMut::new();
        let read = fill(&mut body, response.into_body(), START);
        match timeout_at(self.ends.min(after(LONGEST)), read).await {
            Ok(Ok(()) | Err(Unread::TooLarge)) => {}
            // The status says enough if the rest does not come.
            Ok(Err(Unread::Broken(_))) | Err(_) => body.clear(),
        }
        Failure::Status { status, retry, excerpt: excerpt(&body, &self.private) }
    }

    fn timed_out(&self) -> Failure {
        let settings = self.call.client.settings();
        let is_last = self.ends == self.deadline;
        let limit = if is_last { settings.call_deadline } else { self.limit() };
        Failure::TimedOut(limit)
    }

    /// Waits before another attempt, if there may be one.
    ///
    /// # Errors
    ///
    /// If there may be none, which is the end of the call.
    pub(super) async fn failed(&mut self, failure: Failure) -> Result<(), ClientError> {
        let prospect = failure.prospect();
        self.perhaps_done |= prospect == Prospect::PerhapsDone || failure.is_of_a_success();
        let Some(wait) = self.wait(&failure, prospect) else {
            return Err(self.end(failure));
        };
        let (attempt, wait_ms) = (self.made, wait.as_millis());
        log_safely(|| tracing::warn!(attempt, wait_ms, "{failure}, tried again"));
        tokio::time::sleep(wait).await;
        Ok(())
    }

    /// Returns the error that the call ends with.
    pub(super) fn end(&self, failure: Failure) -> ClientError {
        self.call.error(failure, self.made, self.perhaps_done)
    }

    /// Returns the wait before another attempt, if there may be one and there is time for it.
    fn wait(&self, failure: &Failure, prospect: Prospect) -> Option<Duration> {
        let settings = self.call.client.settings();
        if self.made >= settings.attempts || !prospect.allows(self.call.operation.repeat()) {
            return None;
        }
        let backoff = settings.backoff.full_jitter(self.made);
        let asked = failure.retry_after().unwrap_or_default();
        let wait = backoff.max(asked);
        (after(wait) < self.deadline).then_some(wait)
    }
}

impl Failure {
    fn prospect(&self) -> Prospect {
        match self {
            Self::NotSent(_) => Prospect::NotDone,
            Self::Broken(_) | Self::TimedOut(_) => Prospect::PerhapsDone,
            Self::Status { status, .. } => Prospect::of_status(*status),
            _ => Prospect::Hopeless,
        }
    }

    /// Returns `true` if the answer was a success, though not one to be used.
    fn is_of_a_success(&self) -> bool {
        use Failure::{Malformed, NotWritten, SeeOther, TooLarge};
        matches!(self, Malformed { .. } | TooLarge(_) | SeeOther | NotWritten(_))
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry, .. } => retry.map(|retry| retry.after),
            _ => None,
        }
    }
}

/// Answer of success.
pub(super) struct Answer {
    call: Call,
    body: Bytes,
    made: u32,
}

impl Answer {
    /// Returns the failure that came with the status of a success: an error, as Widget Availability
    /// has it and any call might, or the page of a front end.
    fn contradiction(&self) -> Option<Failure> {
        // Of 32 MiB, values that say nothing would take 5 GB.
        const MOST_MEMORY: usize = 512 * 1024 * 1024;
        if !fits(&self.body, MOST_MEMORY) {
            let error = DecodeError::new(self.call.operation.as_str(), "too many values");
            return Some(Failure::Malformed { error, excerpt: None });
        }
        if self.body.trim_ascii_start().starts_with(b"<") {
            let what = self.call.operation.as_str();
            let error = DecodeError::new(what, "expected JSON, found a page");
            return Some(Failure::Malformed { error, excerpt: self.excerpt() });
        }
        let code = ErrorIn200::read(&self.body)?.code();
        Some(Failure::Refused { code, excerpt: self.excerpt() })
    }

    fn excerpt(&self) -> Option<String> {
        excerpt(&self.body, &self.call.private)
    }

    /// Returns `true` if there is nothing in it.
    pub(super) fn is_empty(&self) -> bool {
        self.body.trim_ascii().is_empty()
    }

    pub(super) fn body(&self) -> &[u8] {
        &self.body
    }

    /// Parses the JSON document of the answer.
    pub(super) fn read<M: Model + Lenient>(&self, what: &str) -> Result<M, ClientError> {
        json::from_request(what, &self.body).map_err(|error| self.malformed(error))
    }

    pub(super) fn malformed(&self, error: DecodeError) -> ClientError {
        self.failed(Failure::Malformed { error, excerpt: self.excerpt() })
    }

    /// Returns the error that is inside the answer, with the vendor's number.
    pub(super) fn refused(&self, code: Option<i64>) -> ClientError {
        self.failed(Failure::Refused { code, excerpt: self.excerpt() })
    }

    /// Returns the error of an answer that is no success after all.
    fn failed(&self, failure: Failure) -> ClientError {
        let perhaps_done = failure.is_of_a_success();
        self.call.error(failure, self.made, perhaps_done)
    }
}

/// Returns the moment so long from now. `Duration::MAX` is for ever.
pub(super) fn after(wait: Duration) -> Instant {
    const FOR_EVER: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);
    Instant::now() + wait.min(FOR_EVER)
}

/// Error in the answer of a success, which no documented answer has a field for.
#[derive(Deserialize)]
struct ErrorIn200 {
    #[serde(default, rename = "statusCode")]
    status_code: Value,
    error: Value,
}

impl ErrorIn200 {
    /// Large answers are lists, and are not parsed twice.
    const LONGEST: usize = 4096;

    fn read(body: &[u8]) -> Option<Self> {
        let small = Some(body).filter(|body| body.len() <= Self::LONGEST)?;
        let is_error = |read: &Self| match &read.error {
            Value::Null | Value::Bool(false) => false,
            Value::String(error) => !error.is_empty(),
            _ => true,
        };
        serde_json::from_slice(small).ok().filter(is_error)
    }

    fn code(&self) -> Option<i64> {
        self.status_code.as_i64().or_else(|| self.status_code.as_str()?.parse().ok())
    }
}

/// Reason why not all of a body was read.
enum Unread {
    /// One byte more than the limit was.
    TooLarge,
    Broken(TransportError),
}

/// Reads a body, up to a limit and a byte. It is not kept in the parts that it came in: those of a
/// byte each take forty times as much memory.
async fn fill(bytes: &mut BytesMut, mut body: ResponseBody, limit: usize) -> Result<(), Unread> {
    // Whoever announces more has to send it first.
    const MOST_AT_ONCE: u64 = 1024 * 1024;
    let announced = body.size_hint().lower().min(MOST_AT_ONCE);
    bytes.reserve(limit.min(usize::try_from(announced).unwrap_or(limit)));
    while let Some(frame) = body.frame().await {
        let Ok(part) = frame.map_err(Unread::Broken)?.into_data() else { continue };
        let room = limit - bytes.len();
        bytes.extend_from_slice(&part[..part.len().min(room.saturating_add(1))]);
        if part.len() > room {
            return Err(Unread::TooLarge);
        }
    }
    Ok(())
}

/// Returns the `Location` of a redirect.
fn location(response: &Response<ResponseBody>) -> Option<&HeaderValue> {
    let is_redirect = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
    response.headers().get(LOCATION).filter(|_| is_redirect)
}

/// Returns a reference as ASCII: servers write UTF-8 as it is.
fn ascii(location: &HeaderValue) -> String {
    let mut ascii = String::new();
    for &byte in location.as_bytes() {
        if byte.is_ascii() {
            ascii.push(byte.into());
        } else {
            ascii += percent_encode_byte(byte);
        }
    }
    ascii
}

/// Resolves a reference of RFC 3986, 5.2: an address, or a path or query of the same origin.
fn resolve(base: &Uri, reference: &str) -> Option<Uri> {
    let reference = reference.split('#').next()?;
    let scheme = base.scheme_str()?;
    if reference.starts_with("//") {
        return format!("{scheme}:{reference}").parse().ok();
    }
    // A colon in the first segment is the end of a scheme.
    if reference.split(['/', '?']).next()?.contains(':') {
        return reference.parse::<Uri>().ok().filter(|address| address.scheme().is_some());
    }
    let (authority, path) = (base.authority()?, base.path());
    let before = match reference.chars().next() {
        Some('/') => "",
        Some('?') => path,
        Some(_) => &path[..=path.rfind('/')?],
        None => return Some(base.clone()),
    };
    format!("{scheme}://{authority}{before}{reference}").parse().ok()
}

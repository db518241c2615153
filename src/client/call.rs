//! One call: its request, with the credential it needs.

use std::fmt;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderName, USER_AGENT};
use http::{HeaderValue, Method, Request, Uri};
use serde::Serialize;
use tokio::time::timeout_at;
use tracing::Instrument;

use super::Client;
use super::answer::Answer;
use super::attempts::Attempts;
#[cfg(feature = "segment")]
use super::base64::base64;
use super::error::{ClientError, Failed, Failure};
use super::excerpt::Private;
use super::operation::Operation;
use super::percent::encoded;
use super::secret::{Secret, sensitive};
use super::tally::Tally;

/// Header of the Visitor Chat API for its key.
const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// Call that is being put together.
pub(super) struct Call {
    pub(super) client: Client,
    pub(super) operation: Operation,
    /// Path at the base address's host, or the whole of an address that SnapEngage gave.
    target: Target,
    query: String,
    credential: Option<(HeaderName, HeaderValue)>,
    content_type: Option<HeaderValue>,
    body: Bytes,
    pub(super) private: Private,
    /// First mistake of the caller.
    mistake: Option<String>,
    pub(super) tally: Tally,
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
            tally: Tally::new(&client, operation),
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

    /// Sends the key as the user of Basic authentication, without a password.
    #[cfg(feature = "segment")]
    pub(super) fn basic(mut self, user: &Secret) -> Self {
        match user.text() {
            Ok(text) => {
                let credentials = base64(format!("{text}:").as_bytes());
                self.private.add(text);
                self.private.add(&credentials);
                let value = sensitive(&format!("Basic {credentials}"));
                self.credential = Some((AUTHORIZATION, value));
            }
            Err(mistake) => self.mistake(mistake),
        }
        self
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

    /// Sends a JSON document that is too large to look for its texts in an answer: no error quotes
    /// the answer at all.
    #[cfg(feature = "segment")]
    pub(super) fn private_json(mut self, document: Bytes) -> Self {
        self.private.is_everything = true;
        self.body = document;
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
        self.tally.answered();
        let (made, private) = (attempts.made, attempts.private);
        self.private = private;
        let answer = Answer { call: self, body, made };
        match answer.contradiction() {
            Some(failure) => Err(answer.failed(failure)),
            None => Ok(answer),
        }
    }

    pub(super) fn attempts(&self) -> Attempts<'_> {
        Attempts::new(self)
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
    pub(super) fn check(&self) -> Result<(), Failure> {
        match &self.mistake {
            Some(mistake) => Err(Failure::Mistake(mistake.clone())),
            None => self.address().map(drop),
        }
    }

    pub(super) fn request(&self, address: &Uri) -> Request<Bytes> {
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

    pub(super) fn error(&self, failure: Failure, attempts: u32, perhaps_done: bool) -> ClientError {
        self.tally.failed(&failure);
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

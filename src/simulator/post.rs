//! Sending: one request to a feed, straight into a receiver or over a transport.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderValue, Request, StatusCode};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use tokio::time::{Instant, sleep, timeout};

use super::delivery::{DeliveryRecord, RecordedResponse};
use super::fault::Kind;
use super::feeds::Address;
use super::outbox::{Content, Parcel};
use crate::api::Api;
use crate::client::Transport;
use crate::receiver::Receiver;

/// Real time that an answer is waited for.
pub(super) const DEADLINE: Duration = Duration::from_secs(10);

/// Longest body of an answer, in bytes.
const ANSWER_LIMIT: usize = 1 << 20;

/// Name of the simulator in requests.
const AGENT: &str = concat!("SnapEngage-Simulator/", env!("CARGO_PKG_VERSION"));

const JSON: &str = "application/json; charset=utf-8";
const XML: &str = "text/xml; charset=utf-8";

/// Text in place of a token.
const REDACTED: &str = "<redacted>";

/// Shortest token that is looked for in answers: a shorter one is in many words.
const TELLING: usize = 6;

/// Ways out of the simulator.
#[derive(Clone)]
pub(super) struct Outlets {
    pub(super) receiver: Option<Receiver>,
    pub(super) transport: Option<Arc<dyn Transport>>,
}

/// Request that is sent.
#[derive(Debug, Clone)]
pub(super) struct Posted {
    pub(super) body: Bytes,
    pub(super) fault: Option<Kind>,
    url: String,
    /// Query that was added to the address.
    query: Option<String>,
    feed: Api,
    content_type: Option<&'static str>,
    address: Address,
}

impl Posted {
    pub(super) fn new(parcel: &Parcel, body: Bytes, fault: Option<Kind>) -> Self {
        let address = parcel.address.clone();
        let (query, content_type) = match &parcel.content {
            Content::Query(query) => (Some(query.clone()), None),
            Content::Xml(_) => (None, Some(XML)),
            Content::Json(_) | Content::Bot(_) => (None, Some(JSON)),
        };
        let url = with_query(&address.url, query.as_deref());
        Self { body, fault, url, query, feed: parcel.feed, content_type, address }
    }

    /// Returns the address, without what may be a secret in it.
    pub(super) fn shown_url(&self) -> String {
        with_query(&self.address.shown(self.feed), self.query.as_deref())
    }

    fn request(&self) -> Result<Request<Bytes>, String> {
        let mut request = Request::new(self.body.clone());
        *request.method_mut() = self.feed.method();
        *request.uri_mut() = self.url.parse().map_err(|_| "not an address".to_owned())?;
        let headers = request.headers_mut();
        if let Some(content_type) = self.content_type {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        if !self.address.token.is_empty() {
            let token = HeaderValue::from_str(&self.address.token);
            let mut token = token.map_err(|_| "a token that no header can carry".to_owned())?;
            token.set_sensitive(true);
            headers.insert(AUTHORIZATION, token);
        }
        headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        Ok(request)
    }

    /// Returns the headers, without the token.
    pub(super) fn shown_headers(&self) -> BTreeMap<String, String> {
        let has_token = !self.address.token.is_empty();
        let headers = [
            self.content_type.map(|kind| (CONTENT_TYPE, kind)),
            has_token.then_some((AUTHORIZATION, REDACTED)),
            Some((USER_AGENT, AGENT)),
        ];
        let headers = headers.into_iter().flatten();
        headers.map(|(name, value)| (name.to_string(), value.to_owned())).collect()
    }
}

/// Result of a request.
#[derive(Debug, Clone)]
pub(super) struct Outcome {
    answer: Result<Answered, String>,
    duration: Duration,
}

/// Answer of a feed.
#[derive(Debug, Clone)]
pub(super) struct Answered {
    pub(super) status: StatusCode,
    headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Outcome {
    pub(super) fn failed(error: impl Into<String>) -> Self {
        Self { answer: Err(error.into()), duration: Duration::ZERO }
    }

    /// Returns the answer, if it is one that says yes.
    pub(super) fn accepted(&self) -> Result<&Answered, String> {
        match &self.answer {
            Ok(answer) if answer.status.is_success() => Ok(answer),
            Ok(answer) => Err(format!("answered {}", answer.status)),
            Err(error) => Err(error.clone()),
        }
    }

    pub(super) fn is_accepted(&self) -> bool {
        self.accepted().is_ok()
    }

    /// Writes it into the record of the request.
    pub(super) fn recorded(self, mut record: DeliveryRecord, address: &Address) -> DeliveryRecord {
        let secrets = address.secrets(record.feed);
        record.duration_ms = u64::try_from(self.duration.as_millis()).unwrap_or(u64::MAX);
        let redact = |text: &[u8]| {
            let text = String::from_utf8_lossy(text).into_owned();
            let telling = secrets.iter().filter(|secret| secret.len() >= TELLING);
            telling.fold(text, |text, secret| text.replace(secret, REDACTED))
        };
        match self.answer {
            Ok(answer) => {
                let headers = answer.headers.iter();
                let headers = headers
                    .map(|(name, value)| (name.to_string(), redact(value.as_bytes())))
                    .collect();
                let status = answer.status.as_u16();
                let body = redact(&answer.body);
                record.response = Some(RecordedResponse { status, headers, body });
            }
            Err(error) => record.error = Some(error),
        }
        record
    }
}

impl Outlets {
    /// Sends a request, and waits for its answer.
    pub(super) async fn send(&self, posted: &Posted) -> Outcome {
        let started = Instant::now();
        let answer = match timeout(DEADLINE, self.exchange(posted)).await {
            Ok(answer) => answer,
            Err(_) => Err(format!("no answer within {} s", DEADLINE.as_secs())),
        };
        Outcome { answer, duration: started.elapsed() }
    }

    /// Sends a request, and lets its answer go wrong.
    async fn exchange(&self, posted: &Posted) -> Result<Answered, String> {
        let Some(fault) = &posted.fault else { return self.deliver(posted).await };
        if *fault == Kind::Refuse {
            return Err("connection refused, by a fault".to_owned());
        }
        let answer = self.deliver(posted).await;
        if let Some(answer) = fault.feed_answer() {
            let headers = HeaderMap::from_iter(answer.headers);
            return Ok(Answered { status: answer.status, headers, body: answer.body });
        }
        match fault {
            Kind::Reset => return Err("connection reset, by a fault".to_owned()),
            Kind::Half => return Err("connection reset in the body, by a fault".to_owned()),
            Kind::Stall { ms: Some(ms) } => sleep(Duration::from_millis(*ms)).await,
            Kind::Stall { ms: None } => std::future::pending().await,
            Kind::Slow { ms } => {
                let bytes = answer.as_ref().map_or(0, |answer| answer.body.len());
                let pieces = u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX);
                sleep(Duration::from_millis(*ms).saturating_mul(pieces)).await;
            }
            _ => {}
        }
        answer
    }

    async fn deliver(&self, posted: &Posted) -> Result<Answered, String> {
        let request = posted.request()?;
        let (head, body) = match (&self.receiver, &self.transport) {
            (Some(receiver), _) if posted.address.is_path() => {
                let response = receiver.handle(request.map(Full::new)).await;
                let (head, body) = response.into_parts();
                (head, body.into_bytes())
            }
            (_, Some(transport)) => {
                let sent = transport.send(request).await;
                let (head, body) = sent.map_err(|error| described(&error))?.into_parts();
                let body = Limited::new(body, ANSWER_LIMIT).collect().await;
                (head, body.map_err(|error| broken_off(&*error))?.to_bytes())
            }
            _ => return Err("nowhere to deliver to".to_owned()),
        };
        Ok(Answered { status: head.status, headers: head.headers, body })
    }
}

fn with_query(url: &str, query: Option<&str>) -> String {
    let Some(query) = query else { return url.to_owned() };
    let separator = if url.contains('?') { '&' } else { '?' };
    format!("{url}{separator}{query}")
}

/// Describes why a body is not whole.
fn broken_off(error: &(dyn Error + 'static)) -> String {
    if error.is::<LengthLimitError>() {
        return format!("the body is longer than {ANSWER_LIMIT} bytes");
    }
    described(error)
}

/// Describes an error and its causes.
fn described(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

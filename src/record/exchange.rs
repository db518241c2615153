//! One request and its answer.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;

use crate::api::Api;
use crate::id::CaseId;
use crate::timestamp::Timestamp;

/// Name of an API that is none of the five, and of an event that is not documented.
pub(super) const OTHER: &str = "other";

/// One recorded request and its answer: a file of a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    pub(crate) number: u64,
    pub(crate) at: Timestamp,
    pub(crate) offset: Duration,
    pub(crate) api: Option<Api>,
    pub(crate) event: String,
    pub(crate) case_id: Option<CaseId>,
    pub(crate) error: Option<String>,
    /// `true` if a route has told which part of the path is a secret.
    pub(crate) is_path_known: bool,
    pub(crate) request: RecordedMessage,
    pub(crate) cut: Option<Cut>,
    pub(crate) response: Option<RecordedResponse>,
}

/// Head and body of a request or of a response, as they came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RecordedMessage {
    /// First line, without its end: `POST /bot HTTP/1.1`.
    pub(crate) start_line: String,
    /// Names and values in their order. A value that is not UTF-8 was read as ISO-8859-1.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Bytes,
}

impl RecordedMessage {
    /// Returns `true` if the body is longer than what the proxy keeps of an answer. A shorter one
    /// may differ from its length as well, since it was redacted.
    pub(super) fn is_in_part(&self) -> bool {
        const KEPT: usize = 2 << 20;
        let mut headers = self.headers.iter();
        let length = headers.find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
        let length = length.and_then(|(_, length)| length.trim().parse().ok());
        length.is_some_and(|length: usize| length > KEPT.max(self.body.len()))
    }
}

/// Length that a body announced whose rest was not read, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    Announced(u64),
    /// It came in chunks, which announce nothing.
    Unknown,
}

/// Answer to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RecordedResponse {
    pub(crate) status: StatusCode,
    /// Time from the head of the request to the answer, to the millisecond.
    pub(crate) took: Duration,
    /// `true` if the proxy answered by itself, and not the receiver.
    pub(crate) is_of_proxy: bool,
    pub(crate) message: RecordedMessage,
}

impl Exchange {
    /// Creates the exchange of a request of which nothing else is known yet: number 1, at the start
    /// of a recording, without an answer.
    pub(crate) fn of(request: RecordedMessage) -> Self {
        Self {
            number: 1,
            at: Timestamp::MIN,
            offset: Duration::ZERO,
            api: None,
            event: OTHER.to_owned(),
            case_id: None,
            error: None,
            is_path_known: false,
            request,
            cut: None,
            response: None,
        }
    }

    /// Returns its number in the recording, from 1.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Returns the time at which the request came.
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// Returns the time from the start of the recording to the request, to the millisecond.
    pub fn offset(&self) -> Duration {
        self.offset
    }

    /// Returns the API of the request; `None` if it is for none of the five.
    pub fn api(&self) -> Option<Api> {
        self.api
    }

    /// Returns the documented event, type or status; `look-up` for Get Contact, and `other` for
    /// what is not documented.
    pub fn event(&self) -> &str {
        &self.event
    }

    /// Returns the case; `None` if the request names none.
    pub fn case_id(&self) -> Option<&CaseId> {
        self.case_id.as_ref()
    }

    /// Returns the error that a dead letter of an inbox died of; `None` for all else.
    pub fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }

    /// Returns the method of the request.
    pub fn method(&self) -> &str {
        self.request.start_line.split(' ').next().unwrap_or_default()
    }

    /// Returns path and query of the request.
    pub fn target(&self) -> &str {
        self.request.start_line.split(' ').nth(1).unwrap_or_default()
    }

    /// Returns the body of the request, up to where it was read.
    pub fn body(&self) -> &Bytes {
        &self.request.body
    }

    /// Returns the status of the answer; `None` if there was none, since the caller had hung up.
    pub fn status(&self) -> Option<StatusCode> {
        Some(self.response.as_ref()?.status)
    }

    /// Returns `true` if the token was wrong, or there was none.
    pub(super) fn is_refused(&self) -> bool {
        self.status() == Some(StatusCode::UNAUTHORIZED)
    }

    /// Returns the body of the answer; `None` if there was none.
    pub fn answer(&self) -> Option<&Bytes> {
        Some(&self.response.as_ref()?.message.body)
    }

    /// Returns the name of its file: `000007-bot-message.http`.
    pub fn file_name(&self) -> String {
        let api = self.api.map_or(OTHER, Api::as_str);
        format!("{:06}-{api}-{}.http", self.number, self.event)
    }
}

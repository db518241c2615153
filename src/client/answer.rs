//! Answer of a call, and the errors that come as one.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;

use super::call::Call;
use super::error::{ClientError, Failure};
use super::excerpt::excerpt;
use crate::error::DecodeError;
use crate::wire::budget::fits;
use crate::wire::json;
use crate::wire::lenient::Lenient;
use crate::wire::model::Model;

/// Answer of success.
pub(super) struct Answer {
    pub(super) call: Call,
    pub(super) body: Bytes,
    /// Attempts.
    pub(super) made: u32,
}

impl Answer {
    /// Returns the failure that came with the status of a success: an error, as Widget Availability
    /// has it and any call might, or the page of a front end.
    pub(super) fn contradiction(&self) -> Option<Failure> {
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

    /// Returns the bytes of the answer.
    #[cfg(feature = "segment")]
    pub(super) fn body(&self) -> &[u8] {
        &self.body
    }

    /// Parses the JSON document of the answer.
    pub(super) fn read<M: Model + Lenient>(&self, what: &str) -> Result<M, ClientError> {
        self.read_by(|body, odd_fields| json::from_request(what, body, odd_fields))
    }

    /// Parses the answer in a way of its own.
    pub(super) fn read_by<T>(
        &self,
        read: impl FnOnce(&[u8], Option<&mut Vec<&'static str>>) -> Result<T, DecodeError>,
    ) -> Result<T, ClientError> {
        let read = self.call.tally.reading(|odd_fields| read(&self.body, odd_fields));
        read.map_err(|error| self.malformed(error))
    }

    pub(super) fn malformed(&self, error: DecodeError) -> ClientError {
        self.failed(Failure::Malformed { error, excerpt: self.excerpt() })
    }

    /// Returns the error that is inside the answer, with the vendor's number.
    pub(super) fn refused(&self, code: Option<i64>) -> ClientError {
        self.failed(Failure::Refused { code, excerpt: self.excerpt() })
    }

    /// Returns the error of an answer that is no success after all.
    pub(super) fn failed(&self, failure: Failure) -> ClientError {
        let perhaps_done = failure.is_of_a_success();
        self.call.error(failure, self.made, perhaps_done)
    }
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

//! Requests to the face, read once.

use std::error::Error;
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use http::request::Parts;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::refused::Refused;

/// Longest body of a request, in bytes.
const BODY_LIMIT: usize = 1 << 20;

/// Time for all of it to arrive.
const BODY_DEADLINE: Duration = Duration::from_secs(30);

/// Longest time that an answer is waited for, in seconds: longer than any page or test does, and
/// short enough for what forgot to hang up.
const LONGEST_WAIT: f64 = 300.0;

/// Request to the face.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) method: Method,
    /// Decoded, without the first one.
    pub(super) segments: Vec<String>,
    query: Vec<(String, String)>,
    body: Bytes,
    pub(super) head: Parts,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

impl Asked {
    /// Reads a request to its end.
    pub(super) async fn read<B>(head: Parts, body: B) -> Result<Self, Refused>
    where
        B: http_body::Body,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let query = head.uri.query().unwrap_or_default();
        let query = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let segments = segments(head.uri.path())?;
        let body = whole(body).await?;
        Ok(Self { method: head.method.clone(), segments, query, body, head })
    }

    /// Refuses any other method.
    pub(super) fn only(&self, allowed: &[Method]) -> Result<(), Refused> {
        if allowed.contains(&self.method) { Ok(()) } else { Err(Refused::method(allowed)) }
    }

    pub(super) fn path(&self) -> Vec<&str> {
        self.segments.iter().map(String::as_str).collect()
    }

    /// Returns a parameter of the query that is not empty.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(found, _)| found == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// Returns a number from 0, if the parameter is there.
    pub(super) fn number(&self, name: &str) -> Result<Option<u64>, Refused> {
        let number = self.parameter(name).map(str::parse).transpose();
        number.map_err(|_| Refused::malformed(format!("`{name}` is not a number from 0")))
    }

    /// Returns the time that a change may be waited for; `None` if it is not.
    pub(super) fn wait(&self) -> Result<Option<Duration>, Refused> {
        let Some(seconds) = self.parameter("wait") else { return Ok(None) };
        let seconds = seconds.parse().ok().filter(|seconds: &f64| *seconds >= 0.0);
        let seconds = seconds.ok_or_else(|| Refused::malformed("`wait` is not a number from 0"))?;
        Ok(Some(Duration::from_secs_f64(seconds.min(LONGEST_WAIT))))
    }

    /// Reads the body as a JSON object, whatever its content type says; nothing is an empty one.
    ///
    /// The error names the place and the field, and no value.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, Refused> {
        // serde reads a list as an object as well, by the order of its fields.
        if self.body.trim_ascii_start().starts_with(b"[") {
            return Err(Refused::malformed("line 1 column 1: expected an object"));
        }
        self.object_or_list()
    }

    /// Reads the body as JSON, as [`json`](Self::json) does, or several.
    pub(super) fn object_or_list<T: DeserializeOwned>(&self) -> Result<T, Refused> {
        let body = if self.body.trim_ascii().is_empty() { &b"{}"[..] } else { &self.body };
        serde_json::from_slice(body).map_err(|error| Refused::malformed(told(&error)))
    }

    /// Reads the body of a POST, which anything else is not.
    pub(super) fn posted<T: DeserializeOwned>(&self) -> Result<T, Refused> {
        self.only(&[Method::POST])?;
        self.json()
    }

    /// Sees to it that there is nothing in the body of a POST.
    pub(super) fn posted_nothing(&self) -> Result<(), Refused> {
        self.posted::<Nothing>().map(|Nothing {}| ())
    }
}

/// Says what is wrong without the value that is: a body may hold what nobody else is to see.
pub(super) fn told(error: &serde_json::Error) -> String {
    let (line, column) = (error.line(), error.column());
    let text = error.to_string();
    let place = format!(" at line {line} column {column}");
    let is_placed = text.ends_with(&place);
    let text = text.strip_suffix(&place).unwrap_or(&text);
    let has_value = ["invalid type: ", "invalid value: ", "unknown variant "];
    let text = if has_value.iter().any(|start| text.starts_with(start)) {
        text.rfind("expected ").map_or("not as expected", |at| &text[at..])
    } else {
        text
    };
    if is_placed { format!("line {line} column {column}: {text}") } else { text.to_owned() }
}

fn segments(path: &str) -> Result<Vec<String>, Refused> {
    let decode = |segment| percent_decode_str(segment).decode_utf8().map(Into::into);
    let segments: Result<_, _> = path.split('/').skip(2).map(decode).collect();
    segments.map_err(|_| Refused::malformed("the path is not UTF-8"))
}

async fn whole<B>(body: B) -> Result<Bytes, Refused>
where
    B: http_body::Body,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let body = Limited::new(body, BODY_LIMIT).collect();
    let Ok(body) = timeout(BODY_DEADLINE, body).await else { return Err(Refused::too_slow()) };
    match body {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Refused::too_large(BODY_LIMIT)),
        Err(_) => Err(Refused::malformed("the body did not arrive")),
    }
}

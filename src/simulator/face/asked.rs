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
use serde_json::Value;
use tokio::time::timeout;

use super::refused::Refused;
use crate::testing::mismatch::{described, kind, mismatch};

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

    /// Refuses any other parameter of the query: one that is misspelt would choose all, in silence.
    pub(super) fn takes(&self, known: &[&str]) -> Result<(), Refused> {
        let mut names = self.query.iter().map(|(name, _)| name.as_str());
        match names.find(|name| !known.contains(name)) {
            None => Ok(()),
            Some(odd) => Err(Refused::parameter(odd, known)),
        }
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
    /// The error names the field, what was expected and what was met, and no value.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, Refused> {
        let value = self.value()?;
        let place = if value.is_object() { "" } else { "the body: " };
        read(value).map_err(|problem| Refused::malformed(format!("{place}{problem}")))
    }

    /// Reads the body as JSON of any kind; nothing is an empty object.
    pub(super) fn value(&self) -> Result<Value, Refused> {
        let body = if self.body.trim_ascii().is_empty() { &b"{}"[..] } else { &self.body };
        let malformed = |error| Refused::malformed(format!("the body is not JSON: {error}"));
        serde_json::from_slice(body).map_err(malformed)
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

/// Reads an object, or describes what is wrong with it: the field, what was expected and what was
/// met. The value stays out: a body may hold what nobody else is to see.
pub(super) fn read<T: DeserializeOwned>(value: Value) -> Result<T, String> {
    // serde reads a list as an object as well, by the order of its fields.
    if !value.is_object() {
        return Err(mismatch("an object", kind(&value)));
    }
    serde_path_to_error::deserialize(value).map_err(|error| {
        let problem = described(error.inner());
        // What is missing or unknown names its field by itself.
        let names_itself = problem.contains(" field `");
        match error.path().to_string() {
            path if path == "." || names_itself => problem,
            path => format!("`{path}`: {problem}"),
        }
    })
}

/// Reads a text that is one of a few.
pub(super) fn one_of<T>(
    field: &str,
    text: &str,
    known: impl IntoIterator<Item = (&'static str, T)>,
) -> Result<T, Refused> {
    let mut names = Vec::new();
    for (name, value) in known {
        if name == text {
            return Ok(value);
        }
        names.push(format!("`{name}`"));
    }
    let names = names.join(", ");
    Err(Refused::malformed(format!("`{field}`: expected one of {names}, found another text")))
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

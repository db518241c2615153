//! Changes to requests, before they are sent.

mod json;
mod query;
mod xml;

use std::error::Error;
use std::fmt;
use std::str::FromStr;

use serde_json::Value;

use super::exchange::Exchange;
use crate::api::Api;
use crate::error::debug_is_text;

/// Another value of a field in a request: `text=Hello`.
///
/// A field is named by its path: `text`, `geo.city`, `transcripts.0.message`. In XML, that is an
/// element below the root, and a number counts the elements in one; in a request of Get Contact it
/// is a parameter of the query. A value that is JSON is taken as such, any other as text. A field
/// that is missing is added.
///
/// ```
/// use snapengage::record::FieldChange;
///
/// assert!("transcripts.0.message=Hello?".parse::<FieldChange>().is_ok());
/// assert!("text".parse::<FieldChange>().is_err());
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct FieldChange {
    name: String,
    value: Value,
}

impl FieldChange {
    /// Changes a field to this value.
    pub fn new(name: impl Into<String>, value: impl Into<Value>) -> Self {
        Self { name: name.into(), value: value.into() }
    }

    /// Changes a request, or returns the reason why it cannot be changed so.
    pub(super) fn apply(&self, exchange: &mut Exchange) -> Result<(), String> {
        if exchange.api() == Some(Api::Contact) || exchange.method() == "GET" {
            self.apply_to_query(exchange);
            return Ok(());
        }
        let body = &exchange.request.body;
        let changed = match serde_json::from_slice(body) {
            Ok(json) => json::set(json, &self.steps(), self.value.clone()),
            Err(_) if is_xml(body) => xml::set(body, &self.steps(), &self.text()),
            Err(_) => Err("the body is neither JSON nor XML".to_owned()),
        };
        exchange.request.body = changed.map_err(|problem| self.problem(&problem))?.into();
        Ok(())
    }

    fn apply_to_query(&self, exchange: &mut Exchange) {
        let mut parts = exchange.request.start_line.split(' ').map(str::to_owned);
        let (method, target) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let target = query::set(&target, &self.name, &self.text());
        let rest: Vec<_> = [method, target].into_iter().chain(parts).collect();
        exchange.request.start_line = rest.join(" ");
    }

    fn steps(&self) -> Vec<&str> {
        self.name.split('.').collect()
    }

    /// Returns the value where there is only text.
    fn text(&self) -> String {
        match &self.value {
            Value::String(text) => text.clone(),
            Value::Null => String::new(),
            value => value.to_string(),
        }
    }

    fn problem(&self, problem: &str) -> String {
        format!("`{}` cannot be set: {problem}", self.name)
    }
}

fn is_xml(body: &[u8]) -> bool {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    body.trim_ascii_start().starts_with(b"<")
}

impl FromStr for FieldChange {
    type Err = FieldChangeError;

    /// Reads `NAME=VALUE`.
    fn from_str(text: &str) -> Result<Self, FieldChangeError> {
        let (name, value) = text.split_once('=').ok_or(FieldChangeError(()))?;
        if name.is_empty() || name.split('.').any(str::is_empty) {
            return Err(FieldChangeError(()));
        }
        let json: Option<Value> = serde_json::from_str(value).ok();
        let value = json.unwrap_or_else(|| value.into());
        Ok(Self::new(name, value))
    }
}

/// Text that is not `NAME=VALUE`.
pub struct FieldChangeError(());

impl fmt::Display for FieldChangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("change of a field: expected `NAME=VALUE`, such as `geo.city=Berlin`")
    }
}

debug_is_text!(FieldChangeError);

impl Error for FieldChangeError {}

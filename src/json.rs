//! Reads the JSON bodies of every API.

use std::marker::PhantomData;

use serde::Deserializer;

use crate::error::DecodeError;
use crate::model::{Model, ModelVisitor};

const BOM: &[u8] = b"\xef\xbb\xbf";

/// Reads one JSON object. `what` is the start of the error's text.
pub(crate) fn from_json<M: Model>(what: &str, body: &[u8]) -> Result<M, DecodeError> {
    let text = text(what, body)?;
    if !text.trim_ascii_start().starts_with('{') {
        return Err(DecodeError::new(what, "expected a JSON object"));
    }
    let mut json = serde_json::Deserializer::from_str(text);
    json.deserialize_map(ModelVisitor(PhantomData))
        .and_then(|model| json.end().map(|()| model))
        .map_err(|error| DecodeError::new(what, error))
}

/// The body as text, without a byte order mark.
pub(crate) fn text<'a>(what: &str, body: &'a [u8]) -> Result<&'a str, DecodeError> {
    let body = without_bom(body);
    str::from_utf8(body)
        .map_err(|error| DecodeError::at(what, "invalid UTF-8", &body[..error.valid_up_to()]))
}

pub(crate) fn without_bom(body: &[u8]) -> &[u8] {
    body.strip_prefix(BOM).unwrap_or(body)
}

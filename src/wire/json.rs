//! Reads the JSON bodies of every API.

use std::marker::PhantomData;

use serde::Deserializer;

use super::charset::{is_utf_16, without_bom};
use super::decoded::{Decoded, note_odd_fields};
use super::lenient::{Lenient, were_digits_lost};
use super::mend::{Mended, mend, place_in_body};
use super::model::{Model, ModelVisitor};
use crate::error::DecodeError;

/// Parses one JSON object. `what` is the start of the error's text.
pub(crate) fn from_json<M: Model>(what: &str, body: &[u8]) -> Result<M, DecodeError> {
    match as_it_is(body) {
        Some(model) => Ok(model),
        None => mended(what, body).map(|decoded| decoded.model),
    }
}

/// Parses one JSON object of a request, logs the names of its odd fields, and lists them for
/// whoever wants them.
pub(crate) fn from_request<M: Model + Lenient>(
    what: &str,
    body: &[u8],
    odd_fields: Option<&mut Vec<&'static str>>,
) -> Result<M, DecodeError> {
    let Some(model) = as_it_is(body) else {
        return mended(what, body).map(|decoded| decoded.logged(odd_fields));
    };
    note_odd_fields(&model, odd_fields);
    Ok(model)
}

/// Parses one JSON object, and returns its flaws as well.
pub(crate) fn decode<M: Model>(what: &str, body: &[u8]) -> Result<Decoded<M>, DecodeError> {
    match as_it_is(body) {
        Some(model) => Ok(Decoded { model, has_replacements: false }),
        None => mended(what, body),
    }
}

/// Parses JSON that needs no mending.
#[inline]
fn as_it_is<M: Model>(body: &[u8]) -> Option<M> {
    let text = str::from_utf8(without_bom(body)).ok().filter(|text| is_object(text))?;
    let mut json = serde_json::Deserializer::from_str(text);
    let read = json.deserialize_map(ModelVisitor(PhantomData));
    let is_whole = json.end().is_ok() && !were_digits_lost();
    // Not mapped: an event is large, and is not moved more often than it must be.
    read.ok().filter(|_| is_whole)
}

/// Parses JSON that cannot be read as it is, or not to the digit.
#[cold]
fn mended<M: Model>(what: &str, body: &[u8]) -> Result<Decoded<M>, DecodeError> {
    let body = without_bom(body);
    if is_utf_16(body) {
        return Err(DecodeError::new(what, "expected UTF-8, found UTF-16"));
    }
    let Mended { text, has_replacements } = mend(body);
    if !is_object(&text) {
        return Err(DecodeError::new(what, "expected a JSON object"));
    }
    let read = read(&text).map_err(|error| in_body(what, body, &text, &error));
    were_digits_lost();
    Ok(Decoded { model: read?, has_replacements })
}

/// Reads one JSON text, quotes included, and mends it if needed.
pub(crate) fn read_text(quoted: &[u8]) -> Option<String> {
    serde_json::from_str(&mend(quoted).text).ok()
}

fn is_object(text: &str) -> bool {
    text.trim_ascii_start().starts_with('{')
}

fn read<M: Model>(text: &str) -> serde_json::Result<M> {
    let mut json = serde_json::Deserializer::from_str(text);
    let model = json.deserialize_map(ModelVisitor(PhantomData))?;
    json.end()?;
    Ok(model)
}

/// Returns the error with its place in the body as it was sent, before it was mended.
fn in_body(what: &str, body: &[u8], text: &str, error: &serde_json::Error) -> DecodeError {
    let problem = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    let Some(problem) = problem.strip_suffix(&place) else {
        return DecodeError::new(what, problem);
    };
    let lines = text.split_inclusive('\n').take(error.line().saturating_sub(1));
    let end = lines.map(str::len).sum::<usize>() + error.column();
    let end = place_in_body(body, end).min(body.len());
    DecodeError::at(what, problem, &body[..end])
}

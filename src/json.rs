//! Reads the JSON bodies of every API.

use std::marker::PhantomData;

use serde::Deserializer;

use crate::charset::BOM;
use crate::error::DecodeError;
use crate::lenient::{Lenient, noting_lost_digits, warn_of_odd_fields, warn_of_replacements};
use crate::mend::{Mended, mend, place_in_body};
use crate::model::{Model, ModelVisitor};

/// A body that was read.
pub(crate) struct Decoded<M> {
    pub(crate) model: M,
    /// Whether a character could not be read, and U+FFFD stands in its place.
    pub(crate) has_replacements: bool,
}

impl<M: Lenient> Decoded<M> {
    /// The model, once the log has the names of its odd fields.
    pub(crate) fn logged(self) -> M {
        warn_of_odd_fields(&self.model);
        if self.has_replacements {
            warn_of_replacements(&self.model);
        }
        self.model
    }
}

/// Reads one JSON object. `what` is the start of the error's text.
pub(crate) fn from_json<M: Model>(what: &str, body: &[u8]) -> Result<M, DecodeError> {
    decode(what, body).map(|decoded| decoded.model)
}

/// Reads one JSON object of a request, and has the names of its odd fields in the log.
pub(crate) fn from_request<M: Model + Lenient>(what: &str, body: &[u8]) -> Result<M, DecodeError> {
    decode(what, body).map(Decoded::logged)
}

/// Reads one JSON object. One that cannot be read as it is, or not to the digit, is mended first.
pub(crate) fn decode<M: Model>(what: &str, body: &[u8]) -> Result<Decoded<M>, DecodeError> {
    let body = without_bom(body);
    if let Ok(text) = str::from_utf8(body)
        && is_object(text)
        && let (Ok(model), false) = noting_lost_digits(|| read(text))
    {
        return Ok(Decoded { model, has_replacements: false });
    }
    if is_utf_16(body) {
        return Err(DecodeError::new(what, "expected UTF-8, found UTF-16"));
    }
    let Mended { text, has_replacements } = mend(body);
    if !is_object(&text) {
        return Err(DecodeError::new(what, "expected a JSON object"));
    }
    match read(&text) {
        Ok(model) => Ok(Decoded { model, has_replacements }),
        Err(error) => Err(in_body(what, body, &text, &error)),
    }
}

/// Reads one JSON text, quotes included, mended where that is needed.
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

/// The error with its place in the body as it was sent, before it was mended.
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

/// Whether a body seems to be UTF-16, with a byte order mark or without one.
pub(crate) fn is_utf_16(body: &[u8]) -> bool {
    matches!(body, [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, _, ..] | [_, 0, ..])
}

pub(crate) fn without_bom(body: &[u8]) -> &[u8] {
    body.strip_prefix(BOM).unwrap_or(body)
}

//! Body that was parsed, and the warnings of one that is not as documented.

use std::collections::BTreeSet;

use serde_json::Value;

use super::lenient::{Lenient, to_value};
use crate::panics::log_safely;

/// Body that was parsed.
pub(crate) struct Decoded<M> {
    pub(crate) model: M,
    /// `true` if a character could not be read, and U+FFFD is in its place.
    pub(crate) has_replacements: bool,
}

impl<M: Lenient> Decoded<M> {
    /// Returns the model, after logging the names of its odd fields, and listing them for whoever
    /// wants them.
    pub(crate) fn logged(self, odd_fields: Option<&mut Vec<&'static str>>) -> M {
        if self.has_replacements {
            warn_of_replacements(&self.model);
        }
        note_odd_fields(&self.model, odd_fields);
        self.model
    }
}

/// Logs one line for all the odd fields of an event, by name and never by value, and lists the
/// names for whoever wants them.
pub(super) fn note_odd_fields(event: &impl Lenient, listed: Option<&mut Vec<&'static str>>) {
    let is_logged = tracing::enabled!(tracing::Level::WARN);
    if !is_logged && listed.is_none() {
        return;
    }
    let mut fields = Vec::new();
    event.odd_fields(&mut |field| {
        if !fields.contains(&field) {
            fields.push(field);
        }
    });
    if is_logged && !fields.is_empty() {
        let what = "fields not of the documented type, or that came twice, are kept in extra";
        let fields = fields.join(", ");
        log_safely(|| tracing::warn!(fields, "{what}"));
    }
    if let Some(listed) = listed {
        *listed = fields;
    }
}

/// Logs one line for all the fields in which U+FFFD stands for what could not be read, by name and
/// never by value. A name that is not documented is the sender's, and not logged either.
fn warn_of_replacements(event: &impl Lenient) {
    if !tracing::enabled!(tracing::Level::WARN) {
        return;
    }
    let Value::Object(object) = to_value(event) else { return };
    let mut fields = BTreeSet::new();
    for (name, value) in &object {
        if name.contains(char::REPLACEMENT_CHARACTER) || has_replacement(value) {
            let documented = event.names().iter().find(|known| *known == name);
            fields.insert(*documented.unwrap_or(&"extra"));
        }
    }
    if !fields.is_empty() {
        let fields = Vec::from_iter(fields).join(", ");
        log_safely(|| tracing::warn!(fields, "characters that cannot be read became U+FFFD"));
    }
}

fn has_replacement(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains(char::REPLACEMENT_CHARACTER),
        Value::Array(values) => values.iter().any(has_replacement),
        Value::Object(object) => object.iter().any(|(name, value)| {
            name.contains(char::REPLACEMENT_CHARACTER) || has_replacement(value)
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

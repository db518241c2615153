//! Recorded requests for a mutator.

use std::collections::HashSet;

use serde_json::Value;

use super::error::RecordingError;
use super::exchange::Exchange;
use super::recording::Recording;
use crate::api::Api;
use crate::receiver::Receiver;
use crate::testing::Mutator;

impl Recording {
    /// Returns a [`Mutator`] that sends these requests in place of the samples: intact, and spoilt.
    ///
    /// Those are sent that were answered with a success, and of those with the same fields the
    /// first: thousands of requests are made of each.
    ///
    /// ```no_run
    /// use snapengage::record::{Recording, RecordingError};
    /// use snapengage::{Api, Receiver};
    ///
    /// # async fn example(receiver: &Receiver) -> Result<(), RecordingError> {
    /// let recording = Recording::open("recordings/2026-11-25")?;
    /// let mutator = recording.mutate(receiver)?.route(Api::Bot, "/bot", "my-token");
    /// mutator.run().await.assert_clean();
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// If a file cannot be read.
    pub fn mutate(&self, receiver: &Receiver) -> Result<Mutator, RecordingError> {
        let mut mutator = Mutator::new(receiver.clone()).without_samples();
        let mut shapes = HashSet::new();
        for (name, exchange) in self.named() {
            let exchange = exchange?;
            let Some((api, payload)) = accepted(&exchange) else { continue };
            if shapes.insert((api, shape(payload))) {
                mutator = mutator.request(api, name, payload);
            }
        }
        Ok(mutator)
    }
}

/// Returns API and payload of a request that was answered with a success.
fn accepted(exchange: &Exchange) -> Option<(Api, &[u8])> {
    let api = exchange.api()?;
    exchange.status().filter(http::StatusCode::is_success)?;
    if api == Api::Contact {
        return Some((api, exchange.target().split_once('?')?.1.as_bytes()));
    }
    Some((api, &exchange.body()[..])).filter(|(_, body)| !body.is_empty())
}

/// Returns the names of all that is in a payload, without the values, but for its event.
fn shape(payload: &[u8]) -> Vec<String> {
    let mut names = Vec::new();
    match serde_json::from_slice(payload) {
        Ok(json) => fields("", &json, &mut names),
        // The tags of XML, or the parameters of a query.
        Err(_) => {
            let text = String::from_utf8_lossy(payload);
            let words = text.split(['<', '&']).map(|part| {
                part.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default()
            });
            names.extend(words.map(str::to_owned));
        }
    }
    names.sort_unstable();
    names.dedup();
    names
}

fn fields(at: &str, value: &Value, names: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                fields(&format!("{at}/{name}"), value, names);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| fields(at, value, names)),
        Value::String(text) if matches!(at, "/event" | "/status" | "/type") => {
            names.push(format!("{at} {text}"));
        }
        _ => names.push(at.to_owned()),
    }
}

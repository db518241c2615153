//! Payloads as the tests of the APIs want them.

use serde_json::Value;

use crate::support::requests::text;
use crate::support::sample;

/// `sample-payloads/<path>` as JSON.
#[track_caller]
pub(crate) fn sample_json(path: &str) -> Value {
    parse(&sample(path))
}

/// What follows the `?` in a sample of Get Contact, `GET https://host/path?query`.
#[track_caller]
pub(crate) fn sample_query(path: &str) -> String {
    let request = text(&sample(path)).trim().to_owned();
    let (_, query) = request.split_once('?').expect("a sample with a query");
    query.to_owned()
}

#[track_caller]
pub(crate) fn parse(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).expect("JSON")
}

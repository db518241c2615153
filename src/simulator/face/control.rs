//! Requests that are not of one chat: rules, faults, time, and all at once.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Face;
use super::asked::{Asked, read};
use super::overview::overview;
use super::refused::Refused;
use super::reply::FaceReply;
use crate::simulator::chosen::choices;
use crate::simulator::fault::Fault;

/// Most faults at a time: each is asked at every request.
const MOST_FAULTS: usize = 1000;

/// Longest time to pass at once, in seconds: a year.
const LONGEST: f64 = 366.0 * 24.0 * 60.0 * 60.0;

/// Requests and their fields, for those who have the program alone.
const REQUESTS: &str = concat!(include_str!("face.md"), "\n", include_str!("fields.md"));

/// `GET /_/`.
pub(super) fn requests(asked: &Asked) -> Result<FaceReply, Refused> {
    asked.only(&[Method::GET])?;
    let text = HeaderValue::from_static("text/plain; charset=utf-8");
    Ok(FaceReply::new(text, Bytes::from_static(REQUESTS.as_bytes())))
}

/// `GET /_/explain`.
pub(super) fn explain(asked: &Asked) -> Result<FaceReply, Refused> {
    asked.only(&[Method::GET])?;
    Ok(FaceReply::json(&choices()))
}

/// `/_/faults`.
pub(super) fn faults(face: &Face, asked: &Asked) -> Result<FaceReply, Refused> {
    let simulator = &face.simulator;
    asked.only(&[Method::GET, Method::POST, Method::DELETE])?;
    match asked.method {
        Method::POST => {
            let faults = rules(asked.value()?)?;
            if simulator.faults().len() + faults.len() > MOST_FAULTS {
                return Err(Refused::full("there are too many faults"));
            }
            faults.into_iter().for_each(|fault| simulator.fault(fault));
        }
        Method::DELETE => simulator.clear_faults(),
        _ => return Ok(FaceReply::json(&simulator.faults())),
    }
    face.world_changed();
    Ok(FaceReply::json(&simulator.faults()))
}

/// Reads one fault, or a list of them.
fn rules(value: Value) -> Result<Vec<Fault>, Refused> {
    let rules = match value {
        Value::Array(rules) => rules,
        rule => vec![rule],
    };
    let fault = |(n, rule)| {
        read(rule).map_err(|problem| Refused::malformed(format!("fault {}: {problem}", n + 1)))
    };
    rules.into_iter().enumerate().map(fault).collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    seconds: f64,
}

/// `POST /_/time/advance`.
pub(super) async fn advance(face: &Face, asked: &Asked) -> Result<FaceReply, Refused> {
    let Advance { seconds } = asked.posted()?;
    if !(0.0..=LONGEST).contains(&seconds) {
        return Err(Refused::malformed(format!("`seconds`: expected 0 to {LONGEST}")));
    }
    face.simulator.advance(Duration::from_secs_f64(seconds)).await;
    face.world_changed();
    Ok(FaceReply::json(&json!({ "now": face.simulator.now().as_millis() })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reset {
    seed: Option<u64>,
}

/// `POST /_/reset`.
pub(super) fn reset(face: &Face, asked: &Asked) -> Result<FaceReply, Refused> {
    let Reset { seed } = asked.posted()?;
    face.simulator.reset(seed);
    Ok(FaceReply::json(&json!({ "now": face.simulator.now().as_millis() })))
}

/// `GET /_/world`.
pub(super) fn world(face: &Face, asked: &Asked) -> Result<FaceReply, Refused> {
    asked.only(&[Method::GET])?;
    Ok(FaceReply::json(&overview(&face.simulator)))
}

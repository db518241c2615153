//! The verb `send`: one request to a receiver.

use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use clap::{Args, value_parser};
use serde_json::{Value, json};
use snapengage::record::{FieldChange, Recording, RemoteReceiver, Replayed};
use snapengage::testing::{Sample, samples};

use super::Outcome;
use super::output::{self, legible};

/// Sends a sample, or a file of your own, to a receiver, and shows the answer.
///
/// Exit status 1 if the answer is no success, or for a file of a recording, not the recorded one.
#[derive(Args)]
#[command(override_usage = USAGE)]
pub(crate) struct SendArgs {
    /// Name of a sample, as `--list` has it, such as bot/message.json; or a file: a body of JSON or
    /// XML, a line `GET address?query`, or a file of a recording.
    #[arg(value_name = "SAMPLE|FILE", required_unless_present = "list")]
    request: Option<String>,
    /// Address to send it to. Without a path, that of the recording is taken, or the one that is
    /// named after the API: /bot.
    #[arg(long = "to", value_name = "URL", required_unless_present = "list")]
    address: Option<String>,
    /// Token of the receiver.
    #[arg(long, env = "SNAPENGAGE_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// Sets a field: text=Hello, geo.city=Berlin, transcripts.0.message=Hi. May be repeated.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    changes: Vec<FieldChange>,
    /// Number of times it is sent.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = value_parser!(u32).range(1..))]
    repeat: u32,
    /// Gives the case a new id, each time.
    #[arg(long)]
    fresh_ids: bool,
    /// Lists the samples.
    #[arg(long, conflicts_with_all = ["request", "address"])]
    list: bool,
    /// Writes JSON instead of text.
    #[arg(long)]
    json: bool,
}

const USAGE: &str = "snapengage send [OPTIONS] <SAMPLE|FILE> --to <URL>\n       \
    snapengage send --list";

pub(crate) async fn run(args: SendArgs) -> Outcome<ExitCode> {
    let (Some(request), Some(address)) = (&args.request, &args.address) else {
        return list(args.json);
    };
    let recording = recording(request)?;
    let receiver = RemoteReceiver::at(address)?;
    let mut is_same = true;
    for _ in 0..args.repeat {
        let answer = Arc::new(Mutex::new(None));
        let mut playback = recording.replay(&receiver);
        if let Some(token) = &args.token {
            playback = playback.token(token);
        }
        if receiver.has_path() {
            playback = playback.every_path("/");
        }
        for change in &args.changes {
            playback = playback.set(change.clone());
        }
        if args.fresh_ids {
            playback = playback.fresh_ids();
        }
        let taken = Arc::clone(&answer);
        let report = playback.on_each(move |replayed| {
            *taken.lock().unwrap_or_else(PoisonError::into_inner) = Some(replayed.clone());
        });
        let report = report.await;
        if let Some(stopped) = report.stopped() {
            return Err(stopped.into());
        }
        is_same &= report.is_same();
        let answer = answer.lock().unwrap_or_else(PoisonError::into_inner).take();
        let answer = answer.ok_or("nothing was sent")?;
        if answer.status().is_none() {
            return Err(answer.problem().unwrap_or("no answer").into());
        }
        output::print(&if args.json { as_json(&answer)? } else { as_text(&answer) })?;
    }
    Ok(if is_same { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn list(is_json: bool) -> Outcome<ExitCode> {
    let names: Vec<_> = samples().iter().map(Sample::name).collect();
    output::print(&if is_json { output::json(&names)? } else { names.join("\n") + "\n" })?;
    Ok(ExitCode::SUCCESS)
}

/// Returns the request of a sample or of a file; a sample goes first.
fn recording(request: &str) -> Outcome<Recording> {
    if let Some(sample) = samples().iter().find(|sample| sample.name() == request) {
        return Ok(Recording::sample(sample));
    }
    let path = Path::new(request);
    if path.extension().is_some_and(|extension| extension == "http") {
        return Ok(Recording::open(path)?);
    }
    let payload = fs::read(path).map_err(|error| {
        format!("{request}: neither a sample, as `send --list` has them, nor a file: {error}")
    })?;
    Ok(Recording::payload(request, &payload))
}

fn as_text(answer: &Replayed) -> String {
    let status = answer.status().map(|status| status.to_string()).unwrap_or_default();
    let mut text = format!("{status} in {} ms\n", answer.took().as_millis());
    text.extend(body(answer).lines().map(|line| legible(line) + "\n"));
    text
}

fn body(answer: &Replayed) -> String {
    match serde_json::from_slice::<Value>(answer.answer()) {
        Ok(json) => format!("{json:#}"),
        Err(_) => String::from_utf8_lossy(answer.answer()).into_owned(),
    }
}

fn as_json(answer: &Replayed) -> Outcome<String> {
    let body = answer.answer();
    let value = serde_json::from_slice::<Value>(body);
    output::json_line(&json!({
        "status": answer.status().map(|status| status.as_u16()),
        "ms": u64::try_from(answer.took().as_millis())?,
        "body": value.unwrap_or_else(|_| String::from_utf8_lossy(body).into()),
        "problem": answer.problem(),
    }))
}

//! The verb `replay`: recordings, samples and chat scripts, sent to a receiver.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory};
use http::Request;
use serde_json::{Value, json};
use snapengage::record::{
    FieldChange, Playback, PlaybackReport, Recording, RemoteReceiver, Replayed,
};
use snapengage::testing::Script;
use snapengage::{Api, Timestamp};

use super::output::{self, legible};
use super::{Cli, Outcome};

/// Sends what was recorded to a receiver, and compares its answers with the recorded ones.
///
/// A line for each request says whether it was answered as recorded. Exit status 1, with the
/// differences, if one was not.
#[derive(Args)]
#[command(override_usage = USAGE)]
pub(crate) struct ReplayArgs {
    /// Recordings: folders, with all that is below them, and files; `samples`, the documented
    /// requests of all APIs; chat scripts, which end in .chat. Then the address of the receiver,
    /// such as http://127.0.0.1:8080.
    #[arg(required = true, value_name = "DIR|FILE|samples|SCRIPT.chat")]
    sources: Vec<String>,
    /// Token of the receiver.
    #[arg(long, env = "SNAPENGAGE_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// Path of an API, in place of the recorded one: bot=/hooks/bot. May be repeated. Samples are
    /// sent to the path that is named after their API: /bot.
    #[arg(long = "path", value_name = "API=PATH", value_parser = api_path)]
    paths: Vec<(Api, String)>,
    /// Only the requests of this API: api=bot. May be repeated.
    #[arg(long, value_name = "api=A", value_parser = only)]
    only: Vec<Api>,
    /// Keeps the gaps between the requests, divided by this. Without it, there are none.
    #[arg(long, value_name = "N", value_parser = speed)]
    speed: Option<f64>,
    /// Sets a field of each request: text=Hello, geo.city=Berlin. May be repeated.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    changes: Vec<FieldChange>,
    /// Gives each case a new id, so that the receiver knows none of them.
    #[arg(long)]
    fresh_ids: bool,
    /// Writes the chats with bots into this folder, as chat scripts, and sends nothing.
    #[arg(long, value_name = "OUT")]
    to_scripts: Option<PathBuf>,
    /// Writes JSON instead of lines.
    #[arg(long)]
    json: bool,
}

const USAGE: &str = "snapengage replay [OPTIONS] <DIR|FILE|samples|SCRIPT.chat>... <URL>\n       \
    snapengage replay --to-scripts <OUT> <DIR|FILE>...";

/// APIs by their names.
const APIS: [Api; 5] =
    [Api::Integration, Api::Bot, Api::Conversation, Api::AgentStatus, Api::Contact];

fn api(name: &str) -> Result<Api, String> {
    let found = APIS.into_iter().find(|api| api.as_str() == name);
    found.ok_or_else(|| format!("expected one of {}", APIS.map(Api::as_str).join(", ")))
}

fn api_path(text: &str) -> Result<(Api, String), String> {
    let (name, path) = text.split_once('=').ok_or("expected API=PATH")?;
    if !path.starts_with('/') {
        return Err("expected a path that begins with `/`".to_owned());
    }
    Ok((api(name)?, path.to_owned()))
}

fn only(text: &str) -> Result<Api, String> {
    api(text.strip_prefix("api=").unwrap_or(text))
}

fn speed(text: &str) -> Result<f64, String> {
    let speed = text.parse().ok().filter(|speed: &f64| *speed > 0.0 && speed.is_finite());
    speed.ok_or_else(|| "expected a number of more than zero".to_owned())
}

pub(crate) async fn run(mut args: ReplayArgs) -> Outcome<ExitCode> {
    if let Some(folder) = &args.to_scripts {
        args.sources.retain(|source| !is_address(source));
        return to_scripts(&args.recording()?, folder, args.json);
    }
    let address = args.sources.pop().filter(|source| is_address(source));
    let (Some(address), false) = (address, args.sources.is_empty()) else {
        let problem = "the last argument is to be the address of the receiver: http://…";
        let mut cli = Cli::command();
        let verb = cli.find_subcommand_mut("replay").expect("this one");
        verb.error(ErrorKind::MissingRequiredArgument, problem).exit();
    };
    let receiver = RemoteReceiver::at(&address)?;
    let (recording, json) = (args.recording()?, args.json);
    let mut report = None;
    if !recording.is_empty() {
        report = Some(args.playback(&recording, &receiver).on_each(say(json)).await);
    }
    let mut scripts = Vec::new();
    for script in args.sources.iter().filter(|source| is_script(source)) {
        scripts.push((script.as_str(), args.run_script(&receiver, script).await?));
    }
    conclude(report.as_ref(), &scripts, json)
}

fn is_address(text: &str) -> bool {
    text.starts_with("http://") || text.starts_with("https://")
}

fn is_script(source: &str) -> bool {
    Path::new(source).extension().is_some_and(|extension| extension == "chat")
}

/// Prints a line for each request, with the difference if there is one.
fn say(json: bool) -> impl FnMut(&Replayed) + Send {
    move |replayed| {
        let verdict = if replayed.problem().is_none() { "ok" } else { "FAILED" };
        let lines = replayed.to_string();
        let lines: Vec<_> = lines.lines().map(legible).collect();
        if !json {
            // Whoever reads it may have gone.
            let _ = output::print(&format!("{verdict:6}  {}\n", lines.join("\n")));
        }
    }
}

/// Difference of a chat from its script.
type ScriptOutcome = Result<String, String>;

impl ReplayArgs {
    fn recording(&self) -> Outcome<Recording> {
        let mut recording = Recording::default();
        for source in self.sources.iter().filter(|source| !is_script(source)) {
            let next = match source.as_str() {
                "samples" => Recording::samples(),
                path => Recording::open(path)?,
            };
            recording = recording.and(next);
        }
        Ok(recording)
    }

    fn playback<'r>(&self, recording: &'r Recording, receiver: &RemoteReceiver) -> Playback<'r> {
        let mut playback = recording.replay(receiver);
        if let Some(token) = &self.token {
            playback = playback.token(token);
        }
        for (api, path) in &self.paths {
            playback = playback.path(*api, path);
        }
        for api in &self.only {
            playback = playback.only(*api);
        }
        if let Some(speed) = self.speed {
            playback = playback.speed(speed);
        }
        for change in &self.changes {
            playback = playback.set(change.clone());
        }
        if self.fresh_ids { playback.fresh_ids() } else { playback }
    }

    /// Runs a chat script in a conversation that is new to the bot, and returns the chat.
    async fn run_script(&self, receiver: &RemoteReceiver, file: &str) -> Outcome<ScriptOutcome> {
        let text = fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
        let script = Script::parse(&text).map_err(|error| format!("{file}: {error}"))?;
        let path = self.paths.iter().rev().find(|(api, _)| *api == Api::Bot);
        let path = path.map_or("/bot", |(_, path)| path);
        let now = Timestamp::now().as_millis();
        let mut chat = script.replay(format!("replay-{now}-{}", std::process::id()));
        loop {
            let body = match chat.next_request() {
                Ok(Some(body)) => body,
                Ok(None) => return Ok(Ok(chat.transcript().to_owned())),
                Err(mismatch) => return Ok(Err(mismatch.to_string())),
            };
            let mut request = Request::post(path);
            if let Some(token) = &self.token {
                request = request.header("Authorization", token);
            }
            let answer = receiver.send(request.body(body.into())?).await?;
            if let Err(mismatch) = chat.check(answer.status(), answer.body()) {
                return Ok(Err(mismatch.to_string()));
            }
        }
    }
}

fn conclude(
    report: Option<&PlaybackReport>,
    scripts: &[(&str, ScriptOutcome)],
    json: bool,
) -> Outcome<ExitCode> {
    let is_same = report.is_none_or(PlaybackReport::is_same);
    let is_as_written = scripts.iter().all(|(_, outcome)| outcome.is_ok());
    if json {
        output::print(&output::json(&as_json(report, scripts))?)?;
    } else {
        for (_, chat) in scripts {
            chat.as_ref().map_or(Ok(()), |chat| output::print(&legible_lines(chat)))?;
        }
        report.map_or(Ok(()), |report| output::print(&summary(report)))?;
    }
    if let Some(stopped) = report.and_then(PlaybackReport::stopped) {
        return Err(stopped.into());
    }
    let differing =
        scripts.iter().find_map(|(file, outcome)| Some((file, outcome.as_ref().err()?)));
    if let Some((file, problem)) = differing.filter(|_| !json) {
        return Err(format!("{file}: {}", legible_lines(problem).trim_end()).into());
    }
    Ok(if is_same && is_as_written { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn summary(report: &PlaybackReport) -> String {
    let (sent, failed) = (report.sent(), report.differing());
    match report.left_out() {
        0 => format!("{sent} requests sent, {failed} failed\n"),
        left_out => format!("{sent} requests sent, {failed} failed, {left_out} left out\n"),
    }
}

fn legible_lines(text: &str) -> String {
    text.lines().map(|line| legible(line) + "\n").collect()
}

fn as_json(report: Option<&PlaybackReport>, scripts: &[(&str, ScriptOutcome)]) -> Value {
    let differences = report.map(PlaybackReport::differences).unwrap_or_default().iter();
    let differences: Vec<_> = differences
        .map(|replayed| {
            json!({
                "request": replayed.name(),
                "status": replayed.status().map(|status| status.as_u16()),
                "problem": replayed.problem(),
            })
        })
        .collect();
    let scripts: Vec<_> = scripts
        .iter()
        .map(|(file, outcome)| json!({ "script": file, "problem": outcome.as_ref().err() }))
        .collect();
    json!({
        "sent": report.map_or(0, PlaybackReport::sent),
        "failed": report.map_or(0, PlaybackReport::differing),
        "left_out": report.map_or(0, PlaybackReport::left_out),
        "differences": differences,
        "stopped": report.and_then(PlaybackReport::stopped),
        "scripts": scripts,
    })
}

fn to_scripts(recording: &Recording, folder: &Path, json: bool) -> Outcome<ExitCode> {
    let mut files = Vec::new();
    for chat in recording.chats()? {
        files.push(chat.save_script(folder)?.display().to_string());
    }
    output::print(&if json {
        output::json(&json!({ "scripts": files }))?
    } else {
        files.iter().map(|file| legible(file) + "\n").collect()
    })?;
    Ok(ExitCode::SUCCESS)
}

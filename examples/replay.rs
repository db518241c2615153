//! Sends every file of sample-payloads/ to a running receiver, each to the path of its API.
//!
//! ```sh
//! SNAPENGAGE_TOKEN=my-token cargo run --example receiver
//!
//! cargo run --example replay -- http://127.0.0.1:8080 --token my-token
//! ```
//!
//! With the feature `testing`, it runs a chat script against the bot at `/bot` instead, and prints
//! the chat:
//!
//! ```sh
//! SNAPENGAGE_TOKEN=my-token cargo run --example faq_bot
//!
//! cargo run --features testing --example replay -- http://127.0.0.1:8080 \
//!     --token my-token --script examples/scripts/faq.chat
//! ```

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use snapengage::Api;
use ureq::Agent;
use ureq::http::StatusCode;

const SAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/sample-payloads");

/// APIs, whose names are the folders of the samples and the paths of the receiver.
const APIS: [Api; 5] =
    [Api::Integration, Api::Bot, Api::Conversation, Api::AgentStatus, Api::Contact];

/// Sends every sample to a running receiver.
#[derive(Parser)]
struct Args {
    /// Address of the receiver, such as http://127.0.0.1:8080.
    url: String,
    /// Token of the receiver.
    #[arg(long, env = "SNAPENGAGE_TOKEN", hide_env_values = true, default_value = "")]
    token: String,
    /// Chat script to run against the bot at /bot, instead of the samples.
    #[cfg(feature = "testing")]
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,
}

fn main() -> anyhow::Result<ExitCode> {
    let args = Args::parse();
    let config = Agent::config_builder().http_status_as_error(false).proxy(None);
    let agent = config.timeout_global(Some(Duration::from_secs(10))).build().new_agent();
    let mut stdout = std::io::stdout().lock();
    #[cfg(feature = "testing")]
    if let Some(file) = &args.script {
        let url = format!("{}/bot", args.url.trim_end_matches('/'));
        write!(stdout, "{}", run_script(&agent, &url, &args.token, file)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let (mut sent, mut failed) = (0, 0);
    for api in APIS {
        let url = format!("{}/{api}", args.url.trim_end_matches('/'));
        for file in samples(api)? {
            let name = file.strip_prefix(SAMPLES)?.display();
            let result = send(&agent, &url, &args.token, &file);
            let is_ok = result.as_ref().is_ok_and(StatusCode::is_success);
            let verdict = if is_ok { "ok" } else { "FAILED" };
            let answer = result.map_or_else(|error| format!("{error:#}"), |code| code.to_string());
            writeln!(stdout, "{verdict:6}  {name}: {answer}")?;
            failed += u32::from(!is_ok);
            sent += 1;
        }
    }
    writeln!(stdout, "{sent} samples sent, {failed} failed")?;
    Ok(ExitCode::from(u8::from(failed > 0)))
}

fn samples(api: Api) -> anyhow::Result<Vec<PathBuf>> {
    let folder = Path::new(SAMPLES).join(api.as_str());
    let entries = fs::read_dir(&folder).with_context(|| format!("cannot read {folder:?}"))?;
    let mut files = entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
    files.retain(|file| ["json", "xml", "txt"].iter().any(|&form| has_extension(file, form)));
    files.sort();
    Ok(files)
}

fn has_extension(file: &Path, extension: &str) -> bool {
    file.extension().is_some_and(|found| found == extension)
}

/// Sends one sample and returns the status of the answer. Samples of Get Contact are addresses, of
/// which the query counts; SnapEngage sends no token there.
fn send(agent: &Agent, url: &str, token: &str, file: &Path) -> anyhow::Result<StatusCode> {
    let sample = fs::read(file)?;
    let response = if has_extension(file, "txt") {
        let text = String::from_utf8(sample)?;
        let address = text.lines().next().and_then(|line| line.strip_prefix("GET "));
        let query = address.and_then(|address| address.split_once('?'));
        let (_, query) = query.context("expected `GET <url>?<query>` in the first line")?;
        agent.get(format!("{url}?{query}")).call()?
    } else {
        agent.post(url).header("Authorization", token).send(&sample)?
    };
    Ok(response.status())
}

/// Runs a chat script in a conversation that is new to the bot, and returns the chat.
#[cfg(feature = "testing")]
fn run_script(agent: &Agent, url: &str, token: &str, file: &Path) -> anyhow::Result<String> {
    let text = fs::read_to_string(file).with_context(|| format!("cannot read {file:?}"))?;
    let script = snapengage::testing::Script::parse(&text)?;
    let now = snapengage::Timestamp::now().as_millis();
    let mut replay = script.replay(format!("replay-{now}-{}", std::process::id()));
    while let Some(request) = replay.next_request()? {
        let mut response = agent.post(url).header("Authorization", token).send(&request)?;
        let body = response.body_mut().read_to_vec()?;
        replay.check(response.status(), &body)?;
    }
    Ok(replay.transcript().to_owned())
}

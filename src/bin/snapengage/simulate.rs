//! The verb `simulate`: SnapEngage on a socket, without an account.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};

use clap::Args;
use serde::Deserialize;
use snapengage::shutdown_signal;
use snapengage::simulator::{DeliveryFilter, DeliveryRecord, Simulator, SimulatorChange, choices};
use tokio::net::{TcpListener, lookup_host};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::Outcome;
use super::credentials::Access;
use super::output;
use super::simulation::Flags;

/// Chat with your own bot in a browser: a simulator of SnapEngage, without an account.
///
/// The first line on stdout is `listening on http://ADDRESS`. There is a page to chat in; below /_/
/// are the requests that it makes, for tests in any language; and elsewhere SnapEngage's APIs, to
/// which `--url` leads the other verbs. They take the credentials SNAPENGAGE_API_TOKEN,
/// SNAPENGAGE_ORG, SNAPENGAGE_PROVISIONING_KEY and SNAPENGAGE_CHAT_KEY, or else local-api-token,
/// 5406213, local-provisioning-key and local-chat-key. Behind the first line comes one for each
/// request that was sent. Ctrl-c ends it.
#[derive(Args)]
#[command(after_long_help = AFTER)]
pub(crate) struct SimulateArgs {
    /// Address to listen on; with port 0, on a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7070")]
    listen: String,
    #[command(flatten)]
    flags: Flags,
    /// File that keeps chats, statuses, users and widgets that were made, retries, deliveries and
    /// the time over a restart; faults are not kept. It is made if there is none. One simulator at
    /// a time uses it, which locks FILE.lock.
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Another name or address that the simulator is called by, besides the one it listens on,
    /// localhost, 127.0.0.1 and [::1]. May be repeated.
    #[arg(long = "host", value_name = "NAME")]
    hosts: Vec<String>,
    /// Opens the page in a browser.
    #[arg(long)]
    open: bool,
    /// Prints the first line alone.
    #[arg(long)]
    quiet: bool,
    /// Prints what the simulator does where the vendor's pages are silent, and ends.
    #[arg(long)]
    explain: bool,
    /// Allows an address that other machines can reach.
    #[arg(long)]
    dangerously_open: bool,
}

/// Last part of the long help: a bot's answer, a request, and a file that has all there is.
const AFTER: &str = concat!(
    include_str!("simulate.txt"),
    "A file for --config, which may leave out all but ids, emails and URLs:\n\n",
    include_str!("simulator.toml")
);

pub(crate) async fn run(args: SimulateArgs, access: &Access) -> Outcome<ExitCode> {
    if args.explain {
        output::print(&output::json(choices())?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let shutdown = shutdown_signal();
    let builder = args.flags.builder(access)?;
    let (listener, address) = listen(&args).await?;
    let mut builder = builder.host(address.ip().to_string());
    for host in &args.hosts {
        builder = builder.host(host);
    }
    let simulator = builder.build()?;
    if let Some(path) = args.state {
        simulator.keep_in(path)?;
    }
    let told = simulator.changes();
    output::print(&format!("listening on http://{address}\n"))?;
    if !args.quiet {
        tokio::spawn(tell(simulator.clone(), told));
    }
    if args.open {
        open(&format!("http://{address}/"));
    }
    simulator.serve(listener, shutdown).await;
    Ok(ExitCode::SUCCESS)
}

/// Prints a line for each request that was sent, once it was answered or given up.
async fn tell(simulator: Simulator, mut changes: Receiver<SimulatorChange>) {
    loop {
        match changes.recv().await {
            Ok(SimulatorChange::Delivery(number)) => {
                let filter = DeliveryFilter::default().after(number.saturating_sub(1));
                let record = simulator.deliveries(&filter).into_iter().next();
                let record = record.filter(|record| record.n == number && record.is_finished());
                // Whoever reads it may have gone.
                record.map(|record| output::print(&row(&record)));
            }
            Ok(_) | Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
    }
}

/// Writes a delivery on a line: neither what visitors wrote, nor what was answered to it.
fn row(record: &DeliveryRecord) -> String {
    let (at, feed) = (record.at, record.feed);
    let again =
        if record.attempt > 1 { format!(" attempt {}", record.attempt) } else { String::new() };
    let outcome = match (&record.response, &record.error) {
        (Some(response), Some(error)) => {
            format!("{} failed: {}", response.status, output::legible(error))
        }
        (None, Some(error)) => format!("failed: {}", output::legible(error)),
        (Some(response), None) => response.status.to_string(),
        (None, None) => "not answered".to_owned(),
    };
    let event = output::legible(&event(&record.request.body));
    let mailed = if record.mailed { ", given up: mailed to the customer" } else { "" };
    format!("{at} {feed}{event}{again} {outcome} {} ms{mailed}\n", record.duration_ms)
}

/// Returns what a request is about, by its own word for it.
fn event(body: &str) -> String {
    #[derive(Deserialize)]
    struct About {
        event: Option<String>,
        status: Option<String>,
        #[serde(rename = "type")]
        kind: Option<String>,
    }

    let about = serde_json::from_str(body).ok();
    let about = about.and_then(|about: About| about.event.or(about.status).or(about.kind));
    about.map(|about| format!(" {about}")).unwrap_or_default()
}

async fn listen(args: &SimulateArgs) -> Outcome<(TcpListener, SocketAddr)> {
    let wrong = |error| format!("{}: {error}", args.listen);
    let addresses: Vec<_> = lookup_host(&args.listen).await.map_err(wrong)?.collect();
    // Before it is bound: nobody is to get through meanwhile.
    let is_open = addresses.iter().any(|address| !address.ip().is_loopback());
    if is_open && !args.dangerously_open {
        let hint = "other machines could reach it: take 127.0.0.1, or add --dangerously-open";
        return Err(format!("{}: {hint}", args.listen).into());
    }
    let listener = TcpListener::bind(&addresses[..]).await.map_err(wrong)?;
    let address = listener.local_addr().map_err(wrong)?;
    Ok((listener, address))
}

/// Opens a page in the browser of the desktop. Where there is none, the printed address has to do.
fn open(url: &str) {
    let (program, arguments) = if cfg!(target_os = "macos") {
        ("open", vec![url])
    } else if cfg!(windows) {
        ("cmd", vec!["/c", "start", "", url])
    } else {
        ("xdg-open", vec![url])
    };
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let _ = command.spawn();
}

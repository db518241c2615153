//! The verb `record`: a proxy in front of a receiver, which records what goes through it.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, value_parser};
use snapengage::record::{Recorder, RecordingProxy};
use snapengage::{HealthCheck, shutdown_signal};
use tokio::net::TcpListener;

use super::redaction::RedactionArgs;
use super::{Outcome, output};

/// Records real traffic: a proxy in front of a receiver in any language.
///
/// The first line on stdout is `listening on http://ADDRESS`: there, requests are taken, passed on to
/// the receiver unchanged but for `Host`, and answered as it answers. Each becomes a file with its
/// answer, redacted before it is written. A request that cannot be passed on is answered 502, and
/// recorded too. Ctrl-c and SIGTERM end it, once what is under way is answered and written.
#[derive(Args)]
pub(crate) struct RecordArgs {
    /// Address of the receiver: `http://HOST:PORT` or `https://HOST`.
    #[arg(long, value_name = "URL")]
    to: String,
    /// Address to listen on; with port 0, on a free one.
    #[arg(long, value_name = "ADDRESS")]
    listen: String,
    /// Folder of the recording, which is made if there is none. The numbers of its files go on.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    redaction: RedactionArgs,
    /// Begins a sub-folder when the files of the last one have this many bytes.
    #[arg(long, value_name = "BYTES", value_parser = value_parser!(u64).range(1..))]
    rotate_size: Option<u64>,
    /// Deletes files that are older than this many days.
    #[arg(long, value_name = "DAYS", value_parser = value_parser!(u32).range(1..))]
    keep: Option<u32>,
}

pub(crate) async fn run(args: RecordArgs) -> Outcome<ExitCode> {
    let shutdown = shutdown_signal();
    let mut recorder = Recorder::to(args.out).redaction(args.redaction.into());
    if let Some(bytes) = args.rotate_size {
        recorder = recorder.rotate_size(bytes);
    }
    if let Some(days) = args.keep {
        recorder = recorder.keep(Duration::from_secs(86_400) * days);
    }
    let proxy = RecordingProxy::new(&args.to, &recorder)?;
    // Before anything is asked: a folder that cannot be written to would record nothing.
    recorder.check().await?;
    let wrong = |error: io::Error| format!("{}: {error}", args.listen);
    let listener = TcpListener::bind(&args.listen).await.map_err(wrong)?;
    let address = listener.local_addr().map_err(wrong)?;
    output::print(&format!("listening on http://{address}\n"))?;
    proxy.serve(listener, shutdown).await;
    match recorder.dropped() {
        0 => {}
        dropped => drop(writeln!(io::stderr(), "{dropped} exchanges could not be recorded")),
    }
    Ok(ExitCode::SUCCESS)
}

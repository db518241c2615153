//! Common to all examples: the address they listen on, and their log.
#![allow(dead_code, reason = "each example uses some of it")]

use std::fmt::Display;
use std::io::Write;

use anyhow::Context;
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// Logs to stderr: refusals and failures, and more if `RUST_LOG` is set, for example to `info`.
pub(crate) fn log() {
    let level = LevelFilter::WARN.into();
    let filter = EnvFilter::builder().with_default_directive(level).from_env_lossy();
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // The subscriber would report to stderr that stderr is full or closed, and panic there.
    log.log_internal_errors(false).init();
}

/// Listens on this address, or by default on port 8080 of this machine, and prints it.
pub(crate) async fn listen(address: Option<String>) -> anyhow::Result<TcpListener> {
    let address = address.as_deref().unwrap_or("127.0.0.1:8080");
    let listener =
        TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))?;
    say(format_args!("listening on http://{}", listener.local_addr()?));
    Ok(listener)
}

/// Prints a line on stderr, and ignores an error if nobody reads it.
pub(crate) fn say(line: impl Display) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

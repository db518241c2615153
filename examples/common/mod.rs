//! What all examples do alike: where they listen, and what they log.

use anyhow::Context;
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// Logs to stderr: refusals and failures, and more if `RUST_LOG` says so (`RUST_LOG=info`, say).
pub(crate) fn log() {
    let level = LevelFilter::WARN.into();
    let filter = EnvFilter::builder().with_default_directive(level).from_env_lossy();
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}

/// Listens on this address, or else on port 8080 of this machine, and says so.
pub(crate) async fn listen(address: Option<String>) -> anyhow::Result<TcpListener> {
    let address = address.as_deref().unwrap_or("127.0.0.1:8080");
    let listener =
        TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))?;
    eprintln!("listening on http://{}", listener.local_addr()?);
    Ok(listener)
}

//! Writes chats and conversation events to a CRM, through an inbox: while the CRM is down, nothing
//! is lost.
//!
//! ```sh
//! SNAPENGAGE_TOKEN=my-token cargo run --features inbox,sqlite --example crm_sync -- \
//!     --crm-down crm.down
//!
//! touch crm.down
//! curl http://127.0.0.1:8080/integration -H 'Authorization: my-token' \
//!     --data-binary @sample-payloads/integration/chat.json
//! curl http://127.0.0.1:8080/conversation-events -H 'Authorization: my-token' \
//!     --data-binary @sample-payloads/conversation-events/case-closed.json
//! cargo run --features cli --bin snapengage -- inbox list --state waiting
//! curl http://127.0.0.1:8080/healthz
//! rm crm.down
//! ```
//!
//! With the feature `nats` and `--nats nats://127.0.0.1:4222`, in one process or in several, the
//! inbox is on a NATS server. The CRM is in `crm.rs`.

#[path = "../common/mod.rs"]
mod common;
mod crm;

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use snapengage::inbox::Inbox;
use snapengage::{Receiver, Server, Token};

use crate::crm::Crm;

/// Receives the Integration and Conversation Events APIs, and writes them to a CRM.
#[derive(Parser)]
struct Args {
    /// Address to listen on; port 0 takes any free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: String,
    /// Token that SnapEngage sends.
    #[arg(long, env = "SNAPENGAGE_TOKEN", hide_env_values = true)]
    token: String,
    /// File of the inbox.
    #[arg(long, value_name = "FILE", default_value = "inbox.db")]
    inbox: PathBuf,
    /// URL of the NATS server to keep the inbox on, in place of a file. Needs the feature `nats`.
    #[arg(long, value_name = "URL")]
    nats: Option<String>,
    /// Database of the CRM.
    #[arg(long, value_name = "FILE", default_value = "crm.db")]
    crm: PathBuf,
    /// Seconds to go on accepting connections after SIGTERM, with /healthz at 503.
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    drain_delay: u64,
    /// File whose existence makes the CRM fail.
    #[arg(long, value_name = "FILE")]
    crm_down: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    common::log();
    let crm = Crm::open(&args.crm, args.crm_down)?;
    let inbox = match &args.nats {
        Some(url) => connect(url).await?,
        None => Inbox::open(&args.inbox)?,
    };
    let token = Token::new(args.token);
    let receiver = Receiver::builder()
        .integration("/integration", token.clone(), inbox.feed(crm.clone()))
        .conversation("/conversation-events", token, inbox.feed(crm))
        .healthz("/healthz")
        .health_check("inbox", inbox.clone())
        .build()?;
    let listener = common::listen(Some(args.listen)).await?;
    let server = Server::new(receiver).drain_delay(Duration::from_secs(args.drain_delay));
    inbox.run(server.serve(listener, snapengage::shutdown_signal())).await?;
    Ok(())
}

#[cfg(feature = "nats")]
async fn connect(url: &str) -> anyhow::Result<Inbox> {
    Ok(Inbox::connect(url, "inbox").await?)
}

#[cfg(not(feature = "nats"))]
async fn connect(_url: &str) -> anyhow::Result<Inbox> {
    anyhow::bail!("built without the feature `nats`")
}

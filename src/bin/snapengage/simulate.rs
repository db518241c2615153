//! The verb `simulate`: SnapEngage's APIs on a socket, without an account.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use snapengage::shutdown_signal;
use snapengage::simulator::{SimulatedAgent, SimulatedWidget, Simulator};
use tokio::net::TcpListener;

use super::Outcome;
use super::config::{AgentTable, Config, WidgetTable};
use super::credentials::Access;
use super::output;

/// Serves a simulator of SnapEngage's APIs.
///
/// The first line on stdout is `listening on http://ADDRESS`. The APIs take the credentials
/// SNAPENGAGE_API_TOKEN, SNAPENGAGE_ORG, SNAPENGAGE_PROVISIONING_KEY and SNAPENGAGE_CHAT_KEY, or
/// else local-api-token, 5406213, local-provisioning-key and local-chat-key. Ctrl-c ends it.
#[derive(Args)]
pub(crate) struct SimulateArgs {
    /// Address to listen on; with port 0, on a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7070")]
    listen: String,
    /// File of TOML with widgets and agents. Without it, there is a widget `local`.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Allows an address that other machines can reach.
    #[arg(long)]
    dangerously_open: bool,
}

pub(crate) async fn run(args: SimulateArgs, access: &Access) -> Outcome<ExitCode> {
    let shutdown = shutdown_signal();
    let simulator = simulator(&args, access)?;
    let wrong = |error| format!("{}: {error}", args.listen);
    let listener = TcpListener::bind(&args.listen).await.map_err(wrong)?;
    let address = listener.local_addr().map_err(wrong)?;
    if !address.ip().is_loopback() && !args.dangerously_open {
        let hint = "other machines could reach it: take 127.0.0.1, or add --dangerously-open";
        return Err(format!("{}: {hint}", args.listen).into());
    }
    output::print(&format!("listening on http://{address}\n"))?;
    simulator.serve(listener, shutdown).await;
    Ok(ExitCode::SUCCESS)
}

fn simulator(args: &SimulateArgs, access: &Access) -> Outcome<Simulator> {
    let config = args.config.as_deref().map(Config::read).transpose()?;
    let config = config.unwrap_or_else(Config::local);
    let keys = access.served()?;
    let mut builder = Simulator::builder()
        .api_token(keys.api_token)
        .org(keys.org)
        .provisioning_key(keys.provisioning_key)
        .chat_key(keys.chat_key);
    if let Some(seed) = config.seed {
        builder = builder.seed(seed);
    }
    for table in config.widgets {
        builder = builder.widget(widget(table));
    }
    for table in config.agents {
        builder = builder.agent(agent(table));
    }
    Ok(builder.build()?)
}

fn widget(table: WidgetTable) -> SimulatedWidget {
    let widget = SimulatedWidget::new(table.id)
        .email_required(table.email_required)
        .message_required(table.message_required);
    match table.name {
        Some(name) => widget.name(name),
        None => widget,
    }
}

fn agent(table: AgentTable) -> SimulatedAgent {
    let mut agent = SimulatedAgent::new(table.email).status(table.status.into());
    if let Some(alias) = table.alias {
        agent = agent.alias(alias);
    }
    match table.widgets {
        Some(widgets) => agent.widgets(widgets),
        None => agent,
    }
}

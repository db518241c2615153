//! Receives all five APIs at once: each event is a line of JSON on stdout.
//!
//! ```sh
//! SNAPENGAGE_TOKEN=my-token cargo run --example receiver
//!
//! curl http://127.0.0.1:8080/integration -H 'Authorization: my-token' \
//!     --data-binary @sample-payloads/integration/chat.xml
//! curl http://127.0.0.1:8080/bot -H 'Authorization: my-token' \
//!     --data-binary @sample-payloads/bot/chat-started.json
//! curl http://127.0.0.1:8080/conversation-events -H 'Authorization: my-token' \
//!     --data-binary @sample-payloads/conversation-events/case-labeled.json
//! curl http://127.0.0.1:8080/agent-status -H 'Authorization: my-token' \
//!     --data-binary @sample-payloads/agent-status/pause.json
//! curl 'http://127.0.0.1:8080/get-contact?email=test%40test.com'
//! curl http://127.0.0.1:8080/healthz
//! ```
//!
//! Without `SNAPENGAGE_TOKEN` a random token is generated and printed. `-- --help` lists the
//! options; `snapengage replay samples http://127.0.0.1:8080` (feature `cli`) sends all samples; the
//! bot's commands are in `bot.rs`.

mod bot;
#[path = "../common/mod.rs"]
mod common;
mod curls;
mod events;

use std::time::Duration;

use clap::Parser;
use snapengage::{Api, Auth, Receiver, Server, Token, contact};

use crate::bot::Bot;
use crate::events::Events;

/// Receives all five SnapEngage APIs and prints each event as a line of JSON on stdout.
///
/// The token is read from SNAPENGAGE_TOKEN; without it, a random one is generated and printed.
#[derive(Parser)]
struct Args {
    /// Address to listen on; port 0 takes any free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: String,
    /// Seconds to go on accepting connections after SIGTERM, with /healthz at 503.
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    drain_delay: u64,
    /// Prints no events.
    #[arg(long)]
    quiet: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    common::log();
    let token = token()?;
    let receiver = receiver(Token::new(&token), Events { are_quiet: args.quiet })?;
    let listener = common::listen(Some(args.listen)).await?;
    common::say(format_args!("try:\n{}", curls::curls(listener.local_addr()?, &token)));
    let server = Server::new(receiver).drain_delay(Duration::from_secs(args.drain_delay));
    server.serve(listener, snapengage::shutdown_signal()).await?;
    Ok(())
}

/// Returns the token in the environment, or else a random one.
fn token() -> anyhow::Result<String> {
    let token = std::env::var("SNAPENGAGE_TOKEN").unwrap_or_default();
    if !token.trim().is_empty() {
        return Ok(token);
    }
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(anyhow::Error::msg)?;
    let token = format!("{:032x}", u128::from_ne_bytes(random));
    common::say(format_args!("SNAPENGAGE_TOKEN is not set, the token is {token}"));
    Ok(token)
}

fn receiver(token: Token, events: Events) -> anyhow::Result<Receiver> {
    let contacts = contact::from_fn(move |query| async move {
        events.print(Api::Contact, &query);
        let is_known = query.email == "test@test.com";
        Ok(is_known.then(|| "Jim Tester, customer since 2014".to_owned()))
    });
    let receiver = Receiver::builder()
        .integration("/integration", token.clone(), events)
        .bot("/bot", token.clone(), Bot { events })
        .conversation("/conversation-events", token.clone(), events)
        .agent_status("/agent-status", token, events)
        .contact("/get-contact", Auth::dangerously_open(), contacts)
        .healthz("/healthz")
        .build()?;
    Ok(receiver)
}

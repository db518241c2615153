//! Agent status both ways: of two agents who cover for each other, one goes online when the other
//! takes a break.
//!
//! What is set comes back as an event. Without the memory of it, each of the two would send the
//! other on a break for ever.
//!
//! Without an account, `snapengage simulate --agent jane@example.com --agent bob@example.com` is at
//! the address below; with `--agent-status http://127.0.0.1:8080/agent-status --token my-token` it
//! sends what changes there as well.
//!
//! ```sh
//! SNAPENGAGE_TOKEN=my-token SNAPENGAGE_API_TOKEN=local-api-token SNAPENGAGE_ORG=5406213 \
//!     SNAPENGAGE_URL=http://127.0.0.1:7070 cargo run --features client --example agent_break
//!
//! curl http://127.0.0.1:8080/agent-status -H 'Authorization: my-token' \
//!     -d '{"agent_id":"wc:jane@example.com","status":"pause","sub_status":"Gone to lunch"}'
//! ```

mod common;

use std::collections::HashMap;

use anyhow::Context;
use snapengage::agent_status::{self, Status, StatusChange};
use snapengage::client::{Account, Client, OrgId, Presence, Secret};
use snapengage::{HandlerError, Receiver, Token, async_trait};
use tokio::sync::Mutex;

/// Agents who cover for each other.
const PAIR: [&str; 2] = ["jane@example.com", "bob@example.com"];

struct Breaks {
    account: Account,
    /// Statuses that were set here and have not come back yet, by email address.
    set: Mutex<HashMap<String, Presence>>,
}

#[async_trait]
impl agent_status::Handler for Breaks {
    async fn status_change(&self, change: StatusChange) -> Result<(), HandlerError> {
        let agent = change.agent_id.email();
        let mut set = self.set.lock().await;
        // Whether it is the same or another one, it is not waited for any longer.
        if set.remove(agent).is_some_and(|status| status.as_str() == change.status.as_str()) {
            return Ok(());
        }
        let (Some(colleague), Some(status)) = (colleague(agent), opposite(&change.status)) else {
            return Ok(());
        };
        // Before the call: its event may be here before its answer.
        set.insert(colleague.to_owned(), status);
        drop(set);
        let note = format!("Covers for {agent}");
        Ok(self.account.set_agent_status(colleague, status).note(note).await?)
    }
}

fn colleague(agent: &str) -> Option<&'static str> {
    let at = PAIR.iter().position(|name| name.eq_ignore_ascii_case(agent))?;
    Some(PAIR[1 - at])
}

fn opposite(status: &Status) -> Option<Presence> {
    match status {
        Status::Online => Some(Presence::Pause),
        Status::Pause | Status::Offline => Some(Presence::Online),
        _ => None,
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    common::log();
    let client = match std::env::var("SNAPENGAGE_URL") {
        Ok(address) => Client::builder().base_url(address).build()?,
        Err(_) => Client::new()?,
    };
    let org: OrgId = std::env::var("SNAPENGAGE_ORG").context("SNAPENGAGE_ORG")?.parse()?;
    let account = client.account(Secret::from_env("SNAPENGAGE_API_TOKEN"), org);
    let breaks = Breaks { account, set: Mutex::default() };
    let token = Token::from_env("SNAPENGAGE_TOKEN");
    let receiver = Receiver::builder().agent_status("/agent-status", token, breaks).build()?;
    let listener = common::listen(std::env::args().nth(1)).await?;
    snapengage::serve(listener, receiver, snapengage::shutdown_signal()).await;
    Ok(())
}

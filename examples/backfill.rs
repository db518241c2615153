//! Yesterday's cases, through the handler that gets the webhooks, each once: what an outage longer
//! than two hours needs, after which SnapEngage sends a request no more.
//!
//! The receiver goes on meanwhile. A case that comes both ways has one key, and is one ticket.
//!
//! Without an account, `snapengage simulate --agent jane@example.com --agent bob@example.com` is at
//! the address below, with a widget `local`. With `--state FILE`, it has the chats of yesterday.
//!
//! ```sh
//! SNAPENGAGE_TOKEN=my-token SNAPENGAGE_API_TOKEN=local-api-token SNAPENGAGE_ORG=5406213 \
//!     SNAPENGAGE_WIDGET=local SNAPENGAGE_URL=http://127.0.0.1:7070 \
//!     cargo run --features client --example backfill
//!
//! curl http://127.0.0.1:8080/integration -H 'Authorization: my-token' \
//!     -d '{"id":"case-1","type":"chat","description":"Where is my parcel?"}'
//! ```

mod common;

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Context;
use snapengage::client::{Account, Client, Day, OrgId, Secret};
use snapengage::integration::{Handler, SupportRequest};
use snapengage::{HandlerError, Receiver, Timestamp, Token, async_trait};
use tokio::sync::Mutex;

/// Tickets, by the key of their case. In a service, a table with that as its primary key.
#[derive(Default)]
struct Tickets(Mutex<BTreeMap<String, SupportRequest>>);

#[async_trait]
impl Handler for Tickets {
    async fn support_request(&self, request: SupportRequest) -> Result<(), HandlerError> {
        let key = request.key().to_owned();
        if self.0.lock().await.insert(key.clone(), request).is_none() {
            common::say(format_args!("ticket for {key}"));
        }
        Ok(())
    }
}

/// Hands yesterday's cases of a widget to the handler.
async fn backfill(
    account: &Account,
    widget: String,
    handler: &impl Handler,
) -> anyhow::Result<usize> {
    let yesterday = Day::of(Timestamp::now()).previous();
    let mut cases = account.logs(widget).from(yesterday).to(yesterday).cases();
    let mut count = 0;
    while let Some(case) = cases.next().await? {
        handler.support_request(case).await.map_err(|error| anyhow::anyhow!("{error}"))?;
        count += 1;
    }
    Ok(count)
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
    let tickets = Arc::new(Tickets::default());
    let token = Token::from_env("SNAPENGAGE_TOKEN");
    let receiver =
        Receiver::builder().integration("/integration", token, Arc::clone(&tickets)).build()?;
    let listener = common::listen(std::env::args().nth(1)).await?;
    let serving =
        tokio::spawn(snapengage::serve(listener, receiver, snapengage::shutdown_signal()));
    let widget = std::env::var("SNAPENGAGE_WIDGET").context("SNAPENGAGE_WIDGET")?;
    let count = backfill(&account, widget, &tickets).await?;
    common::say(format_args!("{count} of yesterday"));
    Ok(serving.await?)
}

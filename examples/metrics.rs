//! Metrics of a receiver with an inbox, for Prometheus to scrape at an address of their own.
//!
//! ```sh
//! SNAPENGAGE_TOKEN=my-token cargo run --features inbox,metrics,sqlite --example metrics
//!
//! curl http://127.0.0.1:8080/bot -H 'Authorization: my-token' \
//!     -d '{"event":"message","widget_id":"w","case_id":"c","text":"Hi"}'
//! curl http://127.0.0.1:8080/integration -H 'Authorization: my-token' \
//!     --data-binary @sample-payloads/integration/chat.json
//! curl http://127.0.0.1:9464/metrics
//! ```
//!
//! Alerts on them and a dashboard are in `docs/`.

mod common;

use std::time::Duration;

use axum::Router;
use axum::routing::get;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use snapengage::bot::{self, Reply};
use snapengage::inbox::Inbox;
use snapengage::{Receiver, Token, integration, metrics};
use tokio::net::TcpListener;
use tokio::time::interval;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    common::log();
    let mut args = std::env::args().skip(1);
    let (address, metrics_address, file) = (args.next(), args.next(), args.next());
    let exporter = PrometheusBuilder::new().set_buckets(metrics::BUCKETS)?.install_recorder()?;
    let inbox = Inbox::open(file.as_deref().unwrap_or("metrics-inbox.db"))?;
    let inbox = metrics::observe(inbox);
    let receiver = metrics::observe(receiver(&inbox)?);

    // Not beside the receiver: a proxy passes on everything there, and this is for nobody outside.
    let metrics_address = metrics_address.as_deref().unwrap_or("127.0.0.1:9464");
    let page = TcpListener::bind(metrics_address).await?;
    common::say(format_args!("metrics on http://{}/metrics", page.local_addr()?));
    let scraped = (inbox.clone(), exporter.clone());
    let app = Router::new().route("/metrics", get(move || scrape(scraped.clone())));
    tokio::spawn(async { axum::serve(page, app).await });
    tokio::spawn(keep_up(exporter));

    let listener = common::listen(address).await?;
    inbox.run(snapengage::serve(listener, receiver, snapengage::shutdown_signal())).await;
    Ok(())
}

fn receiver(inbox: &Inbox) -> anyhow::Result<Receiver> {
    let token = Token::from_env("SNAPENGAGE_TOKEN");
    let bot = bot::from_fn(|message| async move { Ok(Reply::say(message.text)) });
    let chats = integration::from_fn(|_| async { Ok(()) });
    let receiver = Receiver::builder()
        .bot("/bot", token.clone(), bot)
        .integration("/integration", token, inbox.feed(chats))
        .build()?;
    Ok(receiver)
}

/// Samples the inbox, and writes all that was counted.
async fn scrape((inbox, exporter): (Inbox, PrometheusHandle)) -> String {
    metrics::sample(&inbox).await;
    exporter.render()
}

/// Has the exporter sort what it got into its buckets, also while nobody scrapes.
async fn keep_up(exporter: PrometheusHandle) {
    let mut rounds = interval(Duration::from_secs(5));
    loop {
        rounds.tick().await;
        exporter.run_upkeep();
    }
}

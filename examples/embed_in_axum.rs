//! SnapEngage in an axum service with pages of its own.
//!
//! ```sh
//! SNAPENGAGE_TOKEN=my-token cargo run --example embed_in_axum
//!
//! curl http://127.0.0.1:8080/
//! curl http://127.0.0.1:8080/snapengage/bot -H 'Authorization: my-token' \
//!     -d '{"event":"message","widget_id":"w","case_id":"c","text":"Hi"}'
//! curl http://127.0.0.1:8080/snapengage/agent-status -H 'Authorization: my-token' \
//!     -d '{"agent_id":"wc:agent@example.com","status":"pause"}'
//! curl http://127.0.0.1:8080/healthz
//! ```

mod common;

use axum::Router;
use axum::routing::get;
use snapengage::bot::{self, Reply};
use snapengage::{Receiver, Token, agent_status};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    common::log();
    let receiver = receiver()?;
    let app = Router::new()
        .route("/", get(async || "A page of our own\n"))
        .route_service("/healthz", receiver.clone())
        .nest_service("/snapengage", receiver.clone());
    let listener = common::listen(std::env::args().nth(1)).await?;
    let shutdown = drain(receiver.clone(), snapengage::shutdown_signal());
    axum::serve(listener, app).with_graceful_shutdown(shutdown).await?;
    receiver.finished().await;
    Ok(())
}

/// Builds the receiver. Its paths are without the prefix, which a nested service does not see.
fn receiver() -> anyhow::Result<Receiver> {
    let token = Token::from_env("SNAPENGAGE_TOKEN");
    let bot = bot::from_fn(|message| async move { Ok(Reply::say(message.text)) });
    let statuses = agent_status::from_fn(|change| async move {
        common::say(format_args!("{} is {}", change.agent_id.email(), change.status));
        Ok(())
    });
    let receiver = Receiver::builder()
        .bot("/bot", token.clone(), bot)
        .agent_status("/agent-status", token, statuses)
        .healthz("/healthz")
        .build()?;
    Ok(receiver)
}

/// Makes `/healthz` report that no more requests should come, once the process is asked to stop.
async fn drain(receiver: Receiver, shutdown: impl Future<Output = ()>) {
    shutdown.await;
    receiver.start_draining();
}

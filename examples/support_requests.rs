//! Prints every finished chat and every offline message, JSON or XML, for people to read.
//!
//! ```sh
//! SNAPENGAGE_TOKEN=my-token cargo run --example support_requests
//!
//! curl http://127.0.0.1:8080/integration -H 'Authorization: my-token' \
//!     --data-binary @sample-payloads/integration/chat.json
//! curl http://127.0.0.1:8080/integration -H 'Authorization: my-token' \
//!     --data-binary @sample-payloads/integration/chat.xml
//! ```

mod common;

use std::io::Write;

use snapengage::integration::{self, RequestKind, Sender, SupportRequest, TranscriptLine};
use snapengage::{HandlerError, Receiver, Token};

/// Nothing is lost if printing fails: an error is answered 503, and SnapEngage tries again.
async fn print(request: SupportRequest) -> Result<(), HandlerError> {
    std::io::stdout().lock().write_all(report(request).as_bytes())?;
    Ok(())
}

fn report(mut request: SupportRequest) -> String {
    let kind = request.kind.as_ref().map_or("request", RequestKind::as_str);
    let visitor = request.requested_by.as_deref().unwrap_or("unknown");
    let mut lines = vec![format!("{kind} {} from {visitor}", request.id)];
    if let Some(time) = request.created_at() {
        lines.push(format!("  on {time}"));
    }
    if let Some(description) = &request.description {
        lines.push(format!("  about: {description}"));
    }
    request.transcripts.sort_by_key(TranscriptLine::sent_at);
    for line in &request.transcripts {
        lines.push(format!("  {}: {}", speaker(line), line.message));
    }
    for label in &request.labels {
        let (name, value) = (label.name.as_deref(), label.value.as_deref());
        lines.push(format!("  {} = {}", name.unwrap_or_default(), value.unwrap_or_default()));
    }
    lines.iter().map(|line| line.replace(char::is_control, " ") + "\n").collect()
}

fn speaker(line: &TranscriptLine) -> &str {
    let side = line.sender.as_ref().map(Sender::as_str);
    line.alias.as_deref().or(side).unwrap_or("visitor")
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    common::log();
    let token = Token::from_env("SNAPENGAGE_TOKEN");
    let receiver = Receiver::builder()
        .integration("/integration", token, integration::from_fn(print))
        .build()?;
    let listener = common::listen(std::env::args().nth(1)).await?;
    snapengage::serve(listener, receiver, snapengage::shutdown_signal()).await;
    Ok(())
}

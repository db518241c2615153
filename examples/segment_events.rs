//! Finished chats as events in Segment, through an inbox: while Segment is down, they wait.
//!
//! ```sh
//! SNAPENGAGE_TOKEN=my-token SEGMENT_WRITE_KEY=write-key SEGMENT_URL=https://api.segment.io \
//!     cargo run --features client-tls,inbox,segment,sqlite --example segment_events
//!
//! curl http://127.0.0.1:8080/integration -H 'Authorization: my-token' \
//!     --data-binary @sample-payloads/integration/chat.json
//! curl http://127.0.0.1:8080/healthz
//! ```
//!
//! In the EU, `SEGMENT_URL` is `https://eu1.api.segmentapis.com`; without it, Segment is elsewhere.
//! The second argument is the file of the inbox, `segment.db` by default.

mod common;

use snapengage::client::Secret;
use snapengage::inbox::Inbox;
use snapengage::integration::SupportRequest;
use snapengage::segment::{Segment, SegmentUser};
use snapengage::{Receiver, Token, serve, shutdown_signal};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    common::log();
    let write_key = Secret::from_env("SEGMENT_WRITE_KEY");
    let address = std::env::var("SEGMENT_URL").unwrap_or_else(|_| Segment::US.to_owned());
    let segment = Segment::at(address, write_key)?.user(user);
    let mut arguments = std::env::args().skip(1);
    let listen = arguments.next();
    let inbox = Inbox::open(arguments.next().as_deref().unwrap_or("segment.db"))?;
    let receiver = Receiver::builder()
        .integration("/integration", Token::from_env("SNAPENGAGE_TOKEN"), inbox.feed(segment))
        .healthz("/healthz")
        .health_check("inbox", inbox.clone())
        .build()?;
    let listener = common::listen(listen).await?;
    inbox.run(serve(listener, receiver, shutdown_signal())).await;
    Ok(())
}

/// Returns the user that the page knew, in a variable that SnapEngage sends along. A chat with
/// somebody who was not logged in is an anonymous visitor's.
fn user(case: &SupportRequest) -> Option<SegmentUser> {
    let mut variables = case.javascript_variables.iter();
    let user = variables.find(|variable| variable.name.as_deref() == Some("variable1"))?;
    Some(SegmentUser::id(user.value.as_deref()?))
}

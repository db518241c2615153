//! What an inbox in NATS JetStream promises, through the receiver and on a real server.
#![cfg(all(feature = "inbox", feature = "nats"))]

mod inbox_suite;
mod support;

use inbox_suite::Place;
use snapengage::inbox::{Inbox, Options};
use support::nats::Server;

impl Place for Server {
    async fn fresh() -> Self {
        Self::start("")
    }

    async fn inbox(&self, options: Options) -> Inbox {
        options.connect(&self.url(""), "inbox").await.expect("an inbox")
    }
}

mod suite {
    crate::inbox_suite::promises!(crate::Server);
}

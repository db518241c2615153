//! Events as lines of JSON.

use std::io::Write;

use serde::Serialize;
use snapengage::agent_status::{self, StatusChange};
use snapengage::conversation::{self, Event};
use snapengage::integration::{self, SupportRequest};
use snapengage::{Api, HandlerError, async_trait};

/// Printer of events on stdout, which can be turned off.
#[derive(Clone, Copy)]
pub(crate) struct Events {
    pub(crate) are_quiet: bool,
}

#[derive(Serialize)]
struct Line<'a, E> {
    api: &'a str,
    event: &'a E,
}

impl Events {
    /// Prints one event, and ignores an error if nobody reads it.
    pub(crate) fn print(self, api: Api, event: &impl Serialize) {
        if self.are_quiet {
            return;
        }
        if let Err(error) = write_line(&Line { api: api.as_str(), event }) {
            tracing::warn!(%error, "an event could not be printed");
        }
    }
}

/// Written in one piece: a line is not cut by another, and does not stay in a buffer.
fn write_line(line: &impl Serialize) -> std::io::Result<()> {
    let mut bytes = serde_json::to_vec(line)?;
    bytes.push(b'\n');
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(&bytes)?;
    stdout.flush()
}

#[async_trait]
impl integration::Handler for Events {
    async fn support_request(&self, request: SupportRequest) -> Result<(), HandlerError> {
        self.print(Api::Integration, &request);
        Ok(())
    }
}

#[async_trait]
impl conversation::Handler for Events {
    async fn event(&self, event: Event) -> Result<(), HandlerError> {
        self.print(Api::Conversation, &event);
        Ok(())
    }
}

#[async_trait]
impl agent_status::Handler for Events {
    async fn status_change(&self, change: StatusChange) -> Result<(), HandlerError> {
        self.print(Api::AgentStatus, &change);
        Ok(())
    }
}

//! The simulator on a socket.

use std::time::Duration;

use super::Simulator;
use super::face::Face;
use crate::server::acceptor::Acceptor;
use crate::server::listener::Listener;
use crate::server::settings::Settings;

/// Longest head of a request: what a visitor says is in its address.
const HEADER_LIMIT: usize = 128 << 10;

/// Time that answers which have begun are waited for at the end.
const DRAIN: Duration = Duration::from_millis(500);

impl Simulator {
    /// Serves the APIs on a socket until `shutdown` is ready, and beside them the page, the script
    /// for other pages, and [the levers](crate::simulator#tests-in-any-language).
    ///
    /// The address should be one that other machines cannot reach: there is no password. Answers
    /// that have begun are waited for by then, for half a second. A [fault](Self::fault)
    /// that breaks an answer off resets its connection, and so does one that makes none.
    ///
    /// ```no_run
    /// use snapengage::simulator::Simulator;
    ///
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let simulator = Simulator::builder().widget("sales").build()?;
    /// let listener = tokio::net::TcpListener::bind("127.0.0.1:7070").await?;
    /// simulator.serve(listener, snapengage::shutdown_signal()).await;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with time, which `#[tokio::main]` has.
    pub async fn serve(&self, listener: impl Listener, shutdown: impl Future<Output = ()>) {
        let mut settings = Settings::default();
        (settings.header_limit, settings.drain_deadline) = (HEADER_LIMIT, DRAIN);
        Acceptor::new(Face::new(self.clone()), settings).run(listener, shutdown).await;
        // What has come since the last answer; a failure is logged.
        let _ = self.keep().await;
    }
}

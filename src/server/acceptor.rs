//! Accepting of connections, and the end of it.

use std::convert::Infallible;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::connection::Connection;
use super::listener::Listener;
use super::service::Serve;
use super::settings::Settings;
use super::shutdown::Stage;
use crate::error::WithCauses;
use crate::panics::log_safely;
use crate::receiver::observer::ConnectionEvent;

/// Acceptor of the connections of one listener.
pub(crate) struct Acceptor<S> {
    service: S,
    settings: Settings,
}

impl<S: Serve> Acceptor<S> {
    pub(crate) fn new(service: S, settings: Settings) -> Self {
        Self { service, settings }
    }

    /// Serves until `shutdown` is ready, and then shuts down in order.
    pub(crate) async fn run(self, mut listener: impl Listener, shutdown: impl Future<Output = ()>) {
        let permits = Arc::new(Semaphore::new(self.settings.max_connections as usize));
        let (stage, _) = watch::channel(Stage::Serving);
        {
            let mut accepting = pin!(self.accept(&mut listener, &permits, &stage));
            tokio::select! {
                never = &mut accepting => match never {},
                () = shutdown => self.service.start_draining(),
            }
            // In this order: a connection that is there already is accepted, not reset.
            tokio::select! {
                biased;
                never = &mut accepting => match never {},
                () = tokio::time::sleep(self.settings.drain_delay) => {}
            }
        }
        // Before the connections are closed: a client that is turned away comes again, and must
        // find it closed.
        drop(listener);
        stage.send_replace(Stage::Draining);
        self.drain(&permits, &stage).await;
    }

    /// Waits for the connections and for the handlers, and cuts what is left at the deadline.
    async fn drain(&self, permits: &Semaphore, stage: &watch::Sender<Stage>) {
        let drained = async {
            let _ = permits.acquire_many(self.settings.max_connections).await;
            self.service.finished().await;
        };
        if tokio::time::timeout(self.settings.drain_deadline, drained).await.is_err() {
            let open = self.settings.max_connections as usize - permits.available_permits();
            log_safely(|| {
                tracing::error!(connections = open, "not drained in time, connections are cut");
            });
            stage.send_replace(Stage::Cut);
        }
    }

    async fn accept(
        &self,
        listener: &mut impl Listener,
        permits: &Arc<Semaphore>,
        stage: &watch::Sender<Stage>,
    ) -> Infallible {
        let mut backoff = AcceptBackoff::default();
        let mut complaint = AcceptComplaint::default();
        loop {
            // Before a connection is accepted: one that cannot be served yet waits in the system's
            // queue, where it takes no file descriptor and no memory of this process.
            let permit = self.acquire(permits).await;
            match listener.accept().await {
                Ok(handshake) => {
                    backoff = AcceptBackoff::default();
                    let connection = self.connection(permits, permit, stage.subscribe());
                    tokio::spawn(connection.serve(handshake));
                }
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    self.service.note_connection(ConnectionEvent::NotAccepted);
                    complaint.not_accepted(&error);
                    tokio::time::sleep(backoff.next()).await;
                }
            }
        }
    }

    async fn acquire(&self, permits: &Arc<Semaphore>) -> OwnedSemaphorePermit {
        if permits.available_permits() == 0 {
            self.service.note_connection(ConnectionEvent::Full);
            log_safely(|| tracing::warn!("`max_connections` are open, others wait"));
        }
        Arc::clone(permits).acquire_owned().await.expect("never closed")
    }

    fn connection(
        &self,
        permits: &Semaphore,
        permit: OwnedSemaphorePermit,
        stage: watch::Receiver<Stage>,
    ) -> Connection<S> {
        Connection {
            service: self.service.clone(),
            header_limit: self.settings.header_limit,
            deadlines: self.settings.deadlines_with_room(permits.available_permits()),
            stage,
            _permit: permit,
        }
    }
}

/// Wait after an error that the next connection would meet as well, such as too many open files:
/// without it, the loop would spin and fill the log while nobody can connect.
struct AcceptBackoff(Duration);

impl AcceptBackoff {
    const MAX: Duration = Duration::from_secs(1);

    fn next(&mut self) -> Duration {
        let now = self.0;
        self.0 = (self.0 * 2).min(Self::MAX);
        now
    }
}

impl Default for AcceptBackoff {
    fn default() -> Self {
        Self(Duration::from_millis(5))
    }
}

/// Complaint that connections are not accepted, once a minute at most. Where the process has run
/// out of files, accepting fails and succeeds by turns as fast as connections close.
#[derive(Default)]
struct AcceptComplaint(Option<Instant>);

impl AcceptComplaint {
    const PAUSE: Duration = Duration::from_secs(60);

    fn not_accepted(&mut self, error: &io::Error) {
        if self.0.is_some_and(|last| last.elapsed() < Self::PAUSE) {
            return;
        }
        self.0 = Some(Instant::now());
        let error = WithCauses(error);
        log_safely(|| tracing::error!(%error, "no connection could be accepted"));
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_doubles_up_to_a_second() {
        let mut backoff = AcceptBackoff::default();
        let waits: Vec<_> =
            std::iter::repeat_with(|| backoff.next().as_millis()).take(10).collect();
        assert_eq!(waits, [5, 10, 20, 40, 80, 160, 320, 640, 1000, 1000]);
    }
}

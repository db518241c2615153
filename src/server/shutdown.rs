//! Shutdown: the signals that ask for it, and the stages it goes through.

use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::task::{Poll, Waker};

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};
#[cfg(windows)]
use tokio::signal::windows::{CtrlC as Signal, ctrl_c};
use tokio::sync::watch;

use crate::panics::log_safely;

/// Waits until the process is asked to stop: by SIGTERM, as container runtimes and service managers
/// do, or by ctrl-c. On Windows, by ctrl-c alone.
///
/// From the call on, and not only from the first poll, these signals no longer end the process by
/// themselves. Of several that wait, one signal ends all. A second signal changes nothing:
/// [`drain_deadline`](crate::Server::drain_deadline) bounds how long a server takes to stop, and
/// SIGKILL ends it at once. A signal that cannot be waited for is logged, and ends the process as
/// before.
///
/// # Panics
///
/// Outside of a tokio runtime with IO, which `#[tokio::main]` has.
///
/// ```no_run
/// # async fn example(receiver: snapengage::Receiver) -> std::io::Result<()> {
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
/// snapengage::serve(listener, receiver, snapengage::shutdown_signal()).await;
/// # Ok(())
/// # }
/// ```
#[must_use = "the signals no longer end the process by themselves"]
pub fn shutdown_signal() -> impl Future<Output = ()> + Send + 'static {
    let mut signals: Vec<_> = install().into_iter().filter_map(installed).collect();
    poll_fn(move |context| {
        let mut polls = signals.iter_mut().map(|signal| signal.poll_recv(context));
        if polls.any(|poll| poll == Poll::Ready(Some(()))) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
}

#[cfg(unix)]
fn install() -> [io::Result<Signal>; 2] {
    [SignalKind::interrupt(), SignalKind::terminate()].map(signal)
}

#[cfg(windows)]
fn install() -> [io::Result<Signal>; 1] {
    [ctrl_c()]
}

fn installed(signal: io::Result<Signal>) -> Option<Signal> {
    let log =
        |error: &io::Error| log_safely(|| tracing::error!(%error, "a signal cannot be waited for"));
    signal.inspect_err(log).ok()
}

/// Stage that a server has reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// Connections are accepted.
    Serving,
    /// Requests that have begun are answered.
    Draining,
    /// Connections that are left are dropped.
    Cut,
}

/// Waits for a stage. A server that is gone has reached them all.
pub(super) async fn reached(stage: &mut watch::Receiver<Stage>, expected: Stage) {
    let changes = stage.clone();
    let mut stage = pin!(stage.wait_for(|stage| *stage >= expected));
    let mut waker: Option<Waker> = None;
    // A connection asks at its every turn. `wait_for` alone would take a lock that all connections
    // share, and 360 of the 27,000 instructions of a bot message.
    poll_fn(|context| {
        let is_known = waker.as_ref().is_some_and(|waker| waker.will_wake(context.waker()));
        if is_known && changes.has_changed().is_ok_and(|has_changed| !has_changed) {
            return Poll::Pending;
        }
        waker = Some(context.waker().clone());
        stage.as_mut().poll(context).map(drop)
    })
    .await;
}

//! Waiting for a change, as long as the caller likes, and no longer than the server runs.

use std::time::Duration;

use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, sleep_until};

use super::Face;
use crate::simulator::SimulatorChange;

impl Face {
    /// Waits until it is so; at most this long, and not beyond the beginning of the drain.
    ///
    /// `is_so` is asked at once, and after each change that `concerns` it.
    pub(super) async fn wait_until(
        &self,
        wait: Duration,
        concerns: impl Fn(&SimulatorChange) -> bool,
        mut is_so: impl FnMut() -> bool,
    ) {
        let deadline = Instant::now() + wait;
        // Before the first look: what changes after it is seen.
        let mut changes = self.simulator.changes();
        let mut draining = self.draining.subscribe();
        // Somebody looks at the chat: it does not end for silence.
        let _watching = self.simulator.watch();
        while !is_so() {
            loop {
                let change = tokio::select! {
                    change = changes.recv() => change,
                    () = sleep_until(deadline) => return,
                    _ = draining.wait_for(|is_draining| *is_draining) => return,
                };
                match change {
                    Ok(change) if concerns(&change) => break,
                    Ok(_) => {}
                    Err(RecvError::Lagged(_)) => break,
                    Err(RecvError::Closed) => return,
                }
            }
        }
    }
}

/// Returns `true` for a change that a chat may have gone through.
pub(super) fn is_of(change: &SimulatorChange, case: &str) -> bool {
    match change {
        SimulatorChange::Visit(changed) => changed.as_str() == case,
        SimulatorChange::Reset => true,
        _ => false,
    }
}

//! Limits and deadlines of a server.

use std::time::Duration;

use super::patience::Deadlines;
use crate::error::BuildError;

/// Limits and deadlines of a server.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(super) max_connections: u32,
    pub(crate) header_limit: usize,
    pub(super) deadlines: Deadlines,
    pub(super) drain_delay: Duration,
    pub(crate) drain_deadline: Duration,
}

impl Settings {
    /// Longer than the minute that proxies keep a connection by default: whoever closes first must
    /// be the one that sends the requests.
    const IDLE: Duration = Duration::from_secs(75);

    /// Looks for a limit or deadline that is zero and must not be.
    pub(super) fn check(&self) -> Result<(), BuildError> {
        let Deadlines { header, write, idle, .. } = self.deadlines;
        let settings = [
            ("header_limit", self.header_limit == 0),
            ("header_deadline", header.is_zero()),
            ("write_deadline", write.is_zero()),
            ("idle_deadline", idle.is_zero()),
        ];
        let zero = settings.into_iter().filter(|(_, is_zero)| *is_zero);
        let mistakes: Vec<_> =
            zero.map(|(setting, _)| format!("`{setting}`: expected more than zero")).collect();
        if mistakes.is_empty() { Ok(()) } else { Err(BuildError::new(mistakes)) }
    }

    /// Deadlines of a new connection beside which so many more may be open.
    pub(super) fn deadlines_with_room(&self, room: usize) -> Deadlines {
        let Deadlines { header, idle, .. } = self.deadlines;
        // Somebody may be opening connections and sending nothing, to shut out everybody else. Once
        // more than half are open, silence costs no more time than a slow head.
        let is_crowded = room < self.max_connections as usize / 2;
        Deadlines { first: if is_crowded { idle.min(header) } else { idle }, ..self.deadlines }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_connections: 10_000,
            header_limit: 16 * 1024,
            deadlines: Deadlines {
                first: Self::IDLE,
                header: Duration::from_secs(10),
                write: Duration::from_secs(10),
                idle: Self::IDLE,
            },
            drain_delay: Duration::ZERO,
            drain_deadline: Duration::from_secs(35),
        }
    }
}

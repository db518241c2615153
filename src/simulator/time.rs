//! The simulator's time.

use std::time::Duration;

use crate::clock;
use crate::timestamp::Timestamp;

/// 2026-01-05T09:00:00Z, a Monday morning: the start of what is to be the same at every run.
pub(super) const SEEDED_START: i64 = 1_767_603_600_000;

/// Time that an event takes if time stands still.
const EVENT: Duration = Duration::from_secs(1);

/// Clock of the simulator.
#[derive(Debug)]
pub(super) struct Time {
    start: Timestamp,
    built_at: Timestamp,
    /// Time that was added to the clock's own.
    ahead: Duration,
    /// Time that events took, besides.
    events: Duration,
    pace: Pace,
}

/// Pace of a clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    /// As the system's clock, or tokio's while that is paused, this many times as fast.
    Running { speed: u32 },
    /// One second an event, and none besides: times are the same at every run.
    Still,
}

impl Time {
    pub(super) fn new(start: Timestamp, pace: Pace) -> Self {
        Self { start, built_at: clock::now(), ahead: Duration::ZERO, events: Duration::ZERO, pace }
    }

    pub(super) fn pace(&self) -> Pace {
        self.pace
    }

    pub(super) fn now(&self) -> Timestamp {
        self.passed().saturating_add(self.events)
    }

    /// Returns the time without the seconds that events took. Silence is measured by it: else one
    /// busy chat would end those in which somebody is about to say something.
    pub(super) fn passed(&self) -> Timestamp {
        let ran = match self.pace {
            Pace::Running { speed } => {
                clock::now().saturating_duration_since(self.built_at).saturating_mul(speed)
            }
            Pace::Still => Duration::ZERO,
        };
        self.start.saturating_add(ran).saturating_add(self.ahead)
    }

    /// Returns the time of something that happens now.
    pub(super) fn event(&mut self) -> Timestamp {
        if self.pace == Pace::Still {
            self.events += EVENT;
        }
        self.now()
    }

    /// Returns the real time until a simulated one; `None` if it does not come by itself.
    pub(super) fn wait_until(&self, time: Timestamp) -> Option<Duration> {
        let Pace::Running { speed } = self.pace else { return None };
        // Rounded up, so that the time has come by then.
        let wait = time.saturating_duration_since(self.now()) / speed;
        Some(wait + Duration::from_millis(1))
    }

    /// Goes forward to a time, if it is not past.
    pub(super) fn advance_to(&mut self, time: Timestamp) {
        self.advance(time.saturating_duration_since(self.now()));
    }

    pub(super) fn advance(&mut self, duration: Duration) {
        self.ahead = self.ahead.saturating_add(duration);
    }

    /// Returns what it was moved by: time that was added, and time that events took.
    pub(super) fn moved(&self) -> (Duration, Duration) {
        (self.ahead, self.events)
    }

    /// Goes on where another clock was.
    pub(super) fn restore(&mut self, now: Timestamp, events: Duration) {
        self.events = events;
        self.advance_to(now);
    }
}

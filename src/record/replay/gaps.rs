//! Gaps between the requests of a replay.

use std::time::{Duration, Instant as RealInstant};

use tokio::time::Instant;

use super::plan::Speed;
use crate::timestamp::Timestamp;

/// Times at which requests are due.
#[derive(Debug)]
pub(super) struct Gaps {
    /// Divisor of the gaps; `None` if there are none.
    speed: Option<f64>,
    due: Instant,
    last: Option<Timestamp>,
}

impl Gaps {
    pub(super) fn new(speed: Speed) -> Self {
        let speed = match speed {
            Speed::ByClock => is_time_paused().then_some(1.0),
            Speed::Times(times) => Some(times),
        };
        Self { speed, due: Instant::now(), last: None }
    }

    pub(super) fn is_any(&self) -> bool {
        self.speed.is_some()
    }

    /// Returns the time at which a request is due that was recorded at this time.
    pub(super) fn due(&mut self, at: Timestamp) -> Instant {
        let gap = self.last.map_or(Duration::ZERO, |last| at.saturating_duration_since(last));
        self.last = self.last.max(Some(at));
        if let Some(speed) = self.speed {
            let seconds = gap.min(LONGEST_GAP).as_secs_f64() / speed;
            self.due +=
                Duration::try_from_secs_f64(seconds).unwrap_or(LONGEST_GAP).min(LONGEST_GAP);
        }
        self.due
    }
}

/// Longest gap: recordings of different months may be in one folder.
const LONGEST_GAP: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Returns `true` if tokio's clock stands still while the real one goes.
fn is_time_paused() -> bool {
    let (before, start) = (Instant::now(), RealInstant::now());
    while start.elapsed().is_zero() {}
    Instant::now() == before
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_running_clock_has_no_gaps() {
        assert!(!Gaps::new(Speed::ByClock).is_any());
    }

    #[tokio::test(start_paused = true)]
    async fn gaps_are_divided_and_never_longer_than_a_month() {
        assert!(Gaps::new(Speed::ByClock).is_any());
        let mut gaps = Gaps::new(Speed::Times(2.0));
        let at = |seconds: i64| Timestamp::from_millis(seconds * 1000).expect("a time");
        let start = gaps.due(at(100));
        assert_eq!(gaps.due(at(110)) - start, Duration::from_secs(5));
        assert_eq!(gaps.due(at(50)) - start, Duration::from_secs(5), "a clock that was set back");
        assert_eq!(gaps.due(at(110)) - start, Duration::from_secs(5));
        let due = gaps.due(at(1_000_000_000));
        assert_eq!(due - start, Duration::from_secs(5) + LONGEST_GAP / 2);
    }
}

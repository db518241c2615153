//! Waits between attempts.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// Exponential backoff: twice as long after each failure, up to a bound; and of that, a random
/// part, so that what failed together is not retried together.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Backoff {
    pub(crate) first: Duration,
    pub(crate) longest: Duration,
}

impl Backoff {
    /// Returns a wait after this many attempts, between a half and the whole.
    #[cfg(feature = "inbox")]
    pub(crate) fn upper_half(self, attempts: u32) -> Duration {
        self.whole(attempts).mul_f64(0.5 + random() / 2.0)
    }

    /// Returns a wait after this many attempts, between nothing and the whole.
    #[cfg(feature = "client")]
    pub(crate) fn full_jitter(self, attempts: u32) -> Duration {
        self.whole(attempts).mul_f64(random())
    }

    fn whole(self, attempts: u32) -> Duration {
        let doubled = 2_u32.checked_pow(attempts.saturating_sub(1)).unwrap_or(u32::MAX);
        self.first.saturating_mul(doubled).min(self.longest)
    }
}

/// Returns a number from 0 to below 1. It need not be unpredictable.
fn random() -> f64 {
    part(u32::try_from(RandomState::new().hash_one(()) >> 32).unwrap_or_default())
}

/// Returns a number below 1: `Duration::MAX` times 1 is an overflow, since no `f64` is as long.
fn part(bits: u32) -> f64 {
    f64::from(bits) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BACKOFF: Backoff =
        Backoff { first: Duration::from_secs(1), longest: Duration::from_secs(60) };

    #[test]
    fn waits_double_up_to_a_bound() {
        let waits =
            [1, 2, 3, 6, 7, 100, u32::MAX].map(|attempts| BACKOFF.whole(attempts).as_secs());
        assert_eq!(waits, [1, 2, 4, 32, 60, 60, 60]);
    }

    #[test]
    fn the_longest_wait_is_no_overflow() {
        let half = Duration::MAX.mul_f64(0.5);
        assert!(Duration::MAX.mul_f64(part(u32::MAX)) > half);
        assert!(Duration::MAX.mul_f64(0.5 + part(u32::MAX) / 2.0) > half);
    }

    #[cfg(feature = "inbox")]
    #[test]
    fn waits_are_spread_over_their_upper_half() {
        let waits: Vec<_> = (0..1000).map(|_| BACKOFF.upper_half(3)).collect();
        let (half, whole) = (Duration::from_secs(2), Duration::from_secs(4));
        assert!(waits.iter().all(|wait| (half..=whole).contains(wait)));
        let late = waits.iter().filter(|wait| **wait > Duration::from_secs(3)).count();
        assert!((300..700).contains(&late), "{late} of 1000 in the later half");
    }

    #[cfg(feature = "client")]
    #[test]
    fn waits_are_spread_over_the_whole() {
        let waits: Vec<_> = (0..1000).map(|_| BACKOFF.full_jitter(3)).collect();
        let quarter = Duration::from_secs(1);
        assert!(waits.iter().all(|wait| *wait <= 4 * quarter));
        let early = waits.iter().filter(|wait| **wait < quarter).count();
        assert!((150..350).contains(&early), "{early} of 1000 in the first quarter");
    }
}

//! Budget of the memory that parsed bodies may hold at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

/// Memory to be shared, in halves.
///
/// From the first, each body gets what it could take at worst, which costs less than to look at it.
/// Once that half is taken, bodies are looked at, and share the other by their estimated size.
pub(crate) struct Budget {
    assumed: Arc<Assumed>,
    /// Permits in units of 1 KiB.
    estimated: Arc<Semaphore>,
    units: u32,
}

struct Assumed {
    limit: usize,
    taken: AtomicUsize,
}

/// Share of the memory, held until it is dropped.
pub(crate) enum Share {
    Nothing,
    Assumed {
        _share: AssumedShare,
    },
    Estimated {
        _permit: OwnedSemaphorePermit,
        /// Time that the request waited for it.
        waited: Duration,
    },
}

impl Share {
    pub(crate) fn waited(&self) -> Duration {
        if let Self::Estimated { waited, .. } = self { *waited } else { Duration::ZERO }
    }
}

impl Budget {
    pub(crate) fn new(bytes: usize) -> Self {
        let most = u32::try_from(Semaphore::MAX_PERMITS).unwrap_or(u32::MAX);
        let units = units(bytes.div_ceil(2)).min(most);
        Self {
            assumed: Arc::new(Assumed { limit: bytes / 2, taken: AtomicUsize::new(0) }),
            estimated: Arc::new(Semaphore::new(units as usize)),
            units,
        }
    }

    /// Takes a share for a body that is to be parsed; `None` if there is none in time.
    pub(crate) async fn share(&self, body: &[u8], patience: Duration) -> Option<Share> {
        if body.is_empty() {
            return Some(Share::Nothing);
        }
        match AssumedShare::take(&self.assumed, worst(body)) {
            Some(share) => Some(Share::Assumed { _share: share }),
            None => Box::pin(self.wait(body, patience)).await,
        }
    }

    async fn wait(&self, body: &[u8], patience: Duration) -> Option<Share> {
        let started = Instant::now();
        let share = units(estimate(body)).min(self.units);
        let permit = timeout(patience, Arc::clone(&self.estimated).acquire_many_owned(share)).await;
        let permit = permit.ok()?.expect("never closed");
        Some(Share::Estimated { _permit: permit, waited: started.elapsed() })
    }
}

/// Share of the half that is taken by the worst case.
pub(crate) struct AssumedShare {
    assumed: Arc<Assumed>,
    bytes: usize,
}

impl AssumedShare {
    fn take(assumed: &Arc<Assumed>, bytes: usize) -> Option<Self> {
        let free = assumed.limit.checked_sub(assumed.taken.load(Ordering::Relaxed))?;
        if bytes > free {
            return None;
        }
        // Not exact: two threads at once may take a little more than there is.
        assumed.taken.fetch_add(bytes, Ordering::Relaxed);
        Some(Self { assumed: Arc::clone(assumed), bytes })
    }
}

impl Drop for AssumedShare {
    fn drop(&mut self) {
        self.assumed.taken.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// Returns `true` if a body takes no more than so much memory once it is parsed.
#[cfg(feature = "client")]
pub(crate) fn fits(body: &[u8], bytes: usize) -> bool {
    worst(body) <= bytes || estimate(body) <= bytes
}

fn units(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX)
}

/// Returns the most memory that a parsed body takes: it was measured for objects of one empty name,
/// `{"":0}`, in the place of transcripts.
fn worst(body: &[u8]) -> usize {
    body.len().saturating_mul(164)
}

/// Returns the estimated memory of a parsed body, and no less than it takes: two or three times its
/// length, and more for each value, which is a struct, a map or a slot of a list that is half
/// empty. The weights are the most that was measured; real bodies take a fifth of it.
fn estimate(body: &[u8]) -> usize {
    let weight = |byte: &u8| match byte {
        b'{' | b'[' => 1200,
        b'<' => 330,
        b',' => 80,
        _ => 4,
    };
    body.iter().map(weight).sum::<usize>().min(worst(body))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &[u8] = include_bytes!("../../sample-payloads/integration/chat.json");

    #[test]
    fn a_real_body_is_estimated_at_a_fraction_of_the_worst() {
        assert!(estimate(SAMPLE) < worst(SAMPLE) / 5, "{}", estimate(SAMPLE));
        let objects = br#"[{"":0},{"":0},{"":0},{"":0},{"":0}]"#;
        assert!(estimate(objects) > worst(objects) - worst(objects) / 10);
        assert_eq!(estimate(b"[[[[[[[["), worst(b"[[[[[[[["));
    }

    #[test]
    fn half_of_it_is_given_away_unseen() {
        let budget = Budget::new(worst(SAMPLE) * 10);
        let take = || AssumedShare::take(&budget.assumed, worst(SAMPLE));
        let shares: Vec<_> = std::iter::from_fn(take).collect();
        assert_eq!(shares.len(), 5);
        drop(shares);
        assert!(take().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_share_is_waited_for_and_not_for_ever() {
        let second = Duration::from_secs(1);
        let budget = Budget::new(1);
        let all = budget.share(SAMPLE, second).await.expect("alone, whatever it takes");
        let started = Instant::now();
        assert!(budget.share(SAMPLE, second).await.is_none());
        assert_eq!(started.elapsed(), second);
        let waiting = budget.share(SAMPLE, second);
        let freeing = async {
            tokio::task::yield_now().await;
            drop(all);
        };
        let (share, ()) = tokio::join!(waiting, freeing);
        assert!(share.is_some());
    }

    #[tokio::test]
    async fn a_budget_may_be_as_large_as_one_likes() {
        assert!(Budget::new(usize::MAX).share(SAMPLE, Duration::ZERO).await.is_some());
    }
}

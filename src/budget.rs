//! The memory that may be held at once by what is read of bodies.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

/// Memory to be shared, in units of 1 KiB.
pub(crate) struct Budget {
    free: Arc<Semaphore>,
    total: u32,
}

/// A part of it, held until it is dropped.
#[derive(Default)]
pub(crate) struct Share {
    _permit: Option<OwnedSemaphorePermit>,
    /// How long it had to be waited for.
    pub(crate) waited: Duration,
}

impl Budget {
    pub(crate) fn new(bytes: usize) -> Self {
        let total = units(bytes).min(u32::try_from(Semaphore::MAX_PERMITS).unwrap_or(u32::MAX));
        Self { free: Arc::new(Semaphore::new(total as usize)), total }
    }

    /// Takes a share for a body that is to be read; `None` if there is none in time.
    pub(crate) async fn share(&self, body: &[u8], patience: Duration) -> Option<Share> {
        if body.is_empty() {
            return Some(Share::default());
        }
        if let Some(share) = self.share_at_once(body) {
            return Some(share);
        }
        Box::pin(self.wait(body, patience)).await
    }

    /// While there is plenty, the worst is assumed of a body, which costs less than to look at it. The
    /// other half is for those that were looked at.
    fn share_at_once(&self, body: &[u8]) -> Option<Share> {
        let worst = units(worst(body));
        let rest = self.free.available_permits().checked_sub(worst as usize)?;
        if rest < self.total as usize / 2 {
            return None;
        }
        let permit = Arc::clone(&self.free).try_acquire_many_owned(worst).ok()?;
        Some(Share { _permit: Some(permit), waited: Duration::ZERO })
    }

    async fn wait(&self, body: &[u8], patience: Duration) -> Option<Share> {
        let started = Instant::now();
        let share = units(estimate(body)).min(self.total);
        let permit = timeout(patience, Arc::clone(&self.free).acquire_many_owned(share)).await;
        let permit = permit.ok()?.expect("never closed");
        Some(Share { _permit: Some(permit), waited: started.elapsed() })
    }
}

fn units(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX)
}

/// What is read of a body takes no more than this: the most was measured for objects of one empty name,
/// `{"":0}`, in the place of transcripts.
fn worst(body: &[u8]) -> usize {
    body.len().saturating_mul(164)
}

/// What is read of a body takes about this, and no more: two or three times its length, and more for each
/// value, which is a struct, a map or a slot of a list that is half empty. The weights are the most that was
/// measured; real bodies take a fifth of it.
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

    const SAMPLE: &[u8] = include_bytes!("../sample-payloads/integration/chat.json");

    #[test]
    fn a_real_body_is_estimated_at_a_fraction_of_the_worst() {
        assert!(estimate(SAMPLE) < worst(SAMPLE) / 5, "{}", estimate(SAMPLE));
        let objects = br#"[{"":0},{"":0},{"":0},{"":0},{"":0}]"#;
        assert!(estimate(objects) > worst(objects) - worst(objects) / 10);
        assert_eq!(estimate(b"[[[[[[[["), worst(b"[[[[[[[["));
    }

    #[test]
    fn half_of_it_is_for_bodies_that_were_looked_at() {
        let budget = Budget::new(worst(SAMPLE) * 11);
        let shares: Vec<_> = std::iter::from_fn(|| budget.share_at_once(SAMPLE)).collect();
        assert_eq!(shares.len(), 5);
        drop(shares);
        assert!(budget.share_at_once(SAMPLE).is_some());
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

    #[test]
    fn a_budget_may_be_as_large_as_one_likes() {
        assert!(Budget::new(usize::MAX).share_at_once(SAMPLE).is_some());
    }
}

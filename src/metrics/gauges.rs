//! Gauges of an inbox, which are sampled.

use super::list::{INBOX_ENTRIES, INBOX_HEALTHY, INBOX_OLDEST, INBOX_SIZE, describe};
use crate::clock;
use crate::inbox::{Inbox, State, Stats};
use crate::receiver::health::HealthCheck;

/// Sets the gauges of an inbox to what it holds now.
///
/// To be called before each scrape, or by a task of your own from time to time: nothing is sampled
/// by itself. It counts the entries, which takes some 40 ms for a million in a file, and asks the
/// inbox for its [health](crate::HealthCheck), once a second at most.
///
/// An inbox that cannot be read is not healthy, and its other gauges are `NaN`: no panel shows what
/// it held before.
///
/// ```
/// use snapengage::inbox::Inbox;
/// use snapengage::metrics;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # #[cfg(feature = "sqlite")]
/// # {
/// # let folder = tempfile::tempdir()?;
/// # let file = folder.path().join("inbox.db");
/// let inbox = metrics::observe(Inbox::open(file)?);
/// metrics::sample(&inbox).await;
/// # }
/// # Ok(())
/// # }
/// ```
pub async fn sample(inbox: &Inbox) {
    describe();
    let is_healthy = inbox.check().await.is_ok();
    let stats = inbox.stats().await.ok();
    let is_healthy = is_healthy && stats.is_some();
    let name = || inbox.name().to_string().into();
    INBOX_HEALTHY.set(f64::from(u8::from(is_healthy)), [name()]);
    let level = |of: fn(&Stats) -> f64| stats.as_ref().map_or(f64::NAN, of);
    INBOX_OLDEST.set(level(oldest_age), [name()]);
    INBOX_SIZE.set(level(|stats| number(stats.size)), [name()]);
    let entries = |state: State, number| INBOX_ENTRIES.set(number, [name(), state.as_str().into()]);
    entries(State::Waiting, level(|stats| number(stats.waiting)));
    entries(State::Working, level(|stats| number(stats.working)));
    entries(State::Done, level(|stats| number(stats.done)));
    entries(State::Dead, level(|stats| number(stats.dead)));
}

fn oldest_age(stats: &Stats) -> f64 {
    let age = |oldest| clock::now().saturating_duration_since(oldest).as_secs_f64();
    stats.oldest.map_or(0.0, age)
}

#[expect(clippy::cast_precision_loss, reason = "exact up to 2^53")]
fn number(count: u64) -> f64 {
    count as f64
}

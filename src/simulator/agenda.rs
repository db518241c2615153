//! Agenda: things that fall due as time passes.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::id::CaseId;
use crate::timestamp::Timestamp;

/// Silence after which a chat has ended.
pub(super) const SILENCE: Duration = Duration::from_secs(30 * 60);

/// Time from one attempt of the Integration API to the next.
pub(super) const RETRY: Duration = Duration::from_secs(5 * 60);

/// Time after the first attempt in which there are more.
pub(super) const RETRIES: Duration = Duration::from_secs(2 * 60 * 60);

/// Things to happen, by their time.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    items: BTreeMap<(Timestamp, u64), Due>,
    count: u64,
}

/// Thing that falls due.
#[derive(Debug)]
pub(super) enum Due {
    /// Another attempt of the request whose last one had this number.
    Retry(u64),
    /// The end of a chat, if nobody has said anything by then.
    Silence(CaseId),
}

impl Agenda {
    pub(super) fn put(&mut self, time: Timestamp, due: Due) {
        self.count += 1;
        self.items.insert((time, self.count), due);
    }

    /// Returns the time of what falls due next.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.items.keys().next().map(|(time, _)| *time)
    }

    /// Takes what is due by now, if there is something.
    pub(super) fn take(&mut self, now: Timestamp) -> Option<Due> {
        let first = self.items.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }
}

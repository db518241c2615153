//! Finished cases, as the logs return them.

use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Included};
use std::ops::RangeInclusive;

use bytes::Bytes;

use crate::id::{CaseId, WidgetId};
use crate::timestamp::Timestamp;

/// Finished cases by widget, and there by their time of creation.
#[derive(Debug, Default)]
pub(super) struct Archive {
    widgets: BTreeMap<WidgetId, BTreeMap<Place, Stored>>,
    count: u64,
}

/// Place of a case among those of its widget: the time it was created, and a number of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) created_at: Timestamp,
    pub(super) number: u64,
}

/// Case that is finished.
#[derive(Debug)]
pub(super) enum Stored {
    /// One that the simulator was started with, in JSON.
    Given(Bytes),
    /// Chat that took place here.
    Chat(CaseId),
}

impl Archive {
    pub(super) fn put_chat(&mut self, widget: WidgetId, created_at: Timestamp, case: CaseId) {
        self.put(widget, created_at, Stored::Chat(case));
    }

    pub(super) fn put(&mut self, widget: WidgetId, created_at: Timestamp, stored: Stored) {
        self.count += 1;
        let place = Place { created_at, number: self.count };
        self.widgets.entry(widget).or_default().insert(place, stored);
    }

    /// Returns the cases of a widget that were created in this time, the oldest first; those after
    /// a place, if there is one.
    pub(super) fn of(
        &self,
        widget: &WidgetId,
        time: &RangeInclusive<Timestamp>,
        after: Option<Place>,
    ) -> impl Iterator<Item = (Place, &Stored)> {
        let first = Place { created_at: *time.start(), number: 0 };
        let start = after.map_or(first, |place| place.max(first));
        let end = Place { created_at: *time.end(), number: u64::MAX };
        let cases = self.widgets.get(widget).filter(|_| start < end).into_iter();
        let cases = cases.flat_map(move |cases| cases.range((Excluded(start), Included(end))));
        cases.map(|(place, stored)| (*place, stored))
    }
}

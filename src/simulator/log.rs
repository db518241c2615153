//! Log of what was sent to the feeds.

use std::collections::{BTreeMap, BTreeSet};

use super::delivery::{DeliveryFilter, DeliveryRecord};
use super::tracked::Tracked;

/// Most deliveries that are kept; then the oldest go.
const COUNT: usize = 100_000;

/// Most bytes of them.
const BYTES: usize = 64 << 20;

/// Deliveries, by their numbers.
#[derive(Debug, Default)]
pub(super) struct DeliveryLog {
    records: Tracked<u64, DeliveryRecord>,
    bytes: usize,
    last: u64,
}

impl DeliveryLog {
    /// Returns the number of the next delivery.
    pub(super) fn number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// Puts a delivery there, in place of what was known of it.
    pub(super) fn put(&mut self, record: DeliveryRecord) {
        self.bytes += size(&record);
        if let Some(before) = self.records.insert(record.n, record) {
            self.bytes -= size(&before);
        }
        while self.records.len() > COUNT || self.bytes > BYTES && self.records.len() > 1 {
            let Some(oldest) = self.records.evict_first() else { break };
            self.bytes -= size(&oldest);
        }
    }

    /// Returns the number of the last delivery.
    pub(super) fn last(&self) -> u64 {
        self.last
    }

    /// Returns a log of these deliveries, which goes on after this number.
    pub(super) fn restored(records: BTreeMap<u64, DeliveryRecord>, last: u64) -> Self {
        let mut log = Self { last, ..Self::default() };
        records.into_values().for_each(|record| log.put(record));
        log
    }

    pub(super) fn records(&self) -> &BTreeMap<u64, DeliveryRecord> {
        &self.records
    }

    pub(super) fn track(&mut self) {
        self.records.track();
    }

    pub(super) fn take_changed(&mut self) -> BTreeSet<u64> {
        self.records.take_changed()
    }

    pub(super) fn of(&self, filter: &DeliveryFilter) -> Vec<DeliveryRecord> {
        let records = self.records.range(filter.after.saturating_add(1)..);
        let records = records.map(|(_, record)| record).filter(|record| filter.takes(record));
        records.cloned().collect()
    }
}

fn size(record: &DeliveryRecord) -> usize {
    let answer = record.response.as_ref().map_or(0, |response| response.body.len());
    512 + record.url.len() + record.request.body.len() + answer
}

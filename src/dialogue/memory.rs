//! Conversations in memory.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::store::{Record, Revision, Store, StoreError};
use crate::timestamp::Timestamp;

/// Conversations in memory: for tests, and for small bots that may forget where they stood.
///
/// It holds a bounded number of conversations. When it is full, those that expire first make room: one
/// in sixteen, so that a full store is no slower than another.
#[derive(Debug)]
pub struct MemoryStore {
    capacity: usize,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    records: HashMap<Box<str>, (Record, Revision)>,
    writes: u64,
}

impl MemoryStore {
    /// An empty store for up to 10,000 conversations.
    pub fn new() -> Self {
        Self::with_capacity(10_000)
    }

    /// An empty store for up to so many conversations, at least 1.
    pub fn with_capacity(conversations: usize) -> Self {
        Self { capacity: conversations.max(1), kept: Mutex::default() }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl Kept {
    fn make_room(&mut self) {
        let age = |(record, revision): &(Record, Revision)| (record.expires_at(), revision.0);
        let mut ages: Vec<_> = self.records.values().map(age).collect();
        let sixteenth = ages.len() / 16;
        let (_, last_to_go, _) = ages.select_nth_unstable(sixteenth);
        self.records.retain(|_, kept| age(kept) > *last_to_go);
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn load(&self, key: &str) -> Result<Option<(Record, Revision)>, StoreError> {
        Ok(self.kept().records.get(key).cloned())
    }

    async fn save(
        &self,
        key: &str,
        record: &Record,
        seen: Option<Revision>,
    ) -> Result<Option<Revision>, StoreError> {
        let mut kept = self.kept();
        let next = Revision(kept.writes);
        match (kept.records.get_mut(key), seen) {
            (Some(there), Some(seen)) if there.1 == seen => *there = (record.clone(), next),
            (None, None) => {
                if kept.records.len() >= self.capacity {
                    kept.make_room();
                }
                kept.records.insert(key.into(), (record.clone(), next));
            }
            _ => return Ok(None),
        }
        kept.writes += 1;
        Ok(Some(next))
    }

    async fn remove(&self, key: &str, seen: Revision) -> Result<bool, StoreError> {
        let mut kept = self.kept();
        let is_same = kept.records.get(key).is_some_and(|(_, revision)| *revision == seen);
        if is_same {
            kept.records.remove(key);
        }
        Ok(is_same)
    }

    async fn sweep(&self, now: Timestamp) -> Result<u64, StoreError> {
        let mut kept = self.kept();
        let before = kept.records.len();
        kept.records.retain(|_, (record, _)| record.expires_at() > now);
        Ok((before - kept.records.len()) as u64)
    }
}

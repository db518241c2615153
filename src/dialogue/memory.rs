//! Conversations in memory.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::store::{Record, Revision, Store, StoreError};
use crate::timestamp::Timestamp;

/// Conversations in memory: for tests, and for small bots that may forget where they stood.
///
/// It holds a bounded number of bytes. When it is full, the conversations that expire first make room,
/// those that have expired before all others, and what their visitors say next starts another: a full
/// store is no error, and no slower than another.
#[derive(Debug)]
pub struct MemoryStore {
    limit: usize,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    records: HashMap<Box<str>, Entry>,
    /// What the records take.
    bytes: usize,
    writes: u64,
}

#[derive(Debug)]
struct Entry {
    record: Record,
    revision: Revision,
    bytes: usize,
}

impl MemoryStore {
    /// An empty store of up to 64 MiB, which is some 16,000 conversations of eight short replies with
    /// buttons, and some 60,000 of one.
    pub fn new() -> Self {
        Self::with_limit(64 * 1024 * 1024)
    }

    /// An empty store of up to so many bytes, as far as they can be told. The conversation that was
    /// written last is kept even if it takes more.
    pub fn with_limit(bytes: usize) -> Self {
        Self { limit: bytes, kept: Mutex::default() }
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

impl Entry {
    /// What goes first is less.
    fn age(&self) -> (Timestamp, u64) {
        (self.record.expires_at(), self.revision.0)
    }
}

/// About the memory that a record takes: what is in it, and the map, the allocator and itself.
fn bytes_of(key: &str, record: &Record) -> usize {
    const OVERHEAD: usize = 512;
    OVERHEAD + key.len() + record.bytes()
}

impl Kept {
    fn remove(&mut self, key: &str) {
        let removed = self.records.remove(key);
        self.bytes -= removed.map_or(0, |removed| removed.bytes);
    }

    fn retain(&mut self, mut keep: impl FnMut(&mut Entry) -> bool) {
        let mut bytes = 0;
        self.records.retain(|_, entry| {
            let is_kept = keep(entry);
            bytes += if is_kept { entry.bytes } else { 0 };
            is_kept
        });
        self.bytes = bytes;
    }

    /// Down to a sixteenth below the limit, so that there is room for a while. What was just written
    /// stays.
    fn make_room(&mut self, limit: usize, written: Revision) {
        let mut ages: Vec<_> =
            self.records.values().map(|entry| (entry.age(), entry.bytes)).collect();
        ages.sort_unstable();
        let mut surplus = self.bytes.saturating_sub(limit - limit / 16);
        let last_to_go = ages.into_iter().find(|(_, bytes)| {
            surplus = surplus.saturating_sub(*bytes);
            surplus == 0
        });
        self.retain(|entry| {
            entry.revision == written
                || last_to_go.is_some_and(|(last_to_go, _)| entry.age() > last_to_go)
        });
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn load(&self, key: &str) -> Result<Option<(Record, Revision)>, StoreError> {
        Ok(self.kept().records.get(key).map(|entry| (entry.record.clone(), entry.revision)))
    }

    async fn save(
        &self,
        key: &str,
        record: &Record,
        seen: Option<Revision>,
    ) -> Result<Option<Revision>, StoreError> {
        let mut kept = self.kept();
        let next = Revision(kept.writes);
        let bytes = bytes_of(key, record);
        let replaced = match (kept.records.get_mut(key), seen) {
            (Some(entry), Some(seen)) if entry.revision == seen => {
                let replaced = entry.bytes;
                *entry = Entry { record: record.clone(), revision: next, bytes };
                replaced
            }
            (None, None) => {
                let entry = Entry { record: record.clone(), revision: next, bytes };
                kept.records.insert(key.into(), entry);
                0
            }
            _ => return Ok(None),
        };
        kept.writes += 1;
        kept.bytes = kept.bytes + bytes - replaced;
        if kept.bytes > self.limit {
            kept.make_room(self.limit, next);
        }
        Ok(Some(next))
    }

    async fn remove(&self, key: &str, seen: Revision) -> Result<bool, StoreError> {
        let mut kept = self.kept();
        let is_same = kept.records.get(key).is_some_and(|entry| entry.revision == seen);
        if is_same {
            kept.remove(key);
        }
        Ok(is_same)
    }

    async fn sweep(&self, now: Timestamp) -> Result<u64, StoreError> {
        let mut kept = self.kept();
        let before = kept.records.len();
        kept.retain(|entry| {
            entry.record.cap_expiry(now);
            entry.record.expires_at() > now
        });
        Ok((before - kept.records.len()) as u64)
    }
}

//! Conversations in memory.

use std::collections::HashMap;
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::error::StoreError;
use super::record::Record;
use super::store::{Loaded, Revision, Saved, Store};
use crate::timestamp::Timestamp;

/// Conversations in memory: for tests, and for small bots that may forget their conversations.
///
/// It holds a bounded number of bytes. When it is full, the conversations that expire first are
/// removed, those that have expired before all others, and the next message of such a visitor
/// starts a new conversation: a full store is no error, and no slower than another.
#[derive(Debug)]
#[must_use]
pub struct MemoryStore {
    memory_limit: usize,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    records: HashMap<Box<str>, KeptRecord>,
    /// Memory that the records take.
    bytes: usize,
    writes: u64,
}

#[derive(Debug)]
struct KeptRecord {
    record: Record,
    revision: Revision,
    bytes: usize,
}

impl MemoryStore {
    /// Creates an empty store of up to 64 MiB, which is some 16,000 conversations of eight short
    /// replies with buttons, and some 60,000 of one.
    pub fn new() -> Self {
        Self { memory_limit: 64 * 1024 * 1024, kept: Mutex::default() }
    }

    /// Memory that the conversations may take, in bytes, which is estimated. 64 MiB by
    /// default. The one that was written last is kept even if it takes more.
    pub fn memory_limit(self, bytes: usize) -> Self {
        Self { memory_limit: bytes, ..self }
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

impl KeptRecord {
    fn new(key: &str, record: &Record, revision: Revision) -> Self {
        Self { record: record.clone(), revision, bytes: bytes_of(key, record) }
    }

    /// Returns the order in which records are removed, the lowest first.
    fn age(&self) -> (Timestamp, u64) {
        (self.record.expires_at(), self.revision.0)
    }
}

/// Estimates the memory that a record takes: its content, and the overhead of the map and the
/// allocator.
fn bytes_of(key: &str, record: &Record) -> usize {
    const OVERHEAD: usize = 512;
    OVERHEAD + key.len() + record.bytes()
}

impl Kept {
    /// Replaces the entry that was seen, and returns whether it did.
    fn replace(&mut self, key: &str, entry: KeptRecord, seen: Option<Revision>) -> bool {
        let bytes = entry.bytes;
        let replaced = match (self.records.get_mut(key), seen) {
            (Some(there), Some(seen)) if there.revision == seen => mem::replace(there, entry).bytes,
            (None, None) => {
                self.records.insert(key.into(), entry);
                0
            }
            _ => return false,
        };
        self.writes += 1;
        self.bytes = self.bytes + bytes - replaced;
        true
    }

    fn remove(&mut self, key: &str) {
        let removed = self.records.remove(key);
        self.bytes -= removed.map_or(0, |removed| removed.bytes);
    }

    fn retain(&mut self, mut keep: impl FnMut(&mut KeptRecord) -> bool) {
        let mut bytes = 0;
        self.records.retain(|_, entry| {
            let is_kept = keep(entry);
            bytes += if is_kept { entry.bytes } else { 0 };
            is_kept
        });
        self.bytes = bytes;
    }

    /// Removes records down to a sixteenth below the limit, so that there is room for a while. The
    /// record just written stays.
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
    async fn load(&self, key: &str) -> Result<Option<Loaded>, StoreError> {
        Ok(self
            .kept()
            .records
            .get(key)
            .map(|entry| Loaded::new(entry.record.clone(), entry.revision)))
    }

    async fn save(
        &self,
        key: &str,
        record: &Record,
        seen: Option<Revision>,
    ) -> Result<Saved, StoreError> {
        let mut kept = self.kept();
        let next = Revision(kept.writes);
        let entry = KeptRecord::new(key, record, next);
        if !kept.replace(key, entry, seen) {
            return Ok(Saved::Conflict);
        }
        if kept.bytes > self.memory_limit {
            kept.make_room(self.memory_limit, next);
        }
        Ok(Saved::Written(next))
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

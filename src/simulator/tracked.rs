//! Map that knows which of its entries have changed, so that no more than those is written down.

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;

/// Map that is read as any other, and notes the keys of what is written.
#[derive(Debug)]
pub(super) struct Tracked<K, V> {
    entries: BTreeMap<K, V>,
    /// Keys of what has changed since they were taken; `None` if nobody wants to know.
    changed: Option<BTreeSet<K>>,
}

impl<K: Ord + Clone, V> Tracked<K, V> {
    pub(super) fn get_mut<Q>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        if let Some(changed) = &mut self.changed
            && let Some((key, _)) = self.entries.get_key_value(key)
        {
            changed.insert(key.clone());
        }
        self.entries.get_mut(key)
    }

    pub(super) fn insert(&mut self, key: K, value: V) -> Option<V> {
        self.note(&key);
        self.entries.insert(key, value)
    }

    pub(super) fn or_insert_with(&mut self, key: K, value: impl FnOnce() -> V) -> &mut V {
        self.note(&key);
        self.entries.entry(key).or_insert_with(value)
    }

    pub(super) fn remove<Q>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        let (key, value) = self.entries.remove_entry(key)?;
        self.note(&key);
        Some(value)
    }

    /// Removes the first entry, without a note: whoever reads the changes does so as well.
    pub(super) fn evict_first(&mut self) -> Option<V> {
        self.entries.pop_first().map(|(_, value)| value)
    }

    /// Notes changes from now on.
    pub(super) fn track(&mut self) {
        self.changed = Some(BTreeSet::new());
    }

    /// Takes the keys of what has changed since the last time: of some there is no entry any more.
    pub(super) fn take_changed(&mut self) -> BTreeSet<K> {
        self.changed.as_mut().map(std::mem::take).unwrap_or_default()
    }

    fn note(&mut self, key: &K) {
        if let Some(changed) = &mut self.changed {
            changed.insert(key.clone());
        }
    }
}

impl<K, V> Default for Tracked<K, V> {
    fn default() -> Self {
        Self { entries: BTreeMap::new(), changed: None }
    }
}

impl<K: Ord, V> FromIterator<(K, V)> for Tracked<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        Self { entries: entries.into_iter().collect(), changed: None }
    }
}

impl<K: Ord + Clone, V> Extend<(K, V)> for Tracked<K, V> {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, entries: I) {
        for (key, value) in entries {
            self.insert(key, value);
        }
    }
}

impl<K, V> Deref for Tracked<K, V> {
    type Target = BTreeMap<K, V>;

    fn deref(&self) -> &BTreeMap<K, V> {
        &self.entries
    }
}

//! Entries on damaged pages.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::ErrorCode;

use crate::inbox::entry::EntryId;
use crate::inbox::error::InboxError;

/// Damage found since the database was opened.
#[derive(Default)]
pub(super) struct Damage {
    unreadable: Mutex<Damaged>,
    unforgettable: Mutex<BTreeSet<i64>>,
}

impl Damage {
    /// Locks the entries that cannot be read.
    pub(super) fn unreadable(&self) -> MutexGuard<'_, Damaged> {
        self.unreadable.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Locks the entries that are done and cannot be forgotten.
    pub(super) fn unforgettable(&self) -> MutexGuard<'_, BTreeSet<i64>> {
        self.unforgettable.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Entries that cannot be read, because one of their pages is damaged. They are left in place: each
/// stops its case, and nothing else. After SQLite has met such a page, it writes nothing more in a
/// transaction, so they must be known before it begins.
#[derive(Debug, Clone, Default)]
pub(super) struct Damaged {
    pub(super) rows: BTreeSet<i64>,
    /// Entries whose row can be read, and written.
    pub(super) bodies: BTreeSet<i64>,
}

impl Damaged {
    pub(super) fn len(&self) -> usize {
        self.rows.len() + self.bodies.len()
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = EntryId> {
        self.rows.iter().chain(&self.bodies).copied().map(EntryId)
    }

    pub(super) fn add(&mut self, mut others: Self) {
        self.rows.append(&mut others.rows);
        self.bodies.append(&mut others.bodies);
    }

    pub(super) fn remove(&mut self, id: EntryId) {
        self.rows.remove(&id.0);
        self.bodies.remove(&id.0);
    }
}

/// Recognizes SQLite's error for a damaged page.
pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::DatabaseCorrupt)
}

/// Returns whether a read met a damaged page.
pub(super) fn is_damaged<T>(read: rusqlite::Result<T>) -> rusqlite::Result<bool> {
    match read {
        Err(error) if is_damage(&error) => Ok(true),
        // It was discarded meanwhile.
        Err(rusqlite::Error::QueryReturnedNoRows) => Ok(false),
        read => read.map(|_| false),
    }
}

/// Returns whether work failed because of a damaged page.
pub(super) fn met_damage(error: &InboxError) -> bool {
    error.cause().is_some_and(is_damage)
}

//! Files of an inbox, and the reserve beside them.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::panics::log_safely;
use crate::storage::files::{DatabaseFiles, beside};
use crate::storage::group_commit::{CommitError, Volume};

/// Files that were opened, and the reserve.
pub(super) struct Files {
    opened: DatabaseFiles,
    pub(super) reserve: Reserve,
}

impl Files {
    /// Identifies the files of a database that is open.
    pub(super) fn of(database: &Path) -> io::Result<Self> {
        let opened = DatabaseFiles::of(database)?;
        Ok(Self { reserve: Reserve::beside(opened.database()), opened })
    }

    /// Returns the size of the log, in bytes.
    pub(super) fn log_size(&self) -> u64 {
        self.opened.log_size()
    }
}

impl Volume for Files {
    fn check(&self) -> Result<(), CommitError> {
        // Checked once a transaction, and not once a receipt: it costs as much as a small insert.
        self.reserve.is_whole();
        self.opened.check()
    }

    fn transaction_limit(&self) -> u64 {
        self.reserve.transaction_limit()
    }

    fn free_reserve(&self) {
        self.reserve.free();
    }
}

/// Reserve: a file of noise, which is removed when the disk is full, since even the outcome of an
/// entry takes room to store. While it is gone, nothing new is stored.
///
/// All processes that share the inbox share its presence.
pub(super) struct Reserve {
    path: PathBuf,
    /// Size in bytes; 0 until there was one.
    size: AtomicU64,
    /// `true` if it was there at the last check.
    was_whole: AtomicBool,
    last_try: Mutex<Option<Instant>>,
}

impl Reserve {
    /// Three parts of four are for the log as it is when the disk is full, the rest to go on with.
    const LARGEST: u64 = 40 * 1024 * 1024;
    /// Size on a small disk.
    const SMALLEST: u64 = Self::LARGEST >> 8;
    /// Room that is enough to leave beside a large reserve.
    const ENOUGH: u64 = Self::LARGEST / 4;
    /// Pause between attempts to restore it.
    const PAUSE: Duration = Duration::from_secs(1);

    fn beside(database: &Path) -> Self {
        let reserve = Self {
            path: beside(database, "-reserve"),
            size: AtomicU64::default(),
            was_whole: AtomicBool::default(),
            last_try: Mutex::default(),
        };
        reserve.measure();
        reserve
    }

    /// Sets the size from the file that is there.
    fn measure(&self) {
        self.resize(self.length());
        self.is_whole();
    }

    pub(super) fn resize(&self, size: u64) {
        self.size.store(size, Ordering::Relaxed);
    }

    fn size(&self) -> u64 {
        self.size.load(Ordering::Relaxed).max(Self::SMALLEST)
    }

    /// Returns whether there was a reserve since the database was opened.
    fn is_sized(&self) -> bool {
        self.size.load(Ordering::Relaxed) > 0
    }

    /// Removes the reserve beside a database, if there is one, and returns its size.
    pub(super) fn give_up(database: &Path) -> Option<u64> {
        let reserve = Self::beside(&database.canonicalize().ok()?);
        reserve.is_whole().then(|| {
            reserve.free();
            reserve.size()
        })
    }

    fn length(&self) -> u64 {
        fs::metadata(&self.path).map_or(0, |metadata| metadata.len())
    }

    /// Creates the largest reserve that leaves as much again, and somewhat more, unless it is
    /// there.
    pub(super) fn make(&self) {
        let mut size = Self::LARGEST;
        while size >= Self::SMALLEST && size > self.length() {
            if self.set_aside(size, size.min(Self::ENOUGH) / 4 * 5).is_ok() {
                break;
            }
            size /= 2;
        }
        self.measure();
    }

    pub(super) fn is_whole(&self) -> bool {
        let is_whole = self.path.exists();
        self.was_whole.store(is_whole, Ordering::Relaxed);
        is_whole
    }

    /// Removes the reserve.
    pub(super) fn free(&self) {
        self.was_whole.store(false, Ordering::Relaxed);
        match fs::remove_file(&self.path) {
            Ok(()) => {
                log_safely(|| {
                    tracing::error!(
                        "the disk is full: stored entries are processed, new ones refused"
                    );
                });
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                log_safely(|| tracing::error!(reason = %error, "the reserve cannot be removed"));
            }
        }
    }

    /// Returns whether it is time to restore it: up to its whole size is written for it.
    pub(super) fn is_due(&self) -> bool {
        let mut last_try = self.last_try();
        let is_due = last_try.is_none_or(|at| at.elapsed() >= Self::PAUSE);
        if is_due {
            *last_try = Some(Instant::now());
        }
        is_due
    }

    /// Returns whether it was there, and measured, at the last check.
    pub(super) fn was_restored(&self) -> bool {
        self.was_whole.load(Ordering::Relaxed) && self.is_sized()
    }

    /// Returns whether it is there, and was measured: another process may have created it.
    pub(super) fn is_restored(&self) -> bool {
        self.is_whole() && self.is_sized()
    }

    /// Restores it, if there is room for it and somewhat more, so that it is not removed at once.
    pub(super) fn restore(&self) {
        let was_whole = self.is_whole();
        if !self.is_sized() {
            self.make();
        } else if !was_whole {
            // A failure is retried after the pause.
            let _ = self.set_aside(self.size(), self.size() / 4);
        }
        if !was_whole && self.is_whole() {
            log_safely(|| tracing::info!("there is room on the disk again"));
        }
        // Set once more, since a slow disk may take as long as the pause, and waiting writes must
        // get their turn.
        *self.last_try() = Some(Instant::now());
    }

    fn last_try(&self) -> MutexGuard<'_, Option<Instant>> {
        self.last_try.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns whether the database may grow, as of the last check.
    pub(super) fn lets_grow(&self) -> bool {
        self.was_whole.load(Ordering::Relaxed)
    }

    /// Returns whether this much may be stored without growth if that much of the database is free.
    pub(super) fn has_room(&self, size: u64, free: u64) -> bool {
        free >= size.saturating_add(self.size() / 4)
    }

    /// Writes the whole file, because a file with holes takes no room, nor do zeros if the file
    /// system compresses; and writes it under another name first, because it must be there whole or
    /// not at all.
    fn set_aside(&self, size: u64, more: u64) -> io::Result<()> {
        let unfinished = beside(&self.path, "-unfinished");
        let set_aside = || {
            let mut file = File::create(&unfinished)?;
            let noise = noise();
            let mut left = size + more;
            while left > 0 {
                let part = noise.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                file.write_all(&noise[..part])?;
                left -= part as u64;
            }
            file.set_len(size)?;
            fs::rename(&unfinished, &self.path)
        };
        set_aside().inspect_err(|_| {
            let _ = fs::remove_file(&unfinished);
        })
    }

    /// Returns the size in bytes to which the log grows before it is written to the database. While
    /// that fails for want of room, it grows by as much again at most, and by a transaction: the
    /// reserve is for that.
    pub(super) fn log_limit(&self) -> u64 {
        self.size() / 5 * 2
    }

    /// Returns the bytes of bodies that go into a transaction.
    fn transaction_limit(&self) -> u64 {
        self.size() / 10
    }
}

/// Returns bytes that do not repeat within a block that a file system compresses: by xorshift, 64
/// bits.
fn noise() -> Vec<u8> {
    const SIZE: usize = 1024 * 1024;
    let mut word = 0x9e37_79b9_7f4a_7c15_u64;
    let next = || {
        word ^= word << 13;
        word ^= word >> 7;
        word ^= word << 17;
        word
    };
    std::iter::repeat_with(next).take(SIZE / size_of::<u64>()).flat_map(u64::to_le_bytes).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn nothing_in_the_noise_comes_twice() {
        let noise = noise();
        let words: HashSet<_> = noise.chunks(8).collect();
        assert_eq!(words.len(), noise.len() / 8);
    }
}

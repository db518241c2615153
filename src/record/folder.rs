//! Folder of a recording: the numbers of its files, their rotation, and for how long they are kept.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::exchange::Exchange;
use super::files::{self, HALF, half_written};
use super::form::FIRST_LINE;
use crate::timestamp::Timestamp;

/// Bounds of a folder.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct FolderLimits {
    /// Bytes of files after which a sub-folder is begun; `None` if there are no sub-folders.
    pub(super) rotate_size: Option<u64>,
    /// Age at which files are deleted; `None` if they are kept.
    pub(super) keep: Option<Duration>,
}

/// Folder that one recorder at a time writes to.
pub(super) struct Folder {
    root: PathBuf,
    limits: FolderLimits,
    /// Held for as long as this is.
    _lock: Option<File>,
    /// Number of the next file.
    next: u64,
    /// Folder that files are written to: the root, or the last of its sub-folders.
    place: PathBuf,
    /// Bytes of the files there.
    size: u64,
    /// Bytes of the file that found no room last.
    no_room_for: usize,
}

impl Folder {
    /// Opens a folder that is there, whose numbers go on from its last. What a process that was
    /// killed has left half written is removed.
    pub(super) fn open(root: &Path, limits: FolderLimits, next: u64) -> io::Result<Self> {
        let lock = lock(root)?;
        let mut folder = Self {
            root: root.to_owned(),
            limits,
            _lock: lock,
            next,
            place: root.to_owned(),
            size: 0,
            no_room_for: 0,
        };
        for place in folder.places()? {
            remove_half_written(&place)?;
            let files = numbered(&place)?;
            let last = files.last_key_value().map_or(0, |(number, _)| *number);
            folder.next = folder.next.max(last + 1);
            if place != root {
                folder.size =
                    files.values().filter_map(|file| fs::metadata(file).ok()?.len().into()).sum();
                folder.place = place;
            }
        }
        Ok(folder)
    }

    /// Returns the number of the next file.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// Numbers an exchange and writes its file.
    pub(super) fn write(&mut self, exchange: &mut Exchange) -> io::Result<()> {
        exchange.number = self.next;
        let file = exchange.to_file();
        self.make_room(file.len() as u64)?;
        let path = self.place.join(exchange.file_name());
        files::write(&path, &file).inspect_err(|_| self.no_room_for = file.len())?;
        self.no_room_for = 0;
        self.next += 1;
        self.size += file.len() as u64;
        Ok(())
    }

    /// Begins the next sub-folder if the file does not fit into this one any more.
    fn make_room(&mut self, length: u64) -> io::Result<()> {
        let Some(limit) = self.limits.rotate_size else {
            self.place.clone_from(&self.root);
            return Ok(());
        };
        if self.place != self.root && (self.size == 0 || self.size.saturating_add(length) <= limit)
        {
            return Ok(());
        }
        let place = self.root.join(format!("{:06}", self.next));
        if !place.is_dir() {
            fs::create_dir(&place)?;
        }
        (self.place, self.size) = (place, 0);
        Ok(())
    }

    /// Tries whether a file can be written: one as large as the one that could not, if so.
    pub(super) fn probe(&self) -> io::Result<()> {
        let probe = half_written(&self.root.join("000000-other-other.http"));
        let written = fs::write(&probe, vec![b'#'; self.no_room_for.max(1)]);
        let removed = fs::remove_file(&probe);
        written.and(removed)
    }

    /// Deletes the files that are older than what is kept, and sub-folders without any left.
    pub(super) fn sweep(&self, now: Timestamp) -> io::Result<()> {
        let Some(keep) = self.limits.keep else { return Ok(()) };
        let limit = now.saturating_sub(keep);
        for place in self.places()? {
            for file in numbered(&place)?.values() {
                // The numbers are in the order of the times, nearly, so all after it are younger.
                if recorded_at(file)?.is_some_and(|at| at >= limit) {
                    return Ok(());
                }
                fs::remove_file(file)?;
            }
            if place != self.root && place != self.place {
                // Fails where somebody has put something else there.
                let _ = fs::remove_dir(&place);
            }
        }
        Ok(())
    }

    /// Lists the root and its sub-folders in the order of their numbers.
    fn places(&self) -> io::Result<Vec<PathBuf>> {
        let mut places = BTreeMap::new();
        for entry in fs::read_dir(&self.root)? {
            let entry = entry?;
            let number = entry.file_name().to_str().and_then(number);
            if let Some(number) = number.filter(|_| entry.path().is_dir()) {
                places.insert(number, entry.path());
            }
        }
        Ok([self.root.clone()].into_iter().chain(places.into_values()).collect())
    }
}

/// Locks a folder against other recorders.
fn lock(root: &Path) -> io::Result<Option<File>> {
    // Elsewhere, a folder cannot be opened as a file.
    if !cfg!(unix) {
        return Ok(None);
    }
    let folder = File::open(root)?;
    match folder.try_lock() {
        Ok(()) => Ok(Some(folder)),
        Err(fs::TryLockError::WouldBlock) => {
            Err(io::Error::other("another recorder writes to this folder"))
        }
        // There are file systems without locks.
        Err(fs::TryLockError::Error(_)) => Ok(None),
    }
}

fn remove_half_written(place: &Path) -> io::Result<()> {
    for entry in fs::read_dir(place)? {
        let entry = entry?;
        let name = entry.file_name();
        let whole = name.to_str().and_then(|name| name.strip_suffix(HALF));
        if whole.and_then(file_number).is_some() {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Lists the files of a folder by their numbers.
fn numbered(place: &Path) -> io::Result<BTreeMap<u64, PathBuf>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(place)? {
        let entry = entry?;
        if let Some(number) = entry.file_name().to_str().and_then(file_number) {
            files.insert(number, entry.path());
        }
    }
    Ok(files)
}

/// Returns the number of a file by its name, such as `000007-bot-message.http`.
fn file_number(name: &str) -> Option<u64> {
    let (digits, _) = name.strip_suffix(".http")?.split_once('-')?;
    number(digits)
}

fn number(digits: &str) -> Option<u64> {
    let is_number = digits.len() >= 6 && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| is_number)
}

/// Reads when an exchange was recorded; the first time of all if that is not there, but for what is
/// not a recording.
pub(super) fn recorded_at(file: &Path) -> io::Result<Option<Timestamp>> {
    let mut start = Vec::new();
    File::open(file)?.take(1024).read_to_end(&mut start)?;
    let start = String::from_utf8_lossy(&start);
    let mut lines = start.lines();
    if lines.next() != Some(FIRST_LINE) {
        return Ok(Some(Timestamp::MAX));
    }
    let mut notes = lines.take_while(|line| line.starts_with('#'));
    Ok(notes.find_map(|line| Timestamp::from_text(line.strip_prefix("# at: ")?)))
}

//! Form of the state file: the whole state, and behind it what has changed since, a line each.
//!
//! The first line says how many bytes behind it count, and their checksum. An append is written
//! behind those first, and only then into the first line: a process that is killed in between
//! leaves a tail that nobody reads. What is shorter than its first line says, or does not match its
//! checksum, is damaged.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::hash::Hasher;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use siphasher::sip128::{Hasher128, SipHasher13};

/// Bytes of changes that may be there however small the state is.
const LEAST: u64 = 1 << 20;

const HEAD: &str = "snapengage simulator state, ";
const CHECKSUM: &str = " bytes, siphash ";

/// File of the state, as it was written last.
#[derive(Debug)]
pub(super) struct StateJournal {
    path: PathBuf,
    extent: Extent,
    /// Bytes of the whole state, before the changes.
    whole: u64,
}

/// Valid part, behind the first line.
#[derive(Debug, Clone, Copy, Default)]
struct Extent {
    length: u64,
    hasher: SipHasher13,
}

impl Extent {
    fn with(mut self, line: &[u8]) -> Self {
        self.hasher.write(line);
        self.hasher.write(b"\n");
        self.length += line.len() as u64 + 1;
        self
    }

    /// Returns the first line, always of the same length.
    fn head(&self) -> String {
        let checksum = self.hasher.finish128().as_u128();
        format!("{HEAD}{:016x}{CHECKSUM}{checksum:032x}\n", self.length)
    }
}

impl StateJournal {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, extent: Extent::default(), whole: 0 }
    }

    /// Writes the whole state beside the file, and puts it in its place.
    pub(super) fn replace(&mut self, state: &[u8]) -> io::Result<()> {
        let extent = Extent::default().with(state);
        let beside = beside(&self.path, ".new");
        let mut file = private().truncate(true).open(&beside)?;
        for piece in [extent.head().as_bytes(), state, b"\n"] {
            file.write_all(piece)?;
        }
        // Else a power cut could leave an empty file in the place of a whole one.
        file.sync_data()?;
        drop(file);
        fs::rename(&beside, &self.path)?;
        // Else a power cut could bring the old file back, without what is appended to the new one.
        #[cfg(unix)]
        File::open(folder(&self.path))?.sync_all()?;
        (self.extent, self.whole) = (extent, extent.length);
        Ok(())
    }

    /// Appends changes; returns `false` if the file is not there as it was written last.
    pub(super) fn append(&mut self, changes: &[u8]) -> io::Result<bool> {
        let mut file = match OpenOptions::new().read(true).write(true).open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        };
        let expected = self.extent.head();
        let mut head = vec![0; expected.len()];
        if file.read_exact(&mut head).is_err() || head != expected.as_bytes() {
            return Ok(false);
        }
        let extent = self.extent.with(changes);
        file.seek(SeekFrom::Start(head.len() as u64 + self.extent.length))?;
        file.write_all(changes)?;
        file.write_all(b"\n")?;
        // Before the first line counts it: else a power cut could leave one that counts too much.
        file.sync_data()?;
        file.rewind()?;
        file.write_all(extent.head().as_bytes())?;
        self.extent = extent;
        Ok(true)
    }

    /// Returns `true` once there are more changes than state: reading it takes twice as long as it
    /// has to, and writing the whole costs no more than what was written since.
    pub(super) fn is_long(&self) -> bool {
        self.extent.length - self.whole > self.whole.max(LEAST)
    }
}

/// Returns the lines behind the first, if they are what was written there.
pub(super) fn checked(bytes: &[u8]) -> Option<impl Iterator<Item = &[u8]>> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let head = str::from_utf8(&bytes[..end]).ok()?.strip_prefix(HEAD)?;
    let (length, _) = head.split_once(CHECKSUM)?;
    let length = usize::from_str_radix(length, 16).ok()?;
    let lines = bytes[end + 1..].get(..length)?.strip_suffix(b"\n")?;
    // The checksum among it.
    let is_right = Extent::default().with(lines).head().as_bytes() == &bytes[..=end];
    is_right.then(|| lines.split(|byte| *byte == b'\n'))
}

/// Locks a file beside the one of this path, for as long as what is returned lives; `None` if it is
/// locked already. The system unlocks it when the process ends, however that happens.
///
/// The file itself would not do: another one is put in its place.
pub(super) fn lock(path: &Path) -> io::Result<Option<File>> {
    let file = private().open(beside(path, ".lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

#[cfg(unix)]
fn folder(path: &Path) -> &Path {
    let named = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    named.unwrap_or(Path::new("."))
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Opens files to be written, for the owner alone: visitors have written what is in them.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

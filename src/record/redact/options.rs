//! Choices of redaction, and the key.

use std::fs::{self, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER_PERMISSIVE;

use super::Redactor;
use crate::record::error::RecordingError;
use crate::record::pseudonym::PseudonymKey;

/// Choices of redaction.
///
/// Personal details and secrets become pseudonyms, equal ones for equal values. See
/// [the page of recordings](https://docs.rs/crate/snapengage/latest/source/docs/record.md) for what
/// is redacted.
///
/// ```
/// use snapengage::record::{Redaction, Texts};
///
/// let redaction = Redaction::new().texts(Texts::Mask);
/// # let _ = redaction;
/// ```
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct Redaction {
    texts: Texts,
    key_file: Option<PathBuf>,
}

/// Treatment of the texts of messages, beside what is found in them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Texts {
    /// They stay.
    #[default]
    Keep,
    /// Letters become `x`, digits become `0`, and pseudonyms stay.
    Mask,
    /// They are empty.
    Drop,
}

impl Redaction {
    /// Creates the default: texts are kept, and the key is random.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets what becomes of the texts of messages; [`Texts::Keep`] by default.
    pub fn texts(mut self, texts: Texts) -> Self {
        self.texts = texts;
        self
    }

    /// Sets the file of the key, which is made if it is not there, and readable by its owner alone
    /// where the system can do that.
    ///
    /// With the same key, equal values have equal pseudonyms in all recordings; whoever has it can
    /// tell whether a pseudonym is that of a value. Without a file, the key is random and
    /// forgotten.
    pub fn key_file(mut self, file: impl Into<PathBuf>) -> Self {
        self.key_file = Some(file.into());
        self
    }

    /// Creates the redactor of recordings in these folders.
    ///
    /// # Errors
    ///
    /// If the key's file cannot be read or made, holds no key, or is within one of the folders.
    pub(crate) fn redactor(&self, folders: &[&Path]) -> Result<Redactor, RecordingError> {
        let key = match &self.key_file {
            Some(file) => read_key(file, folders)?,
            None => random_key(),
        };
        Ok(Redactor::new(PseudonymKey::new(key), self.texts))
    }
}

/// Length of a key in its file, in hex.
const KEY: usize = 32;

fn read_key(file: &Path, folders: &[&Path]) -> Result<[u8; 16], RecordingError> {
    if folders.iter().any(|folder| is_within(file, folder)) {
        return Err(RecordingError::key(file, "is within the recording's folder"));
    }
    let text = match fs::read(file) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            make(file).and_then(|()| fs::read(file))
        }
        read => read,
    };
    let text = text.map_err(|error| RecordingError::io(file, error))?;
    let key = text.trim_ascii();
    let key = HEXLOWER_PERMISSIVE.decode(key).ok().filter(|_| key.len() == KEY);
    let key = key.and_then(|key| key.try_into().ok());
    key.ok_or_else(|| RecordingError::key(file, "does not hold 32 hexadecimal digits"))
}

/// Makes the file of a key, whole from the start: another process may want it at the same time. One
/// that is there by then is not replaced.
fn make(file: &Path) -> io::Result<()> {
    let name = format!(".snapengage-{}.part", HEXLOWER_PERMISSIVE.encode(&random_key()));
    let beside = file.with_file_name(name);
    let made = write(&beside).and_then(|()| match fs::hard_link(&beside, file) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        // There are file systems without links.
        Err(_) => fs::rename(&beside, file),
    });
    let _ = fs::remove_file(&beside);
    made
}

/// Writes a key of its own into a new file.
fn write(file: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;

        options.mode(0o600);
    }
    let mut file = options.open(file)?;
    file.write_all(format!("{}\n", HEXLOWER_PERMISSIVE.encode(&random_key())).as_bytes())?;
    file.sync_all()
}

/// Returns `true` if a file, which may not be there yet, is within a folder.
fn is_within(file: &Path, folder: &Path) -> bool {
    let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new("."));
    let file = file.canonicalize().or_else(|_| parent.canonicalize());
    let folder = folder.canonicalize();
    matches!((file, folder), (Ok(file), Ok(folder)) if file.starts_with(&folder))
}

/// Returns a key from the random keys of two of std's hashers.
fn random_key() -> [u8; 16] {
    let halves = [0, 1].map(|n| RandomState::new().hash_one(n).to_le_bytes());
    let mut key = [0; 16];
    key[..8].copy_from_slice(&halves[0]);
    key[8..].copy_from_slice(&halves[1]);
    key
}

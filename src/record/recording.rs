//! Recordings: folders of files, read one by one.

use std::fmt;
use std::path::{Path, PathBuf};

use super::error::RecordingError;
use super::exchange::Exchange;
use super::files;
use super::folder::recorded_at;
use super::payload;
use crate::testing::{Sample, samples};
use crate::timestamp::Timestamp;

/// Exchanges that were recorded, in order: a folder, or some files.
///
/// The files are read one by one, each time they are gone through.
///
/// ```
/// # use snapengage::record::{Recording, RecordingError};
/// # fn example() -> Result<(), RecordingError> {
/// for exchange in Recording::open("recordings/2026-11-25")?.exchanges() {
///     let exchange = exchange?;
///     println!("{} {:?}", exchange.file_name(), exchange.status());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Recording {
    items: Vec<RecordingItem>,
}

/// Exchange, or the place that it is read from.
#[derive(Clone)]
enum RecordingItem {
    File(PathBuf),
    Memory { name: String, exchange: Box<Exchange> },
}

impl Recording {
    /// Opens a folder with all that is below it, or a file.
    ///
    /// Of a folder, the files that end in `.http` count; others, and those whose name begins with a
    /// dot, are left alone. They are in the order in which the requests came; where that is not
    /// known, in that of their folders, and of their numbers.
    ///
    /// # Errors
    ///
    /// If there is no such folder or file, or no recording in it. What is wrong with a file shows
    /// once it is read.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, RecordingError> {
        let path = path.as_ref();
        let files = files::of(path)?;
        if files.is_empty() {
            return Err(RecordingError::other("no file that ends in .http").in_file(path));
        }
        let files = as_they_came(files);
        Ok(Self { items: files.into_iter().map(RecordingItem::File).collect() })
    }

    /// Returns the [samples](samples()) as a recording without answers, each for the path that is
    /// named after its API: `/bot`.
    pub fn samples() -> Self {
        samples().iter().zip(1..).map(|(sample, n)| Self::item(sample, n)).collect()
    }

    /// Returns one sample as a recording without an answer.
    pub fn sample(sample: &Sample) -> Self {
        Self::from_iter([Self::item(sample, 1)])
    }

    fn item(sample: &Sample, number: u64) -> (String, Exchange) {
        (sample.name().to_owned(), payload::of_sample(sample, number))
    }

    /// Returns a body, or for Get Contact a line `GET address?query`, as a recording without an
    /// answer. Its API is told by its form, as [the proxy](super) does.
    pub fn payload(name: impl Into<String>, payload: &[u8]) -> Self {
        Self::from_iter([(name.into(), payload::exchange(payload))])
    }

    /// Returns the recording followed by another one.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.items.extend(other.items);
        self
    }

    /// Returns the exchanges in order.
    ///
    /// # Errors
    ///
    /// An exchange is an error if its file cannot be read, is larger than 64 MiB, or is not in the
    /// form of a recording; the text names file and line.
    pub fn exchanges(&self) -> impl Iterator<Item = Result<Exchange, RecordingError>> + '_ {
        self.items.iter().map(RecordingItem::read)
    }

    /// Returns the number of exchanges.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Returns `true` if there is no exchange.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Returns the exchanges in order, and the names that a report has for them.
    pub(super) fn named(
        &self,
    ) -> impl Iterator<Item = (String, Result<Exchange, RecordingError>)> + '_ {
        self.items.iter().map(|item| (item.name(), item.read()))
    }
}

/// Collects exchanges with the names that a report is to have for them.
impl FromIterator<(String, Exchange)> for Recording {
    fn from_iter<I: IntoIterator<Item = (String, Exchange)>>(exchanges: I) -> Self {
        let item = |(name, exchange)| RecordingItem::Memory { name, exchange: Box::new(exchange) };
        Self { items: exchanges.into_iter().map(item).collect() }
    }
}

/// Shows no exchange, which may be large.
impl fmt::Debug for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recording").field("len", &self.len()).finish_non_exhaustive()
    }
}

impl RecordingItem {
    fn name(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Memory { name, .. } => name.clone(),
        }
    }

    fn read(&self) -> Result<Exchange, RecordingError> {
        match self {
            Self::File(path) => {
                let file = files::read(path)?;
                Exchange::from_file(&file).map_err(|error| error.in_file(path))
            }
            Self::Memory { exchange, .. } => Ok(Exchange::clone(exchange)),
        }
    }
}

/// Sorts files by the times of their requests: their numbers are in the order of the answers. One
/// without a time stays behind the one before it.
fn as_they_came(files: Vec<PathBuf>) -> Vec<PathBuf> {
    let mut last = Timestamp::MIN;
    let timed = files.into_iter().map(|file| {
        let at = recorded_at(&file).ok().flatten().filter(|at| *at < Timestamp::MAX);
        last = at.unwrap_or(last);
        (last, file)
    });
    let mut timed: Vec<_> = timed.collect();
    timed.sort_by_key(|(at, _)| *at);
    timed.into_iter().map(|(_, file)| file).collect()
}

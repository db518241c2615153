//! File of an export: a case a line, which an export that was interrupted may have left half done.

use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use serde::Deserialize;
use snapengage::CaseId;

use super::Outcome;

/// Creates a file for a new export. One that holds something is left alone: it may be hours of
/// another export.
pub(crate) fn create(path: &Path) -> Outcome<File> {
    let file = File::options().append(true).create(true).open(path).map_err(at(path))?;
    lock(&file, path)?;
    if file.metadata().map_err(at(path))?.len() > 0 {
        let hint = "take another one, or go on with it by --resume";
        return Err(format!("{}: not empty; {hint}", path.display()).into());
    }
    Ok(file)
}

/// Opens a file to go on with it, and returns the last case in it. Half a line at its end is cut
/// off, but only if the file is one of an export.
pub(crate) fn resume(path: &Path) -> Outcome<(File, Option<CaseId>)> {
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(false);
    let mut file = options.open(path).map_err(at(path))?;
    lock(&file, path)?;
    let tail = Tail::of(&mut file).map_err(at(path))?;
    let last = tail.last_line.as_deref().map(case_id);
    if last == Some(None) || tail.half_line.is_some_and(|first| first != b'{') {
        return Err(format!("{}: does not end in a case, nothing changed", path.display()).into());
    }
    file.set_len(tail.whole).map_err(at(path))?;
    file.seek(SeekFrom::End(0)).map_err(at(path))?;
    Ok((file, last.flatten()))
}

/// End of a file of lines.
struct Tail {
    /// Length of the whole lines.
    whole: u64,
    last_line: Option<Vec<u8>>,
    /// First byte of what comes after them.
    half_line: Option<u8>,
}

impl Tail {
    fn of(file: &mut File) -> io::Result<Self> {
        let length = file.metadata()?.len();
        let whole = last_break_before(file, length)?;
        let half_line = read_between(file, whole, length.min(whole + 1))?.first().copied();
        let last_line = match whole.checked_sub(1) {
            Some(line_break) => {
                let start = last_break_before(file, line_break)?;
                Some(read_between(file, start, whole)?)
            }
            None => None,
        };
        Ok(Self { whole, last_line, half_line })
    }
}

/// Makes sure that all of it is on disk; a pipe has none.
pub(crate) fn finish(file: &File) -> io::Result<()> {
    if file.metadata()?.is_file() { file.sync_all() } else { Ok(()) }
}

/// Keeps other exports away until the file is closed, by a kill as well.
fn lock(file: &File, path: &Path) -> Outcome<()> {
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => {
            Err(format!("{}: another export is writing it", path.display()).into())
        }
        // Some file systems have no locks.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(()),
    }
}

fn case_id(line: &[u8]) -> Option<CaseId> {
    #[derive(Deserialize)]
    struct Case {
        id: String,
    }
    serde_json::from_slice(line).ok().map(|case: Case| case.id.into())
}

/// Returns the place behind the last line break before `end`, or 0.
fn last_break_before(file: &mut File, end: u64) -> io::Result<u64> {
    const BLOCK: u64 = 64 << 10;
    let mut end = end;
    while end > 0 {
        let start = end.saturating_sub(BLOCK);
        let block = read_between(file, start, end)?;
        if let Some(at) = block.iter().rposition(|&byte| byte == b'\n') {
            return Ok(start + at as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

fn read_between(file: &mut File, start: u64, end: u64) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(end - start).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn at(path: &Path) -> impl Fn(io::Error) -> String {
    move |error| format!("{}: {error}", path.display())
}

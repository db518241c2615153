//! File of an export: a case a line, which an export that was interrupted may have left half done.

use std::fs::{File, TryLockError};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Take, Write};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::Outcome;

/// File that cases are added to.
pub(crate) struct CasesFile {
    file: File,
    path: PathBuf,
    /// Length of what was there before.
    length: u64,
}

impl CasesFile {
    /// Creates a file for a new export. One that holds something is left alone: it may be hours of
    /// another export.
    pub(crate) fn create(path: &Path) -> Outcome<Self> {
        let file = File::options().append(true).create(true).open(path).map_err(at(path))?;
        lock(&file, path)?;
        if file.metadata().map_err(at(path))?.len() > 0 {
            let hint = "take another one, or go on with it by --resume";
            return Err(format!("{}: not empty; {hint}", path.display()).into());
        }
        Ok(Self { file, path: path.to_owned(), length: 0 })
    }

    pub(crate) fn add(&mut self, line: &str) -> io::Result<()> {
        self.file.write_all(line.as_bytes())
    }

    /// Makes sure that all of it is on disk; a pipe has none.
    ///
    /// If none of the cases that were there came again, the file is that of another export, and is
    /// as it was.
    pub(crate) fn finish(&mut self, came_again: u64) -> Outcome<()> {
        if self.length > 0 && came_again == 0 {
            self.file.set_len(self.length)?;
            let problem = "none of its cases is in these logs, nothing changed";
            return Err(format!("{}: {problem}", self.path.display()).into());
        }
        if self.file.metadata()?.is_file() {
            self.file.sync_all()?;
        }
        Ok(())
    }
}

/// File to go on with, which is read first: the ids of its cases.
pub(crate) struct Written {
    path: PathBuf,
    rest: BufReader<Take<File>>,
    line: Vec<u8>,
    /// Lines so far, and their length in bytes.
    lines: u64,
    length: u64,
    problem: Option<String>,
}

impl Written {
    pub(crate) fn open(path: &Path) -> Outcome<Self> {
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(false);
        let file = options.open(path).map_err(at(path))?;
        lock(&file, path)?;
        let length = file.metadata().map_err(at(path))?.len();
        Ok(Self {
            path: path.to_owned(),
            rest: BufReader::new(file.take(length)),
            line: Vec::new(),
            lines: 0,
            length: 0,
            problem: None,
        })
    }

    /// Reads the next case; `None` at the end of the whole lines.
    fn read(&mut self) -> Result<Option<String>, String> {
        /// A page has 32 MiB, and some characters are escaped.
        const LONGEST: u64 = 256 << 20;
        self.line.clear();
        let read = (&mut self.rest).take(LONGEST).read_until(b'\n', &mut self.line);
        let length = read.map_err(|error| error.to_string())? as u64;
        let no_case = || format!("line {} is no case, nothing changed", self.lines + 1);
        if self.line.last() != Some(&b'\n') {
            return if is_start(&self.line) { Ok(None) } else { Err(no_case()) };
        }
        let id = case_id(&self.line).ok_or_else(no_case)?;
        self.lines += 1;
        self.length += length;
        Ok(Some(id))
    }

    /// Goes on behind the last whole line. Half a line is cut off, but only if the file is one of
    /// an export.
    pub(crate) fn resume(self) -> Outcome<CasesFile> {
        let Self { path, rest, length, .. } = self;
        if let Some(problem) = self.problem {
            return Err(format!("{}: {problem}", path.display()).into());
        }
        let mut file = rest.into_inner().into_inner();
        file.set_len(length).map_err(at(&path))?;
        file.seek(SeekFrom::Start(length)).map_err(at(&path))?;
        Ok(CasesFile { file, path, length })
    }
}

impl Iterator for Written {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        self.read().unwrap_or_else(|problem| {
            self.problem = Some(problem);
            None
        })
    }
}

/// Returns `true` if this may be the start of a case that was written.
fn is_start(line: &[u8]) -> bool {
    const START: &[u8] = br#"{"id":""#;
    let length = line.len().min(START.len());
    line[..length] == START[..length]
}

fn case_id(line: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Case {
        id: String,
    }
    serde_json::from_slice(line).ok().map(|case: Case| case.id)
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

fn at(path: &Path) -> impl Fn(io::Error) -> String {
    move |error| format!("{}: {error}", path.display())
}

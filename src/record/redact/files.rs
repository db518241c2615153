//! Recordings that were made elsewhere: redacted, or checked.

use std::fmt;
use std::path::{Path, PathBuf};

use super::fields::Class;
use super::memory::Known;
use super::scrub::Scrubber;
use super::{RecordedPart, Redaction, Redactor};
use crate::record::error::RecordingError;
use crate::record::exchange::Exchange;
use crate::record::files;

/// Place of a recording that still looks like a personal detail or a secret.
///
/// It is shown as `file:line: what it looks like`, and never shows the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    file: PathBuf,
    line: usize,
    what: &'static str,
}

impl Leftover {
    /// Returns the file.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Returns the number of the line, from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// Returns what it looks like: `email address`.
    pub fn what(&self) -> &str {
        self.what
    }
}

impl fmt::Display for Leftover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file.display(), self.line, self.what)
    }
}

impl Redaction {
    /// Redacts recordings that were made elsewhere: files, and folders with all that is below them.
    /// Returns the number of files that were changed.
    ///
    /// What a case's files have named is looked for in all of its texts, earlier ones included. A
    /// file is written beside and renamed; one that is redacted stays as it is.
    ///
    /// # Errors
    ///
    /// If a file cannot be read or written, or is not in the form of a recording; if the key's file
    /// cannot be read or made, holds no key, or is within one of the folders, or in that of a file.
    /// The files before the one in question are redacted then.
    pub fn rewrite(&self, paths: &[impl AsRef<Path>]) -> Result<usize, RecordingError> {
        let files = listed(paths)?;
        let redactor = self.learned(paths, &files)?;
        let mut changed = 0;
        for file in &files {
            let old = files::read(file)?;
            let mut exchange = parse(file, &old)?;
            redactor.apply(&mut exchange);
            let new = exchange.to_file();
            if new != old {
                files::write(file, &new).map_err(|error| RecordingError::io(file, error))?;
                changed += 1;
            }
        }
        Ok(changed)
    }

    /// Finds what still looks like a personal detail or a secret, in files, and in folders with all
    /// that is below them. Nothing is changed.
    ///
    /// # Errors
    ///
    /// As [`rewrite`](Self::rewrite).
    pub fn check(&self, paths: &[impl AsRef<Path>]) -> Result<Vec<Leftover>, RecordingError> {
        let files = listed(paths)?;
        let redactor = self.learned(paths, &files)?;
        let mut left = Vec::new();
        for file in &files {
            let text = files::read(file)?;
            let mut exchange = parse(file, &text)?;
            let lines = Lines::of(&exchange, &text);
            let known = redactor.learn(&exchange);
            let mut found = in_notes(&redactor, &known, &text);
            redactor.redact(&mut exchange, &known, &mut |(part, at, what)| {
                found.extend(lines.line(part, at).map(|line| (line, what)));
            });
            found.sort_unstable();
            found.dedup();
            let found = found.into_iter();
            left.extend(found.map(|(line, what)| Leftover { file: file.clone(), line, what }));
        }
        Ok(left)
    }

    /// Creates a redactor that knows what the files name.
    fn learned(
        &self,
        paths: &[impl AsRef<Path>],
        files: &[PathBuf],
    ) -> Result<Redactor, RecordingError> {
        let folders: Vec<_> = paths.iter().map(|path| folder(path.as_ref())).collect();
        let redactor = self.redactor(&folders)?;
        for file in files {
            redactor.learn(&parse(file, &files::read(file)?)?);
        }
        Ok(redactor)
    }
}

/// Finds what is left in the notes at the top of a file, those that are not known included.
fn in_notes(redactor: &Redactor, known: &Known, text: &[u8]) -> Vec<(usize, &'static str)> {
    let scrubber = Scrubber { key: &redactor.key, texts: redactor.texts, known };
    let notes = text.split(|&byte| byte == b'\n').take_while(|line| line.starts_with(b"#"));
    let mut found = Vec::new();
    for (at, note) in notes.enumerate() {
        let note = String::from_utf8_lossy(note);
        let (name, value) = note[1..].split_once(':').unwrap_or(("", &note[1..]));
        let class = if name.trim() == "case" { Class::Id } else { Class::Scan };
        let edits = scrubber.value(class, value);
        found.extend(edits.into_iter().map(|edit| (at + 1, edit.what)));
    }
    found
}

/// Numbers of the lines at which the parts of a file start.
struct Lines {
    request: usize,
    request_body: BodyLines,
    answer: usize,
    answer_body: BodyLines,
}

/// Number of a body's first line, and the places of its line breaks if it is text.
struct BodyLines {
    line: usize,
    breaks: Vec<usize>,
}

impl BodyLines {
    fn at(line: usize, body: &[u8]) -> Self {
        let is_text = str::from_utf8(body).is_ok();
        let breaks = memchr::memchr_iter(b'\n', body).filter(|_| is_text).collect();
        Self { line, breaks }
    }

    fn line(&self, at: usize) -> usize {
        self.line + self.breaks.partition_point(|&end| end < at)
    }
}

impl Lines {
    fn of(exchange: &Exchange, text: &[u8]) -> Self {
        let lines = text.split(|&byte| byte == b'\n');
        let request = lines.take_while(|line| line.starts_with(b"#")).count() + 1;
        let headers = exchange.request.headers.len();
        let request_body = BodyLines::at(request + headers + 2, &exchange.request.body);
        let answer = request_body.line(usize::MAX) + 2;
        let empty = (0, &[][..]);
        let message = exchange.response.as_ref().map(|response| &response.message);
        let (headers, body) = message.map_or(empty, |it| (it.headers.len(), &it.body[..]));
        let answer_body = BodyLines::at(answer + headers + 2, body);
        Self { request, request_body, answer, answer_body }
    }

    /// Returns the number of a line; `None` for the notes, which are read by themselves.
    fn line(&self, part: RecordedPart, at: usize) -> Option<usize> {
        Some(match part {
            RecordedPart::Notes => return None,
            RecordedPart::RequestLine => self.request,
            RecordedPart::RequestHeader => self.request + 1 + at,
            RecordedPart::RequestBody => self.request_body.line(at),
            RecordedPart::AnswerHeader => self.answer + 1 + at,
            RecordedPart::AnswerBody => self.answer_body.line(at),
        })
    }
}

/// Returns the files of recordings, in order: those that are named, and those below folders.
fn listed(paths: &[impl AsRef<Path>]) -> Result<Vec<PathBuf>, RecordingError> {
    let mut listed = Vec::new();
    for path in paths {
        listed.extend(files::of(path.as_ref())?);
    }
    Ok(listed)
}

/// Returns the folder that a path is, or is in.
fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if path.is_file() && parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) if path.is_file() => parent,
        _ => path,
    }
}

fn parse(file: &Path, text: &[u8]) -> Result<Exchange, RecordingError> {
    Exchange::from_file(text).map_err(|error| error.in_file(file))
}

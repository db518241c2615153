//! Files of recordings: which they are, and how they are read and written.

use std::cmp::Ordering;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::error::RecordingError;

/// Returns the files of a recording, in the order of their numbers: a file, or all that are in a
/// folder and below it.
pub(super) fn of(path: &Path) -> Result<Vec<PathBuf>, RecordingError> {
    let is_folder = fs::metadata(path).map_err(|error| RecordingError::io(path, error))?.is_dir();
    if !is_folder {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = below(path)?;
    files.sort_by(|a, b| in_order(a, b));
    Ok(files)
}

fn below(folder: &Path) -> Result<Vec<PathBuf>, RecordingError> {
    let (mut folders, mut files) = (vec![folder.to_owned()], Vec::new());
    while let Some(folder) = folders.pop() {
        let failed = |error| RecordingError::io(&folder, error);
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let path = entry.path();
            // A link is no folder here: it might lead back up.
            if entry.file_type().map_err(failed)?.is_dir() {
                folders.push(path);
            } else if is_recorded(&path) {
                files.push(path);
            }
        }
    }
    Ok(files)
}

fn is_recorded(path: &Path) -> bool {
    let is_hidden = path.file_name().is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
    path.extension().is_some_and(|extension| extension == "http") && !is_hidden
}

/// Compares the numbers that the names of folders and files begin with, which may outgrow their six
/// digits, and else the names.
fn in_order(a: &Path, b: &Path) -> Ordering {
    let key = |path: &Path| {
        let names = path.iter().map(|name| name.to_string_lossy().into_owned());
        let mut names: Vec<_> = names.map(|name| (number(&name), name)).collect();
        let file = names.pop();
        (names, file)
    };
    key(a).cmp(&key(b))
}

fn number(name: &str) -> u64 {
    let digits = name.len() - name.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    name[..digits].parse().unwrap_or(u64::MAX)
}

/// Size of the largest file that is read.
const FILE_LIMIT: u64 = 64 << 20;

/// Reads a file, up to a limit.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, RecordingError> {
    let failed = |error| RecordingError::io(path, error);
    let mut bytes = Vec::new();
    // A file that grows, or a device, has no length that could be checked before.
    let file = File::open(path).map_err(failed)?;
    file.take(FILE_LIMIT + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > FILE_LIMIT {
        return Err(RecordingError::other("larger than 64 MiB").in_file(path));
    }
    Ok(bytes)
}

/// Writes a file beside its name, and renames it, so that no kill leaves half of one under it.
pub(super) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let half = half_written(path);
    let written = fs::write(&half, bytes).and_then(|()| fs::rename(&half, path));
    if written.is_err() {
        let _ = fs::remove_file(&half);
    }
    written
}

/// Returns the path of a file that is being written.
pub(super) fn half_written(path: &Path) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(HALF);
    path.into()
}

/// End of the name of a file that is being written.
pub(super) const HALF: &str = ".part";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_seven_digits_come_last() {
        let expected = [
            "a/000001-x.http",
            "a/999999-x.http",
            "a/1000000-x.http",
            "a/notes.http",
            "a/999998/000001-x.http",
            "a/1000001/000001-x.http",
            "b/000001-x.http",
        ];
        let mut files = expected.map(PathBuf::from);
        files.reverse();
        files.sort_by(|a, b| in_order(a, b));
        assert_eq!(files, expected.map(PathBuf::from));
    }
}

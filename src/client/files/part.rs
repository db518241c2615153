//! File that is written beside its name, and renamed when it is whole.

use std::fs::{self, File, OpenOptions, Permissions};
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::path::{Path, PathBuf};

use tokio::task::spawn_blocking;

/// File under another name in the same folder. Dropped, it is gone.
///
/// What is done to it is done where it may take time. If nobody waits for that any more, it is
/// dropped there.
#[derive(Debug)]
pub(super) struct Part {
    /// `None` once it is closed.
    file: Option<File>,
    path: PathBuf,
    target: PathBuf,
    /// Those of the file that is there already.
    permissions: Option<Permissions>,
    is_kept: bool,
}

impl Part {
    pub(super) async fn create(target: &Path) -> io::Result<Self> {
        let target = target.to_owned();
        blocking(move || Self::beside(&target)).await
    }

    fn beside(target: &Path) -> io::Result<Self> {
        // A link stays, and what it leads to is replaced.
        let target = fs::canonicalize(target).unwrap_or_else(|_| target.to_owned());
        let there = fs::metadata(&target).ok();
        if there.as_ref().is_some_and(|there| !there.is_file()) || target.file_name().is_none() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        // In a folder that others may write to, whoever guessed the name could take it. It is
        // short, whatever the length of the target's.
        let name = format!(".snapengage-{:016x}.part", RandomState::new().hash_one(()));
        let path = target.with_file_name(name);
        let permissions = there.map(|there| there.permissions());
        let file = open(&path, permissions.as_ref())?;
        Ok(Self { file: Some(file), path, target, permissions, is_kept: false })
    }

    /// Puts the file into the place of the target, whole: also if the machine stops.
    pub(super) async fn keep(self) -> io::Result<()> {
        let permissions = self.permissions.clone();
        let mut part = self
            .change(move |file| {
                permissions.map_or(Ok(()), |permissions| file.set_permissions(permissions))?;
                file.sync_all()
            })
            .await?;
        // Here and at once: whoever drops the download before this finds nothing changed later.
        part.file = None;
        fs::rename(&part.path, &part.target)?;
        part.is_kept = true;
        Ok(())
    }

    pub(super) async fn change(
        mut self,
        change: impl FnOnce(&mut File) -> io::Result<()> + Send + 'static,
    ) -> io::Result<Self> {
        blocking(move || {
            self.file.as_mut().map_or(Ok(()), change)?;
            Ok(self)
        })
        .await
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.is_kept {
            self.file = None;
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Creates a file that nobody may read who may not read the one in its place, now or later.
fn open(path: &Path, permissions: Option<&Permissions>) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if permissions.is_some() {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    #[cfg(not(unix))]
    let _ = permissions;
    options.open(path)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    spawn_blocking(work).await.unwrap_or_else(|stopped| Err(io::Error::other(stopped)))
}

//! A claim to a name, by an empty file beside what it protects that is locked as long as the claim lives.

use std::fs::{self, File, Metadata, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::read::ensure_regular_file;
use super::{FileError, open_at_once};

/// A lock file of ours, locked. It is removed when this is dropped.
#[derive(Debug)]
pub struct Lock {
    path: PathBuf,
    file: File,
}

impl Lock {
    /// Claims `path`, where nothing is or the empty lock file of a dead process; `None` if a living process has it.
    ///
    /// # Errors
    /// If it is a link, a pipe or any other file than a lock; if it cannot be made.
    pub fn acquire(path: &Path) -> Result<Option<Self>, FileError> {
        Self::try_claim(path).map_err(FileError::of("cannot lock", path))
    }

    fn try_claim(path: &Path) -> io::Result<Option<Self>> {
        loop {
            // Of the name, since a refused open does not tell what was there; then of what was opened.
            match fs::symlink_metadata(path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                found => check(&found?)?,
            }
            let mut options = File::options();
            options.write(true).create(true).truncate(false);
            let file = open_at_once(&mut options, false).open(path)?;
            check(&file.metadata()?)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(None),
                // A file system without locks: nothing can be claimed there, nor need the run fail.
                Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {}
                Err(TryLockError::Error(error)) => return Err(error),
            }
            // The last owner may have removed the file between its opening and its locking.
            if is_same_file(&file, path) {
                return Ok(Some(Self { path: path.to_owned(), file }));
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // While it is still locked, so that no other process can hold it; and only if the name is still its own.
        if is_same_file(&self.file, &self.path) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Refuses what no lock of ours ever was: it has one name and nothing in it.
fn check(found: &Metadata) -> io::Result<()> {
    ensure_regular_file(found)?;
    if found.len() > 0 || !has_one_name(found) {
        let words = "it is another file than a lock of lenet";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, words));
    }
    Ok(())
}

#[cfg(unix)]
fn has_one_name(found: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    // None, if its owner removed it just now.
    found.nlink() <= 1
}

#[cfg(not(unix))]
fn has_one_name(_: &Metadata) -> bool {
    true
}

#[cfg(unix)]
fn is_same_file(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), fs::symlink_metadata(path)) {
        (Ok(a), Ok(b)) => (a.dev(), a.ino()) == (b.dev(), b.ino()),
        _ => false,
    }
}

#[cfg(not(unix))]
fn is_same_file(file: &File, path: &Path) -> bool {
    let opened = file.try_clone().and_then(same_file::Handle::from_file);
    match (opened, same_file::Handle::from_path(path)) {
        (Ok(a), Ok(b)) => a == b,
        _ => false,
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_name_is_claimed_once_and_free_again_afterwards() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let lock = Lock::acquire(&path).unwrap().unwrap();
        assert!(Lock::acquire(&path).unwrap().is_none());
        drop(lock);
        assert!(!path.exists());
        // That of a dead process.
        fs::write(&path, "").unwrap();
        drop(Lock::acquire(&path).unwrap().unwrap());
        assert!(!path.exists());
    }

    #[test]
    fn what_was_planted_under_the_name_is_refused_and_stays() {
        let folder = tempfile::tempdir().unwrap();
        let (path, victim) = (folder.path().join("lock"), folder.path().join("victim"));
        fs::write(&victim, "").unwrap();
        let refused = |words: &str| {
            let error = Lock::acquire(&path).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
            assert!(fs::symlink_metadata(&path).is_ok(), "{words}");
            fs::remove_file(&path).unwrap();
        };
        symlink(&victim, &path).unwrap();
        refused("it is a link");
        symlink("nowhere", &path).unwrap();
        refused("it is a link");
        assert!(!folder.path().join("nowhere").exists());
        fs::hard_link(&victim, &path).unwrap();
        refused("another file than a lock");
        fs::write(&path, "mine").unwrap();
        refused("another file than a lock");
    }

    #[test]
    fn a_file_that_took_the_name_meanwhile_is_not_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let lock = Lock::acquire(&path).unwrap().unwrap();
        fs::remove_file(&path).unwrap();
        fs::write(&path, "mine").unwrap();
        drop(lock);
        assert_eq!(fs::read(&path).unwrap(), b"mine");
    }
}

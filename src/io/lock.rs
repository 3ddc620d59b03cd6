//! Advisory locks: an empty lock file, locked for as long as the [`Lock`] lives.

use std::fs::{self, File, Metadata, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::read::ensure_regular_file;
use super::{FileError, without_blocking};

/// A lock file that this process holds. Dropping it removes the file.
#[derive(Debug)]
pub struct Lock {
    path: PathBuf,
    file: File,
    is_effective: bool,
}

/// Maximum number of times that a lock file may be replaced while it is being locked.
const MAX_ATTEMPTS: usize = 100;

impl Lock {
    /// Acquires the lock at `path` without waiting, or returns `None` if another process holds it.
    ///
    /// The path may exist if it is the empty lock file of a process that crashed or was killed.
    ///
    /// # Errors
    /// Returns an error if the lock file cannot be created, or if `path` is not a lock file, such as a symlink.
    pub fn acquire(path: &Path) -> Result<Option<Self>, FileError> {
        Self::try_acquire(path).map_err(FileError::of("cannot lock", path))
    }

    fn try_acquire(path: &Path) -> io::Result<Option<Self>> {
        for _ in 0..MAX_ATTEMPTS {
            // Check the path first, because a failed `open` does not report the type of the file. Then check the opened
            // file, because the path may have been replaced in between.
            match fs::symlink_metadata(path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                found => ensure_lock_file(&found?)?,
            }
            let mut options = File::options();
            options.write(true).create(true).truncate(false);
            let file = without_blocking(&mut options, false).open(path)?;
            ensure_lock_file(&file.metadata()?)?;
            let is_effective = match file.try_lock() {
                Ok(()) => true,
                Err(TryLockError::WouldBlock) => return Ok(None),
                // Some file systems do not support locks, such as NFS without a lock manager.
                Err(TryLockError::Error(_)) => false,
            };
            // The previous owner may have removed the file after it was opened here and before it was locked. Then try
            // again.
            if is_same_file(&file, path) {
                return Ok(Some(Self { path: path.to_owned(), file, is_effective }));
            }
        }
        Err(io::Error::other("another process keeps replacing the file"))
    }

    /// Returns whether the lock keeps other processes out. On a file system without locks it does not.
    pub fn is_effective(&self) -> bool {
        self.is_effective
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Remove the file while this process still holds the lock, so that no other process can hold it. If another
        // file has taken the path, keep that file.
        if is_same_file(&self.file, &self.path) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Rejects anything that cannot be one of our lock files, which are empty and have a single hard link.
fn ensure_lock_file(found: &Metadata) -> io::Result<()> {
    ensure_regular_file(found)?;
    if found.len() > 0 || has_other_links(found) {
        let cause = "not a lock file created by lenet";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, cause));
    }
    Ok(())
}

#[cfg(unix)]
fn has_other_links(found: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    // The number of links is 0 if the previous owner has just removed the file.
    found.nlink() > 1
}

#[cfg(not(unix))]
fn has_other_links(_: &Metadata) -> bool {
    false
}

/// Returns whether `path` still leads to the open `file`.
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
    fn lock_is_exclusive_and_removed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("lock");
        let lock = Lock::acquire(&path).unwrap().unwrap();
        assert!(Lock::acquire(&path).unwrap().is_none());
        drop(lock);
        assert!(!path.exists());
        // The lock file of a process that was killed.
        fs::write(&path, "").unwrap();
        drop(Lock::acquire(&path).unwrap().unwrap());
        assert!(!path.exists());
    }

    #[test]
    fn other_files_are_rejected_and_kept() {
        let directory = tempfile::tempdir().unwrap();
        let (path, victim) = (directory.path().join("lock"), directory.path().join("victim"));
        fs::write(&victim, "").unwrap();
        let assert_rejected = |message: &str| {
            let error = Lock::acquire(&path).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
            assert!(fs::symlink_metadata(&path).is_ok(), "{message}");
            fs::remove_file(&path).unwrap();
        };
        symlink(&victim, &path).unwrap();
        assert_rejected("expected a file, found a symlink");
        symlink("nowhere", &path).unwrap();
        assert_rejected("expected a file, found a symlink");
        assert!(!directory.path().join("nowhere").exists());
        fs::hard_link(&victim, &path).unwrap();
        assert_rejected("not a lock file");
        fs::write(&path, "mine").unwrap();
        assert_rejected("not a lock file");
    }

    #[test]
    fn drop_keeps_replaced_lock_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("lock");
        let lock = Lock::acquire(&path).unwrap().unwrap();
        fs::remove_file(&path).unwrap();
        fs::write(&path, "mine").unwrap();
        drop(lock);
        assert_eq!(fs::read(&path).unwrap(), b"mine");
    }
}

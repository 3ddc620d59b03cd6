//! Atomic file writes: after a crash or power loss the file has either the complete old or the complete new content.
//!
//! The bytes go to a temporary file in the same directory, which is flushed to disk and then renamed. Finally the
//! directory is flushed as well. If the path already exists, these rules apply:
//!
//! - A symlink at a path from the user is followed: the file that it points at is replaced, and the symlink stays.
//! - A replacement keeps the permissions of the old file. The permissions of a new file follow from the umask.
//! - A file without write permission is rejected, although a rename could replace it.
//! - Replacing one hard link does not change the others.
//! - A directory, pipe, socket or device is rejected.
//!
//! Temporary files are named `.lenet-`, a hash of the file name, and six random characters. The writer holds a lock on
//! its temporary file. A killed process leaves its temporary file behind, but no longer locked. The next write to the
//! same path removes that file.
//!
//! [`complete`] is for files that must not be replaced by a rename, because other processes read them as they grow.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use super::{FileError, Target, without_blocking};

impl Target {
    /// Writes the file atomically. An existing file is replaced only with `force`.
    ///
    /// # Errors
    /// Returns an error if the file cannot be written. The file then keeps its old content, and no temporary file
    /// remains. The exception is an error from the last step, flushing the directory: the file then has its new
    /// content. Without `force`, the error is [`io::ErrorKind::AlreadyExists`] if the path exists, even if it was
    /// created during this call.
    pub fn write(&self, bytes: &[u8], force: bool) -> Result<(), FileError> {
        let failed = |action| FileError::of(action, &self.given);
        if !force && self.resolved != self.given {
            let cause = io::Error::new(io::ErrorKind::AlreadyExists, "the path is a symlink");
            return Err(failed("cannot write")(cause));
        }
        self.remove_stale();
        let mut temporary = self.create_temporary()?;
        // Set the permissions before writing, so that a private file is readable only by its owner at all times.
        self.copy_permissions(temporary.as_file())
            .map_err(failed("cannot set the permissions of"))?;
        temporary.as_file_mut().write_all(bytes).map_err(failed("cannot write"))?;
        // Some file systems report a successful write although bytes are missing.
        check_length(temporary.as_file(), bytes.len()).map_err(failed("cannot write"))?;
        temporary.as_file().sync_all().map_err(failed("cannot flush"))?;
        let renamed = match force {
            true => temporary.persist(&self.resolved),
            false => temporary.persist_noclobber(&self.resolved),
        };
        let action = if force { "cannot replace" } else { "cannot write" };
        renamed.map_err(|error| failed(action)(error.error))?;
        sync_directory(&self.directory).map_err(failed("cannot flush the directory of"))
    }

    /// Checks that the file can be created now and replaced later, without changing it. A long run does this at its
    /// start.
    ///
    /// # Errors
    /// Returns an error if the file cannot be written. A disk that is too full for the content is not detected.
    pub fn probe(&self) -> Result<(), FileError> {
        let failed = FileError::of("cannot write", &self.given);
        self.remove_stale();
        let temporary = self.create_temporary()?;
        let new = temporary.as_file().metadata().map_err(&failed)?.permissions();
        if self.permissions.is_none() && new.readonly() {
            let cause = "the umask removes write permission from new files";
            return Err(failed(io::Error::other(cause)));
        }
        Ok(())
    }
}

/// Checks that all bytes were written.
fn check_length(file: &File, expected: usize) -> io::Result<()> {
    match file.metadata()?.len() {
        length if length == expected as u64 => Ok(()),
        length => Err(io::Error::other(format!("only {length} of {expected} bytes were written"))),
    }
}

/// Flushes a directory, so that a rename in it survives a power loss.
#[cfg(unix)]
fn sync_directory(directory: &Path) -> io::Result<()> {
    match File::open(directory)?.sync_all() {
        // Some network file systems do not support flushing a directory, and do not need it.
        Err(error)
            if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) =>
        {
            Ok(())
        }
        result => result,
    }
}

/// Does nothing, because Windows cannot flush a directory.
#[cfg(not(unix))]
fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Opens the file at `path` for appending, after making sure that it contains exactly `bytes`.
///
/// If an existing file is a prefix of `bytes`, the missing bytes are appended, and processes that have the file open
/// see them. Any other file is replaced. A symlink at `path` is replaced too, not followed.
///
/// # Errors
/// Returns an error if the file cannot be read, written or opened.
pub fn complete(path: &Path, bytes: &[u8]) -> Result<File, FileError> {
    let failed = FileError::of("cannot write", path);
    let open = || without_blocking(File::options().read(true).append(true), false).open(path);
    if let Ok(mut file) = open()
        && let Some(length) = prefix_length(&mut file, bytes).map_err(&failed)?
    {
        file.write_all(&bytes[length..]).map_err(&failed)?;
        return Ok(file);
    }
    Target::internal(path)?.write(bytes, true)?;
    open().map_err(failed)
}

/// Returns the length of the file if it is a non-empty prefix of `bytes`.
fn prefix_length(file: &mut File, bytes: &[u8]) -> io::Result<Option<usize>> {
    if !file.metadata()?.is_file() {
        return Ok(None);
    }
    let mut found = Vec::new();
    file.take(bytes.len() as u64 + 1).read_to_end(&mut found)?;
    Ok((!found.is_empty() && bytes.starts_with(&found)).then_some(found.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn write_removes_only_stale_temporary_files() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("m.mpk");
        let target = Target::user_path(&path).unwrap();
        let other = Target::user_path(&directory.path().join("other.mpk")).unwrap();
        // The lock is released, as after a kill, but the file stays.
        let create_stale = |target: &Target| {
            let (file, path) = target.create_temporary().unwrap().keep().unwrap();
            drop(file);
            path
        };
        let live = target.create_temporary().unwrap();
        let (stale, unrelated) = (create_stale(&target), create_stale(&other));
        target.write(b"new", true).unwrap();
        assert!(!stale.exists());
        assert!(live.path().exists());
        assert!(unrelated.exists());
    }

    #[test]
    fn write_keeps_file_created_after_check() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("m.mpk");
        let target = Target::user_path(&path).unwrap();
        // This file appears after the target was checked.
        target.write(b"one", false).unwrap();
        let error = target.write(b"two", false).unwrap_err();
        assert_eq!(error.source.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"one");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn check_length_detects_missing_bytes() {
        let file = tempfile::tempfile().unwrap();
        file.set_len(3).unwrap();
        assert!(check_length(&file, 3).is_ok());
        assert!(check_length(&file, 4).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn internal_target_replaces_symlink() {
        let directory = tempfile::tempdir().unwrap();
        let (path, victim) = (directory.path().join("m.json"), directory.path().join("victim"));
        fs::write(&victim, "precious").unwrap();
        std::os::unix::fs::symlink(&victim, &path).unwrap();
        let target = Target::internal(&path).unwrap();
        assert!(target.write(b"new", false).is_err() && path.is_symlink());
        target.write(b"new", true).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read(&victim).unwrap(), b"precious");
    }

    #[test]
    fn complete_appends_or_replaces_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("events");
        // Returns the bytes that a reader gets if it opened the file before `complete` was called.
        let seen_by_reader = |existing: &[u8]| {
            fs::write(&path, existing).unwrap();
            let mut reader = File::open(&path).unwrap();
            complete(&path, b"one two").unwrap().write_all(b" three").unwrap();
            assert_eq!(fs::read(&path).unwrap(), b"one two three");
            let mut seen = Vec::new();
            reader.read_to_end(&mut seen).unwrap();
            seen
        };
        assert_eq!(seen_by_reader(b"one"), b"one two three");
        assert_eq!(seen_by_reader(b"one two"), b"one two three");
        for other in [&b""[..], b"two", b"one two three"] {
            assert_eq!(seen_by_reader(other), other);
        }
        #[cfg(unix)]
        {
            let victim = directory.path().join("victim");
            fs::write(&victim, "one").unwrap();
            fs::remove_file(&path).unwrap();
            std::os::unix::fs::symlink(&victim, &path).unwrap();
            complete(&path, b"one two").unwrap();
            assert_eq!(fs::read(&victim).unwrap(), b"one");
            assert_eq!(fs::read(&path).unwrap(), b"one two");
        }
    }
}

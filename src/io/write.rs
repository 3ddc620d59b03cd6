//! Atomic file writes: after a crash or power loss the file has either the complete old or the complete new content.
//!
//! The bytes go to a temporary file in the same directory, which is flushed to disk and then renamed. Finally the
//! directory is flushed as well. If the path already exists, these rules apply:
//!
//! - A symlink at a path from the user is followed: the file that it points at is replaced, and the symlink stays.
//! - A replacement keeps the permissions and, if possible, the owner and the group of the old file. The permissions of a new file
//!   follow from the umask.
//! - A file without write permission is rejected, although a rename could replace it.
//! - Replacing one hard link does not change the others.
//! - A directory, pipe, socket or device is rejected.
//!
//! Without `force`, an existing file is never replaced: the rename fails if the path exists. Some file systems, such as a
//! mounted Google Drive, have neither such a rename nor hard links. There, an empty file reserves the path first.
//!
//! Temporary files are named `.lenet-`, a hash of the file name, and six random characters. The writer holds a lock on
//! its temporary file. The temporary file of a killed process remains, but is no longer locked. The next write to the same path
//! removes that file.

use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::path::Path;

use tempfile::NamedTempFile;

use super::directory::sync_directory;
use super::{FileError, Target};

/// The new content of a file: a complete temporary file, flushed to disk and read back. Dropping it removes the file.
#[derive(Debug)]
pub(super) struct Staged<'a> {
    target: &'a Target,
    temporary: NamedTempFile<File>,
    force: bool,
}

impl Target {
    /// Writes the file atomically. An existing file is replaced only with `force`.
    ///
    /// # Errors
    /// Returns an error if the file cannot be written. The file then keeps its old content, and no temporary file
    /// remains. The exception is an error from the last step, flushing the directory: the file then has its new
    /// content. Without `force`, the error is [`io::ErrorKind::AlreadyExists`] if the path exists, even if it was
    /// created during this call.
    pub fn write(&self, bytes: &[u8], force: bool) -> Result<(), FileError> {
        self.stage(bytes, force)?.commit()
    }

    /// Writes `bytes` to a temporary file and checks that they can be read back. [`Staged::commit`] then renames the file to
    /// its path. [`write_together`](super::write_together) replaces several files together.
    ///
    /// # Errors
    /// Returns an error if the temporary file cannot be written.
    pub(super) fn stage(&self, bytes: &[u8], force: bool) -> Result<Staged<'_>, FileError> {
        let failed = |action| FileError::of(action, &self.given);
        if !force && self.resolved != self.given {
            let cause = io::Error::new(io::ErrorKind::AlreadyExists, "the path is a symlink");
            return Err(failed("cannot write")(cause));
        }
        self.remove_stale();
        let mut temporary = self.create_temporary()?;
        // Set the permissions before writing. Until then, only the owner can open a file that replaces another one.
        self.copy_permissions(temporary.as_file())
            .map_err(failed("cannot set the permissions of"))?;
        let file = temporary.as_file_mut();
        file.write_all(bytes).map_err(failed("cannot write"))?;
        flush(file).map_err(failed("cannot flush"))?;
        check_content(file, bytes).map_err(failed("cannot write"))?;
        Ok(Staged { target: self, temporary, force })
    }

    /// Removes the file, if it exists, and flushes its directory.
    ///
    /// # Errors
    /// Returns an error if the file cannot be removed or the directory cannot be flushed.
    pub fn remove(&self) -> Result<(), FileError> {
        let failed = |action| FileError::of(action, &self.given);
        match fs::remove_file(&self.resolved) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            removed => removed.map_err(failed("cannot remove"))?,
        }
        sync_directory(&self.directory).map_err(failed("cannot flush the directory of"))
    }
}

impl Staged<'_> {
    /// Renames the temporary file to its path.
    ///
    /// # Errors
    /// Returns the errors of [`Target::write`].
    pub(super) fn commit(self) -> Result<(), FileError> {
        let Self { target, temporary, force } = self;
        let failed = |action| FileError::of(action, &target.given);
        match force {
            true => rename(temporary, &target.resolved).map_err(failed("cannot replace"))?,
            false => persist_new(temporary, &target.resolved).map_err(failed("cannot write"))?,
        }
        sync_directory(&target.directory).map_err(failed("cannot flush the directory of"))
    }
}

/// Renames `temporary` to `path`.
pub(super) fn rename(temporary: NamedTempFile<File>, path: &Path) -> io::Result<()> {
    match temporary.persist(path) {
        // Shared folders of VirtualBox cannot rename an open file. Closing it releases its lock.
        Err(error) if error.error.kind() == io::ErrorKind::ExecutableFileBusy => {
            let closed = error.file.into_temp_path();
            closed.persist(path).map_err(|error| error.error)
        }
        renamed => renamed.map(drop).map_err(|error| error.error),
    }
}

/// Renames `temporary` to `path`, or fails if `path` exists.
fn persist_new(temporary: NamedTempFile<File>, path: &Path) -> io::Result<()> {
    let temporary = match temporary.persist_noclobber(path) {
        Ok(_) => return Ok(()),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => return Err(error.error),
        Err(error) => error.file,
    };
    // The file system has neither a rename that fails if the path exists nor hard links. Every file system supports creating a
    // file only if it does not exist.
    drop(File::options().write(true).create_new(true).open(path)?);
    rename(temporary, path).inspect_err(|_| {
        let is_reservation = |found: fs::Metadata| found.is_file() && found.len() == 0;
        if fs::symlink_metadata(path).is_ok_and(is_reservation) {
            let _ = fs::remove_file(path);
        }
    })
}

/// Checks that the file contains exactly `expected`. Some file systems report a successful write although bytes are
/// missing or differ.
fn check_content(file: &mut File, expected: &[u8]) -> io::Result<()> {
    file.rewind()?;
    let mut found = Vec::with_capacity(expected.len() + 1);
    file.take(expected.len() as u64 + 1).read_to_end(&mut found)?;
    let cause = match (found.len(), expected.len()) {
        _ if found == expected => return Ok(()),
        (found, length) if found < length => {
            format!("only {found} of {length} bytes were written")
        }
        _ => "the bytes read back differ from the bytes written".to_owned(),
    };
    Err(io::Error::new(io::ErrorKind::InvalidData, cause))
}

/// Flushes a file or a directory to disk. Some network file systems cannot flush on request.
pub(super) fn flush(file: &File) -> io::Result<()> {
    use io::ErrorKind::{InvalidInput, Unsupported};
    match file.sync_all() {
        Err(error) if matches!(error.kind(), InvalidInput | Unsupported) => Ok(()),
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::Origin;

    #[test]
    fn write_removes_only_stale_temporary_files() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("m.mpk");
        let target = Target::new(&path, Origin::User).unwrap();
        let other = Target::new(&directory.path().join("other.mpk"), Origin::User).unwrap();
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
        let target = Target::new(&path, Origin::User).unwrap();
        // This file appears after the target was checked.
        target.write(b"one", false).unwrap();
        let error = target.write(b"two", false).unwrap_err();
        assert_eq!(error.source.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"one");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn differing_content_is_detected() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"abc").unwrap();
        let mut problem = |expected: &[u8]| check_content(&mut file, expected).unwrap_err();
        assert_eq!(problem(b"abcd").to_string(), "only 3 of 4 bytes were written");
        for other in [&b"ab"[..], b"abd", b""] {
            assert!(problem(other).to_string().contains("read back differ"));
        }
        check_content(&mut file, b"abc").unwrap();
    }

    #[test]
    fn locked_temporary_files_do_not_block() {
        // Another user may lock every temporary file first. This thread does so, with its own file handle.
        let directory = tempfile::tempdir().unwrap();
        let target = Target::new(&directory.path().join("m.mpk"), Origin::Program).unwrap();
        let (done, locked) =
            (std::sync::atomic::AtomicBool::new(false), std::sync::Mutex::new(Vec::new()));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(std::sync::atomic::Ordering::Relaxed) {
                    for entry in fs::read_dir(directory.path()).unwrap().flatten() {
                        if let Ok(file) = File::open(entry.path())
                            && file.try_lock().is_ok()
                        {
                            locked.lock().unwrap().push(file);
                        }
                    }
                }
            });
            for _ in 0..300 {
                target.write(b"content", true).unwrap();
            }
            done.store(true, std::sync::atomic::Ordering::Relaxed);
        });
        assert!(!locked.lock().unwrap().is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn private_file_stays_private() {
        use std::os::unix::fs::{MetadataExt, PermissionsExt};
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("m.mpk");
        fs::write(&path, "old").unwrap();
        // Root may choose any group; others keep their own.
        let _ = std::os::unix::fs::chown(&path, None, Some(4242));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let old = fs::metadata(&path).unwrap();
        let target = Target::new(&path, Origin::User).unwrap();
        // Between its creation and the copying of the permissions, no one else can open the temporary file.
        let temporary = target.create_temporary().unwrap();
        assert_eq!(temporary.as_file().metadata().unwrap().mode() & 0o777, 0o600);
        target.write(b"new", true).unwrap();
        let new = fs::metadata(&path).unwrap();
        assert_eq!((new.uid(), new.gid(), new.mode()), (old.uid(), old.gid(), old.mode()));
    }

    #[cfg(unix)]
    #[test]
    fn internal_target_replaces_symlink() {
        let directory = tempfile::tempdir().unwrap();
        let (path, victim) = (directory.path().join("m.json"), directory.path().join("victim"));
        fs::write(&victim, "precious").unwrap();
        std::os::unix::fs::symlink(&victim, &path).unwrap();
        let target = Target::new(&path, Origin::Program).unwrap();
        assert!(target.write(b"new", false).is_err() && path.is_symlink());
        target.write(b"new", true).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read(&victim).unwrap(), b"precious");
    }
}

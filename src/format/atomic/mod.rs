//! Writes a file so that its path holds the old content or the new one, complete, whatever happens meanwhile.
//!
//! The bytes go to a scratch file in the same folder, which is flushed to the disk and then renamed over the
//! path; after that the folder is flushed too. What this means for a path that exists already:
//!
//! - A symbolic link is followed: the file that it points at is replaced, the link stays.
//! - The permissions of the old file are kept; a new file gets what the umask allows, as any other would.
//! - A file without any write permission is refused, though a rename would replace it.
//! - Of several hard links only the one that is named gets the new content.
//! - A folder, pipe, socket or device is refused.
//!
//! A scratch file is named `.lenet-`, a hash of the target's name, and six random characters. Its writer holds
//! a lock on it. A killed run leaves its scratch file behind, without the lock; the next write to the same target
//! removes it.

mod target;

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use target::Target;
pub(super) use target::kind_of;

/// Why a file was not written.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}: {cause}", path.display())]
pub struct WriteError {
    /// The file that was to be written, or its folder.
    pub path: PathBuf,
    /// What failed, as in "write".
    pub action: &'static str,
    /// Why.
    pub cause: io::Error,
}

impl WriteError {
    /// What the user can do, in one line.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self.cause.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
                "make the folder first, or name another"
            }
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                "free some space, or write to another disk"
            }
            io::ErrorKind::FileTooLarge => "raise the limit on file sizes (ulimit -f)",
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                "name a file in a folder that you may write to"
            }
            io::ErrorKind::IsADirectory
            | io::ErrorKind::InvalidInput
            | io::ErrorKind::InvalidFilename => "name a file, as in model.mpk",
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

/// Makes `path` a file with this content, or leaves it as it was.
///
/// # Errors
/// If the file cannot be written. Its scratch file is gone then. Only where flushing the folder failed, the very
/// last step, is the new content in place already.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    let target = Target::new(path)?;
    let failed = |action| {
        move |cause| WriteError {
            path: path.to_path_buf(),
            action,
            cause,
        }
    };
    target.sweep();
    let mut scratch = target.scratch()?;
    // Before the content is in: an old file that only its owner reads stays that way.
    target
        .keep_permissions(scratch.as_file())
        .map_err(failed("set the permissions of"))?;
    scratch
        .as_file_mut()
        .write_all(bytes)
        .map_err(failed("write"))?;
    // What a file system reports as written need not be there.
    check_length(scratch.as_file(), bytes.len()).map_err(failed("write"))?;
    scratch.as_file().sync_all().map_err(failed("flush"))?;
    scratch
        .persist(&target.file)
        .map_err(|error| failed("replace")(error.error))?;
    flush_folder(&target.folder).map_err(failed("flush the folder of"))
}

/// Checks that [`write()`] could create `path` now and replace it later, without changing it: for the start of a
/// long run.
///
/// # Errors
/// If it could not. A disk too full for the content is not found out.
pub fn probe(path: &Path) -> Result<(), WriteError> {
    let target = Target::new(path)?;
    target.sweep();
    let scratch = target.scratch()?;
    let failed = |cause| WriteError {
        path: path.to_path_buf(),
        action: "write",
        cause,
    };
    let fresh = scratch.as_file().metadata().map_err(failed)?.permissions();
    if target.permissions.is_none() && fresh.readonly() {
        let cause = "the umask leaves nobody the right to write to new files";
        return Err(failed(io::Error::other(cause)));
    }
    Ok(())
}

/// Refuses a file of another length.
fn check_length(file: &File, expected: usize) -> io::Result<()> {
    match file.metadata()?.len() {
        length if length == expected as u64 => Ok(()),
        length => Err(io::Error::other(format!(
            "only {length} of {expected} bytes arrived"
        ))),
    }
}

/// Makes the rename itself survive a loss of power.
#[cfg(unix)]
fn flush_folder(folder: &Path) -> io::Result<()> {
    match File::open(folder)?.sync_all() {
        // Some network file systems cannot flush a folder, and need not.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported
            ) =>
        {
            Ok(())
        }
        result => result,
    }
}

/// Windows flushes no folders.
#[cfg(not(unix))]
fn flush_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_scratch_file_of_a_dead_run_is_removed_and_that_of_a_live_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.mpk");
        let target = Target::new(&path).unwrap();
        let other = Target::new(&folder.path().join("other.mpk")).unwrap();
        let dead = |target: &Target| {
            let (file, path) = target.scratch().unwrap().keep().unwrap();
            drop(file);
            path
        };
        let live = target.scratch().unwrap();
        let (stale, unrelated) = (dead(&target), dead(&other));
        write(&path, b"new").unwrap();
        assert!(!stale.exists());
        assert!(live.path().exists());
        assert!(unrelated.exists());
    }
}

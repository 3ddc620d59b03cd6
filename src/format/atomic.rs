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

use std::ffi::OsStr;
use std::fs::{self, File, FileType, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

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

/// Where a file will be written.
struct Target {
    /// The path that the user gave, for messages.
    asked: PathBuf,
    /// The file itself, links followed.
    file: PathBuf,
    /// Its folder.
    folder: PathBuf,
    /// Those of the file that is there now, if one is.
    permissions: Option<fs::Permissions>,
}

impl Target {
    fn new(path: &Path) -> Result<Self, WriteError> {
        let failed = |cause| WriteError {
            path: path.to_path_buf(),
            action: "write",
            cause,
        };
        let file = follow_links(path).map_err(failed)?;
        // `a/`, `a/.`, `a/..` and the empty path name no file, or not the one that would be written.
        let names_a_file = file.file_name().is_some_and(|name| {
            let whole = file.as_os_str().as_encoded_bytes();
            whole.ends_with(name.as_encoded_bytes())
        });
        if !names_a_file {
            let cause = io::Error::new(io::ErrorKind::InvalidInput, "not the name of a file");
            return Err(failed(cause));
        }
        let permissions = match fs::metadata(&file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(failed(error)),
            Ok(found) => Some(check_replaceable(&found).map_err(failed)?),
        };
        let folder = match file.parent() {
            Some(parent) if parent != Path::new("") => parent.to_path_buf(),
            _ => PathBuf::from("."),
        };
        Ok(Self {
            asked: path.to_path_buf(),
            file,
            folder,
            permissions,
        })
    }

    /// Gives `scratch` the permissions of the file that it will replace.
    fn keep_permissions(&self, scratch: &File) -> io::Result<()> {
        match &self.permissions {
            // A file system without permissions shows the same for all files, and may refuse to set them.
            Some(old) if *old != scratch.metadata()?.permissions() => {
                scratch.set_permissions(old.clone())
            }
            _ => Ok(()),
        }
    }

    /// The start of the names of this target's scratch files.
    fn prefix(&self) -> String {
        let name = self.file.file_name().unwrap_or_default();
        let hash = Sha256::digest(name.as_encoded_bytes());
        let hash: String = hash
            .iter()
            .take(6)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        format!(".lenet-{hash}-")
    }

    /// A new scratch file, locked; removed when it is dropped.
    fn scratch(&self) -> Result<NamedTempFile<File>, WriteError> {
        let failed = |cause| WriteError {
            path: self.asked.clone(),
            action: "create a scratch file beside",
            cause,
        };
        let prefix = self.prefix();
        let create = |path: &Path| {
            // `create_new` follows no link that lies there, and the umask applies as to any other file.
            OpenOptions::new().write(true).create_new(true).open(path)
        };
        loop {
            let scratch = tempfile::Builder::new()
                .prefix(&prefix)
                .make_in(&self.folder, create)
                .map_err(failed)?;
            // A file system without locks is fine: `sweep` removes nothing there.
            let _ = scratch.as_file().lock();
            // Another run may have swept it between its creation and its lock.
            if scratch.path().try_exists().map_err(failed)? {
                return Ok(scratch);
            }
        }
    }

    /// Removes scratch files that dead runs left for this target. What cannot be removed stays.
    fn sweep(&self) {
        let prefix = self.prefix();
        let is_scratch = |name: &OsStr| {
            let name = name.as_encoded_bytes();
            name.len() == prefix.len() + 6 && name.starts_with(prefix.as_bytes())
        };
        let Ok(entries) = fs::read_dir(&self.folder) else {
            return;
        };
        for entry in entries.flatten() {
            // A link is not followed: whatever it points at is not ours.
            let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
            if !is_file || !is_scratch(&entry.file_name()) {
                continue;
            }
            let Ok(file) = OpenOptions::new().write(true).open(entry.path()) else {
                continue;
            };
            if file.try_lock().is_ok() {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

/// The path at the end of a chain of symbolic links. The last one need not exist.
fn follow_links(path: &Path) -> io::Result<PathBuf> {
    // Linux's own limit.
    const MAX_LINKS: usize = 40;
    let mut path = path.to_path_buf();
    for _ in 0..MAX_LINKS {
        let Ok(next) = fs::read_link(&path) else {
            return Ok(path);
        };
        path = path.parent().unwrap_or(Path::new("")).join(next);
    }
    Err(io::Error::other("too many symbolic links"))
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

/// The permissions of a file that may be replaced.
fn check_replaceable(found: &fs::Metadata) -> io::Result<fs::Permissions> {
    if found.is_dir() {
        return Err(io::Error::new(
            io::ErrorKind::IsADirectory,
            "it is a folder",
        ));
    }
    if !found.is_file() {
        let kind = kind_of(found.file_type());
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("it is a {kind}"),
        ));
    }
    if found.permissions().readonly() {
        let cause = "it is write-protected";
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, cause));
    }
    Ok(found.permissions())
}

/// What a path is that is not a regular file.
pub(super) fn kind_of(kind: FileType) -> &'static str {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if kind.is_fifo() {
            return "pipe";
        }
        if kind.is_socket() {
            return "socket";
        }
        if kind.is_char_device() || kind.is_block_device() {
            return "device";
        }
    }
    if kind.is_dir() {
        "folder"
    } else {
        "special file"
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

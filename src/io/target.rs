//! Output paths and their temporary files.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use super::read::ensure_regular_file;
use super::text::hex;
use super::{FileError, without_blocking};

/// Maximum number of temporary files to create until one can be locked.
const MAX_ATTEMPTS: usize = 16;

/// The path of a file to be written, checked and resolved.
#[derive(Debug)]
pub struct Target {
    /// The path as given, for messages.
    pub(super) given: PathBuf,
    /// The path of the file itself, after following symlinks if that is allowed.
    pub(super) resolved: PathBuf,
    /// The directory that contains `resolved`.
    pub(super) directory: PathBuf,
    /// The metadata of the existing file, if any.
    pub(super) existing: Option<fs::Metadata>,
}

/// The origin of an output path, which determines what happens to a symlink at this path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The user typed the path. Symlinks are followed.
    User,
    /// The program chose the path, for example as a default or as a name in a directory. A symlink there is not followed,
    /// because it can only be a mistake or an attack: a file replaces it, a directory is rejected.
    Program,
}

impl Target {
    /// Creates a target for an output file.
    ///
    /// # Errors
    /// Returns an error if the path has no file name, or if it exists and is not a writable regular file.
    pub fn new(path: &Path, origin: Origin) -> Result<Self, FileError> {
        let resolved = match origin {
            Origin::User => follow_symlinks(path).map_err(FileError::of("cannot write", path))?,
            Origin::Program => path.to_owned(),
        };
        Self::resolved(path, resolved)
    }

    fn resolved(given: &Path, resolved: PathBuf) -> Result<Self, FileError> {
        let failed = FileError::of("cannot write", given);
        // `file_name` ignores the end of `a/` and `a/.`, and returns `None` for `a/..` and the empty path.
        let ends_in_file_name = resolved.file_name().is_some_and(|name| {
            resolved.as_os_str().as_encoded_bytes().ends_with(name.as_encoded_bytes())
        });
        if !ends_in_file_name {
            let cause = io::Error::new(io::ErrorKind::InvalidInput, "not a file name");
            return Err(failed(cause));
        }
        let existing = match fs::symlink_metadata(&resolved) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(failed(error)),
            Ok(found) if found.is_symlink() => None,
            Ok(found) => {
                check_replaceable(&found).map_err(failed)?;
                Some(found)
            }
        };
        let parent = resolved.parent().filter(|parent| *parent != Path::new(""));
        let directory = parent.unwrap_or(Path::new(".")).to_owned();
        Ok(Self { given: given.to_owned(), resolved, directory, existing })
    }

    /// Copies the owner, the group and the permissions of the existing file, if any, to `temporary`, which will replace it.
    pub(super) fn copy_permissions(&self, temporary: &File) -> io::Result<()> {
        let Some(existing) = &self.existing else { return Ok(()) };
        let permissions = copy_owner(existing, temporary)?;
        // A file system without permissions reports the same permissions for all files, and may reject setting them. So
        // set only permissions that differ.
        match temporary.metadata()?.permissions() == permissions {
            true => Ok(()),
            false => temporary.set_permissions(permissions),
        }
    }

    /// Returns the prefix that the names of this target's temporary files share.
    fn prefix(&self) -> String {
        let name = self.resolved.file_name().unwrap_or_default();
        let hash = Sha256::digest(name.as_encoded_bytes());
        format!(".lenet-{}-", hex(&hash[..6]))
    }

    /// Creates a temporary file, which is removed on drop, and locks it if the file system supports locks.
    pub(super) fn create_temporary(&self) -> Result<NamedTempFile<File>, FileError> {
        let failed = FileError::of("cannot create a temporary file next to", &self.given);
        let prefix = self.prefix();
        // `create_new` does not follow a symlink at this path. The usual umask applies to a new file.
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        #[cfg(unix)]
        if self.existing.is_some() {
            use std::os::unix::fs::OpenOptionsExt;
            // The existing file may be private. Its permissions are copied later.
            options.mode(0o600);
        }
        let create = |path: &Path| options.open(path);
        let mut attempts = 0;
        loop {
            let temporary = tempfile::Builder::new()
                .prefix(&prefix)
                .make_in(&self.directory, create)
                .map_err(&failed)?;
            // Between its creation and its locking, the file may have been removed as stale. Anyone who can read it may
            // also have locked it, so waiting for the lock could take forever. In both cases, create another file. After
            // several attempts, continue without the lock: the clean-up of stale files skips a file that another process has
            // locked.
            let is_locked_by_others =
                matches!(temporary.as_file().try_lock(), Err(TryLockError::WouldBlock));
            attempts += 1;
            let exists = temporary.path().try_exists().map_err(&failed)?;
            if exists && !is_locked_by_others || attempts == MAX_ATTEMPTS {
                return Ok(temporary);
            }
        }
    }

    /// Removes temporary files of this target that crashed or killed processes did not remove. Errors are ignored.
    pub(super) fn remove_stale(&self) {
        let prefix = self.prefix();
        let is_temporary = |name: &OsStr| {
            let name = name.as_encoded_bytes();
            name.len() == prefix.len() + 6 && name.starts_with(prefix.as_bytes())
        };
        let Ok(entries) = fs::read_dir(&self.directory) else {
            return;
        };
        for entry in entries.flatten().filter(|entry| is_temporary(&entry.file_name())) {
            // Check the type first, because only regular files can be ours. Do not follow a symlink that replaces the
            // file after this check, because the file that the symlink points at is not ours.
            let path = entry.path();
            if entry.file_type().is_ok_and(|kind| kind.is_file())
                && let Ok(file) = without_blocking(File::options().write(true), false).open(&path)
                && file.try_lock().is_ok()
            {
                let _ = fs::remove_file(path);
            }
        }
    }
}

/// Returns the path at the end of a chain of symlinks. The final file need not exist.
fn follow_symlinks(path: &Path) -> io::Result<PathBuf> {
    // Linux has the same limit.
    const MAX_SYMLINKS: usize = 40;
    let mut path = path.to_path_buf();
    for _ in 0..MAX_SYMLINKS {
        let Ok(next) = fs::read_link(&path) else {
            return Ok(path);
        };
        path = path.parent().unwrap_or(Path::new("")).join(next);
    }
    Err(io::Error::other("too many levels of symbolic links"))
}

/// Copies the owner and the group of the `existing` file to `temporary`, if the OS allows it. Returns the permissions that
/// `temporary` should get: those of the existing file or, for a new group, those of everyone else.
#[cfg(unix)]
fn copy_owner(existing: &fs::Metadata, temporary: &File) -> io::Result<fs::Permissions> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
    let (owner, group) = (existing.uid(), existing.gid());
    let found = temporary.metadata()?;
    if (found.uid(), found.gid()) != (owner, group) {
        // Only root may change the owner. Others may change the group to one of their own.
        let _ = fchown(temporary, Some(owner), Some(group))
            .or_else(|_| fchown(temporary, None, Some(group)));
    }
    let mut permissions = existing.permissions();
    if temporary.metadata()?.gid() != group {
        permissions.set_mode(mode_for_new_group(permissions.mode()));
    }
    Ok(permissions)
}

/// Returns `mode` without the permissions of the group that everyone else lacks, because the members of the new group had the
/// permissions of everyone else.
#[cfg(unix)]
fn mode_for_new_group(mode: u32) -> u32 {
    mode & !0o070 | (mode & 0o007) << 3 & mode
}

/// Returns the permissions of the `existing` file.
#[cfg(not(unix))]
fn copy_owner(existing: &fs::Metadata, _: &File) -> io::Result<fs::Permissions> {
    Ok(existing.permissions())
}

/// Checks that an existing file may be replaced.
fn check_replaceable(found: &fs::Metadata) -> io::Result<()> {
    ensure_regular_file(found)?;
    if found.permissions().readonly() {
        let cause = "the file is write-protected";
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, cause));
    }
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn new_group_gets_no_permission() {
        for (mode, expected) in
            [(0o664, 0o644), (0o640, 0o600), (0o660, 0o600), (0o646, 0o646), (0o607, 0o607)]
        {
            assert_eq!(mode_for_new_group(mode), expected, "{mode:o}");
        }
    }
}

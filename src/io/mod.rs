//! File access: reading, atomic writing and locking, plus sanitising of untrusted text.
//!
//! - [`mod@read`] reads only regular files, never blocks on a pipe, and enforces a maximum size.
//! - [`Target`] writes to a new temporary file and renames it, so it never opens an existing file for writing. A
//!   symlink at a path from the user is followed; a symlink at a path that the program chose is replaced.
//! - [`complete`] appends to a file that other processes may have open.
//! - [`Lock`] locks a path without following symlinks or blocking, and removes only its own lock file.
//! - [`text`] escapes untrusted text for messages, and [`limits`] turns OS resource limits into errors.

pub mod limits;
mod lock;
pub mod read;
mod target;
pub mod text;
mod write;

use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};

pub use lock::Lock;
pub use read::read;
pub use target::Target;
pub use write::complete;

/// An error from reading, writing, locking or removing a file.
#[derive(Debug, thiserror::Error)]
#[error("{action} {}: {source}", path.display())]
pub struct FileError {
    /// The operation that failed, for example "cannot write".
    pub action: &'static str,
    /// The file or directory.
    pub path: PathBuf,
    /// The OS error, or the reason why the program rejected the file.
    pub source: io::Error,
}

impl FileError {
    /// Creates an error, for example `FileError::new("cannot write", path, source)`.
    pub fn new(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self { action, path: path.to_owned(), source }
    }

    /// Returns a closure that creates the error from its cause, for `map_err`.
    pub fn of(action: &'static str, path: &Path) -> impl Fn(io::Error) -> Self {
        move |source| Self::new(action, path, source)
    }

    /// Returns one line of advice for the user.
    pub fn hint(&self) -> Option<String> {
        hint(&self.source, self.is_of_reading())
    }

    /// Returns whether the failed operation was reading.
    pub(crate) fn is_of_reading(&self) -> bool {
        ["cannot read", "cannot take"].iter().any(|start| self.action.starts_with(start))
    }
}

/// Returns advice about a failure to read (`reading`) or write a file.
pub(crate) fn hint(cause: &io::Error, reading: bool) -> Option<String> {
    use io::ErrorKind as Kind;
    let hint = match cause.kind() {
        Kind::NotFound | Kind::NotADirectory if !reading => {
            "make the folder first, or name another"
        }
        Kind::StorageFull | Kind::QuotaExceeded => "free some space, or write to another disk",
        Kind::FileTooLarge if !reading => "raise the limit on file sizes (ulimit -f)",
        Kind::OutOfMemory => "raise the limit on memory (ulimit -v)",
        Kind::AlreadyExists => "replace it with --force, or name another file",
        Kind::PermissionDenied if reading => "check the permissions of the file",
        Kind::PermissionDenied | Kind::ReadOnlyFilesystem => {
            "name a file in a folder that you may write to"
        }
        Kind::IsADirectory | Kind::InvalidInput | Kind::InvalidFilename if !reading => {
            "name a file, as in model.mpk"
        }
        // Too many open files, in this process (EMFILE) or in the whole system (ENFILE).
        _ if cfg!(unix) && matches!(cause.raw_os_error(), Some(24 | 23)) => {
            "raise the limit on open files (ulimit -n)"
        }
        _ => return None,
    };
    Some(hint.to_owned())
}

/// Adds flags so that opening does not block on a pipe and, unless `follow`, does not follow a symlink.
fn without_blocking(options: &mut OpenOptions, follow: bool) -> &mut OpenOptions {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        let no_follow = if follow { 0 } else { libc::O_NOFOLLOW };
        options.custom_flags(libc::O_NONBLOCK | no_follow);
    }
    #[cfg(windows)]
    if !follow {
        use std::os::windows::fs::OpenOptionsExt;
        // FILE_FLAG_OPEN_REPARSE_POINT opens the symlink itself, which is then not a regular file.
        options.custom_flags(0x0020_0000);
    }
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_match_error_kinds() {
        use io::ErrorKind as Kind;
        for (kind, reader, writer) in [
            (Kind::NotFound, None, Some("make the folder")),
            (Kind::StorageFull, Some("free some space"), Some("free some space")),
            (Kind::QuotaExceeded, Some("free some space"), Some("free some space")),
            (Kind::FileTooLarge, None, Some("ulimit -f")),
            (Kind::OutOfMemory, Some("ulimit -v"), Some("ulimit -v")),
            (Kind::AlreadyExists, Some("--force"), Some("--force")),
            (Kind::PermissionDenied, Some("permissions of the file"), Some("may write to")),
            (Kind::ReadOnlyFilesystem, Some("may write to"), Some("may write to")),
            (Kind::IsADirectory, None, Some("name a file, as in")),
            (Kind::BrokenPipe, None, None),
        ] {
            for (reading, expected) in [(true, reader), (false, writer)] {
                let found = hint(&kind.into(), reading);
                let matches = match (&found, expected) {
                    (Some(found), Some(part)) => found.contains(part),
                    (found, expected) => found.is_none() && expected.is_none(),
                };
                assert!(matches, "{kind:?}, reading: {reading}: {found:?}");
            }
        }
        #[cfg(unix)]
        for code in [23, 24] {
            let found = hint(&io::Error::from_raw_os_error(code), true).unwrap();
            assert!(found.contains("ulimit -n"), "{found}");
        }
    }
}

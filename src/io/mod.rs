//! Files: the one way in which they are read, written, replaced and locked; and text made fit for a terminal.
//!
//! - [`mod@read`] opens regular files alone, never waits at a pipe, and stops at a bound.
//! - [`Target`] writes a new file and renames it: what is opened for writing never was there before. A name that the
//!   user typed may be a link, which is followed; a name that the program made up is not.
//! - [`complete`] lets a file grow that others have open.
//! - [`Lock`] claims a name without following a link or waiting, and removes only what it claimed.
//! - [`text`] is between the program's words and whoever reads them; [`limits`] turns the system's limits into errors.

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

/// Why a file was not read, written, locked or removed.
#[derive(Debug, thiserror::Error)]
#[error("{action} {}: {source}", path.display())]
pub struct FileError {
    /// What failed, as in "cannot write".
    pub action: &'static str,
    /// The file or folder.
    pub path: PathBuf,
    /// The system's words.
    pub source: io::Error,
}

impl FileError {
    /// As in `FileError::new("cannot write", path, source)`.
    pub fn new(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self { action, path: path.to_owned(), source }
    }

    /// The same as a function of the cause, for `map_err`.
    pub fn of(action: &'static str, path: &Path) -> impl Fn(io::Error) -> Self {
        move |source| Self::new(action, path, source)
    }

    /// What the user can do, in one line.
    pub fn hint(&self) -> Option<String> {
        hint(&self.source, self.is_of_reading())
    }

    /// Whether a file was to be read, not written.
    pub(crate) fn is_of_reading(&self) -> bool {
        ["cannot read", "cannot take"].iter().any(|start| self.action.starts_with(start))
    }
}

/// What the user can do about the failure of a file that was being read, or else written.
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
        // Too many open files, of this process or of the system: EMFILE and ENFILE.
        _ if cfg!(unix) && matches!(cause.raw_os_error(), Some(24 | 23)) => {
            "raise the limit on open files (ulimit -n)"
        }
        _ => return None,
    };
    Some(hint.to_owned())
}

/// Opens without waiting for the other end of a pipe and, unless `follow`, without following a link.
fn open_at_once(options: &mut OpenOptions, follow: bool) -> &mut OpenOptions {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        let links = if follow { 0 } else { libc::O_NOFOLLOW };
        options.custom_flags(libc::O_NONBLOCK | links);
    }
    #[cfg(windows)]
    if !follow {
        use std::os::windows::fs::OpenOptionsExt;
        // FILE_FLAG_OPEN_REPARSE_POINT: the link itself, which is then no regular file.
        options.custom_flags(0x0020_0000);
    }
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_failure_has_its_remedy_for_readers_and_for_writers() {
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
                let is_right = match (&found, expected) {
                    (Some(found), Some(part)) => found.contains(part),
                    (found, expected) => found.is_none() && expected.is_none(),
                };
                assert!(is_right, "{kind:?}, reading: {reading}: {found:?}");
            }
        }
        #[cfg(unix)]
        for code in [23, 24] {
            let found = hint(&io::Error::from_raw_os_error(code), true).unwrap();
            assert!(found.contains("ulimit -n"), "{found}");
        }
    }
}

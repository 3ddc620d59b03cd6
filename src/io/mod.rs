//! File access: reading, atomic writing and locking, plus sanitising of untrusted text.
//!
//! - [`mod@read`] reads regular files up to a maximum size, and never blocks on a pipe unless a pipe is expected.
//! - [`Target`] writes to a new temporary file and renames it, so it never opens an existing file for writing. A
//!   symlink at a path that the user typed is followed; a symlink at any other path is replaced.
//! - [`complete`] appends to a file that other processes may have open.
//! - [`Lock`] locks a path without following symlinks or blocking, and removes only its own lock file.
//! - [`kind`] recognises a file by its content.
//! - [`text`] escapes untrusted text for messages, [`limits`] turns OS resource limits into errors, and [`panics`] catches panics
//!   in other crates.

mod append;
mod directory;
pub mod kind;
pub mod limits;
mod lock;
pub mod panics;
mod probe;
pub mod read;
mod target;
pub mod text;
mod together;
mod write;

use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};

pub use append::{append, complete};
pub use directory::OutputDir;
pub use kind::FileKind;
pub use lock::Lock;
pub use read::{read, read_any, read_from};
pub use target::{Origin, Target};
pub use together::{FileSet, NewFile, lock_directory};

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
}

/// Returns whether anything exists at `path`. A dangling symlink counts as existing.
pub fn exists(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
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

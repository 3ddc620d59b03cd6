//! Where a file will be written, and the scratch files beside it.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use super::read::ensure_regular_file;
use super::text::hex;
use super::{FileError, open_at_once};

/// Where a file will be written.
#[derive(Debug)]
pub struct Target {
    /// The path that was given, for messages.
    pub(super) asked: PathBuf,
    /// The file itself, links followed where they are.
    pub(super) file: PathBuf,
    pub(super) folder: PathBuf,
    /// Those of the file that is there now, if one is.
    pub(super) permissions: Option<fs::Permissions>,
}

impl Target {
    /// The file `path`, a name that the user typed: if it is a link, the file that it leads to.
    ///
    /// # Errors
    /// If no file can have this name, or what has it is no file that may be replaced.
    pub fn user_path(path: &Path) -> Result<Self, FileError> {
        let file = follow_links(path).map_err(FileError::of("cannot write", path))?;
        Self::new(path, file)
    }

    /// The file `path`, a name that the program made up: a link that has it is itself replaced, since nobody asked
    /// for what it leads to.
    pub fn internal(path: &Path) -> Result<Self, FileError> {
        Self::new(path, path.to_owned())
    }

    fn new(path: &Path, file: PathBuf) -> Result<Self, FileError> {
        let failed = FileError::of("cannot write", path);
        // `a/`, `a/.`, `a/..` and the empty path name no file, or not the one that would be written.
        let names_a_file = file.file_name().is_some_and(|name| {
            let whole = file.as_os_str().as_encoded_bytes();
            whole.ends_with(name.as_encoded_bytes())
        });
        if !names_a_file {
            let cause = io::Error::new(io::ErrorKind::InvalidInput, "not the name of a file");
            return Err(failed(cause));
        }
        let permissions = match fs::symlink_metadata(&file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(failed(error)),
            Ok(found) if found.is_symlink() => None,
            Ok(found) => Some(check_replaceable(&found).map_err(failed)?),
        };
        let parent = file.parent().filter(|parent| *parent != Path::new(""));
        let folder = parent.unwrap_or(Path::new(".")).to_owned();
        Ok(Self { asked: path.to_owned(), file, folder, permissions })
    }

    /// Gives `scratch` the permissions of the file that it will replace.
    pub(super) fn keep_permissions(&self, scratch: &File) -> io::Result<()> {
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
        format!(".lenet-{}-", hex(&hash[..6]))
    }

    /// A new scratch file, locked; removed when it is dropped.
    pub(super) fn scratch(&self) -> Result<NamedTempFile<File>, FileError> {
        let failed = FileError::of("cannot create a file beside", &self.asked);
        let prefix = self.prefix();
        let create = |path: &Path| {
            // `create_new` follows no link that lies there, and the umask applies as to any other file.
            OpenOptions::new().write(true).create_new(true).open(path)
        };
        loop {
            let scratch = tempfile::Builder::new()
                .prefix(&prefix)
                .make_in(&self.folder, create)
                .map_err(&failed)?;
            // A file system without locks is fine: `sweep` removes nothing there.
            let _ = scratch.as_file().lock();
            // Another run may have swept it between its creation and its lock.
            if scratch.path().try_exists().map_err(&failed)? {
                return Ok(scratch);
            }
        }
    }

    /// Removes scratch files that dead runs left for this target. What cannot be removed stays.
    pub(super) fn sweep(&self) {
        let prefix = self.prefix();
        let is_scratch = |name: &OsStr| {
            let name = name.as_encoded_bytes();
            name.len() == prefix.len() + 6 && name.starts_with(prefix.as_bytes())
        };
        let Ok(entries) = fs::read_dir(&self.folder) else {
            return;
        };
        for entry in entries.flatten().filter(|entry| is_scratch(&entry.file_name())) {
            // A link is not followed, nor is one that takes the name just now: what it points at is not ours.
            let path = entry.path();
            if entry.file_type().is_ok_and(|kind| kind.is_file())
                && let Ok(file) = open_at_once(File::options().write(true), false).open(&path)
                && file.try_lock().is_ok()
            {
                let _ = fs::remove_file(path);
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

/// The permissions of a file that may be replaced.
fn check_replaceable(found: &fs::Metadata) -> io::Result<fs::Permissions> {
    ensure_regular_file(found)?;
    if found.permissions().readonly() {
        let cause = "it is write-protected";
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, cause));
    }
    Ok(found.permissions())
}

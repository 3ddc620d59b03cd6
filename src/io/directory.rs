//! Directories: creating them, and flushing them to disk.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use super::FileError;

/// A directory to write to: the part of its path that the user typed, and the part below it that the program chose.
///
/// Symlinks in the typed part are followed. A symlink in the other part is rejected, because it can only be a mistake or an attack.
#[derive(Debug, Clone)]
pub struct OutputDir {
    typed: PathBuf,
    derived: PathBuf,
}

impl OutputDir {
    /// Describes the directory `derived` below `typed`. One of the two may be empty.
    pub fn new(typed: impl Into<PathBuf>, derived: impl Into<PathBuf>) -> Self {
        Self { typed: typed.into(), derived: derived.into() }
    }

    /// Describes a directory whose whole path the user typed.
    pub fn typed(path: impl Into<PathBuf>) -> Self {
        Self::new(path, "")
    }

    /// Returns the directory `name` below this one.
    pub fn below(&self, name: &str) -> Self {
        Self::new(&self.typed, self.derived.join(name))
    }

    /// Returns the whole path. Unlike that of [`Path::join`], it does not end with a slash if one of the parts is empty.
    pub fn path(&self) -> PathBuf {
        match self.derived == Path::new("") {
            true => self.typed.clone(),
            false => self.typed.join(&self.derived),
        }
    }

    /// Creates the directory and those above it, unless they exist, so that they survive a power loss.
    ///
    /// # Errors
    /// Returns an error if a directory cannot be created, if the one above it cannot be flushed, or if a part that the program
    /// chose is a symlink.
    pub fn create(&self) -> Result<(), FileError> {
        self.reject_symlinks()?;
        let path = self.path();
        let failed = FileError::of("cannot create the directory", &path);
        let missing: Vec<_> = path.ancestors().take_while(|above| !above.exists()).collect();
        fs::create_dir_all(&path).map_err(&failed)?;
        let parents = missing.into_iter().filter_map(Path::parent);
        let current = |parent| if parent == Path::new("") { Path::new(".") } else { parent };
        parents.map(current).try_for_each(sync_directory).map_err(failed)
    }

    /// Checks that no part that the program chose is a symlink.
    ///
    /// # Errors
    /// Returns an error that names the symlink.
    pub fn reject_symlinks(&self) -> Result<(), FileError> {
        let mut path = self.typed.clone();
        for component in self.derived.components().filter(|part| *part != Component::CurDir) {
            path.push(component);
            if path.is_symlink() {
                let cause = "expected a directory, found a symlink";
                let cause = io::Error::new(io::ErrorKind::NotADirectory, cause);
                return Err(FileError::new("cannot write to", &path, cause));
            }
        }
        Ok(())
    }
}

/// Flushes a directory, so that a rename in it survives a power loss.
#[cfg(unix)]
pub(super) fn sync_directory(directory: &Path) -> io::Result<()> {
    super::write::flush(&fs::File::open(directory)?)
}

/// Does nothing, because Windows cannot flush a directory.
#[cfg(not(unix))]
pub(super) fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn only_typed_symlinks_are_followed() {
        let root = tempfile::tempdir().unwrap();
        let path = |name: &str| root.path().join(name);
        fs::create_dir(path("victim")).unwrap();
        symlink("victim", path("link")).unwrap();
        symlink("nowhere", path("dangling")).unwrap();
        OutputDir::new(path("link"), "a/b").create().unwrap();
        assert!(path("victim/a/b").is_dir());
        symlink("a", path("victim/c")).unwrap();
        for (typed, derived, named) in
            [("", "link/train", "link"), ("", "dangling", "dangling"), ("link", "c/b", "c")]
        {
            let error = OutputDir::new(path(typed), derived).create().unwrap_err();
            assert!(error.path.ends_with(named), "{error}");
        }
        assert!(!path("nowhere").exists() && !path("victim/train").exists());
    }
}

//! Directories: creating them, and flushing them to disk.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use super::FileError;

/// Creates the directory `derived` below the directory `typed`, and those above it, unless they exist, so that they survive a
/// power loss.
///
/// The user chose `typed`, so symlinks in it are followed. The program chose `derived`, so a symlink there is rejected, because it
/// can only be a mistake or an attack. One of the two may be empty.
///
/// # Errors
/// Returns an error if a directory cannot be created, if the one above it cannot be flushed, or if a part of `derived` is a
/// symlink.
pub fn create_directory(typed: &Path, derived: &Path) -> Result<(), FileError> {
    reject_symlinks(typed, derived)?;
    let path: &Path = &join(typed, derived);
    let failed = FileError::of("cannot create the directory", path);
    let missing: Vec<_> = path.ancestors().take_while(|above| !above.exists()).collect();
    fs::create_dir_all(path).map_err(&failed)?;
    let parents = missing.into_iter().filter_map(Path::parent);
    let current = |parent| if parent == Path::new("") { Path::new(".") } else { parent };
    parents.map(current).try_for_each(sync_directory).map_err(failed)
}

/// Checks that no part of `derived`, which is a path below `typed`, is a symlink.
///
/// # Errors
/// Returns an error that names the symlink.
pub fn reject_symlinks(typed: &Path, derived: &Path) -> Result<(), FileError> {
    let mut path = typed.to_owned();
    for component in derived.components().filter(|part| *part != Component::CurDir) {
        path.push(component);
        if path.is_symlink() {
            let cause = "expected a directory, found a symlink";
            let cause = io::Error::new(io::ErrorKind::NotADirectory, cause);
            return Err(FileError::new("cannot write to", &path, cause));
        }
    }
    Ok(())
}

/// Joins two paths. Unlike [`Path::join`], it adds no slash if `derived` is empty.
pub fn join(typed: &Path, derived: &Path) -> PathBuf {
    match derived == Path::new("") {
        true => typed.to_owned(),
        false => typed.join(derived),
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
        create_directory(&path("link"), Path::new("a/b")).unwrap();
        assert!(path("victim/a/b").is_dir());
        symlink("a", path("victim/c")).unwrap();
        for (typed, derived, named) in
            [("", "link/train", "link"), ("", "dangling", "dangling"), ("link", "c/b", "c")]
        {
            let error = create_directory(&path(typed), Path::new(derived)).unwrap_err();
            assert!(error.path.ends_with(named), "{error}");
        }
        assert!(!path("nowhere").exists() && !path("victim/train").exists());
    }
}

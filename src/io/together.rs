//! Writes several files that belong together.

use std::io;
use std::path::{Path, PathBuf};

use super::target::{Origin, Target};
use super::write::Staged;
use super::{FileError, Lock};

/// A file to write: its path and its content.
pub type NewFile = (PathBuf, Vec<u8>);

/// Writes `files` and then `descriptions` to one directory. The program chose the names. The descriptions are useless or wrong
/// next to other files.
///
/// All files are written before any of them is replaced, so that a full disk changes nothing. With `force`, the descriptions
/// are removed until all files are replaced, so that they never describe other contents. A lock keeps other processes from
/// writing to the directory at the same time.
///
/// # Errors
/// Returns an error if another process holds the lock, and the errors of [`Target::new`], [`Target::write`] and
/// [`Target::remove`].
pub fn write_together(
    files: &[NewFile],
    descriptions: &[NewFile],
    force: bool,
) -> Result<(), FileError> {
    let all = || files.iter().chain(descriptions);
    let first = all().next().map_or(Path::new(""), |(path, _)| path);
    let Some(_lock) = Lock::acquire(&first.with_file_name(".lenet.lock"))? else {
        let cause = "another lenet process is writing to this directory";
        let cause = io::Error::new(io::ErrorKind::ResourceBusy, cause);
        return Err(FileError::new("cannot write", first, cause));
    };
    let targets = all().map(|(path, _)| Target::new(path, Origin::Program));
    let targets = targets.collect::<Result<Vec<_>, _>>()?;
    let staged = targets.iter().zip(all()).map(|(target, (_, bytes))| target.stage(bytes, force));
    let staged = staged.collect::<Result<Vec<_>, _>>()?;
    if force {
        targets[files.len()..].iter().try_for_each(Target::remove)?;
    }
    staged.into_iter().try_for_each(Staged::commit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn locked_directory_is_rejected() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a");
        let files = [(path.clone(), b"new".to_vec())];
        let lock = Lock::acquire(&directory.path().join(".lenet.lock")).unwrap();
        let error = write_together(&files, &[], true).unwrap_err();
        assert_eq!(error.source.kind(), io::ErrorKind::ResourceBusy);
        assert!(!path.exists());
        drop(lock);
        write_together(&files, &[], true).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn invalid_path_changes_no_file() {
        let directory = tempfile::tempdir().unwrap();
        let [file, description] = ["a", "b"].map(|name| directory.path().join(name));
        let new = |path: &PathBuf| (path.clone(), b"new".to_vec());
        fs::write(&description, "old").unwrap();
        // A directory cannot be replaced by a file.
        fs::create_dir(&file).unwrap();
        write_together(&[new(&file)], &[new(&description)], true).unwrap_err();
        assert_eq!(fs::read(&description).unwrap(), b"old");
    }
}

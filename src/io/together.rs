//! Writes several files that belong together.

use std::io;
use std::path::{Path, PathBuf};

use super::target::{Origin, Target};
use super::write::Staged;
use super::{FileError, Lock};

/// A file to write: its path and its content.
pub type NewFile = (PathBuf, Vec<u8>);

/// The new files of a directory. The program chose their names.
#[derive(Debug, Default)]
pub struct FileSet {
    /// The files that are written first.
    pub files: Vec<NewFile>,
    /// The files that describe `files`, and would be useless or wrong next to other files.
    pub descriptions: Vec<NewFile>,
    /// Existing files that would be wrong next to the new files.
    pub obsolete: Vec<PathBuf>,
}

/// Locks a directory whose files belong together.
///
/// # Errors
/// Returns an error if another process holds the lock.
pub fn lock_directory(directory: &Path) -> Result<Lock, FileError> {
    Lock::acquire(&directory.join(".lenet.lock"))?.ok_or_else(|| {
        let cause = "another lenet process is writing to this directory";
        let cause = io::Error::new(io::ErrorKind::ResourceBusy, cause);
        FileError::new("cannot write to", directory, cause)
    })
}

impl FileSet {
    /// Writes the files to their directory, which the caller has locked.
    ///
    /// All files are written before any of them is replaced, so that a full disk changes nothing. With `force`, the descriptions
    /// and the obsolete files are removed until all files are replaced, so that they never describe other contents. A file that
    /// is alone is replaced without a gap.
    ///
    /// # Errors
    /// Returns the errors of [`Target::new`], [`Target::write`] and [`Target::remove`].
    pub fn write(&self, _lock: &Lock, force: bool) -> Result<(), FileError> {
        let all = || self.files.iter().chain(&self.descriptions);
        let target = |path: &PathBuf| Target::new(path, Origin::Program);
        let targets = all().map(|(path, _)| target(path)).collect::<Result<Vec<_>, _>>()?;
        let obsolete = self.obsolete.iter().map(target).collect::<Result<Vec<_>, _>>()?;
        let staged = targets.iter().zip(all());
        let staged = staged.map(|(target, (_, bytes))| target.stage(bytes, force));
        let staged = staged.collect::<Result<Vec<_>, _>>()?;
        if force {
            obsolete.iter().try_for_each(Target::remove)?;
        }
        if force && targets.len() > 1 {
            targets[self.files.len()..].iter().try_for_each(Target::remove)?;
        }
        staged.into_iter().try_for_each(Staged::commit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn new(path: &Path) -> Vec<NewFile> {
        vec![(path.to_owned(), b"new".to_vec())]
    }

    #[test]
    fn locked_directory_is_rejected() {
        let directory = tempfile::tempdir().unwrap();
        let lock = lock_directory(directory.path()).unwrap();
        let error = lock_directory(directory.path()).unwrap_err();
        assert_eq!(error.source.kind(), io::ErrorKind::ResourceBusy);
        let path = directory.path().join("a");
        FileSet { files: new(&path), ..FileSet::default() }.write(&lock, true).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        drop(lock);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn invalid_path_changes_no_file() {
        let directory = tempfile::tempdir().unwrap();
        let [file, description, names] = ["a", "b", "c"].map(|name| directory.path().join(name));
        fs::write(&description, "old").unwrap();
        fs::write(&names, "old").unwrap();
        let set = FileSet {
            files: new(&file),
            descriptions: new(&description),
            obsolete: vec![names.clone()],
        };
        let lock = lock_directory(directory.path()).unwrap();
        // A directory cannot be replaced by a file.
        fs::create_dir(&file).unwrap();
        set.write(&lock, true).unwrap_err();
        assert!(fs::read(&description).unwrap() == b"old" && names.exists());
        fs::remove_dir(&file).unwrap();
        set.write(&lock, true).unwrap();
        assert!(fs::read(&description).unwrap() == b"new" && !names.exists());
    }
}

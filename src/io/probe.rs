//! Checks, at the start of a long run, that its output can be written later.

use std::fs::File;
use std::io::{self, Write};

use tempfile::NamedTempFile;

use super::write::rename;
use super::{FileError, Target};

impl Target {
    /// Checks that the file can be created now and replaced later, without changing it. A long run does this at its
    /// start.
    ///
    /// # Errors
    /// Returns an error if the file cannot be written. [`Target::probe_space`] detects a disk that is too full.
    pub fn probe(&self) -> Result<(), FileError> {
        let failed = |action| FileError::of(action, &self.given);
        self.remove_stale();
        let (first, second) = (self.create_temporary()?, self.create_temporary()?.into_temp_path());
        let new = first.as_file().metadata().map_err(failed("cannot write"))?.permissions();
        if self.existing.is_none() && new.readonly() {
            let cause = io::Error::other("the umask removes write permission from new files");
            return Err(failed("cannot write")(cause));
        }
        // Some mounted object stores cannot replace a file by a rename. Dropping `second` removes the renamed file.
        rename(first, &second).map_err(failed("cannot rename files next to"))
    }

    /// Checks that the disk has room to replace the file by one of `bytes` bytes. The space that the new file needs
    /// beyond that of the old one stays occupied until the result is dropped.
    ///
    /// # Errors
    /// Returns an error if the bytes cannot be written.
    pub fn probe_space(&self, bytes: usize) -> Result<NamedTempFile<File>, FileError> {
        let failed = FileError::of("cannot write", &self.given);
        let mut temporary = self.create_temporary()?;
        // `NamedTempFile` would add its path to the error.
        temporary.as_file_mut().write_all(&vec![0; bytes]).map_err(&failed)?;
        let old_bytes = self.existing.as_ref().map_or(0, std::fs::Metadata::len);
        let growth = (bytes as u64).saturating_sub(old_bytes);
        temporary.as_file().set_len(growth).map_err(&failed)?;
        Ok(temporary)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::io::Origin;

    #[test]
    fn probe_space_reserves_only_growth() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("m.mpk");
        fs::write(&path, [1; 30]).unwrap();
        let sizes = || {
            let entries = fs::read_dir(directory.path()).unwrap().flatten();
            let others = entries.filter(|entry| entry.path() != path);
            others.map(|entry| entry.metadata().unwrap().len()).collect::<Vec<_>>()
        };
        let target = Target::new(&path, Origin::Program).unwrap();
        let space = target.probe_space(100).unwrap();
        assert_eq!(sizes(), [70]);
        drop(space);
        drop(target.probe_space(10).unwrap());
        assert!(sizes().is_empty());
    }
}

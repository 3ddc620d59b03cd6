//! Writes a file so that its name holds the old content or the new one, complete, whatever happens meanwhile.
//!
//! The bytes go to a scratch file in the same folder, which is flushed to the disk and then renamed; after that the
//! folder is flushed too. What this means for a name that exists already:
//!
//! - A symbolic link that the user typed is followed: the file that it points at is replaced, the link stays.
//! - The permissions of the old file are kept; a new file gets what the umask allows, as any other would.
//! - A file without any write permission is refused, though a rename would replace it.
//! - Of several hard links only the one that is named gets the new content.
//! - A folder, pipe, socket or device is refused.
//!
//! A scratch file is named `.lenet-`, a hash of the target's name, and six random characters. Its writer holds
//! a lock on it. A killed run leaves its scratch file behind, without the lock; the next write to the same target
//! removes it.
//!
//! [`complete`] is for the one file that must not be renamed away: others have it open and read it as it grows.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use super::{FileError, Target, open_at_once};

impl Target {
    /// Makes this a file with these bytes, or leaves it as it was. With `force` a file that is there is replaced.
    ///
    /// # Errors
    /// If the file cannot be written; its scratch file is gone then. Only where flushing the folder failed, the very
    /// last step, is the new content in place already. Without `force`, with [`io::ErrorKind::AlreadyExists`] if
    /// something has the name, be it only since this moment.
    pub fn write(&self, bytes: &[u8], force: bool) -> Result<(), FileError> {
        let failed = |action| FileError::of(action, &self.asked);
        if !force && self.file != self.asked {
            let is_link = io::Error::new(io::ErrorKind::AlreadyExists, "it is a link");
            return Err(failed("cannot write")(is_link));
        }
        self.sweep();
        let mut scratch = self.scratch()?;
        // Before the content is in: an old file that only its owner reads stays that way.
        self.keep_permissions(scratch.as_file())
            .map_err(failed("cannot set the permissions of"))?;
        scratch.as_file_mut().write_all(bytes).map_err(failed("cannot write"))?;
        // What a file system reports as written need not be there.
        check_length(scratch.as_file(), bytes.len()).map_err(failed("cannot write"))?;
        scratch.as_file().sync_all().map_err(failed("cannot flush"))?;
        let named = match force {
            true => scratch.persist(&self.file),
            false => scratch.persist_noclobber(&self.file),
        };
        let action = if force { "cannot replace" } else { "cannot write" };
        named.map_err(|error| failed(action)(error.error))?;
        flush_folder(&self.folder).map_err(failed("cannot flush the folder of"))
    }

    /// Checks that the file could be created now and replaced later, without changing it: for the start of a
    /// long run.
    ///
    /// # Errors
    /// If it could not. A disk too full for the content is not found out.
    pub fn probe(&self) -> Result<(), FileError> {
        let failed = FileError::of("cannot write", &self.asked);
        self.sweep();
        let scratch = self.scratch()?;
        let fresh = scratch.as_file().metadata().map_err(&failed)?.permissions();
        if self.permissions.is_none() && fresh.readonly() {
            let cause = "the umask leaves nobody the right to write to new files";
            return Err(failed(io::Error::other(cause)));
        }
        Ok(())
    }
}

/// Refuses a file of another length.
fn check_length(file: &File, expected: usize) -> io::Result<()> {
    match file.metadata()?.len() {
        length if length == expected as u64 => Ok(()),
        length => Err(io::Error::other(format!("only {length} of {expected} bytes arrived"))),
    }
}

/// Makes the rename itself survive a loss of power.
#[cfg(unix)]
fn flush_folder(folder: &Path) -> io::Result<()> {
    match File::open(folder)?.sync_all() {
        // Some network file systems cannot flush a folder, and need not.
        Err(error)
            if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) =>
        {
            Ok(())
        }
        result => result,
    }
}

/// Windows flushes no folders.
#[cfg(not(unix))]
fn flush_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Makes `path`, a name that the program made up, a file with these bytes, open for more. A file that has the first of
/// them gets the others, so that who has it open sees them; anything else is replaced, a link itself and not what it
/// leads to.
pub fn complete(path: &Path, bytes: &[u8]) -> Result<File, FileError> {
    let failed = FileError::of("cannot write", path);
    let open = || open_at_once(File::options().read(true).append(true), false).open(path);
    if let Ok(mut file) = open()
        && let Some(begun) = beginning(&mut file, bytes).map_err(&failed)?
    {
        file.write_all(&bytes[begun..]).map_err(&failed)?;
        return Ok(file);
    }
    Target::internal(path)?.write(bytes, true)?;
    open().map_err(failed)
}

/// How many of `bytes` the file has, if it has some of them and nothing else.
fn beginning(file: &mut File, bytes: &[u8]) -> io::Result<Option<usize>> {
    if !file.metadata()?.is_file() {
        return Ok(None);
    }
    let mut found = Vec::new();
    file.take(bytes.len() as u64 + 1).read_to_end(&mut found)?;
    Ok((!found.is_empty() && bytes.starts_with(&found)).then_some(found.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn the_scratch_file_of_a_dead_run_is_removed_and_that_of_a_live_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.mpk");
        let target = Target::user_path(&path).unwrap();
        let other = Target::user_path(&folder.path().join("other.mpk")).unwrap();
        let dead = |target: &Target| {
            let (file, path) = target.scratch().unwrap().keep().unwrap();
            drop(file);
            path
        };
        let live = target.scratch().unwrap();
        let (stale, unrelated) = (dead(&target), dead(&other));
        target.write(b"new", true).unwrap();
        assert!(!stale.exists());
        assert!(live.path().exists());
        assert!(unrelated.exists());
    }

    #[test]
    fn what_appeared_meanwhile_is_not_replaced_by_a_creation() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.mpk");
        let target = Target::user_path(&path).unwrap();
        target.write(b"one", false).unwrap();
        let error = target.write(b"two", false).unwrap_err();
        assert_eq!(error.source.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"one");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn bytes_that_did_not_arrive_are_noticed() {
        let file = tempfile::tempfile().unwrap();
        file.set_len(3).unwrap();
        assert!(check_length(&file, 3).is_ok());
        assert!(check_length(&file, 4).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_under_a_made_up_name_is_replaced_and_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (path, victim) = (folder.path().join("m.json"), folder.path().join("victim"));
        fs::write(&victim, "precious").unwrap();
        std::os::unix::fs::symlink(&victim, &path).unwrap();
        let target = Target::internal(&path).unwrap();
        assert!(target.write(b"new", false).is_err() && path.is_symlink());
        target.write(b"new", true).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read(&victim).unwrap(), b"precious");
    }

    #[test]
    fn the_beginning_of_a_file_is_completed_in_place_and_anything_else_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events");
        let with = |found: &[u8]| {
            fs::write(&path, found).unwrap();
            let mut reader = File::open(&path).unwrap();
            complete(&path, b"one two").unwrap().write_all(b" three").unwrap();
            assert_eq!(fs::read(&path).unwrap(), b"one two three");
            let mut seen = Vec::new();
            reader.read_to_end(&mut seen).unwrap();
            seen
        };
        assert_eq!(with(b"one"), b"one two three");
        assert_eq!(with(b"one two"), b"one two three");
        for other in [&b""[..], b"two", b"one two three"] {
            assert_eq!(with(other), other);
        }
        #[cfg(unix)]
        {
            let victim = folder.path().join("victim");
            fs::write(&victim, "one").unwrap();
            fs::remove_file(&path).unwrap();
            std::os::unix::fs::symlink(&victim, &path).unwrap();
            complete(&path, b"one two").unwrap();
            assert_eq!(fs::read(&victim).unwrap(), b"one");
            assert_eq!(fs::read(&path).unwrap(), b"one two");
        }
    }
}

//! Appends to a file that must not be replaced by a rename, because other processes read it while it grows.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use super::write::flush;
use super::{FileError, Origin, Target, without_blocking};

/// Opens the file at `path` for appending, after making sure that it contains exactly `bytes`.
///
/// If an existing file is a prefix of `bytes`, the missing bytes are appended, and processes that have the file open
/// see them. Any other file is replaced. A symlink at `path` is replaced too, not followed.
///
/// # Errors
/// Returns an error if the file cannot be read, written or opened.
pub fn complete(path: &Path, bytes: &[u8]) -> Result<File, FileError> {
    let failed = FileError::of("cannot write", path);
    let open = || without_blocking(File::options().read(true).append(true), false).open(path);
    if let Ok(mut file) = open()
        && let Some(length) = prefix_length(&mut file, bytes).map_err(&failed)?
    {
        append(&mut file, &bytes[length..]).map_err(&failed)?;
        return Ok(file);
    }
    Target::new(path, Origin::Program)?.write(bytes, true)?;
    open().map_err(failed)
}

/// Appends `bytes` to the open file and flushes it to disk.
///
/// # Errors
/// Returns an error if the bytes cannot be written.
pub fn append(file: &mut File, bytes: &[u8]) -> io::Result<()> {
    file.write_all(bytes)?;
    flush(file)
}

/// Returns the length of the file if it is a non-empty prefix of `bytes`.
fn prefix_length(file: &mut File, bytes: &[u8]) -> io::Result<Option<usize>> {
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
    fn complete_appends_or_replaces_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("events");
        // Returns the bytes that a reader gets if it opened the file before `complete` was called.
        let seen_by_reader = |existing: &[u8]| {
            fs::write(&path, existing).unwrap();
            let mut reader = File::open(&path).unwrap();
            complete(&path, b"one two").unwrap().write_all(b" three").unwrap();
            assert_eq!(fs::read(&path).unwrap(), b"one two three");
            let mut seen = Vec::new();
            reader.read_to_end(&mut seen).unwrap();
            seen
        };
        assert_eq!(seen_by_reader(b"one"), b"one two three");
        assert_eq!(seen_by_reader(b"one two"), b"one two three");
        for other in [&b""[..], b"two", b"one two three"] {
            assert_eq!(seen_by_reader(other), other);
        }
        #[cfg(unix)]
        {
            let victim = directory.path().join("victim");
            fs::write(&victim, "one").unwrap();
            fs::remove_file(&path).unwrap();
            std::os::unix::fs::symlink(&victim, &path).unwrap();
            complete(&path, b"one two").unwrap();
            assert_eq!(fs::read(&victim).unwrap(), b"one");
            assert_eq!(fs::read(&path).unwrap(), b"one two");
        }
    }
}

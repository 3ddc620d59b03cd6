//! Reads a file whole, if it is one that can be: a regular file, not larger than it may be.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::Path;

use super::atomic::kind_of;

/// Why a file was not read. It is displayed without the file's name.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// A folder, pipe, socket or device: reading it might never end.
    #[error("it is a {0}")]
    NotAFile(&'static str),
    /// The file is larger than it may be.
    #[error("it has {0} bytes, which is far too many")]
    TooLarge(u64),
    /// The operating system reports an error.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// All bytes of the regular file `path`, or of the one that a link leads to.
///
/// # Errors
/// If it is not a regular file, has more than `most` bytes, or cannot be read.
pub fn read(path: &Path, most: u64) -> Result<Vec<u8>, ReadError> {
    // Before it is opened, which waits at a pipe for its writer; and of what was opened, which may be another.
    check(&path.metadata()?, most)?;
    let file = File::open(path)?;
    check(&file.metadata()?, most)?;
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes)?;
    // It grew while it was read, or its size was not told (as in /proc).
    match bytes.len() as u64 {
        length if length > most => Err(ReadError::TooLarge(length)),
        _ => Ok(bytes),
    }
}

fn check(metadata: &Metadata, most: u64) -> Result<(), ReadError> {
    if !metadata.is_file() {
        return Err(ReadError::NotAFile(kind_of(metadata.file_type())));
    }
    match metadata.len() {
        length if length > most => Err(ReadError::TooLarge(length)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_up_to_the_bound_and_no_further() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, b"1234").unwrap();
        assert_eq!(read(&path, 4).unwrap(), b"1234");
        assert!(matches!(read(&path, 3), Err(ReadError::TooLarge(4))));
        let error = read(folder.path(), 4).unwrap_err();
        assert_eq!(error.to_string(), "it is a folder");
        let missing = read(&folder.path().join("none"), 4).unwrap_err();
        assert!(matches!(missing, ReadError::Io(error) if error.kind() == io::ErrorKind::NotFound));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_that_does_not_tell_its_size_is_bounded_too() {
        // In /proc every file is said to have no bytes.
        let path = Path::new("/proc/self/status");
        assert!(read(path, 1 << 20).unwrap().len() > 100);
        assert!(matches!(read(path, 10), Err(ReadError::TooLarge(11))));
    }
}

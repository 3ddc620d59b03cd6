//! Reads a file, if it is one that can be read to its end: a regular file, not larger than it may be.

use std::fs::{File, FileType, Metadata};
use std::io::{self, Read};
use std::path::Path;

use super::open_at_once;

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

impl ReadError {
    /// What the user can do about the system's failure, in one line.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Io(error) => super::hint(error, true),
            _ => None,
        }
    }
}

impl From<ReadError> for io::Error {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Io(error) => error,
            error => Self::other(error),
        }
    }
}

/// The regular file `path`, or the one that a link leads to, open for reading, and its size in bytes.
///
/// # Errors
/// If it is not a regular file, has more than `most` bytes, or cannot be opened.
pub fn open(path: &Path, most: u64) -> Result<(File, u64), ReadError> {
    // Before it is opened, since opening alone can make a device act; and of what was opened, which may be another.
    check(&path.metadata()?, most)?;
    let file = open_at_once(File::options().read(true), true).open(path)?;
    let length = check(&file.metadata()?, most)?;
    Ok((file, length))
}

/// All bytes of the regular file `path`, or of the one that a link leads to.
///
/// # Errors
/// If it is not a regular file, has more than `most` bytes, or cannot be read.
pub fn read(path: &Path, most: u64) -> Result<Vec<u8>, ReadError> {
    let (file, _) = open(path, most)?;
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes)?;
    // It grew while it was read, or its size was not told (as in /proc).
    match bytes.len() as u64 {
        length if length > most => Err(ReadError::TooLarge(length)),
        _ => Ok(bytes),
    }
}

fn check(metadata: &Metadata, most: u64) -> Result<u64, ReadError> {
    if !metadata.is_file() {
        return Err(ReadError::NotAFile(kind_of(metadata.file_type())));
    }
    match metadata.len() {
        length if length > most => Err(ReadError::TooLarge(length)),
        length => Ok(length),
    }
}

/// What a path is that is not a regular file.
pub(super) fn kind_of(kind: FileType) -> &'static str {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if kind.is_fifo() {
            return "pipe";
        }
        if kind.is_socket() {
            return "socket";
        }
        if kind.is_char_device() || kind.is_block_device() {
            return "device";
        }
    }
    match (kind.is_dir(), kind.is_symlink()) {
        (true, _) => "folder",
        (_, true) => "link",
        _ => "special file",
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

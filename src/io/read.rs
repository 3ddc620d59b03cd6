//! Reads a file, if it is one that can be read to its end: a regular file, not larger than it may be.

use std::fs::{File, FileType, Metadata};
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use super::open_at_once;

/// The regular file `path`, or the one that a link leads to, open for reading, and its size in bytes.
///
/// # Errors
/// If it is not a regular file, has more than `most` bytes, or cannot be opened.
pub fn open(path: &Path, most: u64) -> io::Result<(File, u64)> {
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
pub fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let (file, _) = open(path, most)?;
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes)?;
    // Again, since it may have grown while it was read, or not have told its size (as in /proc).
    check_length(bytes.len() as u64, most)?;
    Ok(bytes)
}

fn check(metadata: &Metadata, most: u64) -> io::Result<u64> {
    ensure_regular_file(metadata)?;
    check_length(metadata.len(), most)
}

fn check_length(length: u64, most: u64) -> io::Result<u64> {
    let words = || format!("it has {length} bytes, which is far too many");
    (length <= most)
        .then_some(length)
        .ok_or_else(|| io::Error::new(ErrorKind::FileTooLarge, words()))
}

/// Refuses a folder, link, pipe, socket or device: reading it might never end.
pub(super) fn ensure_regular_file(found: &Metadata) -> io::Result<()> {
    let words = || format!("it is a {}", kind_of(found.file_type()));
    found.is_file().then_some(()).ok_or_else(|| io::Error::new(ErrorKind::InvalidInput, words()))
}

/// What a path is that is not a regular file.
fn kind_of(kind: FileType) -> &'static str {
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

    fn refusal(path: &Path, most: u64) -> (ErrorKind, String) {
        let error = read(path, most).unwrap_err();
        (error.kind(), error.to_string())
    }

    #[test]
    fn a_file_is_read_up_to_the_bound_and_no_further() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, b"1234").unwrap();
        assert_eq!(read(&path, 4).unwrap(), b"1234");
        assert_eq!(
            refusal(&path, 3),
            (ErrorKind::FileTooLarge, "it has 4 bytes, which is far too many".to_owned())
        );
        assert_eq!(
            refusal(folder.path(), 4),
            (ErrorKind::InvalidInput, "it is a folder".to_owned())
        );
        assert_eq!(refusal(&folder.path().join("none"), 4).0, ErrorKind::NotFound);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_that_does_not_tell_its_size_is_bounded_too() {
        // In /proc every file is said to have no bytes.
        let path = Path::new("/proc/self/status");
        assert!(read(path, 1 << 20).unwrap().len() > 100);
        assert_eq!(refusal(path, 10).1, "it has 11 bytes, which is far too many");
    }
}

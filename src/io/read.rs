//! Reads regular files up to a maximum size. Anything else, such as a pipe, might never end, and is read only if the caller
//! expects it.

use std::fs::{File, FileType, Metadata};
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use super::without_blocking;

/// Opens a regular file, following symlinks, and returns it with its size in bytes.
///
/// # Errors
/// Returns an error if the file is not regular, is larger than `max_bytes`, or cannot be opened.
pub fn open(path: &Path, max_bytes: u64) -> io::Result<(File, u64)> {
    // Check the path first, because even opening a device can have side effects. Then check the opened file, because
    // the path may have been replaced in between.
    check(&path.metadata()?, max_bytes)?;
    let file = without_blocking(File::options().read(true), true).open(path)?;
    let size = check(&file.metadata()?, max_bytes)?;
    Ok((file, size))
}

/// Reads a whole regular file, following symlinks.
///
/// # Errors
/// Returns an error if the file is not regular, is larger than `max_bytes`, or cannot be read.
pub fn read(path: &Path, max_bytes: u64) -> io::Result<Vec<u8>> {
    read_from(open(path, max_bytes)?.0, max_bytes)
}

/// Reads a whole regular file like [`read`], or a pipe to its end. Waits for the writer of the pipe.
///
/// # Errors
/// Returns the errors of [`read`].
pub fn read_any(path: &Path, max_bytes: u64) -> io::Result<Vec<u8>> {
    match kind_of(path.metadata()?.file_type()) {
        PIPE => read_from(File::open(path)?, max_bytes),
        _ => read(path, max_bytes),
    }
}

/// Reads everything from `reader`.
///
/// # Errors
/// Returns an error if there are more than `max_bytes` bytes, or if reading fails.
pub fn read_from(reader: impl Read, max_bytes: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(max_bytes + 1).read_to_end(&mut bytes)?;
    // Check the size again: the file may have grown since it was opened, and files in /proc report a size of 0.
    check_size(bytes.len() as u64, max_bytes)?;
    Ok(bytes)
}

fn check(metadata: &Metadata, max_bytes: u64) -> io::Result<u64> {
    ensure_regular_file(metadata)?;
    check_size(metadata.len(), max_bytes)
}

fn check_size(size: u64, max_bytes: u64) -> io::Result<u64> {
    let cause = || format!("expected at most {max_bytes} bytes, found {size}");
    (size <= max_bytes)
        .then_some(size)
        .ok_or_else(|| io::Error::new(ErrorKind::FileTooLarge, cause()))
}

/// Rejects a directory, symlink, pipe, socket or device.
pub(super) fn ensure_regular_file(found: &Metadata) -> io::Result<()> {
    let cause = || format!("expected a file, found a {}", kind_of(found.file_type()));
    found.is_file().then_some(()).ok_or_else(|| io::Error::new(ErrorKind::InvalidInput, cause()))
}

/// The name of a pipe in messages.
const PIPE: &str = "pipe";

/// Names the type of a file that is not regular.
fn kind_of(kind: FileType) -> &'static str {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if kind.is_fifo() {
            return PIPE;
        }
        if kind.is_socket() {
            return "socket";
        }
        if kind.is_char_device() || kind.is_block_device() {
            return "device";
        }
    }
    match (kind.is_dir(), kind.is_symlink()) {
        (true, _) => "directory",
        (_, true) => "symlink",
        _ => "special file",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_error(path: &Path, max_bytes: u64) -> (ErrorKind, String) {
        let error = read(path, max_bytes).unwrap_err();
        (error.kind(), error.to_string())
    }

    #[test]
    fn size_limit_is_enforced() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        std::fs::write(&path, b"1234").unwrap();
        assert_eq!(read(&path, 4).unwrap(), b"1234");
        assert_eq!(
            read_error(&path, 3),
            (ErrorKind::FileTooLarge, "expected at most 3 bytes, found 4".to_owned())
        );
        assert_eq!(
            read_error(directory.path(), 4),
            (ErrorKind::InvalidInput, "expected a file, found a directory".to_owned())
        );
        assert_eq!(read_error(&directory.path().join("none"), 4).0, ErrorKind::NotFound);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn size_limit_applies_to_proc() {
        // Files in /proc report a size of 0.
        let path = Path::new("/proc/self/status");
        assert!(read(path, 1 << 20).unwrap().len() > 100);
        assert_eq!(read_error(path, 10).1, "expected at most 10 bytes, found 11");
    }
}

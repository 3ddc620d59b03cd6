//! The errors of loading the data set.

use std::io;
use std::path::PathBuf;

/// Why the bytes of a file are not images or labels.
#[derive(Debug, thiserror::Error)]
pub enum IdxError {
    /// It is no regular file, is too large, or the operating system reports an error.
    #[error("cannot be read: {0}")]
    Read(#[from] io::Error),
    /// The system has no memory for so many bytes.
    #[error("needs {0} bytes of memory, more than there are")]
    Memory(u64),
    /// The file ends inside its gzip data or its checksum.
    #[error("truncated: the gzip data ends early")]
    CutOff,
    /// It contradicts its checksum, its header or what is expected: how, in words.
    #[error("{0}")]
    Damaged(String),
}

/// Why the data could not be loaded.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "its message says what each field is")]
pub enum DataError {
    /// No place has the files.
    #[error("no Fashion-MNIST in {}", list(.places))]
    Nowhere { places: Vec<PathBuf> },
    /// The directory that was named is not there or cannot be read.
    #[error("{}: {source}", .dir.display())]
    Directory { dir: PathBuf, source: io::Error },
    /// The directory that was named lacks files, named without `.gz`.
    #[error("{}: has no {}", .dir.display(), .missing.join(", no "))]
    Incomplete { dir: PathBuf, missing: Vec<&'static str> },
    /// A file cannot be read or is not what its name says.
    #[error("{}: {source}", .path.display())]
    File { path: PathBuf, source: IdxError },
    /// A file of images and its file of labels do not belong together.
    #[error("{}: {images} images but {labels} labels", .path.display())]
    Counts { path: PathBuf, images: usize, labels: usize },
    /// The files are sound but hold another data set.
    #[error("{}: {unofficial}", .dir.display())]
    Unofficial { dir: PathBuf, unofficial: String },
}

fn list(places: &[PathBuf]) -> String {
    let places: Vec<_> = places.iter().map(|dir| dir.display().to_string()).collect();
    places.join(", ")
}

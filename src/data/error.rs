//! The errors of loading the data set.

use std::collections::TryReserveError;
use std::io;
use std::path::PathBuf;

use super::contents::Contents;
use super::datasets::DEFAULT;
use crate::io::FileKind;

/// An error of reading images or labels from a file.
#[derive(Debug, thiserror::Error)]
pub enum IdxError {
    /// The file is not a regular file, is too large, or the operating system reports an error.
    #[error("cannot be read: {0}")]
    Read(#[from] io::Error),
    /// This many bytes of memory could not be allocated.
    #[error("needs {0} bytes of memory, more than are available")]
    Memory(u64, #[source] TryReserveError),
    /// The file ends within its gzip data or its checksum.
    #[error("truncated: the gzip data ends early")]
    CutOff,
    /// The file is of another type.
    #[error("is not an IDX file of {wanted}: found {found}")]
    Other {
        /// The expected content: images or labels.
        wanted: &'static str,
        /// The type of the file.
        found: FileKind,
    },
    /// A valid IDX file, but not with bytes, 28x28 pixels and ten classes.
    #[error("{0}")]
    Unsupported(String),
    /// The content contradicts its checksum or its header, or is not of the expected form.
    #[error("{0}")]
    Damaged(String),
}

/// An error of loading a data set.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages explain each field")]
pub enum DataError {
    /// None of the default directories has the files.
    #[error("no {} in {}", DEFAULT.name, list(.places))]
    Nowhere { places: Vec<PathBuf> },
    /// The named directory does not exist or cannot be read.
    #[error("{}: {source}", .dir.display())]
    Directory { dir: PathBuf, source: io::Error },
    /// The named directory lacks these files, which are named without `.gz`.
    #[error("{}: missing {}{}", .dir.display(), .missing.join(", "), instead(.contents))]
    Incomplete {
        dir: PathBuf,
        missing: Vec<&'static str>,
        /// The content of the directory.
        contents: Contents,
    },
    /// A file cannot be read, or does not contain what its name promises.
    #[error("{}: {source}", .path.display())]
    File { path: PathBuf, source: IdxError },
    /// The numbers of images and labels differ.
    #[error("{}: {images} images but {labels} labels", .path.display())]
    Counts { path: PathBuf, images: usize, labels: usize },
    /// `classes.txt` is not valid, or does not fit the labels.
    #[error("{}: {problem}", .path.display())]
    Classes { path: PathBuf, problem: String },
    /// The files are valid, but belong to a data set that was not expected.
    #[error("{}: {difference}", .dir.display())]
    OtherDataset { dir: PathBuf, difference: String },
}

fn instead(contents: &Contents) -> String {
    match contents {
        Contents::Empty => "; the directory is empty".to_owned(),
        Contents::Subdirectory(found) => format!("; {} has them", found.display()),
        Contents::OtherNames(name) => format!("; found {name}"),
        Contents::Archive(path) => format!("; found the archive {}", path.display()),
        Contents::OtherFormat { name, format } => format!("; found {format}, {name}"),
        Contents::Other => String::new(),
    }
}

fn list(places: &[PathBuf]) -> String {
    let places: Vec<_> = places.iter().map(|dir| dir.display().to_string()).collect();
    places.join(", ")
}

//! Errors of loading a data set.

use std::io::{self, ErrorKind};
use std::path::PathBuf;

use super::datasets::DEFAULT;

/// An error of reading images or labels from a file.
#[derive(Debug, thiserror::Error)]
pub enum IdxError {
    /// The file is not a regular file, is too large, or the operating system reports an error.
    #[error("cannot be read: {0}")]
    Read(#[from] io::Error),
    /// This many bytes of memory could not be allocated.
    #[error("needs {0} bytes of memory, more than are available")]
    Memory(u64),
    /// The file ends within its gzip data or its checksum.
    #[error("truncated: the gzip data ends early")]
    CutOff,
    /// The content contradicts its checksum or its header, or is not of the expected form.
    #[error("{0}")]
    Damaged(String),
}

const REPLACE: &str = "replace or remove the file; `lenet data fetch` downloads a sound one";

impl IdxError {
    /// Returns what the user can do.
    fn hint(&self) -> Option<String> {
        match self {
            Self::Read(error) if error.raw_os_error().is_some() => crate::io::hint(error, true),
            Self::Memory(_) => crate::io::hint(&ErrorKind::OutOfMemory.into(), true),
            _ => Some(REPLACE.to_owned()),
        }
    }
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
    #[error("{}: has no {}", .dir.display(), .missing.join(", no "))]
    Incomplete { dir: PathBuf, missing: Vec<&'static str> },
    /// A file cannot be read, or does not contain what its name promises.
    #[error("{}: {source}", .path.display())]
    File { path: PathBuf, source: IdxError },
    /// The numbers of images and labels differ.
    #[error("{}: {images} images but {labels} labels", .path.display())]
    Counts { path: PathBuf, images: usize, labels: usize },
    /// The files are valid, but belong to a data set that was not expected.
    #[error("{}: {difference}", .dir.display())]
    OtherDataset { dir: PathBuf, difference: String },
}

fn list(places: &[PathBuf]) -> String {
    let places: Vec<_> = places.iter().map(|dir| dir.display().to_string()).collect();
    places.join(", ")
}

impl DataError {
    /// Returns what the user can do.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Nowhere { .. } => {
                "`lenet data fetch` downloads it; `--data DIR` names a directory that has it"
            }
            Self::Directory { .. } | Self::Incomplete { .. } => {
                "`--data` and LENET_DATA_DIR name the directory that holds the four IDX files, with or without .gz"
            }
            Self::File { source, .. } => return source.hint(),
            Self::Counts { .. } => REPLACE,
            Self::OtherDataset { .. } => {
                "`--data DIR` names the directory of Fashion-MNIST; `--any-dataset` takes this one"
            }
        };
        Some(hint.to_owned())
    }
}

//! The four files of a data set: names and status.

use std::io::BufRead;

use super::datasets::{self, DEFAULT, DatasetInfo};
use super::error::IdxError;
use super::gzip::Decoded;
use super::idx;

/// One half of a data set: an image file and its label file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The training images, some of which are held out for validation; 60,000 in Fashion-MNIST.
    Train,
    /// The test images; 10,000 in Fashion-MNIST.
    Test,
}

impl Part {
    /// Returns the image file and the label file.
    pub const fn files(self) -> [DataFile; 2] {
        match self {
            Self::Train => [DataFile::TrainImages, DataFile::TrainLabels],
            Self::Test => [DataFile::TestImages, DataFile::TestLabels],
        }
    }
}

/// One of the four files of a data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the variants are named after their content")]
pub enum DataFile {
    TrainImages,
    TrainLabels,
    TestImages,
    TestLabels,
}

impl DataFile {
    /// All four files. Every list of files has this order.
    pub const ALL: [Self; 4] =
        [Self::TrainImages, Self::TrainLabels, Self::TestImages, Self::TestLabels];

    /// Returns the file name without `.gz`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TrainImages => "train-images-idx3-ubyte",
            Self::TrainLabels => "train-labels-idx1-ubyte",
            Self::TestImages => "t10k-images-idx3-ubyte",
            Self::TestLabels => "t10k-labels-idx1-ubyte",
        }
    }

    /// Returns the names that the file may have, without `.gz`. Some programs that unpack it write a dot instead of the second
    /// hyphen: `train-images.idx3-ubyte`.
    pub fn names(self) -> [String; 2] {
        [self.name().to_owned(), self.name().replacen("-idx", ".idx", 1)]
    }
}

/// Status of a file that has the name of a data file.
#[derive(Debug)]
pub enum FileStatus {
    /// A valid IDX file of the expected kind.
    Intact {
        /// SHA-256 of the decompressed bytes, in hexadecimal.
        digest: String,
        /// The data set to which the file belongs, or [`UNKNOWN`](datasets::UNKNOWN).
        dataset: &'static DatasetInfo,
    },
    /// Not a valid IDX file of the expected kind, or not readable. A file of an unsupported kind is not damaged, but cannot be
    /// used.
    Damaged(IdxError),
}

impl FileStatus {
    /// Reads `file` to the end and returns its status. `bytes` is the result of opening it.
    pub fn of<R: BufRead + Send>(file: DataFile, bytes: Result<Decoded<R>, IdxError>) -> Self {
        let digest = bytes.and_then(|bytes| {
            Ok(match file {
                DataFile::TrainImages | DataFile::TestImages => idx::read_images(bytes)?.1,
                DataFile::TrainLabels | DataFile::TestLabels => idx::read_labels(bytes)?.1,
            })
        });
        match digest {
            Ok(digest) => {
                let dataset = datasets::recognise(&[(file, digest.clone())]);
                Self::Intact { digest, dataset }
            }
            Err(error) => Self::Damaged(error),
        }
    }

    /// Returns whether this is an intact file of the [`DEFAULT`] data set.
    pub fn is_expected(&self) -> bool {
        self.is_of(DEFAULT)
    }

    /// Returns whether this is an intact file of the data set `info`.
    pub fn is_of(&self, info: &DatasetInfo) -> bool {
        matches!(self, Self::Intact { dataset, .. } if *dataset == info)
    }

    /// Completes the sentence "the file is ..", if a file of the data set `expected` was expected.
    pub fn description(&self, expected: &DatasetInfo) -> String {
        let name = expected.name;
        match self {
            Self::Damaged(error @ IdxError::Unsupported(_)) => {
                format!("not usable: the file {error}")
            }
            Self::Damaged(error) => format!("damaged: {error}"),
            Self::Intact { .. } if self.is_of(expected) => format!("from {name}"),
            Self::Intact { dataset, .. } if dataset.is_known() => {
                format!("from {}, not from {name}", dataset.name)
            }
            Self::Intact { .. } => format!("valid, but not from {name}"),
        }
    }

    /// Returns the status in one word: "damaged", or the one defined by the data set, such as "ok" or "digits".
    pub fn name(&self) -> &'static str {
        match self {
            Self::Intact { dataset, .. } => dataset.status,
            Self::Damaged(IdxError::Unsupported(_)) => "foreign",
            Self::Damaged(_) => "damaged",
        }
    }

    /// Returns the SHA-256 of an intact file.
    pub fn digest(&self) -> Option<&str> {
        match self {
            Self::Intact { digest, .. } => Some(digest),
            Self::Damaged(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_distinguishes_foreign_from_damaged() {
        // A valid file of two labels.
        let labels: [u8; 10] = [0, 0, 8, 1, 0, 0, 0, 2, 3, 9];
        let found = |bytes: &[u8]| {
            FileStatus::of(DataFile::TestLabels, Decoded::new(bytes, bytes.len() as u64))
        };
        let foreign = found(&labels);
        assert_eq!(foreign.name(), "foreign");
        assert!(foreign.digest().unwrap().starts_with("2bc015e4"), "{foreign:?}");
        let damaged = found(&labels[..9]);
        assert_eq!((damaged.name(), damaged.digest()), ("damaged", None));
    }

    #[test]
    fn mnist_status_mentions_fashion_mnist() {
        let digits = FileStatus::Intact { digest: String::new(), dataset: &datasets::MNIST };
        assert_eq!((digits.name(), digits.is_expected()), ("digits", false));
        assert_eq!(digits.description(DEFAULT), "from MNIST, not from Fashion-MNIST");
        assert_eq!(digits.description(&datasets::MNIST), "from MNIST");
    }
}

//! What a data file turns out to be: the right one, another one, or a damaged one.

use std::fmt;
use std::io::BufRead;
use std::path::Path;

use super::catalog::{DataFile, Digest};
use super::file::{Decoded, FileError};
use super::idx::{self, IdxError};

/// What is in a file that should be one of Fashion-MNIST's.
#[derive(Debug)]
pub enum Finding {
    /// Fashion-MNIST's, byte for byte.
    Right,
    /// The file of the same name of MNIST's handwritten digits.
    Digits,
    /// A sound file of the right form with other content.
    Foreign(Digest),
    /// No sound file of the right form.
    Damaged(IdxError),
}

impl Finding {
    /// Reads the whole of `path`, which should be `file`, with or without compression.
    #[must_use]
    pub fn of(path: &Path, file: DataFile) -> Self {
        Self::in_bytes(Decoded::open(path), file)
    }

    /// The same of `bytes` at hand.
    #[must_use]
    pub fn of_bytes(bytes: &[u8], file: DataFile) -> Self {
        Self::in_bytes(Decoded::new(bytes, bytes.len() as u64), file)
    }

    fn in_bytes<R: BufRead + Send>(bytes: Result<Decoded<R>, FileError>, file: DataFile) -> Self {
        let digest = bytes.map_err(IdxError::from).and_then(|bytes| {
            Ok(match file {
                DataFile::TrainImages | DataFile::TestImages => idx::read_images(bytes)?.1,
                DataFile::TrainLabels | DataFile::TestLabels => idx::read_labels(bytes)?.1,
            })
        });
        match digest {
            Ok(digest) if digest == file.fashion_mnist() => Self::Right,
            Ok(digest) if digest == file.mnist_digits() => Self::Digits,
            Ok(digest) => Self::Foreign(digest),
            Err(error) => Self::Damaged(error),
        }
    }

    /// Whether it is what it should be.
    #[must_use]
    pub fn is_right(&self) -> bool {
        matches!(self, Self::Right)
    }

    /// Whether it is the start of a compressed file, and nothing speaks against its rest.
    #[must_use]
    pub fn is_cut_off(&self) -> bool {
        matches!(self, Self::Damaged(IdxError::File(FileError::CutOff)))
    }

    /// In one word: "ok", "digits", "foreign" or "damaged".
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Right => "ok",
            Self::Digits => "digits",
            Self::Foreign(_) => "foreign",
            Self::Damaged(_) => "damaged",
        }
    }

    /// The SHA-256 of the decompressed bytes of `file`, if the file is sound.
    #[must_use]
    pub fn digest(&self, file: DataFile) -> Option<Digest> {
        match self {
            Self::Right => Some(file.fashion_mnist()),
            Self::Digits => Some(file.mnist_digits()),
            Self::Foreign(digest) => Some(*digest),
            Self::Damaged(_) => None,
        }
    }
}

/// As in "the file is ..".
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Right => f.write_str("Fashion-MNIST's"),
            Self::Digits => f.write_str("of MNIST's handwritten digits, not Fashion-MNIST's"),
            Self::Foreign(_) => f.write_str("sound but not Fashion-MNIST's"),
            Self::Damaged(error) => write!(f, "damaged: {error}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// A sound file of two labels.
    const LABELS: [u8; 10] = [0, 0, 8, 1, 0, 0, 0, 2, 3, 9];

    #[test]
    fn foreign_and_damaged_files_are_told_apart() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("labels");
        let found = |bytes: &[u8]| {
            fs::write(&path, bytes).unwrap();
            Finding::of(&path, DataFile::TestLabels)
        };
        let foreign = found(&LABELS);
        assert_eq!(foreign.name(), "foreign");
        let digest = foreign.digest(DataFile::TestLabels).unwrap().to_string();
        assert!(digest.starts_with("2bc015e4"), "{digest}");
        let damaged = found(&LABELS[..9]);
        assert_eq!(damaged.name(), "damaged");
        assert!(damaged.digest(DataFile::TestLabels).is_none());
        assert!(!damaged.is_cut_off(), "it is not compressed");
        fs::remove_file(&path).unwrap();
        assert_eq!(Finding::of(&path, DataFile::TestLabels).name(), "damaged");
    }

    #[test]
    fn the_start_of_a_compressed_file_is_cut_off() {
        use std::io::Write;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("labels.gz");
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), Default::default());
        encoder.write_all(&LABELS).unwrap();
        let bytes = encoder.finish().unwrap();
        for length in 10..bytes.len() {
            fs::write(&path, &bytes[..length]).unwrap();
            let finding = Finding::of(&path, DataFile::TestLabels);
            assert!(finding.is_cut_off(), "{length}: {finding}");
        }
    }
}

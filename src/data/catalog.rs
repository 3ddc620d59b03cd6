//! The four files of the data set: their names, the SHA-256 by which they are known, and what a file of such a name
//! turns out to be.

use std::fmt;
use std::io::BufRead;

use super::error::IdxError;
use super::gzip::Decoded;
use super::idx;

/// One half of the data set: a file of images with its file of labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// 60,000 images to train with; a share of them is set aside for validation.
    Train,
    /// 10,000 images to test with.
    Test,
}

impl Part {
    /// Its images and its labels.
    pub const fn files(self) -> [DataFile; 2] {
        match self {
            Self::Train => [DataFile::TrainImages, DataFile::TrainLabels],
            Self::Test => [DataFile::TestImages, DataFile::TestLabels],
        }
    }
}

/// One of the four files of the data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "their names say it")]
pub enum DataFile {
    TrainImages,
    TrainLabels,
    TestImages,
    TestLabels,
}

/// Of each file its name without `.gz`, then the SHA-256 of its decompressed bytes in Fashion-MNIST, and in MNIST's
/// handwritten digits.
const FILES: [[&str; 3]; 4] = [
    [
        "train-images-idx3-ubyte",
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    ],
    [
        "train-labels-idx1-ubyte",
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    ],
    [
        "t10k-images-idx3-ubyte",
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    ],
    [
        "t10k-labels-idx1-ubyte",
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ],
];

impl DataFile {
    /// All four, in the order in which every list of them stands.
    pub const ALL: [Self; 4] =
        [Self::TrainImages, Self::TrainLabels, Self::TestImages, Self::TestLabels];

    /// Its name without `.gz`.
    pub const fn name(self) -> &'static str {
        FILES[self as usize][0]
    }

    /// The SHA-256 of Fashion-MNIST's file of this name, in hexadecimal.
    pub const fn fashion_mnist(self) -> &'static str {
        FILES[self as usize][1]
    }

    /// The SHA-256 of the file of this name that holds MNIST's handwritten digits.
    pub const fn mnist_digits(self) -> &'static str {
        FILES[self as usize][2]
    }
}

/// The files among these that are not Fashion-MNIST's, in words.
pub(super) fn unofficial(digests: &[(DataFile, String)]) -> Option<String> {
    let others = || digests.iter().filter(|(file, digest)| digest != file.fashion_mnist());
    let names: Vec<_> = others().map(|(file, _)| file.name()).collect();
    let is_digits = others().all(|(file, digest)| digest == file.mnist_digits());
    let digits = if is_digits { "MNIST digits, " } else { "" };
    (!names.is_empty()).then(|| format!("{digits}not Fashion-MNIST: {}", names.join(", ")))
}

/// What is in a file that should be one of Fashion-MNIST's. A SHA-256 is that of its decompressed bytes.
#[derive(Debug)]
pub enum FileStatus {
    /// Fashion-MNIST's, byte for byte.
    Right(String),
    /// The file of the same name of MNIST's handwritten digits.
    Digits(String),
    /// A sound file of the right form with other content.
    Unofficial(String),
    /// No sound file of the right form.
    Damaged(IdxError),
}

impl FileStatus {
    /// Reads all of `bytes`, the result of opening what should be `file`.
    pub fn of<R: BufRead + Send>(file: DataFile, bytes: Result<Decoded<R>, IdxError>) -> Self {
        let digest = bytes.and_then(|bytes| {
            Ok(match file {
                DataFile::TrainImages | DataFile::TestImages => idx::read_images(bytes)?.1,
                DataFile::TrainLabels | DataFile::TestLabels => idx::read_labels(bytes)?.1,
            })
        });
        match digest {
            Ok(digest) if digest == file.fashion_mnist() => Self::Right(digest),
            Ok(digest) if digest == file.mnist_digits() => Self::Digits(digest),
            Ok(digest) => Self::Unofficial(digest),
            Err(error) => Self::Damaged(error),
        }
    }

    /// In one word: "ok", "digits", "foreign" or "damaged".
    pub fn name(&self) -> &'static str {
        match self {
            Self::Right(_) => "ok",
            Self::Digits(_) => "digits",
            Self::Unofficial(_) => "foreign",
            Self::Damaged(_) => "damaged",
        }
    }

    /// The SHA-256, if the file is sound.
    pub fn digest(&self) -> Option<&str> {
        match self {
            Self::Right(digest) | Self::Digits(digest) | Self::Unofficial(digest) => Some(digest),
            Self::Damaged(_) => None,
        }
    }
}

/// As in "the file is ..".
impl fmt::Display for FileStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Right(_) => f.write_str("Fashion-MNIST's"),
            Self::Digits(_) => f.write_str("of MNIST's handwritten digits, not Fashion-MNIST's"),
            Self::Unofficial(_) => f.write_str("sound but not Fashion-MNIST's"),
            Self::Damaged(error) => write!(f, "damaged: {error}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_another_data_set_are_named_and_digits_are_known() {
        let all = |digest: fn(DataFile) -> &'static str| {
            DataFile::ALL.map(|file| (file, digest(file).to_owned()))
        };
        let mut digests = all(DataFile::fashion_mnist);
        assert_eq!(unofficial(&digests), None);
        digests[1].1 = DataFile::TrainLabels.mnist_digits().to_owned();
        let expected = "MNIST digits, not Fashion-MNIST: train-labels-idx1-ubyte";
        assert_eq!(unofficial(&digests).unwrap(), expected);
        let mut digests = all(DataFile::mnist_digits);
        let words = unofficial(&digests).unwrap();
        assert!(words.starts_with("MNIST digits, not Fashion-MNIST: train-images"), "{words}");
        digests[2].1 = "0".repeat(64);
        let words = unofficial(&digests).unwrap();
        assert!(words.starts_with("not Fashion-MNIST: train-images"), "{words}");
        assert!(DataFile::ALL.iter().all(|file| words.contains(file.name())), "{words}");
    }

    #[test]
    fn sound_files_of_other_content_and_damaged_ones_are_told_apart() {
        // A sound file of two labels.
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
}

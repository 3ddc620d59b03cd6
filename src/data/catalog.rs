//! The four files of the data set: their names, and the SHA-256 by which they are known.

use std::fmt;

/// The SHA-256 of a file's bytes once decompressed. It is displayed as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// Reads 64 lower-case hexadecimal digits.
    const fn from_hex(text: &str) -> Self {
        let text = text.as_bytes();
        assert!(text.len() == 64, "a SHA-256 has 64 digits");
        let mut bytes = [0; 32];
        let mut i = 0;
        while i < 64 {
            let value = match text[i] {
                digit @ b'0'..=b'9' => digit - b'0',
                digit @ b'a'..=b'f' => digit - b'a' + 10,
                _ => panic!("not a hexadecimal digit"),
            };
            bytes[i / 2] = bytes[i / 2] << 4 | value;
            i += 1;
        }
        Self(bytes)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

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
    #[must_use]
    pub const fn files(self) -> [DataFile; 2] {
        match self {
            Self::Train => [DataFile::TrainImages, DataFile::TrainLabels],
            Self::Test => [DataFile::TestImages, DataFile::TestLabels],
        }
    }
}

/// One of the four files of the data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DataFile {
    /// 60,000 images.
    TrainImages,
    /// 60,000 labels.
    TrainLabels,
    /// 10,000 images.
    TestImages,
    /// 10,000 labels.
    TestLabels,
}

impl DataFile {
    /// All four, in the order in which every list of them stands.
    pub const ALL: [Self; 4] =
        [Self::TrainImages, Self::TrainLabels, Self::TestImages, Self::TestLabels];

    /// Its name without `.gz`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TrainImages => "train-images-idx3-ubyte",
            Self::TrainLabels => "train-labels-idx1-ubyte",
            Self::TestImages => "t10k-images-idx3-ubyte",
            Self::TestLabels => "t10k-labels-idx1-ubyte",
        }
    }

    /// The SHA-256 of Fashion-MNIST's file of this name.
    #[must_use]
    pub const fn fashion_mnist(self) -> Digest {
        const DIGESTS: [Digest; 4] = [
            Digest::from_hex("c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"),
            Digest::from_hex("bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"),
            Digest::from_hex("5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"),
            Digest::from_hex("0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"),
        ];
        DIGESTS[self as usize]
    }

    /// The SHA-256 of the file of this name that holds MNIST's handwritten digits.
    #[must_use]
    pub const fn mnist_digits(self) -> Digest {
        const DIGESTS: [Digest; 4] = [
            Digest::from_hex("ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"),
            Digest::from_hex("65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"),
            Digest::from_hex("0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"),
            Digest::from_hex("ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
        ];
        DIGESTS[self as usize]
    }
}

/// Files that have the right form but are not Fashion-MNIST's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Foreign {
    /// Which files; never empty.
    pub files: Vec<DataFile>,
    /// Whether all of them are known to hold MNIST's digits.
    pub digits: bool,
}

impl Foreign {
    /// The files among these that are not Fashion-MNIST's, if any.
    #[must_use]
    pub fn unofficial(digests: &[(DataFile, Digest)]) -> Option<Self> {
        let foreign = || digests.iter().filter(|(file, digest)| *digest != file.fashion_mnist());
        let files: Vec<_> = foreign().map(|(file, _)| *file).collect();
        let digits = foreign().all(|(file, digest)| *digest == file.mnist_digits());
        (!files.is_empty()).then_some(Self { files, digits })
    }
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.files.iter().map(|file| file.name()).collect();
        if self.digits {
            write!(f, "MNIST digits, not Fashion-MNIST: {}", names.join(", "))
        } else {
            write!(f, "not Fashion-MNIST: {}", names.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(digest: fn(DataFile) -> Digest) -> Vec<(DataFile, Digest)> {
        DataFile::ALL.map(|file| (file, digest(file))).to_vec()
    }

    #[test]
    fn a_digest_is_shown_as_it_is_written() {
        assert_eq!(
            DataFile::TestLabels.fashion_mnist().to_string(),
            "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"
        );
    }

    #[test]
    fn fashion_mnist_has_no_foreign_file() {
        assert_eq!(Foreign::unofficial(&all(DataFile::fashion_mnist)), None);
    }

    #[test]
    fn digits_are_named() {
        let foreign = Foreign::unofficial(&all(DataFile::mnist_digits)).expect("not Fashion-MNIST");
        assert!(foreign.to_string().starts_with("MNIST digits, not"), "{foreign}");
    }

    #[test]
    fn one_file_of_digits_among_the_right_ones_is_named() {
        let mut digests = all(DataFile::fashion_mnist);
        digests[1].1 = DataFile::TrainLabels.mnist_digits();
        let foreign = Foreign::unofficial(&digests).expect("one file is foreign");
        assert_eq!(foreign.files, [DataFile::TrainLabels]);
        assert!(foreign.digits);
    }

    #[test]
    fn unknown_files_are_not_called_digits() {
        let mut digests = all(DataFile::mnist_digits);
        digests[2].1 = Digest([0; 32]);
        let foreign = Foreign::unofficial(&digests).expect("not Fashion-MNIST");
        assert!(!foreign.digits);
        assert_eq!(foreign.files.len(), 4);
    }
}

//! The known data sets: names, classes, digests, mirrors, and the sentences about them.
//!
//! To add a data set, define one more static and list it in [`KNOWN`]. The program then recognises the files of that
//! data set by their digests.

use std::borrow::Cow;

use super::catalog::DataFile;
use super::identity::DatasetNames;

/// Number of classes of the network, and the maximum of a data set.
pub const CLASSES: usize = 10;

/// A data set of 28x28 grey images in two to ten classes, stored in four IDX files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatasetInfo {
    /// Name of the data set.
    pub name: &'static str,
    /// Class names without commas, indexed by label.
    pub classes: Cow<'static, [Name]>,
    /// SHA-256 of the decompressed files, in the order of [`DataFile::ALL`]; `None` for [`UNKNOWN`].
    pub digests: Option<[&'static str; 4]>,
    /// Status of an intact file of this data set in the output of `lenet data verify`.
    pub status: &'static str,
    /// URLs of directories that serve the files, in the order in which they are tried.
    pub mirrors: &'static [&'static str],
    /// Labels of the classes whose images augmentation may flip horizontally.
    pub flippable: Cow<'static, [u8]>,
    /// Identifier of the data set on the Hugging Face Hub, if it is known.
    pub hub: Option<&'static str>,
    /// Origin of the images, in one sentence; empty for [`UNKNOWN`].
    pub about: &'static str,
    /// Uses for which a model trained on this data set is not meant, in one sentence.
    pub out_of_scope: &'static str,
}

/// Name of a class.
pub type Name = Cow<'static, str>;

/// Fashion-MNIST, articles of clothing.
///
/// Sandals, sneakers and ankle boots all face one way, so they are not flipped. The mirrors are the copy that Keras
/// uses, the repository of the authors, and their old web site, which has no HTTPS.
pub static FASHION_MNIST: DatasetInfo = DatasetInfo {
    name: "Fashion-MNIST",
    classes: Cow::Borrowed(&CLOTHES),
    digests: Some([
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    ]),
    status: "ok",
    mirrors: &[
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets",
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion",
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
    ],
    flippable: Cow::Borrowed(&[0, 1, 2, 3, 4, 6, 8]),
    hub: Some("zalando-datasets/fashion_mnist"),
    about: "Fashion-MNIST consists of product photographs from one German online shop, taken before 2017 (Xiao, Rasul \
            and Vollgraf; Zalando SE; MIT licence).",
    out_of_scope: "Recognising clothing in shops, in street photographs or on people, and any decision about a person.",
};

/// MNIST, handwritten digits.
pub static MNIST: DatasetInfo = DatasetInfo {
    name: "MNIST",
    classes: Cow::Borrowed(&DIGITS),
    digests: Some([
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ]),
    status: "digits",
    mirrors: &[
        "https://ossci-datasets.s3.amazonaws.com/mnist",
        "https://storage.googleapis.com/cvdf-datasets/mnist",
    ],
    flippable: Cow::Borrowed(&[]),
    hub: Some("ylecun/mnist"),
    about: "MNIST consists of digits handwritten by employees of the US Census Bureau and by high-school students \
            (LeCun, Cortes and Burges).",
    out_of_scope: "Reading cheques, forms or postal codes, and any decision about a person.",
};

/// Any data set that is not in [`KNOWN`]. [`DatasetInfo::with_classes`] replaces the digits by other class names.
pub static UNKNOWN: DatasetInfo = DatasetInfo {
    name: "an unknown data set",
    classes: Cow::Borrowed(&DIGITS),
    digests: None,
    status: "foreign",
    mirrors: &[],
    flippable: Cow::Borrowed(&[]),
    hub: None,
    about: "",
    out_of_scope: "Any decision about a person.",
};

static CLOTHES: [Name; CLASSES] = [
    Cow::Borrowed("T-shirt/top"),
    Cow::Borrowed("Trouser"),
    Cow::Borrowed("Pullover"),
    Cow::Borrowed("Dress"),
    Cow::Borrowed("Coat"),
    Cow::Borrowed("Sandal"),
    Cow::Borrowed("Shirt"),
    Cow::Borrowed("Sneaker"),
    Cow::Borrowed("Bag"),
    Cow::Borrowed("Ankle boot"),
];

static DIGITS: [Name; CLASSES] = [
    Cow::Borrowed("0"),
    Cow::Borrowed("1"),
    Cow::Borrowed("2"),
    Cow::Borrowed("3"),
    Cow::Borrowed("4"),
    Cow::Borrowed("5"),
    Cow::Borrowed("6"),
    Cow::Borrowed("7"),
    Cow::Borrowed("8"),
    Cow::Borrowed("9"),
];

/// Every known data set.
pub const KNOWN: [&DatasetInfo; 2] = [&FASHION_MNIST, &MNIST];

/// The data set that is expected unless [`any_dataset`](super::Options::any_dataset) is set. A model whose training
/// data is not recorded is assumed to be trained on this data set.
pub const DEFAULT: &DatasetInfo = &FASHION_MNIST;

impl DatasetInfo {
    /// Describes a data set that is not in [`KNOWN`], by the names of its classes and by the labels of those whose images
    /// may be flipped.
    pub fn with_classes(classes: &[String], flippable: &[u8]) -> Self {
        Self {
            classes: classes.iter().cloned().map(Name::from).collect(),
            flippable: flippable.to_vec().into(),
            ..UNKNOWN.clone()
        }
    }

    /// Returns the SHA-256 of the decompressed `file`, in hexadecimal, if it is known.
    pub fn digest(&self, file: DataFile) -> Option<&'static str> {
        self.digests.map(|digests| digests[file as usize])
    }

    /// Returns whether this is one of [`KNOWN`].
    pub fn is_known(&self) -> bool {
        self.digests.is_some()
    }

    /// Returns the name of the data set or, if it is not known, a description by the names of its classes.
    pub fn title(&self) -> String {
        DatasetNames::from(self).title()
    }

    /// Returns the width of a column of class names in a table, in characters: that of the longest name, but at least 12.
    pub fn name_width(&self) -> usize {
        self.classes.iter().map(|name| name.chars().count()).fold(12, usize::max)
    }

    /// Returns whether images with this label may be flipped horizontally.
    pub fn may_flip(&self, label: u8) -> bool {
        self.flippable.contains(&label)
    }

    /// Describes how files with these digests differ from this data set, for example `not Fashion-MNIST: NAME, NAME`, or
    /// returns `None` if they do not.
    pub fn difference(&self, digests: &[(DataFile, String)]) -> Option<String> {
        let is_other = |(file, digest): &&(DataFile, String)| self.digest(*file) != Some(digest);
        let others: Vec<_> = digests.iter().filter(is_other).cloned().collect();
        if others.is_empty() {
            return None;
        }
        let names: Vec<_> = others.iter().map(|(file, _)| file.name()).collect();
        let found = match recognise(&others) {
            known if known.is_known() => format!("{}, ", known.name),
            _ => String::new(),
        };
        Some(format!("{found}not {}: {}", self.name, names.join(", ")))
    }
}

/// Returns the known data set to which all files with these digests belong, or [`UNKNOWN`] if there is none.
pub fn recognise(digests: &[(DataFile, String)]) -> &'static DatasetInfo {
    let has_all = |info: &&&DatasetInfo| {
        digests.iter().all(|(file, digest)| info.digest(*file) == Some(digest))
    };
    match digests {
        [] => &UNKNOWN,
        _ => KNOWN.iter().find(has_all).copied().unwrap_or(&UNKNOWN),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digests(info: &DatasetInfo) -> Vec<(DataFile, String)> {
        DataFile::ALL.iter().zip(info.digests.unwrap()).map(|(f, d)| (*f, d.to_owned())).collect()
    }

    #[test]
    fn known_data_sets_are_valid() {
        for info in KNOWN {
            assert_eq!(recognise(&digests(info)), info);
            assert!(info.digests.unwrap().iter().all(|digest| digest.len() == 64), "{}", info.name);
            assert!(info.flippable.iter().all(|label| usize::from(*label) < CLASSES));
            assert!(info.about.starts_with(info.name) && info.about.ends_with('.'));
        }
        for info in KNOWN.into_iter().chain([&UNKNOWN]) {
            assert!(info.classes.iter().all(|class| !class.contains(',')), "{}", info.name);
        }
    }

    #[test]
    fn recognise_requires_all_files_to_match() {
        let mut mixed = digests(&FASHION_MNIST);
        assert_eq!(recognise(&mixed[2..]), &FASHION_MNIST);
        mixed[1].1 = MNIST.digest(DataFile::TrainLabels).unwrap().to_owned();
        assert_eq!(recognise(&mixed), &UNKNOWN);
        assert_eq!(recognise(&[]), &UNKNOWN);
    }

    #[test]
    fn difference_lists_files_and_data_set() {
        let difference = |digests: &[_]| FASHION_MNIST.difference(digests);
        let mut found = digests(&FASHION_MNIST);
        assert_eq!(difference(&found), None);
        found[1].1 = MNIST.digest(DataFile::TrainLabels).unwrap().to_owned();
        let expected = "MNIST, not Fashion-MNIST: train-labels-idx1-ubyte";
        assert_eq!(difference(&found).unwrap(), expected);
        let mut found = digests(&MNIST);
        let text = difference(&found).unwrap();
        assert!(text.starts_with("MNIST, not Fashion-MNIST: train-images"), "{text}");
        found[2].1 = "0".repeat(64);
        let text = difference(&found).unwrap();
        assert!(text.starts_with("not Fashion-MNIST: train-images"), "{text}");
        assert!(DataFile::ALL.iter().all(|file| text.contains(file.name())), "{text}");
    }
}

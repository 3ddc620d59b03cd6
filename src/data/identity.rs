//! The data set that a model was trained on, as recorded in the run record or in the metadata of the model file.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::Provenance;
use super::catalog::DataFile;
use super::datasets::{self, CLASSES, DEFAULT, DatasetInfo, KNOWN, UNKNOWN};
use super::names::{check_class, is_name};
use crate::io::text;

/// Name and class names of a data set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatasetNames {
    /// Name of the data set, if it is known.
    pub name: Option<String>,
    /// Class names, indexed by label: two to ten.
    #[serde(deserialize_with = "few_names")]
    pub classes: Vec<String>,
    /// Labels of the classes whose images may be flipped; empty for a known data set, which defines them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flip: Vec<u8>,
}

impl From<&DatasetInfo> for DatasetNames {
    fn from(info: &DatasetInfo) -> Self {
        Self {
            name: info.is_known().then(|| info.name.to_owned()),
            classes: info.classes.iter().map(|name| name.clone().into_owned()).collect(),
            flip: if info.is_known() { Vec::new() } else { info.flippable.to_vec() },
        }
    }
}

impl DatasetNames {
    /// Checks that the names can be names of a data set and its classes, because files can contain any text.
    ///
    /// # Errors
    /// Returns the first invalid name, quoted and shortened, or another problem.
    pub fn check(&self) -> Result<(), String> {
        let count = self.classes.len();
        if !(2..=CLASSES).contains(&count) {
            return Err(format!("its data set has {count} classes, expected 2 to {CLASSES}"));
        }
        if self.flip.len() > count || self.flip.iter().any(|label| usize::from(*label) >= count) {
            return Err("a label that its data set does not have".to_owned());
        }
        let invalid = |problem| format!("invalid name in its data set: {problem}");
        if let Some(name) = self.name.iter().find(|name| !is_name(name)) {
            return Err(invalid(text::quoted(name)));
        }
        let mut classes = self.classes.iter().enumerate();
        let check = |(label, name): (usize, &String)| check_class(name, &self.classes[..label]);
        classes.try_for_each(check).map_err(invalid)
    }

    /// Returns the name of class `label`, or its number if the data set does not have it.
    ///
    /// # Panics
    /// Panics if `label` is not below ten.
    pub fn class(&self, label: usize) -> &str {
        match self.classes.get(label) {
            Some(name) => name,
            None => &UNKNOWN.classes[label],
        }
    }

    /// Returns whether the data set or its classes have names other than the digits.
    pub fn is_named(&self) -> bool {
        self.name.is_some() || self.classes[..] != UNKNOWN.classes[..]
    }

    /// Returns the name of the data set or, if it has none, a description by the names of its classes.
    pub fn title(&self) -> String {
        let Self { name, classes, .. } = self;
        match (name, &classes[..]) {
            (Some(name), _) => name.clone(),
            _ if !self.is_named() => UNKNOWN.name.to_owned(),
            (None, [a, b, c, _, ..]) => {
                format!("a data set of {} classes ({a}, {b}, {c}, ..)", classes.len())
            }
            (None, classes) => {
                format!("a data set of {} classes ({})", classes.len(), classes.join(", "))
            }
        }
    }
}

/// Reads the names of at most [`CLASSES`] classes. A longer list of short names needs many times the memory of the file.
fn few_names<'de, D: Deserializer<'de>>(names: D) -> Result<Vec<String>, D::Error> {
    struct Names;
    impl<'de> Visitor<'de> for Names {
        type Value = Vec<String>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of class names")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            let mut names = Vec::new();
            while let Some(name) = list.next_element()? {
                names.push(name);
                if names.len() > CLASSES {
                    return Err(A::Error::custom(format!("more than {CLASSES} classes")));
                }
            }
            Ok(names)
        }
    }
    names.deserialize_seq(Names)
}

/// Names of a data set and digests of its files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatasetIdentity {
    /// Names of the data set and of its classes.
    pub names: DatasetNames,
    /// SHA-256 of the decompressed files, by file name.
    pub digests: BTreeMap<String, String>,
}

impl DatasetIdentity {
    /// Returns the identity that is assumed for a model if its training data is not recorded: the class names of
    /// [`DEFAULT`] without a data set name.
    pub fn assumed() -> Self {
        let names = DatasetNames { name: None, ..DEFAULT.into() };
        Self { names, digests: BTreeMap::new() }
    }

    /// Identifies a data set by the digests of its files, or else by the `names` from a run record or model file. Returns
    /// `None` if both are missing.
    pub fn new(names: Option<DatasetNames>, digests: BTreeMap<String, String>) -> Option<Self> {
        let files = DataFile::ALL.into_iter();
        let files = files.filter_map(|file| Some((file, digests.get(file.name())?.clone())));
        let files: Vec<_> = files.collect();
        let names = match (datasets::recognise(&files), names) {
            (known, _) if known.is_known() => known.into(),
            (_, Some(names)) => names,
            (_, None) if files.is_empty() => return None,
            (unknown, None) => unknown.into(),
        };
        Some(Self { names, digests })
    }

    /// Reads an identity from the metadata of a model file. Invalid names are ignored.
    pub fn from_metadata(metadata: &BTreeMap<String, String>) -> Option<Self> {
        let digests = DataFile::ALL.iter().filter_map(|file| {
            Some((file.name().to_owned(), metadata.get(&digest_key(file.name()))?.clone()))
        });
        let names = metadata.get("classes").and_then(|classes| {
            let classes = classes.splitn(CLASSES + 1, ',').map(str::to_owned).collect();
            let name = metadata.get("dataset").cloned();
            let names = DatasetNames { name, classes, flip: Vec::new() };
            names.check().ok().map(|()| names)
        });
        Self::new(names, digests.collect())
    }

    /// Returns the model-file metadata entries that describe this data set.
    pub fn to_metadata(&self) -> BTreeMap<String, String> {
        let name = self.names.name.iter().map(|name| ("dataset".to_owned(), name.clone()));
        let classes = ("classes".to_owned(), self.names.classes.join(","));
        let digests = self.digests.iter().map(|(file, digest)| (digest_key(file), digest.clone()));
        name.chain([classes]).chain(digests).collect()
    }

    /// Returns the known data set with this name, or else one with these classes.
    pub fn info(&self) -> DatasetInfo {
        let DatasetNames { name, classes, flip } = &self.names;
        match KNOWN.into_iter().find(|info| Some(info.name) == name.as_deref()) {
            Some(known) => known.clone(),
            None => DatasetInfo::with_classes(classes, flip),
        }
    }

    /// Returns whether `data` was loaded from files that belong to this data set, by their digests.
    pub fn has_files_of(&self, data: &Provenance) -> bool {
        data.digests.iter().all(|(file, digest)| self.digests.get(file.name()) == Some(digest))
    }

    /// Returns whether `data` was loaded from another data set. Compares the digests of the files that both sides have
    /// a digest for, or the names of the data sets if there are no such files.
    pub fn differs_from(&self, data: &Provenance) -> bool {
        let pairs = data.digests.iter();
        let mut pairs = pairs
            .filter_map(|(file, digest)| Some((digest, self.digests.get(file.name())?)))
            .peekable();
        match (pairs.peek(), &self.names.name) {
            (Some(_), _) => pairs.any(|(found, expected)| found != expected),
            (None, Some(name)) => data.info.is_known() && name != data.info.name,
            (None, None) => false,
        }
    }
}

fn digest_key(file: &str) -> String {
    format!("sha256.{file}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::MNIST;

    fn digests(info: &DatasetInfo) -> BTreeMap<String, String> {
        let pairs = DataFile::ALL.into_iter().zip(info.digests.unwrap());
        pairs.map(|(file, digest)| (file.name().to_owned(), digest.to_owned())).collect()
    }

    #[test]
    fn metadata_round_trips() {
        for digests in [
            digests(&MNIST),
            digests(DEFAULT),
            [("t10k-labels-idx1-ubyte".into(), "00".into())].into(),
        ] {
            let identity = DatasetIdentity::new(None, digests).unwrap();
            assert_eq!(DatasetIdentity::from_metadata(&identity.to_metadata()), Some(identity));
        }
    }

    #[test]
    fn missing_names_come_from_digests() {
        let mut metadata = DatasetIdentity::new(None, digests(&MNIST)).unwrap().to_metadata();
        metadata.remove("dataset");
        let names =
            |metadata: &BTreeMap<_, _>| DatasetIdentity::from_metadata(metadata).unwrap().names;
        assert_eq!(names(&metadata), DatasetNames::from(&MNIST));
        for invalid in ["a,b", "0,1,2,3,4,5,6,7,8,9,10", "0,1,2,3,4,5,6,7,8,\u{1b}", ",,,,,,,,,"] {
            metadata.insert("classes".into(), invalid.into());
            assert_eq!(names(&metadata), DatasetNames::from(&MNIST), "{invalid}");
        }
        metadata.remove("classes");
        assert_eq!(names(&metadata), DatasetNames::from(&MNIST));
        let unrelated = [("format".to_owned(), "pt".to_owned())].into();
        assert_eq!(DatasetIdentity::from_metadata(&unrelated), None);
    }

    #[test]
    fn name_or_classes_are_a_name() {
        let digits = DatasetNames::from(&MNIST);
        let unnamed = DatasetNames { name: None, ..digits.clone() };
        assert!(digits.is_named() && !unnamed.is_named());
        assert!(DatasetNames { name: None, ..DatasetNames::from(DEFAULT) }.is_named());
    }

    #[test]
    fn check_rejects_unprintable_and_long_names() {
        let mut names = DatasetNames::from(&MNIST);
        assert_eq!(names.check(), Ok(()));
        for invalid in ["", "a,b", "a\nb", "\u{202e}", &"x".repeat(65), "1", " 3", "3\u{feff}"] {
            names.classes[3] = invalid.to_owned();
            assert!(names.check().is_err(), "{invalid:?}");
        }
        names = DatasetNames { flip: vec![0; 11], ..DatasetNames::from(&MNIST) };
        assert!(names.check().is_err());
        names = DatasetNames { name: Some("\u{7}".to_owned()), ..DatasetNames::from(&MNIST) };
        assert!(names.check().unwrap_err().ends_with(r#""\u{7}""#));
    }
}

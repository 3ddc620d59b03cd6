//! Import of pictures: from one directory per class to labelled 28x28 images in a training part and a test part.
//!
//! ```text
//! ROOT/CLASS/PICTURE --decode, prepare--> image --shuffle, divide--> training images, test images
//! ```
//!
//! This is the layout of PyTorch's `ImageFolder` and of Keras' `image_dataset_from_directory`. Pictures are prepared as
//! `lenet predict` prepares them. The result depends only on the names and the bytes of the files and on the seed.

mod divide;
mod read;
mod scan;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::cli::error::ImportError;
use crate::cli::picture::Invert;
use crate::data::{DatasetInfo, ImageDataset};

pub use read::{Picture, Refused};
use scan::ClassDir;

/// Pictures that are ready to be written as a data set.
#[derive(Debug)]
pub struct Import {
    /// The classes, sorted by the bytes of their names.
    pub info: DatasetInfo,
    /// The training pictures and the test pictures, shuffled.
    pub parts: [Vec<Picture>; 2],
    /// The files that could not be read as pictures.
    pub refused: Vec<Refused>,
}

impl Import {
    /// Reads the class directories in `root`. The test pictures are those of `test` or, without it, `fraction` of the pictures
    /// of each class, chosen by `seed`. Images of the classes in `flip` may be flipped in training.
    ///
    /// # Errors
    /// Returns an error if a directory cannot be read, if there are fewer than two or more than ten classes, if a name cannot be
    /// that of a class, if no picture of a class can be read, or if there is not enough memory.
    pub fn new(
        root: &Path,
        test: Option<&Path>,
        (fraction, seed): (f64, u64),
        invert: Invert,
        flip: &[String],
    ) -> Result<Self, ImportError> {
        let classes = scan::classes(root)?;
        let info = info(root, &classes, flip)?;
        let test = test.map(|root| scan::classes_like(root, &classes)).transpose()?;
        let (pictures, mut refused) = read::read(&classes, invert)?;
        for (label, class) in classes.iter().enumerate() {
            if !pictures.iter().any(|picture| picture.label == label) {
                return Err(ImportError::NoPictures(class.path.clone()));
            }
        }
        let parts = match test {
            Some(test) => {
                let (test, refused_too) = read::read(&test, invert)?;
                refused.extend(refused_too);
                [pictures, test]
            }
            None => divide::divide(pictures, fraction, seed),
        };
        if parts[1].is_empty() {
            return Err(ImportError::NoTestPictures(root.to_owned()));
        }
        Ok(Self { info, parts: divide::shuffle(parts, seed), refused })
    }

    /// Returns the training images or, for part 1, the test images.
    pub fn dataset(&self, part: usize) -> ImageDataset {
        let pictures = &self.parts[part];
        let images = pictures.iter().map(|picture| picture.image).collect();
        let labels = pictures.iter().map(|picture| picture.label as u8).collect();
        ImageDataset::new(images, labels).with_info(&self.info)
    }

    /// Returns pairs of files with the same bytes that are in different parts, or in different classes.
    pub fn duplicates(&self) -> Vec<[&PathBuf; 2]> {
        let (mut first, mut pairs) = (BTreeMap::new(), Vec::new());
        for (part, pictures) in self.parts.iter().enumerate() {
            for picture in pictures {
                let (kind, earlier) =
                    first.entry(picture.digest).or_insert(((part, picture.label), &picture.path));
                if *kind != (part, picture.label) {
                    let mut pair = [*earlier, &picture.path];
                    pair.sort();
                    pairs.push(pair);
                }
            }
        }
        pairs.sort();
        pairs
    }
}

/// Describes a data set of these classes.
fn info(root: &Path, classes: &[ClassDir], flip: &[String]) -> Result<DatasetInfo, ImportError> {
    let names: Vec<_> = classes.iter().map(|class| class.name.clone()).collect();
    let label = |name: &String| {
        let missing = || ImportError::NoSuchClass { root: root.to_owned(), name: name.clone() };
        names.iter().position(|class| class == name).map(|label| label as u8).ok_or_else(missing)
    };
    let flippable = flip.iter().map(label).collect::<Result<Vec<_>, _>>()?;
    Ok(DatasetInfo::with_classes(&names, &flippable))
}

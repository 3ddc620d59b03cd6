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

use read::Found;
pub use read::{Picture, Refused};
use scan::ClassDir;

/// Pictures that are ready to be written as a data set.
#[derive(Debug)]
pub struct Import {
    /// The classes, sorted by the bytes of their names.
    pub info: DatasetInfo,
    /// The training pictures and the test pictures, shuffled.
    pub parts: [Vec<Picture>; 2],
    /// The images of these pictures.
    pub images: [ImageDataset; 2],
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
        let mut found = read::read(&classes, invert)?;
        for (label, class) in classes.iter().enumerate() {
            if !found.pictures.iter().any(|picture| picture.label == label) {
                return Err(ImportError::NoPictures(class.path.clone()));
            }
        }
        let parts = match test {
            Some(test) => {
                let count = found.pictures.len();
                found.append(read::read(&test, invert)?);
                [(0..count).collect(), (count..found.pictures.len()).collect()]
            }
            None => {
                let labels: Vec<_> = found.pictures.iter().map(|picture| picture.label).collect();
                divide::divide(&labels, fraction, seed)
            }
        };
        if parts[1].is_empty() {
            return Err(ImportError::NoTestPictures(root.to_owned()));
        }
        let count = parts[0].len();
        let order = divide::shuffle(parts, seed).concat();
        let Found { mut images, mut pictures, refused } = found;
        divide::arrange(&mut images, order.clone());
        divide::arrange(&mut pictures, order);
        let labels = pictures.iter().map(|picture| picture.label as u8).collect();
        let (train, test) = ImageDataset::new(images, labels).with_info(&info).split_at(count);
        let test_pictures = pictures.split_off(count);
        Ok(Self { info, parts: [pictures, test_pictures], images: [train, test], refused })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_not_copied() {
        let root = tempfile::tempdir().unwrap();
        for (class, grey) in [("a", 200), ("b", 90)] {
            std::fs::create_dir(root.path().join(class)).unwrap();
            for index in 0..5 {
                let picture = image::GrayImage::from_fn(28, 28, |x, _| {
                    image::Luma([if x == index { grey } else { 0 }])
                });
                picture.save(root.path().join(class).join(format!("{index}.png"))).unwrap();
            }
        }
        let import = Import::new(root.path(), None, (0.2, 1), Invert::No, &[]).unwrap();
        let [train, test] = &import.images;
        assert_eq!((train.images().len(), test.images().len()), (8, 2));
        // Both parts are in one block of memory.
        assert_eq!(train.images().as_ptr_range().end, test.images().as_ptr());
        for (part, images) in import.parts.iter().zip(&import.images) {
            for ((picture, image), label) in part.iter().zip(images.images()).zip(images.labels()) {
                assert_eq!(usize::from(*label), picture.label);
                let name = picture.path.file_stem().unwrap().to_str().unwrap();
                let index: usize = name.parse().unwrap();
                assert_eq!(image.iter().max(), Some(&[200, 90][picture.label]), "{index}");
            }
        }
    }
}

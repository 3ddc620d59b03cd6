//! The data set: files -> checked images and labels -> Burn dataset -> minibatches.
//!
//! [`source`] finds the directory, [`contents`] describes one without the data set, [`gzip`] decompresses its files, [`idx`]
//! parses them, and [`datasets`] describes the data sets that are recognised by their SHA-256. [`class_names`] reads the names of
//! the classes of any other data set. [`dataset`], [`order`], [`augment`], [`scaling`] and [`batch`] turn the images into the minibatches of a training step. [`identity`] names the data
//! set in run records and model files.

pub mod augment;
pub mod batch;
pub mod catalog;
pub mod class_names;
pub mod contents;
pub mod dataset;
pub mod datasets;
pub mod error;
pub mod gzip;
pub mod identity;
pub mod idx;
pub mod idx_writer;
pub mod names;
pub mod order;
pub mod scaling;
pub mod source;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

pub use augment::{Augmentation, Transform};
pub use batch::{Batch, Batches, Minibatch};
pub use catalog::{DataFile, Part};
pub use contents::Contents;
pub use dataset::{ImageDataset, Item, SplitError};
pub use datasets::{CLASSES, DatasetInfo, FASHION_MNIST, MNIST, UNKNOWN};
pub use error::DataError;
pub use identity::{DatasetIdentity, DatasetNames};
pub use idx::{Image, PIXELS, SIDE};
pub use order::epoch_order;
pub use scaling::Scaling;

use gzip::Decoded;

/// Options for loading a data set.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Directory of the files; `None` searches the directories that [`source`] lists.
    pub dir: Option<PathBuf>,
    /// Whether to accept data sets other than [`datasets::DEFAULT`] that have no `classes.txt`.
    pub any_dataset: bool,
    /// Maximum number of images to keep in each part. The complete files are still checked.
    pub limit: Option<NonZeroUsize>,
    /// Whether to reorder the training images so that the validation split has all classes in proportion.
    pub stratified: bool,
}

/// Origin of loaded data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provenance {
    /// Directory of the files, as it was named or found.
    pub dir: PathBuf,
    /// SHA-256 of each complete file that was read.
    pub digests: Vec<(DataFile, String)>,
    /// The data set to which all these files belong.
    pub info: DatasetInfo,
    /// Whether the class names are from `classes.txt`. The files of a known data set are recognised without it.
    pub has_class_names: bool,
}

impl Provenance {
    fn new(
        dir: PathBuf,
        digests: Vec<(DataFile, String)>,
        options: &Options,
    ) -> Result<Self, DataError> {
        let known = datasets::recognise(&digests);
        let named = if known.is_known() { None } else { class_names::read(&dir)? };
        let has_class_names = named.is_some();
        let info = named.unwrap_or_else(|| known.clone());
        let provenance = Self { dir, digests, info, has_class_names };
        match provenance.difference() {
            Some(difference) if !options.any_dataset => {
                Err(DataError::OtherDataset { dir: provenance.dir, difference })
            }
            _ => Ok(provenance),
        }
    }

    /// Describes how the files differ from [`datasets::DEFAULT`]. Returns `None` if they do not, or if the data set has a
    /// `classes.txt`, because it is then not mistaken for another one.
    pub fn difference(&self) -> Option<String> {
        match self.has_class_names {
            true => None,
            false => datasets::DEFAULT.difference(&self.digests),
        }
    }

    /// Returns `images` with the description of this data set.
    ///
    /// # Errors
    /// Returns an error if an image has the label of a class that `classes.txt` does not name.
    fn describe(&self, images: ImageDataset) -> Result<ImageDataset, DataError> {
        let count = self.info.classes.len();
        match images.labels().iter().find(|label| usize::from(**label) >= count) {
            Some(label) => {
                let path = self.dir.join(class_names::FILE);
                let problem = format!("has {count} names, but an image has label {label}");
                Err(DataError::Classes { path, problem })
            }
            None => Ok(images.with_info(&self.info)),
        }
    }

    /// Returns the identity of the data set, for the run record of a model that is trained on it.
    pub fn identity(&self) -> DatasetIdentity {
        let digests = self.digests.iter();
        let digests = digests.map(|(file, digest)| (file.name().to_owned(), digest.clone()));
        DatasetIdentity { names: (&self.info).into(), digests: digests.collect() }
    }
}

/// Both parts of a data set.
#[derive(Debug, Clone)]
pub struct TrainAndTest {
    /// Images for training and validation.
    pub train: ImageDataset,
    /// Test images.
    pub test: ImageDataset,
    /// Origin of the images.
    pub provenance: Provenance,
}

impl TrainAndTest {
    /// Finds, reads and checks all four files in parallel.
    ///
    /// # Errors
    /// Returns an error if a file is missing, incomplete or invalid, or if the files do not belong to an
    /// accepted data set.
    pub fn load(options: &Options) -> Result<Self, DataError> {
        let dir = source::find(options.dir.as_deref(), &DataFile::ALL)?;
        let (train, test) = rayon::join(
            || read_part(&dir, Part::Train, options),
            || read_part(&dir, Part::Test, options),
        );
        let ((train, train_digests), (test, test_digests)) = (train?, test?);
        let digests = [train_digests, test_digests].concat();
        let provenance = Provenance::new(dir, digests, options)?;
        let (train, test) = (provenance.describe(train)?, provenance.describe(test)?);
        Ok(Self { train, test, provenance })
    }
}

/// Finds, reads and checks the two files of one part. The files of the other part may be missing.
///
/// # Errors
/// Returns the errors of [`TrainAndTest::load`].
pub fn load_part(part: Part, options: &Options) -> Result<(ImageDataset, Provenance), DataError> {
    let dir = source::find(options.dir.as_deref(), &part.files())?;
    let (images, digests) = read_part(&dir, part, options)?;
    let provenance = Provenance::new(dir, digests.into(), options)?;
    Ok((provenance.describe(images)?, provenance))
}

/// Reads the files of one part and applies `options` to the images. Returns the SHA-256 of each file as well.
fn read_part(
    dir: &Path,
    part: Part,
    options: &Options,
) -> Result<(ImageDataset, [(DataFile, String); 2]), DataError> {
    let files = part.files();
    // If a file has been removed since it was found, opening it fails.
    let paths =
        files.map(|file| source::path_of(dir, file).unwrap_or_else(|| dir.join(file.name())));
    let (images, labels) = rayon::join(
        || idx::read_images(Decoded::open(&paths[0])?),
        || idx::read_labels(Decoded::open(&paths[1])?),
    );
    let [images_path, labels_path] = paths;
    let (mut images, images_digest) =
        images.map_err(|source| DataError::File { path: images_path.clone(), source })?;
    let (mut labels, labels_digest) =
        labels.map_err(|source| DataError::File { path: labels_path, source })?;
    let counts = (images.len(), labels.len());
    if counts.0 != counts.1 {
        let (images, labels) = counts;
        return Err(DataError::Counts { path: images_path, images, labels });
    }
    if let Some(limit) = options.limit {
        images.truncate(limit.get());
        images.shrink_to_fit();
        labels.truncate(limit.get());
    }
    if options.stratified && part == Part::Train {
        let order = order::stratified(&labels);
        images = order.iter().map(|index| images[*index as usize]).collect();
        labels = order.iter().map(|index| labels[*index as usize]).collect();
    }
    let digests = [(files[0], images_digest), (files[1], labels_digest)];
    Ok((ImageDataset::new(images, labels), digests))
}

//! Fashion-MNIST: files -> checked images and labels -> Burn dataset -> batches.
//!
//! [`gzip`] decompresses, [`idx`] parses, [`catalog`] knows the right files by their SHA-256, [`source`] knows where
//! they may lie, [`mod@fetch`] downloads them. [`dataset`], [`order`], [`augment`], [`scaling`] and [`batch`] turn
//! them into what a training step takes.

pub mod augment;
pub mod batch;
pub mod catalog;
pub mod dataset;
pub mod error;
pub mod gzip;
pub mod idx;
pub mod order;
pub mod scaling;
pub mod source;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

pub use augment::{Augmentation, Transform};
pub use batch::{Batch, Batches, Minibatch};
pub use catalog::{DataFile, Part};
pub use dataset::{ImageDataset, Item, SplitError};
pub use error::DataError;
pub use idx::{Image, PIXELS, SIDE};
pub use order::epoch_order;
pub use scaling::Scaling;

use gzip::Decoded;

/// The names of the classes; a label is an index here.
pub const CLASSES: [&str; 10] = [
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
];

/// Which data to load.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The directory that holds the files; without it, those of [`source`] are tried.
    pub dir: Option<PathBuf>,
    /// Whether files of the right form may be another data set than Fashion-MNIST.
    pub any_dataset: bool,
    /// Keep only the first so many images of each part. The whole files are checked all the same.
    pub limit: Option<NonZeroUsize>,
    /// Bring the training images into an order in which every stretch has all classes in proportion, so that those
    /// set aside for validation have them too.
    pub stratified: bool,
}

/// Where loaded data came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provenance {
    /// The folder of the files, as it was named or found.
    pub dir: PathBuf,
    /// The SHA-256 of each file, whole, also where only some of its images are kept.
    pub digests: Vec<(DataFile, String)>,
    /// What the files are that are not Fashion-MNIST's, which [`Options::any_dataset`] let pass.
    pub unofficial: Option<String>,
}

impl Provenance {
    fn new(
        dir: PathBuf,
        digests: Vec<(DataFile, String)>,
        options: &Options,
    ) -> Result<Self, DataError> {
        match catalog::unofficial(&digests) {
            Some(unofficial) if !options.any_dataset => {
                Err(DataError::Unofficial { dir, unofficial })
            }
            unofficial => Ok(Self { dir, digests, unofficial }),
        }
    }

    /// What the user should know of this data: a line, if it is not Fashion-MNIST.
    pub fn note(&self) -> Option<String> {
        let unofficial = self.unofficial.as_ref()?;
        Some(format!("{}: {unofficial}; used as asked", self.dir.display()))
    }
}

/// Both parts of the data set.
#[derive(Debug, Clone)]
pub struct FashionMnist {
    /// The images to train with and to validate on.
    pub train: ImageDataset,
    /// The images to test with.
    pub test: ImageDataset,
    /// Where they came from.
    pub provenance: Provenance,
}

impl FashionMnist {
    /// Finds, reads and checks all four files, on as many cores as there are.
    ///
    /// # Errors
    /// If they are not found, or one is not whole and sound, or, unless that is allowed, not Fashion-MNIST's.
    pub fn load(options: &Options) -> Result<Self, DataError> {
        let dir = source::find(options.dir.as_deref(), &DataFile::ALL)?;
        let (train, test) = rayon::join(
            || read_part(&dir, Part::Train, options),
            || read_part(&dir, Part::Test, options),
        );
        let ((train, train_digests), (test, test_digests)) = (train?, test?);
        let digests = [train_digests, test_digests].concat();
        Ok(Self { train, test, provenance: Provenance::new(dir, digests, options)? })
    }
}

/// Finds, reads and checks the two files of one part; the others need not be there.
pub fn load_part(part: Part, options: &Options) -> Result<(ImageDataset, Provenance), DataError> {
    let dir = source::find(options.dir.as_deref(), &part.files())?;
    let (images, digests) = read_part(&dir, part, options)?;
    Ok((images, Provenance::new(dir, digests.into(), options)?))
}

/// Reads the files of a part, and the SHA-256 of each; keeps and orders its images as `options` say.
fn read_part(
    dir: &Path,
    part: Part,
    options: &Options,
) -> Result<(ImageDataset, [(DataFile, String); 2]), DataError> {
    let files = part.files();
    // A file may have gone since it was found.
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
        images = order.iter().map(|place| images[*place as usize]).collect();
        labels = order.iter().map(|place| labels[*place as usize]).collect();
    }
    let digests = [(files[0], images_digest), (files[1], labels_digest)];
    Ok((ImageDataset::new(images, labels), digests))
}

//! Fashion-MNIST: files -> checked images and labels -> Burn dataset -> batches.
//!
//! [`mod@file`] decompresses, [`idx`] parses, [`catalog`] knows the right files by their SHA-256, [`source`] knows
//! where they may lie. [`dataset`], [`order`], [`augment`], [`scaling`], [`view`] and [`batch`] turn them into what a
//! training step takes. [`mod@fetch`] downloads the files, [`check`] tells right ones from others.

pub mod augment;
pub mod batch;
pub mod catalog;
pub mod check;
pub mod dataset;
#[cfg(feature = "cli")]
pub mod fetch;
pub mod file;
pub mod idx;
pub mod order;
pub mod scaling;
pub mod source;
pub mod view;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

pub use augment::{Augmentation, Change};
pub use batch::{Batch, Batches};
pub use catalog::{DataFile, Digest, Foreign, Part};
pub use dataset::{ImageDataset, Item, LabelledImages, SplitError};
pub use idx::{Image, PIXELS, SIDE};
pub use order::epoch_order;
pub use scaling::Scaling;
pub use view::{Pass, View};

use dataset::CountsDiffer;
use file::Decoded;
use idx::IdxError;
use source::SourceError;

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

/// Why the data could not be loaded.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "its message says what each field is")]
pub enum DataError {
    /// There is no directory with the files.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A file cannot be read or is not what its name says.
    #[error("{}: {source}", .path.display())]
    File { path: PathBuf, source: IdxError },
    /// A file of images and its file of labels do not belong together.
    #[error("{}: {source}", .path.display())]
    Counts {
        /// The file of images.
        path: PathBuf,
        source: CountsDiffer,
    },
    /// The files are sound but hold another data set.
    #[error("{}: {foreign}", .dir.display())]
    Foreign {
        dir: PathBuf,
        /// Which files.
        foreign: Foreign,
    },
}

impl DataError {
    /// What the user can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Source(error) => error.hint(),
            Self::File { source, .. } if source.is_io() => source.io_hint(),
            Self::File { .. } | Self::Counts { .. } => {
                Some("replace or remove the file; `lenet data fetch` downloads a sound one".into())
            }
            Self::Foreign { .. } => Some(
                "`--data DIR` names the directory of Fashion-MNIST; `--any-dataset` takes this one"
                    .into(),
            ),
        }
    }
}

/// Where loaded data came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provenance {
    /// The folder of the files, as it was named or found.
    pub dir: PathBuf,
    /// The SHA-256 of each file, whole, also where only some of its images are kept.
    pub digests: Vec<(DataFile, Digest)>,
    /// The files that are not Fashion-MNIST's, which [`Options::any_dataset`] let pass.
    pub foreign: Option<Foreign>,
}

impl Provenance {
    /// Whether all files are Fashion-MNIST's, byte for byte.
    #[must_use]
    pub fn is_official(&self) -> bool {
        self.foreign.is_none()
    }

    /// What the user should be told of this data: a line, if it is not Fashion-MNIST.
    #[must_use]
    pub fn note(&self) -> Option<String> {
        let foreign = self.foreign.as_ref()?;
        Some(format!("{}: {foreign}; used as asked", self.dir.display()))
    }
}

/// Both parts of the data set.
#[derive(Debug, Clone)]
pub struct FashionMnist {
    /// The images to train with and to validate on.
    pub train: LabelledImages,
    /// The images to test with.
    pub test: LabelledImages,
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
        let (train, test) =
            rayon::join(|| read_part(&dir, Part::Train), || read_part(&dir, Part::Test));
        let (mut train, mut digests) = train?;
        let (mut test, test_digests) = test?;
        digests.extend(test_digests);
        let provenance = verify(dir, digests, options.any_dataset)?;
        select(&mut train, Part::Train, options);
        select(&mut test, Part::Test, options);
        Ok(Self { train, test, provenance })
    }
}

/// Finds, reads and checks the two files of one part; the others need not be there.
///
/// # Errors
/// As [`FashionMnist::load`], of these two files.
pub fn load_part(part: Part, options: &Options) -> Result<(LabelledImages, Provenance), DataError> {
    let dir = source::find(options.dir.as_deref(), &part.files())?;
    let (mut images, digests) = read_part(&dir, part)?;
    let provenance = verify(dir, digests, options.any_dataset)?;
    select(&mut images, part, options);
    Ok((images, provenance))
}

/// Keeps and orders the images of a part as `options` say.
fn select(images: &mut LabelledImages, part: Part, options: &Options) {
    if let Some(limit) = options.limit {
        images.truncate(limit.get());
    }
    if options.stratified && part == Part::Train {
        images.reorder(&order::stratified(images.labels()));
    }
}

/// Images with their labels, and the SHA-256 of the two files.
type ReadPart = (LabelledImages, Vec<(DataFile, Digest)>);

fn read_part(dir: &Path, part: Part) -> Result<ReadPart, DataError> {
    let [images_file, labels_file] = part.files();
    let images_path = path(dir, images_file);
    let labels_path = path(dir, labels_file);
    let (images, labels) = rayon::join(
        || idx::read_images(Decoded::open(&images_path)?),
        || idx::read_labels(Decoded::open(&labels_path)?),
    );
    let failed = |path: &Path| {
        let path = path.to_owned();
        |source| DataError::File { path, source }
    };
    let (images, images_digest) = images.map_err(failed(&images_path))?;
    let (labels, labels_digest) = labels.map_err(failed(&labels_path))?;
    let images = LabelledImages::new(images, labels)
        .map_err(|source| DataError::Counts { path: images_path, source })?;
    let digests = vec![(images_file, images_digest), (labels_file, labels_digest)];
    Ok((images, digests))
}

/// The file's path, or that at which it would be: it may have gone since it was found.
fn path(dir: &Path, file: DataFile) -> PathBuf {
    source::path_of(dir, file).unwrap_or_else(|| dir.join(file.name()))
}

fn verify(
    dir: PathBuf,
    digests: Vec<(DataFile, Digest)>,
    any_dataset: bool,
) -> Result<Provenance, DataError> {
    let foreign = Foreign::unofficial(&digests);
    match foreign {
        Some(foreign) if !any_dataset => Err(DataError::Foreign { dir, foreign }),
        foreign => Ok(Provenance { dir, digests, foreign }),
    }
}

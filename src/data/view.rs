//! Images as a step sees them: some of a set, in an order, each changed, all scaled; still as bytes in the set.

use burn::data::dataset::Dataset;

use super::augment::Change;
use super::dataset::ImageDataset;
use super::idx::Image;
use super::scaling::Scaling;

/// One pass over images: an epoch of a training, or an evaluation.
///
/// Its batches are views, so an image crosses to a device only when a backend wants it there.
#[derive(Debug, Clone)]
pub struct Pass {
    /// The set.
    pub images: ImageDataset,
    /// Indices of its images, in the order of the pass.
    pub order: Vec<u32>,
    /// What happens to the image at each place of `order`; nothing where this is empty.
    pub changes: Vec<Change>,
    /// How pixels are scaled.
    pub scaling: Scaling,
    /// Images of a batch; the last one may have fewer.
    pub batch_size: usize,
}

impl Pass {
    /// All of `images` as they stand, raw.
    #[must_use]
    pub fn in_order(images: &ImageDataset, batch_size: usize) -> Self {
        Self {
            images: images.clone(),
            order: (0..images.len() as u32).collect(),
            changes: Vec::new(),
            scaling: Scaling::Raw,
            batch_size,
        }
    }

    /// Number of batches.
    #[must_use]
    pub fn batches(&self) -> usize {
        self.order.len().div_ceil(self.batch_size)
    }

    /// The images of batch number `batch`, counted from 0.
    ///
    /// # Panics
    /// If there is no such batch, or a change for some images only.
    #[must_use]
    pub fn batch(&self, batch: usize) -> View<'_> {
        let first = batch * self.batch_size;
        let places = first..first.saturating_add(self.batch_size).min(self.order.len());
        let changes = match self.changes.is_empty() {
            true => &[][..],
            false => &self.changes[places.clone()],
        };
        View {
            images: self.images.images(),
            labels: self.images.labels(),
            order: &self.order[places],
            changes,
            scaling: self.scaling,
        }
    }
}

/// A batch of images in place.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// The whole set.
    pub images: &'a [Image],
    /// Its labels, 0 to 9.
    pub labels: &'a [u8],
    /// The images of this batch: indices into the set.
    pub order: &'a [u32],
    /// What happens to each of them; nothing where this is empty.
    pub changes: &'a [Change],
    /// How pixels are scaled.
    pub scaling: Scaling,
}

impl<'a> View<'a> {
    /// Number of images.
    #[must_use]
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// The image at a place, before its change and scaling, the change, and its label.
    #[must_use]
    pub fn get(&self, place: usize) -> (&'a Image, Change, u8) {
        let index = self.order[place] as usize;
        let change = self.changes.get(place).copied().unwrap_or(Change::NONE);
        (&self.images[index], change, self.labels[index])
    }

    /// The images from `first` on, at most `count`.
    #[must_use]
    pub fn part(&self, first: usize, count: usize) -> Self {
        let places = first..(first + count).min(self.order.len());
        Self {
            order: &self.order[places.clone()],
            changes: self.changes.get(places).unwrap_or_default(),
            ..*self
        }
    }
}

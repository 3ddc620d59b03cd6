//! Minibatches: views of a data set with an order, a transform per image, and the pixel scaling.
//!
//! Pixels stay in the data set as bytes until a backend uploads them or converts them to tensors.

use burn::tensor::backend::Backend;
use burn::tensor::{Int, Tensor, TensorData};

use super::augment::Transform;
use super::dataset::ImageDataset;
use super::idx::{Image, PIXELS, SIDE};
use super::scaling::Scaling;

/// The minibatches of one epoch or of one evaluation.
#[derive(Debug, Clone)]
pub struct Batches {
    /// The data set.
    pub images: ImageDataset,
    /// Indices of the images to visit, in order.
    pub order: Vec<u32>,
    /// Transform of each image in `order`; empty if no image is transformed.
    pub transforms: Vec<Transform>,
    /// How pixels are scaled.
    pub scaling: Scaling,
    /// Images per batch; the last batch may be smaller.
    pub batch_size: usize,
}

impl Batches {
    /// Returns the batches of all `images` in order, untransformed, with raw pixels.
    pub fn in_order(images: &ImageDataset, batch_size: usize) -> Self {
        Self {
            images: images.clone(),
            order: (0..images.images().len() as u32).collect(),
            transforms: Vec::new(),
            scaling: Scaling::Raw,
            batch_size,
        }
    }

    /// Returns the number of batches.
    pub fn batches(&self) -> usize {
        self.order.len().div_ceil(self.batch_size)
    }

    /// Returns batch number `batch`, counted from 0.
    ///
    /// # Panics
    /// Panics if the batch does not exist, or if only some images have a transform.
    pub fn batch(&self, batch: usize) -> Minibatch<'_> {
        let whole = Minibatch {
            images: self.images.images(),
            labels: self.images.labels(),
            order: &self.order,
            transforms: &self.transforms,
            scaling: self.scaling,
        };
        whole.part(batch * self.batch_size, self.batch_size)
    }

    /// Returns the batches as tensors on `device`, in order.
    pub fn tensors<B: Backend>(&self, device: &B::Device) -> impl Iterator<Item = Batch<B>> {
        (0..self.batches()).map(move |batch| self.batch(batch).tensors(device))
    }
}

/// One batch, borrowed from its data set.
#[derive(Debug, Clone, Copy)]
pub struct Minibatch<'a> {
    /// All images of the data set.
    pub images: &'a [Image],
    /// The labels of `images`, 0 to 9.
    pub labels: &'a [u8],
    /// This batch's image indices.
    pub order: &'a [u32],
    /// One transform per image of this batch; empty if no image is transformed.
    pub transforms: &'a [Transform],
    /// How pixels are scaled.
    pub scaling: Scaling,
}

impl<'a> Minibatch<'a> {
    /// Returns the number of images.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Returns whether the batch has no images.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// Returns image number `position` of the batch, neither transformed nor scaled, its transform, and its label.
    pub fn get(&self, position: usize) -> (&'a Image, Transform, u8) {
        let index = self.order[position] as usize;
        let transform = self.transforms.get(position).copied().unwrap_or(Transform::NONE);
        (&self.images[index], transform, self.labels[index])
    }

    /// Returns at most `count` images, starting with image number `first`.
    ///
    /// # Panics
    /// Panics if `first` is past the end, or if only some images have a transform.
    pub fn part(&self, first: usize, count: usize) -> Self {
        let range = first..first.saturating_add(count).min(self.order.len());
        let transforms = match self.transforms.is_empty() {
            true => &[][..],
            false => &self.transforms[range.clone()],
        };
        Self { order: &self.order[range], transforms, ..*self }
    }

    /// Converts the images and labels to tensors on `device`.
    pub fn tensors<B: Backend>(&self, device: &B::Device) -> Batch<B> {
        let count = self.len();
        let mut bytes = vec![0; count * PIXELS];
        let mut labels = Vec::with_capacity(count);
        for (position, pixels) in bytes.as_chunks_mut().0.iter_mut().enumerate() {
            let (image, transform, label) = self.get(position);
            transform.apply(image, pixels);
            labels.push(i64::from(label));
        }
        let pixels = TensorData::new(self.scaling.apply(&bytes), [count, 1, SIDE, SIDE]);
        let labels = TensorData::new(labels, [count]);
        Batch {
            images: Tensor::from_data(pixels, device),
            labels: Tensor::from_data(labels, device),
        }
    }
}

/// N images and their labels on a device.
#[derive(Debug, Clone)]
pub struct Batch<B: Backend> {
    /// Pixels `[N, 1, 28, 28]`, scaled by [`Batches::scaling`]; 0 to 255 if raw.
    pub images: Tensor<B, 4>,
    /// Classes `[N]`, 0 to 9.
    pub labels: Tensor<B, 1, Int>,
}

#[cfg(all(test, feature = "ndarray"))]
mod tests {
    use super::*;
    use burn_ndarray::NdArray;

    /// Returns the batches of seven images in `order`. Each pixel of image i is 3 * i plus the pixel's column, and the
    /// label is i.
    fn pass(order: &[u32], batch_size: usize) -> Batches {
        let image = |index: usize| std::array::from_fn(|pixel| (3 * index + pixel % SIDE) as u8);
        let images = ImageDataset::new((0..7).map(image).collect(), (0..7).collect());
        Batches { order: order.to_vec(), ..Batches::in_order(&images, batch_size) }
    }

    /// Returns the labels and the pixels of each batch.
    fn batches(pass: &Batches) -> Vec<(Vec<i64>, Vec<f32>)> {
        let device = Default::default();
        let batches = pass.tensors::<NdArray>(&device);
        let vectors = |Batch { images, labels }: Batch<NdArray>| {
            assert_eq!(images.dims(), [labels.dims()[0], 1, SIDE, SIDE]);
            (labels.into_data().into_vec().unwrap(), images.into_data().into_vec().unwrap())
        };
        batches.map(vectors).collect()
    }

    #[test]
    fn batches_follow_order() {
        // The last batch is smaller.
        let labels: Vec<_> =
            batches(&pass(&[6, 0, 3, 1, 5], 2)).into_iter().map(|(labels, _)| labels).collect();
        assert_eq!(labels, [vec![6, 0], vec![3, 1], vec![5]]);
    }

    #[test]
    fn only_empty_batches_are_empty() {
        let pass = pass(&[4], 2);
        assert!(!pass.batch(0).is_empty());
        assert!(Minibatch { order: &[], ..pass.batch(0) }.is_empty());
    }

    #[test]
    fn batch_size_may_exceed_images() {
        // Pixels are raw, and stored row by row.
        let [(_, pixels)] = &batches(&pass(&[6, 2], usize::MAX))[..] else {
            panic!("one batch");
        };
        assert_eq!(pixels[..3], [18.0, 19.0, 20.0]);
        assert_eq!(pixels[PIXELS - 1], 18.0 + 27.0);
        assert_eq!(pixels[PIXELS], 6.0);
    }

    #[test]
    fn batch_applies_transforms_and_scaling() {
        let pass = Batches {
            transforms: vec![Transform::NONE, Transform { right: 1, ..Transform::NONE }],
            scaling: Scaling::Standardise { mean: 1.0, deviation: 2.0 },
            ..pass(&[0, 1], 1)
        };
        let rows = batches(&pass).into_iter().map(|(_, pixels)| pixels[..3].to_vec());
        assert_eq!(rows.collect::<Vec<_>>(), [vec![-0.5, 0.0, 0.5], vec![-0.5, 1.0, 1.5]]);
    }
}

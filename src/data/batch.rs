//! Batches of tensors: what a training loop written on Burn takes.

use burn::tensor::backend::Backend;
use burn::tensor::{Int, Tensor, TensorData};

use super::augment::Change;
use super::dataset::ImageDataset;
use super::idx::{PIXELS, SIDE};
use super::scaling::Scaling;
use super::view::{Pass, View};

/// N images with their labels on a device.
#[derive(Debug, Clone)]
pub struct Batch<B: Backend> {
    /// `[N, 1, 28, 28]`, raw pixels, 0 to 255, unless they were asked for otherwise.
    pub images: Tensor<B, 4>,
    /// `[N]`, classes, 0 to 9.
    pub labels: Tensor<B, 1, Int>,
}

/// The batches of an epoch, in order. The last one is short where the batch size does not divide the images.
#[derive(Debug, Clone)]
pub struct Batches<'a, B: Backend> {
    pass: Pass,
    next: usize,
    device: &'a B::Device,
}

impl<'a, B: Backend> Batches<'a, B> {
    /// Batches of `batch_size` images of `dataset`, taken in the order of the indices in `order`.
    ///
    /// # Panics
    /// If `batch_size` is zero; while iterating, if `order` names an image that is not there.
    #[must_use]
    pub fn new(
        dataset: &ImageDataset,
        order: impl Into<Vec<u32>>,
        batch_size: usize,
        device: &'a B::Device,
    ) -> Self {
        assert!(batch_size > 0, "a batch holds at least one image");
        let mut pass = Pass::in_order(dataset, batch_size);
        pass.order = order.into();
        Self { pass, next: 0, device }
    }

    /// Batches of all images of `dataset` as they stand.
    ///
    /// # Panics
    /// If `batch_size` is zero.
    #[must_use]
    pub fn in_order(dataset: &ImageDataset, batch_size: usize, device: &'a B::Device) -> Self {
        let order = Pass::in_order(dataset, batch_size.max(1)).order;
        Self::new(dataset, order, batch_size, device)
    }

    /// Changes the images: `changes` says how at each place of the order.
    ///
    /// # Panics
    /// If there is not a change for each image.
    #[must_use]
    pub fn changed(mut self, changes: Vec<Change>) -> Self {
        assert_eq!(changes.len(), self.pass.order.len(), "a change for each image");
        self.pass.changes = changes;
        self
    }

    /// Scales the pixels.
    #[must_use]
    pub fn scaled(mut self, scaling: Scaling) -> Self {
        self.pass.scaling = scaling;
        self
    }
}

impl View<'_> {
    /// The images and labels as tensors on `device`.
    #[must_use]
    pub fn batch<B: Backend>(&self, device: &B::Device) -> Batch<B> {
        let count = self.len();
        let mut bytes = vec![0; count * PIXELS];
        let mut labels = Vec::with_capacity(count);
        for (place, pixels) in bytes.as_chunks_mut().0.iter_mut().enumerate() {
            let (image, change, label) = self.get(place);
            change.apply(image, pixels);
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

impl<B: Backend> Iterator for Batches<'_, B> {
    type Item = Batch<B>;

    fn next(&mut self) -> Option<Batch<B>> {
        let batch = self.next;
        self.next += 1;
        (batch < self.pass.batches()).then(|| self.pass.batch(batch).batch(self.device))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.pass.batches().saturating_sub(self.next);
        (left, Some(left))
    }
}

impl<B: Backend> ExactSizeIterator for Batches<'_, B> {}

#[cfg(all(test, feature = "ndarray"))]
mod tests {
    use super::super::dataset::LabelledImages;
    use super::*;
    use burn_ndarray::{NdArray, NdArrayDevice};

    type B = NdArray;
    const DEVICE: NdArrayDevice = NdArrayDevice::Cpu;

    /// `count` images; every pixel of image i is 3 i plus its column, its label is i modulo 10.
    fn dataset(count: usize) -> ImageDataset {
        let image = |index: usize| std::array::from_fn(|pixel| (3 * index + pixel % SIDE) as u8);
        let labels = (0..count).map(|index| (index % 10) as u8).collect();
        let images = (0..count).map(image).collect();
        ImageDataset::new(LabelledImages::new(images, labels).unwrap())
    }

    fn labels(batch: &Batch<B>) -> Vec<i64> {
        batch.labels.to_data().into_vec().unwrap()
    }

    #[test]
    fn batches_follow_the_order_and_the_last_is_short() {
        let dataset = dataset(7);
        let batches = Batches::<B>::new(&dataset, [6, 0, 3, 1, 5], 2, &DEVICE);
        assert_eq!(batches.len(), 3);
        let all: Vec<_> = batches.map(|batch| labels(&batch)).collect();
        assert_eq!(all, [vec![6, 0], vec![3, 1], vec![5]]);
    }

    #[test]
    fn images_are_raw_pixels_row_by_row() {
        let dataset = dataset(7);
        let mut batches = Batches::<B>::new(&dataset, [6, 2], 32, &DEVICE);
        let batch = batches.next().unwrap();
        assert_eq!(batch.images.dims(), [2, 1, 28, 28]);
        let pixels: Vec<f32> = batch.images.into_data().into_vec().unwrap();
        assert_eq!(pixels[..3], [18.0, 19.0, 20.0]);
        assert_eq!(pixels[PIXELS - 1], 18.0 + 27.0);
        assert_eq!(pixels[PIXELS], 6.0);
        assert!(batches.next().is_none());
    }

    #[test]
    fn changes_and_scaling_reach_the_pixels() {
        let dataset = dataset(2);
        let right = Change { right: 1, ..Change::NONE };
        let scaling = Scaling::Standardise { mean: 1.0, deviation: 2.0 };
        let batches = Batches::<B>::in_order(&dataset, 1, &DEVICE)
            .changed(vec![Change::NONE, right])
            .scaled(scaling);
        let first =
            |batch: Batch<B>| batch.images.into_data().into_vec::<f32>().unwrap()[..3].to_vec();
        let rows: Vec<_> = batches.map(first).collect();
        assert_eq!(rows, [vec![-0.5, 0.0, 0.5], vec![-0.5, 1.0, 1.5]]);
    }

    #[test]
    fn one_batch_may_hold_more_than_there_is() {
        let dataset = dataset(1);
        let batches: Vec<_> = Batches::<B>::in_order(&dataset, usize::MAX, &DEVICE).collect();
        assert_eq!(batches.len(), 1);
        assert_eq!(batches[0].images.dims(), [1, 1, 28, 28]);
    }
}

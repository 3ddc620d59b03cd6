//! Batches: some images of a dataset, in an order, as tensors.

use std::borrow::Cow;

use burn::data::dataloader::batcher::Batcher;
use burn::data::dataset::Dataset;
use burn::tensor::backend::Backend;
use burn::tensor::{Int, Tensor, TensorData};

use super::dataset::{ImageDataset, Item};
use super::idx::{Image, PIXELS, SIDE};

/// N images with their labels on a device.
#[derive(Debug, Clone)]
pub struct Batch<B: Backend> {
    /// `[N, 1, 28, 28]`, raw pixels, 0 to 255.
    pub images: Tensor<B, 4>,
    /// `[N]`, classes, 0 to 9.
    pub labels: Tensor<B, 1, Int>,
}

impl<B: Backend> Batch<B> {
    /// Puts images with their labels into tensors on `device`.
    fn assemble<'a>(
        items: impl ExactSizeIterator<Item = (&'a Image, u8)>,
        device: &B::Device,
    ) -> Self {
        let count = items.len();
        // Shuffled images are not in the cache. Plain copies of slices wait for many of them at once, which
        // conversion does not: copying first takes 5 us for 32 images, converting at once 9 us.
        let mut bytes = Vec::with_capacity(count * PIXELS);
        let mut labels = Vec::with_capacity(count);
        for (image, label) in items {
            bytes.extend_from_slice(image);
            labels.push(i64::from(label));
        }
        let pixels: Vec<f32> = bytes.into_iter().map(f32::from).collect();
        let pixels = TensorData::new(pixels, [count, 1, SIDE, SIDE]);
        let labels = TensorData::new(labels, [count]);
        Self {
            images: Tensor::from_data(pixels, device),
            labels: Tensor::from_data(labels, device),
        }
    }
}

/// Makes batches of items, for Burn's own data loaders.
#[derive(Debug, Clone, Copy, Default)]
pub struct ImageBatcher;

impl<B: Backend> Batcher<B, Item, Batch<B>> for ImageBatcher {
    fn batch(&self, items: Vec<Item>, device: &B::Device) -> Batch<B> {
        Batch::assemble(items.iter().map(|item| (&item.pixels, item.label)), device)
    }
}

/// The batches of an epoch, in order. The last one is short where the batch size does not divide the images.
///
/// They are made straight from the dataset's images: 6 us for 32 of them, 11 through Burn's [`Dataset::get`].
#[derive(Debug, Clone)]
pub struct Batches<'a, B: Backend> {
    dataset: &'a ImageDataset,
    order: Cow<'a, [u32]>,
    batch_size: usize,
    /// Index in `order` of the next batch's first image.
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
        dataset: &'a ImageDataset,
        order: impl Into<Cow<'a, [u32]>>,
        batch_size: usize,
        device: &'a B::Device,
    ) -> Self {
        assert!(batch_size > 0, "a batch holds at least one image");
        Self {
            dataset,
            order: order.into(),
            batch_size,
            next: 0,
            device,
        }
    }

    /// Batches of all images of `dataset` as they stand.
    ///
    /// # Panics
    /// If `batch_size` is zero.
    #[must_use]
    pub fn in_order(dataset: &'a ImageDataset, batch_size: usize, device: &'a B::Device) -> Self {
        let order: Vec<u32> = (0..dataset.len() as u32).collect();
        Self::new(dataset, order, batch_size, device)
    }

    /// Leaves out the batches before number `batch`, counted from 0: where an interrupted epoch goes on.
    #[must_use]
    pub fn starting_at(mut self, batch: usize) -> Self {
        self.next = batch.saturating_mul(self.batch_size).min(self.order.len());
        self
    }
}

impl<B: Backend> Iterator for Batches<'_, B> {
    type Item = Batch<B>;

    fn next(&mut self) -> Option<Batch<B>> {
        let end = self
            .next
            .saturating_add(self.batch_size)
            .min(self.order.len());
        let chosen = &self.order[self.next..end];
        self.next = end;
        let (images, labels) = (self.dataset.images(), self.dataset.labels());
        let items = chosen
            .iter()
            .map(|index| (&images[*index as usize], labels[*index as usize]));
        (!chosen.is_empty()).then(|| Batch::assemble(items, self.device))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = (self.order.len() - self.next).div_ceil(self.batch_size);
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
        let batches = Batches::<B>::new(&dataset, &[6, 0, 3, 1, 5][..], 2, &DEVICE);
        assert_eq!(batches.len(), 3);
        let all: Vec<_> = batches.map(|batch| labels(&batch)).collect();
        assert_eq!(all, [vec![6, 0], vec![3, 1], vec![5]]);
    }

    #[test]
    fn images_are_raw_pixels_row_by_row() {
        let dataset = dataset(7);
        let batch = Batches::<B>::new(&dataset, &[6, 2][..], 32, &DEVICE)
            .next()
            .unwrap();
        assert_eq!(batch.images.dims(), [2, 1, 28, 28]);
        let pixels: Vec<f32> = batch.images.into_data().into_vec().unwrap();
        assert_eq!(pixels[..3], [18.0, 19.0, 20.0]);
        assert_eq!(pixels[PIXELS - 1], 18.0 + 27.0);
        assert_eq!(pixels[PIXELS], 6.0);
    }

    #[test]
    fn an_interrupted_epoch_goes_on_where_it_was() {
        let dataset = dataset(10);
        let whole: Vec<_> = Batches::<B>::in_order(&dataset, 3, &DEVICE)
            .map(|batch| labels(&batch))
            .collect();
        for start in 0..=5 {
            let rest = Batches::<B>::in_order(&dataset, 3, &DEVICE).starting_at(start);
            assert_eq!(rest.len(), whole.len().saturating_sub(start));
            let rest: Vec<_> = rest.map(|batch| labels(&batch)).collect();
            assert_eq!(rest, whole[start.min(4)..]);
        }
    }

    #[test]
    fn one_batch_may_hold_more_than_there_is() {
        let dataset = dataset(1);
        let batches: Vec<_> = Batches::<B>::in_order(&dataset, usize::MAX, &DEVICE).collect();
        assert_eq!(batches.len(), 1);
        assert_eq!(batches[0].images.dims(), [1, 1, 28, 28]);
    }

    #[test]
    fn burns_batcher_makes_the_same_batch() {
        let dataset = dataset(4);
        let items = [3, 1].map(|index| dataset.get(index).unwrap()).to_vec();
        let theirs: Batch<B> = ImageBatcher.batch(items, &DEVICE);
        let ours = Batches::<B>::new(&dataset, &[3, 1][..], 2, &DEVICE)
            .next()
            .unwrap();
        assert_eq!(theirs.images.to_data(), ours.images.to_data());
        assert_eq!(labels(&theirs), labels(&ours));
    }
}

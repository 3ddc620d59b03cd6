//! Images as a step sees them: some of a set, in an order, each changed, all scaled; as bytes in the set, where an
//! image crosses to a device only when a backend wants it there, or as tensors.

use burn::tensor::backend::Backend;
use burn::tensor::{Int, Tensor, TensorData};

use super::augment::Transform;
use super::dataset::ImageDataset;
use super::idx::{Image, PIXELS, SIDE};
use super::scaling::Scaling;

/// One pass over images: an epoch of a training, or an evaluation.
#[derive(Debug, Clone)]
pub struct Batches {
    /// The set.
    pub images: ImageDataset,
    /// Indices of its images, in the order of the pass.
    pub order: Vec<u32>,
    /// What happens to the image at each place of `order`; nothing where this is empty.
    pub transforms: Vec<Transform>,
    /// How pixels are scaled.
    pub scaling: Scaling,
    /// Images of a batch; the last one may have fewer.
    pub batch_size: usize,
}

impl Batches {
    /// All of `images` as they stand, raw.
    pub fn in_order(images: &ImageDataset, batch_size: usize) -> Self {
        Self {
            images: images.clone(),
            order: (0..images.images().len() as u32).collect(),
            transforms: Vec::new(),
            scaling: Scaling::Raw,
            batch_size,
        }
    }

    /// Number of batches.
    pub fn batches(&self) -> usize {
        self.order.len().div_ceil(self.batch_size)
    }

    /// The images of batch number `batch`, counted from 0.
    ///
    /// # Panics
    /// If there is no such batch, or a change for some images only.
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

    /// Its batches as tensors on `device`, in order.
    pub fn tensors<B: Backend>(&self, device: &B::Device) -> impl Iterator<Item = Batch<B>> {
        (0..self.batches()).map(move |batch| self.batch(batch).tensors(device))
    }
}

/// A batch of images in place.
#[derive(Debug, Clone, Copy)]
pub struct Minibatch<'a> {
    /// The whole set.
    pub images: &'a [Image],
    /// Its labels, 0 to 9.
    pub labels: &'a [u8],
    /// The images of this batch: indices into the set.
    pub order: &'a [u32],
    /// What happens to each of them; nothing where this is empty.
    pub transforms: &'a [Transform],
    /// How pixels are scaled.
    pub scaling: Scaling,
}

impl<'a> Minibatch<'a> {
    /// Number of images.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// The image at a place, before its change and scaling, the change, and its label.
    pub fn get(&self, place: usize) -> (&'a Image, Transform, u8) {
        let index = self.order[place] as usize;
        let change = self.transforms.get(place).copied().unwrap_or(Transform::NONE);
        (&self.images[index], change, self.labels[index])
    }

    /// The images from `first` on, at most `count`.
    ///
    /// # Panics
    /// If `first` is beyond the end, or there is a change for some images only.
    pub fn part(&self, first: usize, count: usize) -> Self {
        let places = first..first.saturating_add(count).min(self.order.len());
        let transforms = match self.transforms.is_empty() {
            true => &[][..],
            false => &self.transforms[places.clone()],
        };
        Self { order: &self.order[places], transforms, ..*self }
    }

    /// The images and labels as tensors on `device`.
    pub fn tensors<B: Backend>(&self, device: &B::Device) -> Batch<B> {
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

/// N images with their labels on a device.
#[derive(Debug, Clone)]
pub struct Batch<B: Backend> {
    /// `[N, 1, 28, 28]`, raw pixels, 0 to 255, unless they were asked for otherwise.
    pub images: Tensor<B, 4>,
    /// `[N]`, classes, 0 to 9.
    pub labels: Tensor<B, 1, Int>,
}

#[cfg(all(test, feature = "ndarray"))]
mod tests {
    use super::*;
    use burn_ndarray::NdArray;

    /// The first seven of images whose every pixel is 3 i plus its column, in some order; the label of image i is i.
    fn pass(order: &[u32], batch_size: usize) -> Batches {
        let image = |index: usize| std::array::from_fn(|pixel| (3 * index + pixel % SIDE) as u8);
        let images = ImageDataset::new((0..7).map(image).collect(), (0..7).collect());
        Batches { order: order.to_vec(), ..Batches::in_order(&images, batch_size) }
    }

    /// Of each batch its labels and its pixels.
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
    fn batches_follow_the_order_and_the_last_is_short() {
        let labels: Vec<_> =
            batches(&pass(&[6, 0, 3, 1, 5], 2)).into_iter().map(|(labels, _)| labels).collect();
        assert_eq!(labels, [vec![6, 0], vec![3, 1], vec![5]]);
    }

    #[test]
    fn images_are_raw_pixels_row_by_row_and_a_batch_may_hold_more_than_there_are() {
        let [(_, pixels)] = &batches(&pass(&[6, 2], usize::MAX))[..] else {
            panic!("one batch");
        };
        assert_eq!(pixels[..3], [18.0, 19.0, 20.0]);
        assert_eq!(pixels[PIXELS - 1], 18.0 + 27.0);
        assert_eq!(pixels[PIXELS], 6.0);
    }

    #[test]
    fn changes_and_scaling_reach_the_pixels() {
        let pass = Batches {
            transforms: vec![Transform::NONE, Transform { right: 1, ..Transform::NONE }],
            scaling: Scaling::Standardise { mean: 1.0, deviation: 2.0 },
            ..pass(&[0, 1], 1)
        };
        let rows = batches(&pass).into_iter().map(|(_, pixels)| pixels[..3].to_vec());
        assert_eq!(rows.collect::<Vec<_>>(), [vec![-0.5, 0.0, 0.5], vec![-0.5, 1.0, 1.5]]);
    }
}

//! Augmentation: small random changes to the training images, different in each epoch.

use serde::{Deserialize, Serialize};

use crate::random::{Purpose, below, stream};

use super::dataset::ImageDataset;
use super::idx::{Image, PIXELS, SIDE};

/// Random changes to training images. The default changes nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Augmentation {
    /// Whether to flip each image horizontally in every second epoch: images with an even index in odd epochs, images
    /// with an odd index in even epochs (the alternating flip of Jordan 2024, "94% on CIFAR-10 in 3.29 seconds"). Only
    /// classes that the data set marks as [`flippable`](super::DatasetInfo::flippable) are flipped.
    pub flip: bool,
    /// Maximum shift in pixels, vertically and horizontally. All shifts up to this maximum are equally likely, and the
    /// pixels that a shift uncovers become black.
    pub shift: u8,
    /// Number of final epochs without augmentation, so that the last training images look like those that the model will see.
    pub clean_epochs: usize,
}

impl Augmentation {
    /// Returns whether augmentation is enabled, but not in the final epochs.
    pub fn ends_early(self) -> bool {
        self.changes_images() && self.clean_epochs > 0
    }

    fn changes_images(self) -> bool {
        self.flip || self.shift > 0
    }

    /// Returns the transforms of an epoch, one for each image in `order`, which lists indices into `images`. `epoch`
    /// counts from 1 to `epochs`. The result depends only on the arguments.
    pub fn sample(
        self,
        order: &[u32],
        images: &ImageDataset,
        seed: u64,
        epoch: usize,
        epochs: usize,
    ) -> Vec<Transform> {
        let is_over = epochs.saturating_sub(epoch) < self.clean_epochs;
        if is_over || !self.changes_images() {
            return vec![Transform::NONE; order.len()];
        }
        let (labels, info) = (images.labels(), images.info());
        let mut rng = stream(seed, Purpose::Augmentation, epoch as u64);
        let sample = |image: &u32| {
            let shift = i32::from(self.shift);
            let mut distance = || match shift {
                0 => 0,
                _ => below(&mut rng, 2 * shift as u32 + 1) as i32 - shift,
            };
            let (down, right) = (distance(), distance());
            let image = *image as usize;
            let flip = self.flip && (image + epoch) % 2 == 1 && info.may_flip(labels[image]);
            Transform { flip, down, right }
        };
        order.iter().map(sample).collect()
    }
}

/// The change of one image, which is flipped first and then shifted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transform {
    /// Whether to swap left and right.
    pub flip: bool,
    /// Shift down in pixels; negative values shift up.
    pub down: i32,
    /// Shift to the right in pixels; negative values shift to the left.
    pub right: i32,
}

impl Transform {
    /// The transform that leaves an image unchanged.
    pub const NONE: Self = Self { flip: false, down: 0, right: 0 };

    /// Writes the transformed `image` to `to`.
    pub fn apply(self, image: &Image, to: &mut Image) {
        if self == Self::NONE {
            *to = *image;
            return;
        }
        let mut image = *image;
        if self.flip {
            image.as_chunks_mut::<SIDE>().0.iter_mut().for_each(|row| row.reverse());
        }
        let side = SIDE as i32;
        let (down, right) = (self.down.clamp(-side, side), self.right.clamp(-side, side));
        // In the sequence of all pixels, a shift moves every pixel by the same distance.
        let distance = down * side + right;
        let (from, start) = ((-distance).max(0) as usize, distance.max(0) as usize);
        let length = PIXELS.saturating_sub(from.max(start));
        *to = [0; PIXELS];
        to[start.min(PIXELS)..][..length].copy_from_slice(&image[from.min(PIXELS)..][..length]);
        // Pixels that left one side of the image entered the next or the previous row.
        let entered = match right {
            0.. => 0..right as usize,
            _ => (side + right) as usize..SIDE,
        };
        if !entered.is_empty() {
            to.as_chunks_mut::<SIDE>().0.iter_mut().for_each(|row| row[entered.clone()].fill(0));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::FASHION_MNIST;

    fn changed(change: Transform, image: &Image) -> Vec<u8> {
        let mut bytes = [9; PIXELS];
        change.apply(image, &mut bytes);
        bytes.to_vec()
    }

    #[test]
    fn apply_matches_pixel_formula() {
        let image: Image = std::array::from_fn(|pixel| (pixel % 251) as u8 + 1);
        let side = SIDE as i32;
        for flip in [false, true] {
            for (down, right) in [(0, 0), (1, 0), (-2, 1), (3, -3), (0, 28), (40, 0), (0, -40)] {
                let found = changed(Transform { flip, down, right }, &image);
                for row in 0..side {
                    for column in 0..side {
                        let (y, mut x) = (row - down, column - right);
                        let inside = (0..side).contains(&y) && (0..side).contains(&x);
                        if flip {
                            x = side - 1 - x;
                        }
                        let expected = if inside { image[(y * side + x) as usize] } else { 0 };
                        assert_eq!(found[(row * side + column) as usize], expected);
                    }
                }
            }
        }
    }

    #[test]
    fn samples_are_reproducible_and_uniform() {
        let augmentation = Augmentation { flip: true, shift: 1, clean_epochs: 2 };
        let order: Vec<u32> = (0..20_000).collect();
        let labels = order.iter().map(|image| (image / 2 % 10) as u8).collect();
        let images = ImageDataset::new(vec![[0; PIXELS]; order.len()], labels);
        let images = images.with_info(&FASHION_MNIST);
        let sample = |seed, epoch| augmentation.sample(&order, &images, seed, epoch, 5);
        let transforms = sample(1, 1);
        assert_eq!(sample(1, 1), transforms);
        assert_ne!(sample(1, 2), transforms);
        assert_ne!(sample(2, 1), transforms);
        let mut counts = std::collections::BTreeMap::new();
        for Transform { down, right, .. } in &transforms {
            *counts.entry((down, right)).or_insert(0_u32) += 1;
        }
        assert_eq!(counts.len(), 9);
        // The expected count of each shift is 2,222 with a standard deviation of 44.
        assert!(counts.values().all(|count| count.abs_diff(2222) < 220), "{counts:?}");
        // All images but the shoes are flipped in exactly one of two consecutive epochs.
        let pairs = transforms.iter().zip(sample(1, 2)).zip(images.labels());
        for ((one, two), label) in pairs {
            assert_eq!(one.flip ^ two.flip, ![5, 7, 9].contains(label));
        }
        let flips = transforms.iter().filter(|change| change.flip).count();
        assert_eq!(flips, 7_000);
        let none = Augmentation::default().sample(&order, &images, 1, 1, 1);
        assert!(none.iter().all(|change| *change == Transform::NONE));
        let changing = |epoch: &usize| sample(1, *epoch).iter().any(|c| *c != Transform::NONE);
        assert_eq!((1..=5).filter(changing).collect::<Vec<_>>(), [1, 2, 3]);
    }
}

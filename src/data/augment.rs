//! Augmentation: training images changed a little, another way each epoch.

use serde::{Deserialize, Serialize};

use crate::random::{Purpose, below, stream};

use super::idx::{Image, PIXELS, SIDE};

/// Sandal, sneaker and ankle boot.
const SHOES: [u8; 3] = [5, 7, 9];

/// How training images may be changed. The default transforms nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Augmentation {
    /// Whether left and right are swapped in every second epoch: in the images of even index in one, of odd index in the
    /// next (the alternating flip of Jordan 2024, "94% on CIFAR-10 in 3.29 seconds"). Shoes, which all face one way, stay.
    pub flip: bool,
    /// Up to so many pixels an image is moved, down or up and right or left, each distance as likely as the
    /// others. What is moved in is background.
    pub shift: u8,
    /// So many epochs at the end show the images as they are: they learn what the network will see.
    pub clean_epochs: usize,
}

impl Augmentation {
    /// Whether it does anything, and stops doing so before the last epoch.
    pub fn ends_early(self) -> bool {
        self.changes_images() && self.clean_epochs > 0
    }

    fn changes_images(self) -> bool {
        self.flip || self.shift > 0
    }

    /// What happens to each image in the order in which `epoch` of `epochs`, counted from 1, visits them: indices into a
    /// set with these labels. A function of its arguments alone.
    pub fn draw(
        self,
        order: &[u32],
        labels: &[u8],
        seed: u64,
        epoch: usize,
        epochs: usize,
    ) -> Vec<Transform> {
        let is_over = epochs.saturating_sub(epoch) < self.clean_epochs;
        if is_over || !self.changes_images() {
            return vec![Transform::NONE; order.len()];
        }
        let mut rng = stream(seed, Purpose::Augmentation, epoch as u64);
        let draw = |image: &u32| {
            let shift = i32::from(self.shift);
            let mut distance = || match shift {
                0 => 0,
                _ => below(&mut rng, 2 * shift as u32 + 1) as i32 - shift,
            };
            let (down, right) = (distance(), distance());
            let image = *image as usize;
            let flip = self.flip && (image + epoch) % 2 == 1 && !SHOES.contains(&labels[image]);
            Transform { flip, down, right }
        };
        order.iter().map(draw).collect()
    }
}

/// What happens to one image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transform {
    /// Left and right are swapped, before the image is moved.
    pub flip: bool,
    /// Pixels that it is moved down; up if negative.
    pub down: i32,
    /// Pixels that it is moved to the right; to the left if negative.
    pub right: i32,
}

impl Transform {
    /// Nothing happens.
    pub const NONE: Self = Self { flip: false, down: 0, right: 0 };

    /// Writes `image`, changed, to `to`.
    pub fn apply(self, image: &Image, to: &mut Image) {
        if self == Self::NONE {
            *to = *image;
            return;
        }
        *to = [0; PIXELS];
        let (rows, _) = to.as_chunks_mut::<SIDE>();
        let side = SIDE as i32;
        // Of the image's columns, those that stay inside.
        let columns =
            (-self.right).clamp(0, side) as usize..(side - self.right).clamp(0, side) as usize;
        let start = self.right.clamp(0, side) as usize;
        for (row, from) in image.as_chunks::<SIDE>().0.iter().enumerate() {
            let Some(target) =
                usize::try_from(row as i32 + self.down).ok().and_then(|row| rows.get_mut(row))
            else {
                continue;
            };
            let mut from = *from;
            if self.flip {
                from.reverse();
            }
            target[start..start + columns.len()].copy_from_slice(&from[columns.clone()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(change: Transform, image: &Image) -> Vec<u8> {
        let mut bytes = [9; PIXELS];
        change.apply(image, &mut bytes);
        bytes.to_vec()
    }

    #[test]
    fn each_pixel_goes_where_the_change_says() {
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
    fn draws_are_a_function_of_seed_and_epoch_and_equally_likely() {
        let augmentation = Augmentation { flip: true, shift: 1, clean_epochs: 2 };
        let order: Vec<u32> = (0..20_000).collect();
        let labels: Vec<u8> = order.iter().map(|image| (image / 2 % 10) as u8).collect();
        let draw = |seed, epoch| augmentation.draw(&order, &labels, seed, epoch, 5);
        let transforms = draw(1, 1);
        assert_eq!(draw(1, 1), transforms);
        assert_ne!(draw(1, 2), transforms);
        assert_ne!(draw(2, 1), transforms);
        let mut counts = std::collections::BTreeMap::new();
        for Transform { down, right, .. } in &transforms {
            *counts.entry((down, right)).or_insert(0_u32) += 1;
        }
        assert_eq!(counts.len(), 9);
        // 2,222 each, standard deviation 44.
        assert!(counts.values().all(|count| count.abs_diff(2222) < 220), "{counts:?}");
        // Each image in one of two epochs, but for the shoes.
        let pairs = transforms.iter().zip(draw(1, 2)).zip(&labels);
        for ((one, two), label) in pairs {
            assert_eq!(one.flip ^ two.flip, ![5, 7, 9].contains(label));
        }
        let flips = transforms.iter().filter(|change| change.flip).count();
        assert_eq!(flips, 7_000);
        let none = Augmentation::default().draw(&order, &labels, 1, 1, 1);
        assert!(none.iter().all(|change| *change == Transform::NONE));
        let changing = |epoch: &usize| draw(1, *epoch).iter().any(|c| *c != Transform::NONE);
        assert_eq!((1..=5).filter(changing).collect::<Vec<_>>(), [1, 2, 3]);
    }
}

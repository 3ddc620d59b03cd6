//! Images, orders and changes as the words that the kernels read.

use crate::data::{Image, Scaling, Transform};
use crate::optim::Sgd;

use super::layout::{IMAGE_WORDS, state};

/// The code of an image that stays as it is.
pub const UNCHANGED: u32 = code(Transform::NONE);

/// The word that says what happens to an image: distances plus 32 in a byte each, down first, then 1 for a flip.
///
/// An image has 28 rows and columns, so that moving it by more shows nothing of it either.
pub const fn code(change: Transform) -> u32 {
    const fn distance(pixels: i32) -> u32 {
        let pixels = match pixels {
            ..-28 => -28,
            29.. => 28,
            _ => pixels,
        };
        (pixels + 32) as u32
    }
    distance(change.down) | distance(change.right) << 8 | (change.flip as u32) << 16
}

/// Adds an image and its label to `words`.
pub fn image(words: &mut Vec<u32>, image: &Image, label: u8) {
    let pixels = image.as_chunks().0.iter();
    words.extend(pixels.map(|bytes| u32::from_le_bytes(*bytes)));
    words.push(u32::from(label));
}

/// Images, each with its label.
pub fn images(images: &[Image], labels: &[u8]) -> Vec<u32> {
    let mut words = Vec::with_capacity(images.len() * IMAGE_WORDS);
    for (pixels, label) in images.iter().zip(labels) {
        image(&mut words, pixels, *label);
    }
    words
}

/// The places of an order: for each the number of its image and the code of what happens to it.
pub fn places(order: &[u32], transforms: &[Transform]) -> Vec<u32> {
    let changes = transforms.iter().map(|change| code(*change));
    let changes = transforms.chain(std::iter::repeat(UNCHANGED));
    let places = order.iter().zip(changes);
    places.flat_map(|(image, change)| [*image, change]).collect()
}

/// What holds for a pass over `count` images that begins at place `next`: see [`state`].
pub fn state(
    next: usize,
    count: usize,
    batch_size: usize,
    scaling: Scaling,
    sgd: Sgd,
    rates: &[f32],
) -> Vec<u32> {
    let (mean, deviation) = match scaling {
        Scaling::Raw => (0.0, 1.0),
        Scaling::Standardise { mean, deviation } => (mean, deviation),
    };
    let mut words = vec![0; state::RATES];
    words[state::NEXT] = next as u32;
    words[state::BEGUN] = next as u32;
    words[state::COUNT] = count as u32;
    words[state::BATCH] = batch_size as u32;
    words[state::MEAN] = mean.to_bits();
    words[state::DEVIATION] = deviation.to_bits();
    words[state::MOMENTUM] = sgd.momentum.to_bits();
    words[state::DECAY] = sgd.weight_decay.to_bits();
    words[state::MUON_DECAY] = sgd.muon.map_or(0.0, |muon| muon.weight_decay).to_bits();
    words.extend(rates.iter().map(|rate| rate.to_bits()));
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::PIXELS;

    #[test]
    fn four_pixels_make_a_word_and_the_label_the_last() {
        let pixels: Image = std::array::from_fn(|pixel| (pixel % 256) as u8);
        let words = images(&[[0; PIXELS], pixels], &[3, 9]);
        assert_eq!(words.len(), 2 * 197);
        assert_eq!((words[0], words[196]), (0, 3));
        assert_eq!(words[197], 0x03_02_01_00);
        assert_eq!(words[2 * 197 - 1], 9);
    }

    #[test]
    fn every_change_has_a_code_of_its_own_until_nothing_is_left_of_the_image() {
        assert_eq!(UNCHANGED, 32 | 32 << 8);
        let change = |flip, down, right| code(Transform { flip, down, right });
        assert_eq!(change(true, -1, 2), 31 | 34 << 8 | 1 << 16);
        assert_eq!(change(false, -300, 400), change(false, -28, 28));
    }

    #[test]
    fn an_order_without_changes_leaves_every_image_as_it_is() {
        assert_eq!(places(&[7, 2], &[]), [7, UNCHANGED, 2, UNCHANGED]);
        let flip = Transform { flip: true, ..Transform::NONE };
        assert_eq!(places(&[5], &[flip]), [5, UNCHANGED | 1 << 16]);
    }
}

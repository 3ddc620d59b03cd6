//! Packs images, orders and transforms into the words that the kernels read.

use crate::data::{Image, Scaling, Transform};
use crate::optim::Sgd;

use super::layout::{IMAGE_WORDS, epoch};

/// Code of the transform that changes nothing.
pub const UNCHANGED: u32 = code(Transform::NONE);

/// Returns the code of a transform: the distances plus 32 in one byte each, down first, then 1 for a flip.
///
/// Distances are limited to 28, the size of an image, because larger shifts leave nothing of the image either.
const fn code(transform: Transform) -> u32 {
    const fn distance(pixels: i32) -> u32 {
        let pixels = match pixels {
            ..-28 => -28,
            29.. => 28,
            _ => pixels,
        };
        (pixels + 32) as u32
    }
    distance(transform.down) | distance(transform.right) << 8 | (transform.flip as u32) << 16
}

/// Appends an image and its label to `words`.
fn image(words: &mut Vec<u32>, image: &Image, label: u8) {
    let pixels = image.as_chunks().0.iter();
    words.extend(pixels.map(|bytes| u32::from_le_bytes(*bytes)));
    words.push(u32::from(label));
}

/// Packs images, each with its label.
pub fn images(images: &[Image], labels: &[u8]) -> Vec<u32> {
    let mut words = Vec::with_capacity(images.len() * IMAGE_WORDS);
    for (pixels, label) in images.iter().zip(labels) {
        image(&mut words, pixels, *label);
    }
    words
}

/// Packs an order: the index of each image and the code of its transform.
pub fn order(order: &[u32], transforms: &[Transform]) -> Vec<u32> {
    let codes = transforms.iter().map(|transform| code(*transform));
    let codes = codes.chain(std::iter::repeat(UNCHANGED));
    order.iter().zip(codes).flat_map(|(image, code)| [*image, code]).collect()
}

/// Packs the constants of an epoch of `count` images that starts at index `next` of the order; see [`mod@epoch`].
pub fn epoch(
    next: usize,
    count: usize,
    batch_size: usize,
    scaling: Scaling,
    sgd: Sgd,
    learning_rates: &[f32],
) -> Vec<u32> {
    let (mean, deviation) = match scaling {
        Scaling::Raw => (0.0, 1.0),
        Scaling::Standardise { mean, deviation } => (mean, deviation),
    };
    let mut words = vec![0; epoch::LEARNING_RATES];
    words[epoch::NEXT] = next as u32;
    words[epoch::CURRENT] = next as u32;
    words[epoch::COUNT] = count as u32;
    words[epoch::BATCH_SIZE] = batch_size as u32;
    words[epoch::MEAN] = mean.to_bits();
    words[epoch::DEVIATION] = deviation.to_bits();
    words[epoch::MOMENTUM] = sgd.momentum.to_bits();
    words[epoch::WEIGHT_DECAY] = sgd.weight_decay.to_bits();
    words[epoch::MUON_WEIGHT_DECAY] = sgd.muon.map_or(0.0, |muon| muon.weight_decay).to_bits();
    words.extend(learning_rates.iter().map(|rate| rate.to_bits()));
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::PIXELS;

    #[test]
    fn images_pack_four_pixels_per_word() {
        let pixels: Image = std::array::from_fn(|pixel| (pixel % 256) as u8);
        let words = images(&[[0; PIXELS], pixels], &[3, 9]);
        assert_eq!(words.len(), 2 * 197);
        assert_eq!((words[0], words[196]), (0, 3));
        assert_eq!(words[197], 0x03_02_01_00);
        assert_eq!(words[2 * 197 - 1], 9);
    }

    #[test]
    fn transform_codes_are_distinct_and_limited() {
        assert_eq!(UNCHANGED, 32 | 32 << 8);
        let coded = |flip, down, right| code(Transform { flip, down, right });
        assert_eq!(coded(true, -1, 2), 31 | 34 << 8 | 1 << 16);
        assert_eq!(coded(false, -300, 400), coded(false, -28, 28));
    }

    #[test]
    fn order_packs_index_and_transform() {
        assert_eq!(order(&[7, 2], &[]), [7, UNCHANGED, 2, UNCHANGED]);
        let flip = Transform { flip: true, ..Transform::NONE };
        assert_eq!(order(&[5], &[flip]), [5, UNCHANGED | 1 << 16]);
    }
}

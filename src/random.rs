//! Random number streams that depend only on (seed, purpose, epoch).
//!
//! No state is carried from one epoch to the next. A resumed run therefore gets the same numbers as an uninterrupted one, on
//! any backend and with any number of threads. The algorithms are fixed: ChaCha with 8 rounds (D. J. Bernstein, 2008), floats
//! from the upper 24 bits of a word, and integers by Lemire's method. Changing an algorithm would change the weights that each
//! seed gives.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// The purpose of a stream. Streams with different purposes are independent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Initial weights.
    Weights,
    /// The order of the training images.
    Shuffle,
    /// Augmentation of the training images.
    Augmentation,
    /// Division of imported pictures into training and test images.
    Split,
}

/// Creates the stream of (`seed`, `purpose`, `epoch`).
///
/// The key of the generator consists of these three numbers, as 64-bit little-endian integers, so every stream has a different
/// key. Callers must draw only 32-bit words, so that every draw advances the stream by the same amount.
pub fn stream(seed: u64, purpose: Purpose, epoch: u64) -> ChaCha8Rng {
    let purpose: u64 = match purpose {
        Purpose::Weights => 0,
        Purpose::Shuffle => 1,
        Purpose::Augmentation => 2,
        Purpose::Split => 3,
    };
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(&purpose.to_le_bytes());
    key[16..24].copy_from_slice(&epoch.to_le_bytes());
    ChaCha8Rng::from_seed(key)
}

/// Draws a number from [0, 1): one of the 2^24 multiples of 2^-24, all equally likely.
pub fn uniform(rng: &mut ChaCha8Rng) -> f32 {
    (rng.next_u32() >> 8) as f32 / (1 << 24) as f32
}

/// Draws a uniform integer from [0, `bound`).
///
/// Implements algorithm 5 of D. Lemire, "Fast Random Integer Generation in an Interval", 2019.
///
/// # Panics
/// Panics if `bound` is zero.
pub fn below(rng: &mut ChaCha8Rng, bound: u32) -> u32 {
    assert!(bound > 0, "the bound must not be zero");
    let mut draw = || u64::from(rng.next_u32()) * u64::from(bound);
    let mut product = draw();
    // Reject the words that would make some results more likely than others. The first comparison is nearly always false, so
    // the division is rarely computed.
    if (product as u32) < bound {
        let surplus = bound.wrapping_neg() % bound;
        while (product as u32) < surplus {
            product = draw();
        }
    }
    (product >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    // The expected numbers come from an independent implementation in Python.

    fn words<const N: usize>(seed: u64, purpose: Purpose, epoch: u64) -> [u32; N] {
        let mut rng = stream(seed, purpose, epoch);
        std::array::from_fn(|_| rng.next_u32())
    }

    #[test]
    fn streams_match_reference() {
        assert_eq!(
            words(42, Purpose::Weights, 1),
            [0x56df_9571, 0xe6cf_b28c, 0x191e_134d, 0xcbae_25a4]
        );
        assert_eq!(
            words(42, Purpose::Shuffle, 1),
            [0x8e48_bf0f, 0xd689_8089, 0xe44a_d813, 0x8113_5d1c]
        );
        assert_eq!(
            words(42, Purpose::Augmentation, 1),
            [0x1b00_8f25, 0x955d_07ab, 0xb8a0_0b44, 0xe8a6_0631]
        );
        assert_eq!(
            words(u64::MAX, Purpose::Augmentation, 7),
            [0x65b9_3d55, 0x3864_e8da, 0x591b_4e77]
        );
        // Word 99 is beyond the generator's buffer of 64 words.
        assert_eq!(words::<100>(0, Purpose::Weights, 0)[99], 0xa30a_3574);
    }

    #[test]
    fn streams_depend_on_whole_key() {
        let reference: [u32; 4] = words(42, Purpose::Shuffle, 1);
        assert_ne!(reference, words(43, Purpose::Shuffle, 1));
        assert_ne!(reference, words(42, Purpose::Augmentation, 1));
        assert_ne!(reference, words(42, Purpose::Shuffle, 2));
        // Swapping seed and epoch gives another stream.
        assert_ne!(words::<4>(1, Purpose::Shuffle, 2), words::<4>(2, Purpose::Shuffle, 1));
    }

    #[test]
    fn uniform_matches_reference() {
        let mut rng = stream(42, Purpose::Weights, 0);
        assert_eq!(
            std::array::from_fn(|_| uniform(&mut rng)),
            [0.099_848_27_f32, 0.348_254_44, 0.088_347_85, 0.285_698_53]
        );
        let draws: Vec<f32> = (0..100_000).map(|_| uniform(&mut rng)).collect();
        assert!(draws.iter().all(|x| (0.0..1.0).contains(x)));
        let mean = draws.iter().sum::<f32>() / draws.len() as f32;
        assert!((mean - 0.5).abs() < 0.005, "mean {mean}");
    }

    #[test]
    fn bounded_integers_match_reference() {
        let mut rng = stream(42, Purpose::Shuffle, 1);
        assert_eq!(
            std::array::from_fn(|_| below(&mut rng, 10)),
            [5, 8, 8, 5, 1, 8, 6, 7, 9, 7, 1, 6]
        );
        // With this bound, one word in four is rejected.
        let mut rng = stream(42, Purpose::Shuffle, 1);
        assert_eq!(
            std::array::from_fn(|_| below(&mut rng, 3 << 30)),
            [
                1_790_349_131,
                2_699_501_670,
                2_872_582_670,
                340_905_651,
                2_607_671_540,
                2_093_701_172
            ]
        );
    }

    #[test]
    fn bounded_integers_are_uniform() {
        let mut rng = stream(7, Purpose::Shuffle, 0);
        let mut counts = [0_u32; 6];
        for _ in 0..60_000 {
            counts[below(&mut rng, 6) as usize] += 1;
        }
        // Each count has mean 10,000 and standard deviation 91.
        assert!(counts.iter().all(|count| count.abs_diff(10_000) < 456), "{counts:?}");
        assert_eq!(below(&mut rng, 1), 0);
    }
}

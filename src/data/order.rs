//! Orders of images: the shuffled order of an epoch, and the stratified order of the validation split.

use rand_chacha::ChaCha8Rng;

use crate::random::{Purpose, below, stream};

/// Returns the indices 0 to `count` - 1 in the order of this epoch, which depends only on the arguments.
pub fn epoch_order(count: u32, seed: u64, epoch: u64) -> Vec<u32> {
    shuffled(count, &mut stream(seed, Purpose::Shuffle, epoch))
}

/// Returns the indices 0 to `count` - 1 in random order.
///
/// All orders are equally likely (Fisher and Yates; Knuth, "The Art of Computer Programming", 3.4.2, algorithm P).
pub fn shuffled(count: u32, rng: &mut ChaCha8Rng) -> Vec<u32> {
    let mut order: Vec<u32> = (0..count).collect();
    for last in (1..count).rev() {
        let chosen = below(rng, last + 1);
        order.swap(last as usize, chosen as usize);
    }
    order
}

/// Returns the indices of `labels`, ordered so that any contiguous range has roughly the class proportions of the whole.
///
/// Image i of the n images of a class, counted from 0, has the sort key (i + 1/2) / n. Ties keep their order.
pub fn stratified(labels: &[u8]) -> Vec<u32> {
    let mut sizes = [0_u32; 256];
    let ranks: Vec<u32> = labels
        .iter()
        .map(|label| {
            let size = &mut sizes[usize::from(*label)];
            *size += 1;
            *size - 1
        })
        .collect();
    let position = |index: u32| {
        let size = sizes[usize::from(labels[index as usize])];
        (f64::from(ranks[index as usize]) + 0.5) / f64::from(size)
    };
    let mut order: Vec<u32> = (0..labels.len() as u32).collect();
    order.sort_by(|a, b| position(*a).total_cmp(&position(*b)));
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_match_reference() {
        // An independent implementation in Python computed these values.
        assert_eq!(epoch_order(10, 42, 1), [9, 1, 6, 2, 4, 0, 3, 8, 7, 5]);
        assert_eq!(epoch_order(10, 42, 2), [5, 4, 9, 1, 6, 2, 7, 0, 3, 8]);
        assert_eq!(epoch_order(10, 43, 1), [0, 1, 7, 8, 9, 2, 6, 3, 4, 5]);
        let order = epoch_order(54_000, 42, 1);
        assert_eq!(order[..8], [29_969, 27_027, 40_067, 14_429, 610, 4_733, 36_531, 13_313]);
        assert_eq!(order[53_997..], [48_153, 45_253, 30_013]);
    }

    #[test]
    fn order_has_every_index_once() {
        for count in [0, 1, 2, 1000] {
            let mut order = epoch_order(count, 3, 9);
            order.sort_unstable();
            assert!(order.into_iter().eq(0..count));
        }
    }

    #[test]
    fn stratified_order_keeps_proportions() {
        assert!(stratified(&[]).is_empty());
        assert_eq!(stratified(&[1, 1, 1, 0, 0, 0]), [0, 3, 1, 4, 2, 5]);
        // The classes have 100, 200, .. 1,000 images.
        let labels: Vec<u8> =
            (0..10).flat_map(|class| vec![class; 100 * (usize::from(class) + 1)]).collect();
        let order = stratified(&labels);
        let mut sorted = order.clone();
        sorted.sort_unstable();
        assert!(sorted.into_iter().eq(0..5500));
        for length in [1, 10, 55, 550, 1000, 5499] {
            let end = &order[5500 - length..];
            for class in 0..10_u8 {
                let found = end.iter().filter(|index| labels[**index as usize] == class).count();
                let share = length as f64 * f64::from(class + 1) / 55.0;
                assert!(
                    (found as f64 - share).abs() <= 1.5,
                    "{length}, class {class}: {found} for {share}"
                );
            }
        }
    }

    #[test]
    fn orders_are_uniformly_distributed() {
        let mut counts = std::collections::BTreeMap::new();
        for epoch in 0..6000 {
            *counts.entry(epoch_order(3, 1, epoch)).or_insert(0_u32) += 1;
        }
        assert_eq!(counts.len(), 6);
        // The expected count of each order is 1,000 with a standard deviation of 29.
        assert!(counts.values().all(|count| count.abs_diff(1000) < 145), "{counts:?}");
    }
}

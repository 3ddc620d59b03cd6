//! The order in which an epoch visits the training images.

use crate::random::{Purpose, below, stream};

/// The indices 0 to `count` - 1 in the order of this epoch: a function of (`seed`, `epoch`) alone.
///
/// Every order is as likely as any other (Fisher and Yates; Knuth, "The Art of Computer Programming", 3.4.2,
/// algorithm P).
#[must_use]
pub fn epoch_order(count: u32, seed: u64, epoch: u64) -> Vec<u32> {
    let mut rng = stream(seed, Purpose::Shuffle, epoch);
    let mut order: Vec<u32> = (0..count).collect();
    for last in (1..count).rev() {
        let chosen = below(&mut rng, last + 1);
        order.swap(last as usize, chosen as usize);
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_never_drift() {
        // From an implementation in Python, written apart from this one.
        assert_eq!(epoch_order(10, 42, 1), [9, 1, 6, 2, 4, 0, 3, 8, 7, 5]);
        assert_eq!(epoch_order(10, 42, 2), [5, 4, 9, 1, 6, 2, 7, 0, 3, 8]);
        assert_eq!(epoch_order(10, 43, 1), [0, 1, 7, 8, 9, 2, 6, 3, 4, 5]);
        let order = epoch_order(54_000, 42, 1);
        assert_eq!(
            order[..8],
            [29_969, 27_027, 40_067, 14_429, 610, 4_733, 36_531, 13_313]
        );
        assert_eq!(order[53_997..], [48_153, 45_253, 30_013]);
    }

    #[test]
    fn an_order_holds_every_index_once() {
        for count in [0, 1, 2, 1000] {
            let mut order = epoch_order(count, 3, 9);
            order.sort_unstable();
            assert!(order.into_iter().eq(0..count));
        }
    }

    #[test]
    fn all_orders_of_three_are_equally_likely() {
        let mut counts = std::collections::BTreeMap::new();
        for epoch in 0..6000 {
            *counts.entry(epoch_order(3, 1, epoch)).or_insert(0_u32) += 1;
        }
        assert_eq!(counts.len(), 6);
        // 1,000 each, standard deviation 29.
        assert!(
            counts.values().all(|count| count.abs_diff(1000) < 145),
            "{counts:?}"
        );
    }
}

//! Divides pictures into a training part and a test part, without copying them.

use crate::data::datasets::CLASSES;
use crate::data::order::shuffled;
use crate::random::{Purpose, stream};

/// Divides pictures with these labels so that `fraction` of each class, rounded, are in the second part: at least one, but not
/// the only one. Returns the indices of the pictures of each part.
pub(super) fn divide(labels: &[usize], fraction: f64, seed: u64) -> [Vec<usize>; 2] {
    let mut sizes = [0_u32; CLASSES];
    labels.iter().for_each(|label| sizes[*label] += 1);
    let is_test = |label: usize| {
        let size = sizes[label];
        let count = (f64::from(size) * fraction).round() as u32;
        let count = count.max(1).min(size.saturating_sub(1));
        let order = shuffled(size, &mut stream(seed, Purpose::Split, label as u64));
        let mut is_test = vec![false; size as usize];
        order.iter().take(count as usize).for_each(|index| is_test[*index as usize] = true);
        is_test.into_iter()
    };
    // For each class, the parts of its pictures in order.
    let mut parts: Vec<_> = (0..CLASSES).map(is_test).collect();
    let (test, train) =
        (0..labels.len()).partition(|index| parts[labels[*index]].next() == Some(true));
    [train, test]
}

/// Shuffles each part, because the validation images are the last ones of the training part.
pub(super) fn shuffle(parts: [Vec<usize>; 2], seed: u64) -> [Vec<usize>; 2] {
    let mut number = CLASSES as u64;
    parts.map(|indices| {
        let order = shuffled(indices.len() as u32, &mut stream(seed, Purpose::Split, number));
        number += 1;
        order.iter().map(|index| indices[*index as usize]).collect()
    })
}

/// Moves `items[order[i]]` to position i, for each i. `order` contains each position once.
pub(super) fn arrange<T>(items: &mut [T], mut order: Vec<usize>) {
    for start in 0..items.len() {
        // Each swap puts one item of a cycle in its place. The first item of the cycle is carried to the end.
        let mut at = start;
        while order[at] != start {
            let next = order[at];
            items.swap(at, next);
            order[at] = at;
            at = next;
        }
        order[at] = at;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_is_divided_in_proportion() {
        let labels = [vec![0; 40], vec![1; 11], vec![2; 2], vec![3]].concat();
        let of = |seed| shuffle(divide(&labels, 0.2, seed), seed);
        let [train, test] = of(1);
        let count =
            |part: &[usize], label| part.iter().filter(|index| labels[**index] == label).count();
        assert_eq!([0, 1, 2, 3].map(|label| count(&test, label)), [8, 2, 1, 0]);
        assert_eq!(train.len() + test.len(), labels.len());
        assert_eq!(of(1), of(1));
        assert_ne!(of(1)[1], of(2)[1]);
        // The last tenth of the training part has several classes.
        let last = labels[train[train.len() - 1]];
        assert!(train[train.len() - 10..].iter().any(|index| labels[*index] != last));
    }

    #[test]
    fn items_are_arranged_in_place() {
        let order: Vec<usize> =
            shuffled(100, &mut stream(1, Purpose::Split, 0)).iter().map(|i| *i as usize).collect();
        let mut items: Vec<_> = (0..100).collect();
        arrange(&mut items, order.clone());
        assert_eq!(items, order);
    }
}

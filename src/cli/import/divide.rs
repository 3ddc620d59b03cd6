//! Divides pictures into a training part and a test part.

use super::Picture;
use crate::data::datasets::CLASSES;
use crate::data::order::shuffled;
use crate::random::{Purpose, stream};

/// Divides `pictures` so that `fraction` of each class, rounded, are in the second part: at least one, but not the only one.
pub(super) fn divide(pictures: Vec<Picture>, fraction: f64, seed: u64) -> [Vec<Picture>; 2] {
    let mut sizes = [0_u32; CLASSES];
    pictures.iter().for_each(|picture| sizes[picture.label] += 1);
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
        pictures.into_iter().partition(|picture| parts[picture.label].next() == Some(true));
    [train, test]
}

/// Shuffles each part, because the validation images are the last ones of the training part.
pub(super) fn shuffle(parts: [Vec<Picture>; 2], seed: u64) -> [Vec<Picture>; 2] {
    let mut number = CLASSES as u64;
    parts.map(|pictures| {
        let order = shuffled(pictures.len() as u32, &mut stream(seed, Purpose::Split, number));
        number += 1;
        let mut pictures: Vec<_> = pictures.into_iter().map(Some).collect();
        order.iter().filter_map(|index| pictures[*index as usize].take()).collect()
    })
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn pictures(labels: &[usize]) -> Vec<Picture> {
        let picture = |(index, label): (usize, &usize)| Picture {
            path: PathBuf::from(index.to_string()),
            label: *label,
            image: [0; 784],
            inverted: false,
            doubt: None,
            digest: [0; 32],
        };
        labels.iter().enumerate().map(picture).collect()
    }

    #[test]
    fn every_class_is_divided_in_proportion() {
        let labels = [vec![0; 40], vec![1; 11], vec![2; 2], vec![3]].concat();
        let [train, test] = shuffle(divide(pictures(&labels), 0.2, 1), 1);
        let count = |part: &[Picture], label| part.iter().filter(|p| p.label == label).count();
        assert_eq!([0, 1, 2, 3].map(|label| count(&test, label)), [8, 2, 1, 0]);
        assert_eq!(train.len() + test.len(), labels.len());
        let paths = |parts: [Vec<Picture>; 2]| parts.map(|part| part.into_iter().map(|p| p.path));
        let of =
            |seed| paths(shuffle(divide(pictures(&labels), 0.2, seed), seed)).map(Vec::from_iter);
        assert_eq!(of(1), of(1));
        assert_ne!(of(1)[1], of(2)[1]);
        // The last tenth of the training part has several classes.
        assert!(train[train.len() - 10..].iter().any(|p| p.label != train[train.len() - 1].label));
    }
}

//! Reading IDX files: every way in which their bytes can be cut off, damaged or lying.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};

use super::common::{gzip, idx_images, idx_labels, images, labels};
use lenet::data::file::Decoded;
use lenet::data::idx::{IdxError, Kind, MAX_ITEMS, read_images, read_labels};
use lenet::data::{Digest, Image};
use proptest::prelude::*;

pub fn images_of(bytes: &[u8]) -> Result<(Vec<Image>, Digest), IdxError> {
    read_images(Decoded::new(bytes, bytes.len() as u64)?)
}

pub fn labels_of(bytes: &[u8]) -> Result<(Vec<u8>, Digest), IdxError> {
    read_labels(Decoded::new(bytes, bytes.len() as u64)?)
}

// Cut off

#[test]
fn every_cut_of_a_header_is_an_error_of_the_header() {
    let is_cut = |error: IdxError, end, whole| matches!(error, IdxError::Header { found, expected } if (found, expected) == (end, whole));
    for end in 0..16 {
        for bytes in [images(0, 2)[..end].to_vec(), gzip(&images(0, 2)[..end])] {
            assert!(is_cut(images_of(&bytes).unwrap_err(), end, 16), "images cut at {end}");
        }
    }
    for end in 0..8 {
        for bytes in [labels(0, 2)[..end].to_vec(), gzip(&labels(0, 2)[..end])] {
            assert!(is_cut(labels_of(&bytes).unwrap_err(), end, 8), "labels cut at {end}");
        }
    }
}

#[test]
fn a_cut_payload_is_an_error_with_both_sizes() {
    let whole = images(0, 3);
    let cut = &whole[..whole.len() - 1];
    assert!(matches!(images_of(cut), Err(IdxError::TooSmall { promised: 2368, at_most: 2367 })));
    assert!(matches!(
        images_of(&gzip(cut)),
        Err(IdxError::TooShort { promised: 2368, found: 2367 })
    ));
}

#[test]
fn a_file_that_shrinks_or_grows_while_it_is_read_is_an_error_or_read_as_it_was() {
    let whole = images(0, 3);
    let length = whole.len() as u64;
    let shrunk = read_images(Decoded::new(&whole[..1000], length).unwrap());
    assert!(matches!(shrunk, Err(IdxError::TooShort { found: 1000, .. })));

    // The files are replaced by others, of other lengths, as fast as the disk takes them.
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("images.gz");
    let versions = [images(0, 30), images(50, 30)];
    let digests = versions.each_ref().map(|bytes| images_of(bytes).unwrap().1);
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let packed = versions.each_ref().map(|bytes| gzip(bytes));
            while !stop.load(Ordering::Relaxed) {
                packed.iter().for_each(|bytes| fs::write(&path, bytes).unwrap());
            }
        });
        for _ in 0..300 {
            if let Ok((_, digest)) =
                Decoded::open(&path).map_err(IdxError::from).and_then(read_images)
            {
                assert!(digests.contains(&digest));
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
}

// Damaged

/// What a changed file may do: be refused, or, where the change means nothing, as in the time stamp, hold the very same content.
fn refused_or_equal(changed: &[u8], digest: Digest) -> bool {
    images_of(changed).map_or(true, |(_, found)| found == digest)
}

#[test]
fn every_bit_of_a_gzip_file_is_guarded() {
    let sound = gzip(&images(0, 4));
    let digest = images_of(&sound).unwrap().1;
    for bit in 0..8 * sound.len() {
        let mut changed = sound.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(refused_or_equal(&changed, digest), "bit {bit}");
        // The checksum and the length are the last eight bytes.
        let trailer = bit / 8 >= sound.len() - 8;
        assert!(!trailer || images_of(&changed).is_err(), "bit {bit}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1000) })]

    #[test]
    fn random_bit_flips_never_change_what_is_loaded(
        flips in prop::collection::vec((any::<prop::sample::Index>(), 0..8_u32), 1..4),
    ) {
        let sound = gzip(&images(0, 30));
        let digest = images_of(&sound).unwrap().1;
        let mut changed = sound.clone();
        for (index, bit) in flips {
            changed[index.index(sound.len())] ^= 1_u8 << bit;
        }
        prop_assert!(refused_or_equal(&changed, digest));
    }

    #[test]
    fn random_bytes_after_a_magic_number_never_panic(
        magic in prop::sample::select(vec![
            vec![], vec![0x1f, 0x8b], vec![0x1f, 0x8b, 8], vec![0, 0, 8, 3], vec![0, 0, 8, 1],
        ]),
        rest in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let bytes = [magic, rest].concat();
        prop_assert!(images_of(&bytes).is_err());
        if let Ok((labels, _)) = labels_of(&bytes) {
            prop_assert_eq!(labels.len(), bytes.len() - 8);
        }
    }
}

// Lying

#[test]
fn a_wrong_magic_number_is_shown_beside_the_right_one() {
    let text = |result: Result<_, IdxError>| match result {
        Err(error @ IdxError::Magic { .. }) => error.to_string(),
        other => panic!("accepted, or another error: {other:?}"),
    };
    let given_labels = text(images_of(&labels(0, 20)));
    assert!(
        given_labels.contains("0x00000801") && given_labels.contains("0x00000803"),
        "{given_labels}"
    );
    for magic in [0x0D03, 0x0308_0000, 0x0804, 0, u32::MAX] {
        text(images_of(&idx_images([magic, 1, 28, 28], &[0; 784])));
    }
    for magic in [0x0803, 0x0D01, 0x0108_0000] {
        assert!(matches!(
            labels_of(&idx_labels([magic, 1], &[0])),
            Err(IdxError::Magic { kind: Kind::Labels, found }) if found == magic
        ));
    }
}

#[test]
fn counts_that_lie_are_refused() {
    let pixels = [7; 2 * 784];
    for count in [3, 1, 1 << 31, u32::MAX] {
        let bytes = idx_images([0x0803, count, 28, 28], &pixels);
        for bytes in [gzip(&bytes), bytes] {
            let error = images_of(&bytes).unwrap_err();
            let expected = match count {
                1 => matches!(error, IdxError::TooLong { promised: 800 }),
                3 => matches!(
                    error,
                    IdxError::TooShort { promised: 2368, .. }
                        | IdxError::TooSmall { promised: 2368, .. }
                ),
                _ => matches!(error, IdxError::TooMany { count: found, .. } if found == count),
            };
            assert!(expected, "{count}: {error}");
        }
    }
    assert!(matches!(
        images_of(&gzip(&idx_images([0x0803, MAX_ITEMS, 28, 28], &pixels))),
        Err(IdxError::TooSmall { .. })
    ));
}

#[test]
fn images_of_another_size_are_refused() {
    let refused = |bytes: Vec<u8>, rows, columns| {
        let found = images_of(&bytes);
        assert!(
            matches!(found, Err(IdxError::Size { rows: r, columns: c }) if (r, c) == (rows, columns)),
            "{rows}x{columns}"
        );
    };
    for (rows, columns) in [(27, 28), (28, 27), (0, 28), (65_536, 65_536), (u32::MAX, u32::MAX)] {
        refused(idx_images([0x0803, 1, rows, columns], &[0; 784]), rows, columns);
    }
    // As many pixels, in another shape.
    for (rows, columns) in [(14, 56), (56, 14)] {
        refused(idx_images([0x0803, 1, rows, columns], &[7; 784]), rows, columns);
    }
}

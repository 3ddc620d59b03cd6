//! Reading IDX files: every way in which their bytes can be cut off, damaged or lying.

#![allow(clippy::unwrap_used)]

mod common;

use std::fs;
use std::io::{self, BufReader, Cursor, Read};
use std::sync::atomic::{AtomicBool, Ordering};

use common::{gzip, idx_images, idx_labels, images, labels};
use flate2::{Compress, Compression, FlushCompress};
use lenet::data::file::{Decoded, FileError};
use lenet::data::idx::{IdxError, Kind, MAX_ITEMS, read_images, read_labels};
use lenet::data::{Digest, Image};
use proptest::prelude::*;

fn images_of(bytes: &[u8]) -> Result<(Vec<Image>, Digest), IdxError> {
    read_images(Decoded::new(bytes, bytes.len() as u64)?)
}

fn labels_of(bytes: &[u8]) -> Result<(Vec<u8>, Digest), IdxError> {
    read_labels(Decoded::new(bytes, bytes.len() as u64)?)
}

// Cut off

#[test]
fn every_cut_of_a_header_is_an_error_of_the_header() {
    for end in 0..16 {
        for bytes in [images(0, 2)[..end].to_vec(), gzip(&images(0, 2)[..end])] {
            assert!(
                matches!(images_of(&bytes), Err(IdxError::Header { found, expected: 16 }) if found == end),
                "images cut at {end}"
            );
        }
    }
    for end in 0..8 {
        for bytes in [labels(0, 2)[..end].to_vec(), gzip(&labels(0, 2)[..end])] {
            assert!(
                matches!(labels_of(&bytes), Err(IdxError::Header { found, expected: 8 }) if found == end),
                "labels cut at {end}"
            );
        }
    }
}

#[test]
fn every_cut_of_a_gzip_file_is_an_error() {
    let bytes = gzip(&images(0, 20));
    for end in 2..bytes.len() {
        let error = images_of(&bytes[..end]).unwrap_err();
        assert!(
            matches!(
                error,
                IdxError::File(FileError::CutOff) | IdxError::TooSmall { .. }
            ),
            "cut at {end}: {error}"
        );
        assert!(error.to_string().starts_with("truncated"), "{error}");
    }
}

#[test]
fn a_cut_payload_is_an_error_with_both_sizes() {
    let whole = images(0, 3);
    let cut = &whole[..whole.len() - 1];
    assert!(matches!(
        images_of(cut),
        Err(IdxError::TooSmall {
            promised: 2368,
            at_most: 2367
        })
    ));
    assert!(matches!(
        images_of(&gzip(cut)),
        Err(IdxError::TooShort {
            promised: 2368,
            found: 2367
        })
    ));
}

#[test]
fn a_file_that_shrinks_or_grows_while_it_is_read_is_an_error_or_read_as_it_was() {
    let whole = images(0, 3);
    let length = whole.len() as u64;
    let shrunk = read_images(Decoded::new(&whole[..1000], length).unwrap());
    assert!(matches!(
        shrunk,
        Err(IdxError::TooShort { found: 1000, .. })
    ));

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
                packed
                    .iter()
                    .for_each(|bytes| fs::write(&path, bytes).unwrap());
            }
        });
        for _ in 0..300 {
            if let Ok((_, digest)) = Decoded::open(&path)
                .map_err(IdxError::from)
                .and_then(read_images)
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
    for (rows, columns) in [
        (27, 28),
        (28, 27),
        (0, 28),
        (65_536, 65_536),
        (u32::MAX, u32::MAX),
    ] {
        assert!(matches!(
            images_of(&idx_images([0x0803, 1, rows, columns], &[0; 784])),
            Err(IdxError::Size { rows: r, columns: c }) if (r, c) == (rows, columns)
        ));
    }
}

// More than there should be

#[test]
fn anything_after_the_payload_is_refused() {
    let whole = labels(0, 5);
    let longer = [&whole[..], &[0]].concat();
    for bytes in [gzip(&longer), longer] {
        assert!(matches!(
            labels_of(&bytes),
            Err(IdxError::TooLong { promised: 13 })
        ));
    }
    // After the gzip data: garbage, and the zeros with which tape and block copies pad.
    for tail in [&b"x"[..], &[0; 512]] {
        let bytes = [&gzip(&whole), tail].concat();
        assert!(matches!(
            labels_of(&bytes),
            Err(IdxError::File(FileError::TrailingBytes))
        ));
    }
}

#[test]
fn gzip_members_are_read_as_one_file() {
    let whole = images(0, 5);
    let digest = images_of(&gzip(&whole)).unwrap().1;
    for cuts in [vec![1000], vec![16, 1000], vec![3, 3, 2000]] {
        let mut bytes = Vec::new();
        let mut start = 0;
        for end in cuts.into_iter().chain([whole.len()]) {
            bytes.extend(gzip(&whole[start..end]));
            start = end;
        }
        assert_eq!(images_of(&bytes).unwrap().1, digest);
    }
    let empty_last = [gzip(&whole), gzip(b"")].concat();
    assert_eq!(images_of(&empty_last).unwrap().1, digest);
}

/// Counts the bytes that pass.
struct Counted<R> {
    inner: R,
    passed: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.passed += count as u64;
        Ok(count)
    }
}

/// Reads `start`, then `block` over and over.
struct Endless {
    start: Cursor<Vec<u8>>,
    block: Cursor<Vec<u8>>,
}

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.start.read(buffer)? {
            0 => {
                if self.block.position() == self.block.get_ref().len() as u64 {
                    self.block.set_position(0);
                }
                self.block.read(buffer)
            }
            count => Ok(count),
        }
    }
}

/// A gzip file that begins with `start` and goes on with zeros for ever: a megabyte of them in a kilobyte.
fn endless_zeros(start: &[u8]) -> Endless {
    let flushed = |bytes: &[u8]| {
        let mut block = Vec::with_capacity(bytes.len() + 1000);
        let mut compress = Compress::new(Compression::best(), false);
        compress
            .compress_vec(bytes, &mut block, FlushCompress::Full)
            .unwrap();
        block
    };
    let gzip_header = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    Endless {
        start: Cursor::new([gzip_header, flushed(start)].concat()),
        block: Cursor::new(flushed(&vec![0; 1 << 20])),
    }
}

/// The error of reading an endless file, and how many of its bytes were taken.
fn error_of_endless(file: Endless) -> (IdxError, u64) {
    let mut counted = Counted {
        inner: file,
        passed: 0,
    };
    let reader = BufReader::with_capacity(64, &mut counted);
    let error = read_images(Decoded::new(reader, 1 << 30).unwrap()).unwrap_err();
    (error, counted.passed)
}

#[test]
fn a_bomb_is_left_where_it_contradicts_its_header() {
    let (error, taken) = error_of_endless(endless_zeros(&[]));
    assert!(matches!(error, IdxError::Magic { found: 0, .. }), "{error}");
    assert!(taken < 1000, "{taken} bytes taken");

    // 10 MB of images, then zeros without end: about 10 kB are read, no more.
    let count = 13_000;
    let header = idx_images([0x0803, count, 28, 28], &[]);
    let (error, taken) = error_of_endless(endless_zeros(&header));
    let promised = 16 + u64::from(count) * 784;
    assert!(
        matches!(error, IdxError::TooLong { promised: p } if p == promised),
        "{error}"
    );
    assert!(taken < 15_000, "{taken} bytes taken");
}

#[test]
fn endless_plain_zeros_are_left_too() {
    let file = Endless {
        start: Cursor::new(idx_images([0x0803, 10, 28, 28], &[])),
        block: Cursor::new(vec![0; 1000]),
    };
    let (error, taken) = error_of_endless(file);
    assert!(matches!(error, IdxError::TooLong { promised: 7856 }));
    assert!(taken < 10_000, "{taken} bytes taken");
}

#[test]
fn giant_fields_in_the_gzip_header_are_refused() {
    // Flags: 8 a file name, 16 a comment, both ended by a zero byte.
    for flags in [8, 16] {
        let mut bytes = vec![0x1f, 0x8b, 8, flags, 0, 0, 0, 0, 0, 255];
        bytes.extend(vec![b'a'; 5 << 20]);
        bytes.push(0);
        bytes.extend(&gzip(&images(0, 1))[10..]);
        let error = images_of(&bytes).unwrap_err();
        assert!(
            matches!(error, IdxError::File(FileError::Damaged(_))),
            "{error}"
        );
    }
}

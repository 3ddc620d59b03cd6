//! Reading of IDX files that are truncated, corrupt or too long, or whose headers are wrong.

use std::fs;
use std::io::{self, BufReader, Read};
use std::sync::atomic::{AtomicBool, Ordering};

use super::common::{gzip, idx_images, idx_labels, images, labels};
use flate2::{Compress, Compression, FlushCompress};
use lenet::data::Image;
use lenet::data::error::IdxError;
use lenet::data::gzip::Decoded;
use lenet::data::idx::{MAX_ITEMS, read_images, read_labels};
use proptest::prelude::*;

fn images_of(bytes: &[u8]) -> Result<(Vec<Image>, String), IdxError> {
    read_images(Decoded::new(bytes, bytes.len() as u64)?)
}

fn labels_of(bytes: &[u8]) -> Result<(Vec<u8>, String), IdxError> {
    read_labels(Decoded::new(bytes, bytes.len() as u64)?)
}

/// Returns the errors of reading these bytes as images, uncompressed and compressed.
fn image_errors(bytes: &[u8]) -> [String; 2] {
    [bytes.to_vec(), gzip(bytes)].map(|bytes| images_of(&bytes).unwrap_err().to_string())
}

// Truncated

#[test]
fn truncated_header_is_rejected() {
    let error = |end: usize, length: usize| {
        format!("truncated: expected an IDX header of {length} bytes, found {end}")
    };
    assert_eq!(image_errors(&[]), ["is not an IDX file of images: found an empty file"; 2]);
    for end in 1..16 {
        assert_eq!(image_errors(&images(0, 2)[..end]), [error(end, 16), error(end, 16)]);
    }
    for end in 1..8 {
        for bytes in [labels(0, 2)[..end].to_vec(), gzip(&labels(0, 2)[..end])] {
            assert_eq!(labels_of(&bytes).unwrap_err().to_string(), error(end, 8));
        }
    }
}

#[test]
fn truncated_data_is_rejected() {
    let complete = images(0, 3);
    let [plain, packed] = image_errors(&complete[..complete.len() - 1]);
    let start = "truncated: the header declares 2368 bytes, but the file";
    assert_eq!(plain, format!("{start} can hold at most 2367"));
    assert_eq!(packed, format!("{start} holds 2367"));
}

#[test]
fn read_of_changing_file_is_consistent() {
    let complete = images(0, 3);
    let length = complete.len() as u64;
    let shrunk = read_images(Decoded::new(&complete[..1000], length).unwrap()).unwrap_err();
    assert!(shrunk.to_string().ends_with("the file holds 1000"), "{shrunk}");

    // One thread keeps overwriting the file with two versions of different lengths. Each read fails or returns the
    // content of one version.
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
            if let Ok((_, digest)) = Decoded::open(&path).and_then(read_images) {
                assert!(digests.contains(&digest));
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
}

// Corrupt

/// Returns whether a changed file is rejected or still has the content with this digest. The content stays the same if the
/// change is insignificant, for example in the time stamp.
fn is_rejected_or_equal(changed: &[u8], digest: &str) -> bool {
    images_of(changed).map_or(true, |(_, found)| found == digest)
}

#[test]
fn flipped_bit_is_detected_or_insignificant() {
    let valid = gzip(&images(0, 4));
    let digest = images_of(&valid).unwrap().1;
    for bit in 0..8 * valid.len() {
        let mut changed = valid.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(is_rejected_or_equal(&changed, &digest), "bit {bit}");
        // The trailer, which is the last eight bytes, holds the checksum and the length.
        let is_trailer = bit / 8 >= valid.len() - 8;
        assert!(!is_trailer || images_of(&changed).is_err(), "bit {bit}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1000) })]

    #[test]
    fn random_flips_are_detected_or_insignificant(
        flips in prop::collection::vec((any::<prop::sample::Index>(), 0..8_u32), 1..4),
    ) {
        let valid = gzip(&images(0, 30));
        let digest = images_of(&valid).unwrap().1;
        let mut changed = valid.clone();
        for (index, bit) in flips {
            changed[index.index(valid.len())] ^= 1_u8 << bit;
        }
        prop_assert!(is_rejected_or_equal(&changed, &digest));
    }

    #[test]
    fn random_bytes_never_panic(
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

// Wrong headers

#[test]
fn wrong_magic_number_is_reported() {
    let error = |kind: &str, found: u32, expected: u32| {
        format!(
            "is not an IDX file of {kind}: magic number {found:#010x}, expected {expected:#010x}"
        )
    };
    let given_labels = error("images", 0x0801, 0x0803);
    assert_eq!(image_errors(&labels(0, 20)), [given_labels.clone(), given_labels]);
    for magic in [0x0308_0000, 0x0805, 0x0703, 0, u32::MAX] {
        let [plain, _] = image_errors(&idx_images([magic, 1, 28, 28], &[0; 784]));
        assert_eq!(plain, error("images", magic, 0x0803));
    }
    for magic in [0x0803, 0x0108_0000] {
        let found = labels_of(&idx_labels([magic, 1], &[0])).unwrap_err();
        assert_eq!(found.to_string(), error("labels", magic, 0x0801));
    }
    // The error describes valid IDX files of another kind. The labels of QMNIST have eight numbers per image.
    for (magic, other) in [(0x0D03, "32-bit floats with 3"), (0x0804, "bytes with 4")] {
        let [plain, _] = image_errors(&idx_images([magic, 1, 28, 28], &[0; 784]));
        let expected = error("images", magic, 0x0803);
        assert_eq!(plain, format!("{expected}: {other} dimensions, expected bytes with 3"));
    }
    let found = labels_of(&idx_labels([0x0C02, 1], &[0])).unwrap_err();
    assert!(matches!(found, IdxError::Unsupported(_)), "{found:?}");
    assert!(
        found.to_string().ends_with("32-bit integers with 2 dimensions, expected bytes with 1")
    );
}

#[test]
fn wrong_counts_are_rejected() {
    let errors = |count| image_errors(&idx_images([0x0803, count, 28, 28], &[7; 2 * 784]));
    let too_many = |count: u32| {
        format!("the header declares {count} images, more than the limit of {MAX_ITEMS}")
    };
    for (count, plain, packed) in [
        (
            1,
            "trailing bytes: the file holds more than the 800 bytes that its header declares",
            "trailing bytes: the file holds more than the 800 bytes that its header declares",
        ),
        (
            3,
            "truncated: the header declares 2368 bytes, but the file can hold at most 1584",
            "truncated: the header declares 2368 bytes, but the file holds 1584",
        ),
        (1 << 31, &*too_many(1 << 31), &too_many(1 << 31)),
        (u32::MAX, &too_many(u32::MAX), &too_many(u32::MAX)),
    ] {
        assert_eq!(errors(count), [plain, packed]);
    }
    let [plain, packed] = errors(MAX_ITEMS);
    assert!(plain.contains("can hold") && packed.contains("can hold"), "{plain}, {packed}");
}

#[test]
fn other_image_sizes_are_rejected() {
    // The last two sizes have the correct number of pixels.
    for [rows, columns] in
        [[27, 28], [28, 27], [0, 28], [65_536, 65_536], [u32::MAX, u32::MAX], [14, 56], [56, 14]]
    {
        let [plain, _] = image_errors(&idx_images([0x0803, 1, rows, columns], &[0; 784]));
        assert_eq!(plain, format!("has images of {rows}x{columns} pixels, expected 28x28"));
    }
}

// Too long

#[test]
fn trailing_bytes_are_rejected() {
    let longer = [&labels(0, 5)[..], &[0]].concat();
    for bytes in [gzip(&longer), longer] {
        let error = labels_of(&bytes).unwrap_err().to_string();
        assert!(error.starts_with("trailing bytes: the file holds more than the 13 "), "{error}");
    }
}

/// An endless file: `start`, then `block` repeated.
struct Endless {
    start: Vec<u8>,
    block: Vec<u8>,
    bytes_read: usize,
}

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        for byte in &mut *buffer {
            *byte = match self.bytes_read.checked_sub(self.start.len()) {
                None => self.start[self.bytes_read],
                Some(after) => self.block[after % self.block.len()],
            };
            self.bytes_read += 1;
        }
        Ok(buffer.len())
    }
}

/// Reads an endless file and returns the error and the number of bytes read.
fn error_of_endless(start: Vec<u8>, block: Vec<u8>) -> (String, usize) {
    let mut file = Endless { start, block, bytes_read: 0 };
    let reader = BufReader::with_capacity(64, &mut file);
    let error = read_images(Decoded::new(reader, 1 << 30).unwrap()).unwrap_err();
    (error.to_string(), file.bytes_read)
}

/// Reads a gzip bomb: `start` followed by endless zeros, which are compressed by a factor of about 1000. Returns the error and
/// the number of compressed bytes read.
fn error_of_bomb(start: &[u8]) -> (String, usize) {
    let compress = |bytes: &[u8]| {
        let mut block = Vec::with_capacity(bytes.len() + 1000);
        let mut encoder = Compress::new(Compression::best(), false);
        encoder.compress_vec(bytes, &mut block, FlushCompress::Full).unwrap();
        block
    };
    let gzip_header = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    error_of_endless([gzip_header, compress(start)].concat(), compress(&vec![0; 1 << 20]))
}

#[test]
fn bomb_is_rejected_early() {
    let (error, bytes_read) = error_of_bomb(&[]);
    assert!(error.contains("magic number 0x00000000"), "{error}");
    assert!(bytes_read < 1000, "{bytes_read} bytes read");

    // The header announces 10 MB of images, but the zeros never end. Only about 10 kB of the compressed file are read.
    let count = 13_000;
    let (error, bytes_read) = error_of_bomb(&idx_images([0x0803, count, 28, 28], &[]));
    let expected = 16 + u64::from(count) * 784;
    assert!(error.contains(&format!("more than the {expected} ")), "{error}");
    assert!(bytes_read < 15_000, "{bytes_read} bytes read");
}

#[test]
fn endless_file_is_rejected_early() {
    let header = idx_images([0x0803, 10, 28, 28], &[]);
    let (error, bytes_read) = error_of_endless(header, vec![0; 1000]);
    assert!(error.contains("more than the 7856 "), "{error}");
    assert!(bytes_read < 10_000, "{bytes_read} bytes read");
}

#[test]
fn oversized_gzip_fields_are_rejected() {
    // Flag 8 announces a file name, and flag 16 a comment. The name and the comment end with a zero byte.
    for flags in [8, 16] {
        let mut bytes = vec![0x1f, 0x8b, 8, flags, 0, 0, 0, 0, 0, 255];
        bytes.extend(vec![b'a'; 5 << 20]);
        bytes.push(0);
        bytes.extend(&gzip(&images(0, 1))[10..]);
        let error = images_of(&bytes).unwrap_err().to_string();
        assert!(error.starts_with("damaged gzip data"), "{error}");
    }
}

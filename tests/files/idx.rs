//! Reading IDX files: every way in which their bytes can be cut off, damaged, lying, or more than there should be.

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

/// Why these bytes are no file of images, whole or compressed.
fn refusals(bytes: &[u8]) -> [String; 2] {
    [bytes.to_vec(), gzip(bytes)].map(|bytes| images_of(&bytes).unwrap_err().to_string())
}

// Cut off

#[test]
fn every_cut_of_a_header_is_an_error_of_the_header() {
    let words =
        |end: usize, whole: usize| format!("truncated: {end} bytes of an IDX header of {whole}");
    for end in 0..16 {
        assert_eq!(refusals(&images(0, 2)[..end]), [words(end, 16), words(end, 16)]);
    }
    for end in 0..8 {
        for bytes in [labels(0, 2)[..end].to_vec(), gzip(&labels(0, 2)[..end])] {
            assert_eq!(labels_of(&bytes).unwrap_err().to_string(), words(end, 8));
        }
    }
}

#[test]
fn a_cut_payload_is_an_error_with_both_sizes() {
    let whole = images(0, 3);
    let [plain, packed] = refusals(&whole[..whole.len() - 1]);
    let promised = "truncated: its header promises 2368 bytes, it";
    assert_eq!(plain, format!("{promised} can hold 2367 at most"));
    assert_eq!(packed, format!("{promised} holds 2367"));
}

#[test]
fn a_file_that_shrinks_or_grows_while_it_is_read_is_an_error_or_read_as_it_was() {
    let whole = images(0, 3);
    let length = whole.len() as u64;
    let shrunk = read_images(Decoded::new(&whole[..1000], length).unwrap()).unwrap_err();
    assert!(shrunk.to_string().ends_with("it holds 1000"), "{shrunk}");

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
            if let Ok((_, digest)) = Decoded::open(&path).and_then(read_images) {
                assert!(digests.contains(&digest));
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
}

// Damaged

/// What a changed file may do: be refused, or, where the change means nothing, as in the time stamp, hold the very same content.
fn refused_or_equal(changed: &[u8], digest: &str) -> bool {
    images_of(changed).map_or(true, |(_, found)| found == digest)
}

#[test]
fn every_bit_of_a_gzip_file_is_guarded() {
    let sound = gzip(&images(0, 4));
    let digest = images_of(&sound).unwrap().1;
    for bit in 0..8 * sound.len() {
        let mut changed = sound.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(refused_or_equal(&changed, &digest), "bit {bit}");
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
        prop_assert!(refused_or_equal(&changed, &digest));
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
    let words = |kind: &str, found: u32, expected: u32| {
        format!(
            "is not an IDX file of {kind}: magic number {found:#010x}, expected {expected:#010x}"
        )
    };
    let given_labels = words("images", 0x0801, 0x0803);
    assert_eq!(refusals(&labels(0, 20)), [given_labels.clone(), given_labels]);
    for magic in [0x0D03, 0x0308_0000, 0x0804, 0, u32::MAX] {
        let [plain, _] = refusals(&idx_images([magic, 1, 28, 28], &[0; 784]));
        assert_eq!(plain, words("images", magic, 0x0803));
    }
    for magic in [0x0803, 0x0D01, 0x0108_0000] {
        let error = labels_of(&idx_labels([magic, 1], &[0])).unwrap_err();
        assert_eq!(error.to_string(), words("labels", magic, 0x0801));
    }
}

#[test]
fn counts_that_lie_are_refused() {
    let lying = |count| refusals(&idx_images([0x0803, count, 28, 28], &[7; 2 * 784]));
    let too_many =
        |count: u32| format!("its header promises {count} images, at most {MAX_ITEMS} are read");
    for (count, plain, packed) in [
        (
            1,
            "trailing bytes: it holds more than the 800 that its header promises",
            "trailing bytes: it holds more than the 800 that its header promises",
        ),
        (
            3,
            "truncated: its header promises 2368 bytes, it can hold 1584 at most",
            "truncated: its header promises 2368 bytes, it holds 1584",
        ),
        (1 << 31, &*too_many(1 << 31), &too_many(1 << 31)),
        (u32::MAX, &too_many(u32::MAX), &too_many(u32::MAX)),
    ] {
        assert_eq!(lying(count), [plain, packed]);
    }
    let [plain, packed] = lying(MAX_ITEMS);
    assert!(plain.contains("it can hold") && packed.contains("it can hold"), "{plain}, {packed}");
}

#[test]
fn images_of_another_size_are_refused() {
    // The last two have as many pixels, in another shape.
    for [rows, columns] in
        [[27, 28], [28, 27], [0, 28], [65_536, 65_536], [u32::MAX, u32::MAX], [14, 56], [56, 14]]
    {
        let [plain, _] = refusals(&idx_images([0x0803, 1, rows, columns], &[0; 784]));
        assert_eq!(plain, format!("has images of {rows}x{columns} pixels, expected 28x28"));
    }
}

// More than there should be

#[test]
fn anything_after_the_payload_is_refused() {
    let longer = [&labels(0, 5)[..], &[0]].concat();
    for bytes in [gzip(&longer), longer] {
        let error = labels_of(&bytes).unwrap_err().to_string();
        assert!(error.starts_with("trailing bytes: it holds more than the 13 "), "{error}");
    }
}

/// A file of `start`, then `block` over and over.
struct Endless {
    start: Vec<u8>,
    block: Vec<u8>,
    taken: usize,
}

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        for byte in &mut *buffer {
            *byte = match self.taken.checked_sub(self.start.len()) {
                None => self.start[self.taken],
                Some(after) => self.block[after % self.block.len()],
            };
            self.taken += 1;
        }
        Ok(buffer.len())
    }
}

/// The error of reading an endless file, and how many of its bytes were taken.
fn error_of_endless(start: Vec<u8>, block: Vec<u8>) -> (String, usize) {
    let mut file = Endless { start, block, taken: 0 };
    let reader = BufReader::with_capacity(64, &mut file);
    let error = read_images(Decoded::new(reader, 1 << 30).unwrap()).unwrap_err();
    (error.to_string(), file.taken)
}

/// The same of a gzip file that goes on with zeros: a megabyte of them in a kilobyte.
fn error_of_a_bomb(start: &[u8]) -> (String, usize) {
    let flushed = |bytes: &[u8]| {
        let mut block = Vec::with_capacity(bytes.len() + 1000);
        let mut compress = Compress::new(Compression::best(), false);
        compress.compress_vec(bytes, &mut block, FlushCompress::Full).unwrap();
        block
    };
    let gzip_header = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    error_of_endless([gzip_header, flushed(start)].concat(), flushed(&vec![0; 1 << 20]))
}

#[test]
fn a_bomb_is_left_where_it_contradicts_its_header() {
    let (error, taken) = error_of_a_bomb(&[]);
    assert!(error.contains("magic number 0x00000000"), "{error}");
    assert!(taken < 1000, "{taken} bytes taken");

    // 10 MB of images, then zeros without end: about 10 kB are read, no more.
    let count = 13_000;
    let (error, taken) = error_of_a_bomb(&idx_images([0x0803, count, 28, 28], &[]));
    let promised = 16 + u64::from(count) * 784;
    assert!(error.contains(&format!("more than the {promised} ")), "{error}");
    assert!(taken < 15_000, "{taken} bytes taken");
}

#[test]
fn endless_plain_zeros_are_left_too() {
    let header = idx_images([0x0803, 10, 28, 28], &[]);
    let (error, taken) = error_of_endless(header, vec![0; 1000]);
    assert!(error.contains("more than the 7856 "), "{error}");
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
        let error = images_of(&bytes).unwrap_err().to_string();
        assert!(error.starts_with("damaged gzip data"), "{error}");
    }
}

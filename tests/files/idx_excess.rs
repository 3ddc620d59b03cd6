//! More than there should be: bytes after the end, bombs and files without one.

use std::io::{self, BufReader, Cursor, Read};

use flate2::{Compress, Compression, FlushCompress};
use lenet::data::file::{Decoded, FileError};
use lenet::data::idx::{IdxError, read_images};

use super::common::{gzip, idx_images, images, labels};
use super::idx::{images_of, labels_of};

#[test]
fn anything_after_the_payload_is_refused() {
    let whole = labels(0, 5);
    let longer = [&whole[..], &[0]].concat();
    for bytes in [gzip(&longer), longer] {
        assert!(matches!(labels_of(&bytes), Err(IdxError::TooLong { promised: 13 })));
    }
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
        compress.compress_vec(bytes, &mut block, FlushCompress::Full).unwrap();
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
    let mut counted = Counted { inner: file, passed: 0 };
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
    assert!(matches!(error, IdxError::TooLong { promised: p } if p == promised), "{error}");
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
        assert!(matches!(error, IdxError::File(FileError::Damaged(_))), "{error}");
    }
}

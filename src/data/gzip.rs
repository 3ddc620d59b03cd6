//! A file's bytes, decompressed: opens it, tells gzip from plain bytes, and refuses what is cut off or damaged.

use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Take};
use std::mem;
use std::path::Path;

use flate2::bufread::GzDecoder;

use super::error::IdxError;

/// The largest file that is opened; Fashion-MNIST's largest has 26 MB, 47 MB without compression.
pub const MAX_FILE_BYTES: u64 = 256 << 20;

/// Deflate spends at least two bits on every 258 bytes, so it never expands more than this.
const MAX_EXPANSION: u64 = 1032;

/// The first two bytes of every gzip member.
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// The decompressed bytes of a file, read from its start to its end.
#[derive(Debug)]
pub struct Decoded<R> {
    reader: Reader<R>,
    /// No more than this many bytes can come out.
    max_output_bytes: u64,
}

#[derive(Debug)]
enum Reader<R> {
    Plain(R),
    Gzip(Box<GzDecoder<R>>),
    Ended,
}

impl Decoded<BufReader<Take<File>>> {
    /// Opens a regular file, or a link to one, of at most [`MAX_FILE_BYTES`].
    pub fn open(path: &Path) -> Result<Self, IdxError> {
        let (file, length) = crate::io::read::open(path, MAX_FILE_BYTES)?;
        let reader = BufReader::with_capacity(1 << 18, file.take(length));
        Self::new(reader, length)
    }
}

impl<R: BufRead> Decoded<R> {
    /// Reads from `reader`, which holds `length` bytes: gzip if they begin so, whatever the file's name.
    pub fn new(mut reader: R, length: u64) -> Result<Self, IdxError> {
        Ok(if reader.fill_buf()?.starts_with(&GZIP_MAGIC) {
            Self {
                reader: Reader::Gzip(Box::new(GzDecoder::new(reader))),
                max_output_bytes: length.saturating_mul(MAX_EXPANSION),
            }
        } else {
            Self { reader: Reader::Plain(reader), max_output_bytes: length }
        })
    }

    /// No more than this many bytes can come out, from start to end.
    pub fn max_output_bytes(&self) -> u64 {
        self.max_output_bytes
    }

    /// Fills `buffer` as far as there are bytes, and says how far. Less than all of it means the end, where
    /// checksums have been verified.
    pub fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, IdxError> {
        let mut filled = 0;
        while filled < buffer.len() {
            let read = match &mut self.reader {
                Reader::Plain(reader) => reader.read(&mut buffer[filled..]),
                Reader::Gzip(member) => member.read(&mut buffer[filled..]),
                Reader::Ended => Ok(0),
            };
            match read {
                Ok(0) if self.next_member()? => {}
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(classify(error)),
            }
        }
        Ok(filled)
    }

    /// Goes on to the next gzip member, if there is one. (flate2's own reader of many members cannot tell a
    /// cut-off member from trailing bytes.)
    fn next_member(&mut self) -> Result<bool, IdxError> {
        let Reader::Gzip(member) = mem::replace(&mut self.reader, Reader::Ended) else {
            return Ok(false);
        };
        let mut reader = member.into_inner();
        match reader.fill_buf()? {
            [] => Ok(false),
            [first, ..] if *first == GZIP_MAGIC[0] => {
                self.reader = Reader::Gzip(Box::new(GzDecoder::new(reader)));
                Ok(true)
            }
            // Zeros count too: a file that grew is a damaged file.
            _ => {
                let words = "trailing bytes after the end of the gzip data";
                Err(IdxError::Damaged(words.to_owned()))
            }
        }
    }
}

/// Tells errors of the gzip decoder from those of the operating system, which carry its code.
fn classify(error: io::Error) -> IdxError {
    match error.kind() {
        _ if error.raw_os_error().is_some() => error.into(),
        ErrorKind::UnexpectedEof => IdxError::CutOff,
        _ => IdxError::Damaged(format!("damaged gzip data: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use std::io::Write;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn decode(bytes: &[u8]) -> Result<Vec<u8>, IdxError> {
        let mut decoded = Decoded::new(bytes, bytes.len() as u64)?;
        let mut buffer = vec![0; 1000];
        let filled = decoded.fill(&mut buffer)?;
        buffer.truncate(filled);
        Ok(buffer)
    }

    #[test]
    fn plain_bytes_and_gzip_are_told_apart() {
        assert_eq!(decode(b"plain").unwrap(), b"plain");
        assert_eq!(decode(&gzip(b"packed")).unwrap(), b"packed");
        assert_eq!(decode(b"").unwrap(), b"");
    }

    #[test]
    fn members_follow_each_other_and_may_be_empty() {
        let members = [gzip(b"one "), gzip(b""), gzip(b"two"), gzip(b"")].concat();
        assert_eq!(decode(&members).unwrap(), b"one two");
    }

    #[test]
    fn anything_after_the_last_member_is_refused() {
        for tail in [&b"x"[..], &[0; 512]] {
            let bytes = [&gzip(b"packed"), tail].concat();
            let error = decode(&bytes).unwrap_err().to_string();
            assert_eq!(error, "trailing bytes after the end of the gzip data");
        }
    }

    #[test]
    fn every_cut_is_an_error() {
        let bytes = gzip(b"some text, some more text");
        for end in 2..bytes.len() {
            let error = decode(&bytes[..end]).unwrap_err();
            assert!(matches!(error, IdxError::CutOff), "cut at {end}: {error}");
        }
    }

    #[test]
    fn the_bound_on_expansion_holds_for_zeros() {
        let zeros = vec![0; 10 << 20];
        let bytes = gzip(&zeros);
        let decoded = Decoded::new(&bytes[..], bytes.len() as u64).unwrap();
        assert!(decoded.max_output_bytes() >= zeros.len() as u64);
    }
}

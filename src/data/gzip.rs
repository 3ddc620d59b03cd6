//! Opens a data file, decompresses it if it is gzip, and rejects truncated or damaged gzip data.

use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Take};
use std::mem;
use std::path::Path;

use flate2::bufread::GzDecoder;

use super::error::IdxError;

/// Maximum size of a file. The largest file of Fashion-MNIST has 26 MB, or 47 MB uncompressed.
pub const MAX_FILE_BYTES: u64 = 256 << 20;

/// Maximum expansion: deflate needs at least two bits for every 258 bytes.
const MAX_EXPANSION: u64 = 1032;

/// The first two bytes of every gzip member.
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Reads a file's decompressed bytes.
#[derive(Debug)]
pub struct Decoded<R> {
    reader: Reader<R>,
    /// Upper bound on the number of decompressed bytes.
    max_output_bytes: u64,
}

#[derive(Debug)]
enum Reader<R> {
    Plain(R),
    Gzip(Box<GzDecoder<R>>),
    Ended,
}

impl Decoded<BufReader<Take<File>>> {
    /// Opens a regular file, or a symlink to one, of at most [`MAX_FILE_BYTES`].
    pub fn open(path: &Path) -> Result<Self, IdxError> {
        let (file, length) = crate::io::read::open(path, MAX_FILE_BYTES)?;
        let reader = BufReader::with_capacity(1 << 18, file.take(length));
        Self::new(reader, length)
    }
}

impl<R: BufRead> Decoded<R> {
    /// Wraps `reader`, which has `length` bytes. The first two bytes, not the file name, determine whether they are gzip.
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

    /// Returns an upper bound on the number of decompressed bytes in the whole file.
    pub fn max_output_bytes(&self) -> u64 {
        self.max_output_bytes
    }

    /// Fills `buffer` and returns the number of bytes read. If that number is less than the length of `buffer`, the
    /// file has ended and its checksums match.
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

    /// Starts the next gzip member, and returns whether there was one. The multi-member reader of flate2 is not used
    /// because it cannot distinguish a truncated member from trailing bytes.
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
            // Some gzip tools ignore trailing zeros as padding. This reader rejects them, because they show that the
            // file was extended.
            _ => {
                let problem = "trailing bytes after the end of the gzip data";
                Err(IdxError::Damaged(problem.to_owned()))
            }
        }
    }
}

/// Separates errors of the gzip decoder from those of the operating system. Only the latter have an error code.
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
    fn content_decides_between_plain_and_gzip() {
        assert_eq!(decode(b"plain").unwrap(), b"plain");
        assert_eq!(decode(&gzip(b"packed")).unwrap(), b"packed");
        assert_eq!(decode(b"").unwrap(), b"");
    }

    #[test]
    fn members_are_concatenated() {
        let members = [gzip(b"one "), gzip(b""), gzip(b"two"), gzip(b"")].concat();
        assert_eq!(decode(&members).unwrap(), b"one two");
    }

    #[test]
    fn trailing_bytes_are_rejected() {
        for tail in [&b"x"[..], &[0; 512]] {
            let bytes = [&gzip(b"packed"), tail].concat();
            let error = decode(&bytes).unwrap_err().to_string();
            assert_eq!(error, "trailing bytes after the end of the gzip data");
        }
    }

    #[test]
    fn truncation_anywhere_is_rejected() {
        let bytes = gzip(b"some text, some more text");
        for end in 2..bytes.len() {
            let error = decode(&bytes[..end]).unwrap_err();
            assert!(matches!(error, IdxError::CutOff), "cut at {end}: {error}");
        }
    }

    #[test]
    fn expansion_bound_holds_for_zeros() {
        let zeros = vec![0; 10 << 20];
        let bytes = gzip(&zeros);
        let decoded = Decoded::new(&bytes[..], bytes.len() as u64).unwrap();
        assert!(decoded.max_output_bytes() >= zeros.len() as u64);
    }
}

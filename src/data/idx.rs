//! IDX, the format of the MNIST family: bytes -> images or labels, and their SHA-256.
//!
//! The header's numbers are big-endian and 32 bits wide: 2051, images, rows, columns, then a byte a pixel; or
//! 2049, labels, then a byte a label. (Y. LeCun, C. Cortes and C. Burges, "The MNIST Database", file formats.)
//! Only images of 28x28 pixels and labels of ten classes are read. Nothing is allocated on a header's word: what
//! it promises is first held against the size of the file, and memory is touched only as bytes arrive.

use std::fmt;
use std::io::BufRead;

use sha2::{Digest as _, Sha256};

use super::catalog::Digest;
use super::file::{Decoded, FileError};

/// Height and width of every image.
pub const SIDE: usize = 28;

/// Pixels of an image.
pub const PIXELS: usize = SIDE * SIDE;

/// The pixels of an image, row by row: 0 is background, 255 the brightest.
pub type Image = [u8; PIXELS];

/// The most images or labels that a file may hold: a bound on memory, 196 MB. The largest set of this family,
/// EMNIST digits, has 240,000 images to train with.
pub const MAX_ITEMS: u32 = 250_000;

/// Labels are below this.
const CLASS_COUNT: u8 = 10;

/// How much is decompressed while the part before it is hashed on another core: small enough for the cache.
const CHUNK_BYTES: usize = 1 << 18;

/// What an IDX file of this family holds. It is displayed as "images" or "labels".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Three dimensions of unsigned bytes.
    Images,
    /// One dimension of unsigned bytes.
    Labels,
}

impl Kind {
    /// The number that begins the file: type 8, unsigned bytes, and the number of dimensions.
    const fn magic(self) -> u32 {
        match self {
            Self::Images => 0x0803,
            Self::Labels => 0x0801,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Images => "images",
            Self::Labels => "labels",
        })
    }
}

/// Why bytes are not an IDX file of the kind expected.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "its message says what each field is")]
pub enum IdxError {
    /// The file cannot be read or decompressed.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file ends inside its header.
    #[error("truncated: {found} bytes of an IDX header of {expected}")]
    Header {
        /// Bytes found.
        found: usize,
        /// Bytes of a header.
        expected: usize,
    },
    /// The first four bytes are not those of this kind of file.
    #[error("is not an IDX file of {kind}: magic number {found:#010x}, expected {:#010x}", kind.magic())]
    Magic {
        /// What the file should hold.
        kind: Kind,
        /// The number that begins it.
        found: u32,
    },
    /// The images are not 28x28.
    #[error("has images of {rows}x{columns} pixels, expected {SIDE}x{SIDE}")]
    Size {
        /// Height by the header.
        rows: u32,
        /// Width by the header.
        columns: u32,
    },
    /// The header promises nothing.
    #[error("holds no {0}")]
    Empty(Kind),
    /// The header promises more than [`MAX_ITEMS`].
    #[error("its header promises {count} {kind}, at most {MAX_ITEMS} are read")]
    TooMany {
        /// What the file holds.
        kind: Kind,
        /// Images or labels by the header.
        count: u32,
    },
    /// The header promises more than the file could hold, whatever its bytes.
    #[error("truncated: its header promises {promised} bytes, it can hold {at_most} at most")]
    TooSmall {
        /// Decompressed bytes by the header.
        promised: u64,
        /// Upper bound from the size of the file.
        at_most: u64,
    },
    /// The file is sound but ends before what its header promises.
    #[error("truncated: its header promises {promised} bytes, it holds {found}")]
    TooShort {
        /// Decompressed bytes by the header.
        promised: u64,
        /// Decompressed bytes found.
        found: u64,
    },
    /// The file goes on after what its header promises.
    #[error("trailing bytes: it holds more than the {promised} that its header promises")]
    TooLong {
        /// Decompressed bytes by the header.
        promised: u64,
    },
    /// A label is not a class.
    #[error("label {label} at index {index}, expected 0 to 9")]
    Label {
        /// Which label.
        index: usize,
        label: u8,
    },
    /// The system has no memory for the content.
    #[error("needs {0} bytes of memory, more than there are")]
    Memory(u64),
}

impl IdxError {
    /// Whether the operating system failed, not the content.
    #[must_use]
    pub fn is_io(&self) -> bool {
        match self {
            Self::File(FileError::Read(error)) => error.raw_os_error().is_some(),
            _ => matches!(self, Self::Memory(_)),
        }
    }

    /// What the user can do about the operating system's failure.
    pub(super) fn io_hint(&self) -> Option<String> {
        match self {
            Self::File(FileError::Read(error)) => crate::io::hint(error, true),
            _ => crate::io::hint(&std::io::ErrorKind::OutOfMemory.into(), true),
        }
    }
}

/// Reads a file of images.
///
/// # Errors
/// If it is anything but a whole, sound IDX file of at least one image of 28x28 pixels.
pub fn read_images<R: BufRead + Send>(
    mut bytes: Decoded<R>,
) -> Result<(Vec<Image>, Digest), IdxError> {
    let mut hasher = Sha256::new();
    let [count, rows, columns] = read_header(&mut bytes, Kind::Images, &mut hasher)?;
    if [rows, columns] != [SIDE as u32; 2] {
        return Err(IdxError::Size { rows, columns });
    }
    let images = read_items(&mut bytes, Kind::Images, count, &mut hasher)?;
    Ok((images, Digest(hasher.finalize().into())))
}

/// Reads a file of labels.
///
/// # Errors
/// If it is anything but a whole, sound IDX file of at least one label, all of them 0 to 9.
pub fn read_labels<R: BufRead + Send>(
    mut bytes: Decoded<R>,
) -> Result<(Vec<u8>, Digest), IdxError> {
    let mut hasher = Sha256::new();
    let [count] = read_header(&mut bytes, Kind::Labels, &mut hasher)?;
    let labels = read_items::<R, 1>(&mut bytes, Kind::Labels, count, &mut hasher)?;
    let labels = labels.into_flattened();
    if let Some(index) = labels.iter().position(|label| *label >= CLASS_COUNT) {
        let label = labels[index];
        return Err(IdxError::Label { index, label });
    }
    Ok((labels, Digest(hasher.finalize().into())))
}

/// Reads the magic number, which must be that of `kind`, and the `N` numbers after it.
fn read_header<R: BufRead, const N: usize>(
    bytes: &mut Decoded<R>,
    kind: Kind,
    hasher: &mut Sha256,
) -> Result<[u32; N], IdxError> {
    let mut header = [[0; 4]; 4];
    let header = &mut header[..=N];
    let found = bytes.fill(header.as_flattened_mut())?;
    let number = |index: usize| u32::from_be_bytes(header[index]);
    if found >= 4 && number(0) != kind.magic() {
        let found = number(0);
        return Err(IdxError::Magic { kind, found });
    }
    let expected = header.as_flattened().len();
    if found < expected {
        return Err(IdxError::Header { found, expected });
    }
    hasher.update(header.as_flattened());
    Ok(std::array::from_fn(|index| number(index + 1)))
}

/// Reads `count` items of `N` bytes each, after which the file must end.
fn read_items<R: BufRead + Send, const N: usize>(
    bytes: &mut Decoded<R>,
    kind: Kind,
    count: u32,
    hasher: &mut Sha256,
) -> Result<Vec<[u8; N]>, IdxError> {
    if count == 0 {
        return Err(IdxError::Empty(kind));
    }
    if count > MAX_ITEMS {
        return Err(IdxError::TooMany { kind, count });
    }
    let header_bytes = match kind {
        Kind::Images => 16,
        Kind::Labels => 8,
    };
    let promised = header_bytes + u64::from(count) * N as u64;
    let at_most = bytes.at_most();
    if promised > at_most {
        return Err(IdxError::TooSmall { promised, at_most });
    }

    let count = count as usize;
    let mut items: Vec<[u8; N]> = Vec::new();
    items.try_reserve_exact(count).map_err(|_| IdxError::Memory(promised))?;
    let mut hashed = 0;
    while items.len() < count {
        let start = items.len();
        items.resize(count.min(start + CHUNK_BYTES / N), [0; N]);
        let (ready, fresh) = items.split_at_mut(start);
        let fresh = fresh.as_flattened_mut();
        let (filled, ()) =
            rayon::join(|| bytes.fill(fresh), || hasher.update(ready[hashed..].as_flattened()));
        hashed = start;
        let filled = filled?;
        if filled < fresh.len() {
            let found = header_bytes + (start * N + filled) as u64;
            return Err(IdxError::TooShort { promised, found });
        }
    }
    // Only at the end does a gzip stream compare its checksum.
    if bytes.fill(&mut [0])? > 0 {
        return Err(IdxError::TooLong { promised });
    }
    hasher.update(items[hashed..].as_flattened());
    Ok(items)
}

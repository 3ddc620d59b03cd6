//! IDX, the format of the MNIST family: bytes -> images or labels, and their SHA-256.
//!
//! The header's numbers are big-endian and 32 bits wide: 2051, images, rows, columns, then a byte a pixel; or
//! 2049, labels, then a byte a label. (Y. LeCun, C. Cortes and C. Burges, "The MNIST Database", file formats.)
//! Only images of 28x28 pixels and labels of ten classes are read. Nothing is allocated on a header's word: what
//! it promises is first held against the size of the file, and memory is touched only as bytes arrive.

use std::io::BufRead;

use sha2::{Digest, Sha256};

use super::CLASSES;
use super::error::IdxError;
use super::gzip::Decoded;
use crate::io::text::hex;

/// Height and width of every image.
pub const SIDE: usize = 28;

/// Pixels of an image.
pub const PIXELS: usize = SIDE * SIDE;

/// The pixels of an image, row by row: 0 is background, 255 the brightest.
pub type Image = [u8; PIXELS];

/// The most images or labels that a file may hold: a bound on memory, 196 MB. The largest set of this family,
/// EMNIST digits, has 240,000 images to train with.
pub const MAX_ITEMS: u32 = 250_000;

/// How much is decompressed while the part before it is hashed on another core: small enough for the cache.
const CHUNK_BYTES: usize = 1 << 18;

/// Reads a file of images, and the SHA-256 of its bytes.
///
/// # Errors
/// If it is anything but a whole, sound IDX file of at least one image of 28x28 pixels.
pub fn read_images<R: BufRead + Send>(bytes: Decoded<R>) -> Result<(Vec<Image>, String), IdxError> {
    read_items(bytes, "images", 0x0803, [SIDE as u32; 2])
}

/// Reads a file of labels, and the SHA-256 of its bytes.
///
/// # Errors
/// If it is anything but a whole, sound IDX file of at least one label, all of them 0 to 9.
pub fn read_labels<R: BufRead + Send>(bytes: Decoded<R>) -> Result<(Vec<u8>, String), IdxError> {
    let (labels, digest) = read_items::<R, 1, 0>(bytes, "labels", 0x0801, [])?;
    let labels = labels.into_flattened();
    match labels.iter().position(|label| usize::from(*label) >= CLASSES.len()) {
        None => Ok((labels, digest)),
        Some(index) => {
            let label = labels[index];
            damaged(format!("label {label} at index {index}, expected 0 to 9"))
        }
    }
}

fn damaged<T>(words: String) -> Result<T, IdxError> {
    Err(IdxError::Damaged(words))
}

/// Reads items of `N` bytes each, `D` dimensions of these `sizes`, after which the file must end.
///
/// `magic`, the number that begins the file, is type 8, unsigned bytes, and the number of dimensions.
fn read_items<R: BufRead + Send, const N: usize, const D: usize>(
    mut bytes: Decoded<R>,
    kind: &str,
    magic: u32,
    sizes: [u32; D],
) -> Result<(Vec<[u8; N]>, String), IdxError> {
    // The magic number, the number of items, their sizes.
    let mut header = [[0; 4]; 4];
    let header = &mut header[..2 + D];
    let found = bytes.fill(header.as_flattened_mut())?;
    let number = |index: usize| u32::from_be_bytes(header[index]);
    if found >= 4 && number(0) != magic {
        let found = number(0);
        return damaged(format!(
            "is not an IDX file of {kind}: magic number {found:#010x}, expected {magic:#010x}"
        ));
    }
    let header_bytes = header.as_flattened().len();
    if found < header_bytes {
        return damaged(format!("truncated: {found} bytes of an IDX header of {header_bytes}"));
    }
    let count = number(1);
    let found: [u32; D] = std::array::from_fn(|dimension| number(2 + dimension));
    if found != sizes {
        let [found, expected] = [found, sizes].map(|sizes| sizes.map(|n| n.to_string()).join("x"));
        return damaged(format!("has {kind} of {found} pixels, expected {expected}"));
    }
    if count == 0 {
        return damaged(format!("holds no {kind}"));
    }
    if count > MAX_ITEMS {
        return damaged(format!(
            "its header promises {count} {kind}, at most {MAX_ITEMS} are read"
        ));
    }
    let promised = header_bytes as u64 + u64::from(count) * N as u64;
    let max_output_bytes = bytes.max_output_bytes();
    if promised > max_output_bytes {
        return damaged(format!(
            "truncated: its header promises {promised} bytes, it can hold {max_output_bytes} at most"
        ));
    }

    let mut hasher = Sha256::new_with_prefix(header.as_flattened());
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
            let found = header_bytes + start * N + filled;
            return damaged(format!(
                "truncated: its header promises {promised} bytes, it holds {found}"
            ));
        }
    }
    // Only at the end does a gzip stream compare its checksum.
    if bytes.fill(&mut [0])? > 0 {
        return damaged(format!(
            "trailing bytes: it holds more than the {promised} that its header promises"
        ));
    }
    hasher.update(items[hashed..].as_flattened());
    Ok((items, hex(&hasher.finalize())))
}

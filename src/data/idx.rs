//! Reads IDX, the file format of MNIST and similar data sets, and computes the SHA-256 of the content.
//!
//! A file starts with a header of big-endian 32-bit numbers. The header of an image file holds 2051 and the numbers of
//! images, rows and columns; one byte per pixel follows. The header of a label file holds 2049 and the number of
//! labels; one byte per label follows (Y. LeCun, C. Cortes and C. Burges, "The MNIST Database", file formats). Only
//! 28x28 images and labels of ten classes are accepted.
//!
//! Headers are not trusted: the sizes in a header are compared with the file size before memory is reserved, and memory
//! is only written as bytes arrive.

use std::collections::BTreeSet;
use std::io::BufRead;

use sha2::{Digest, Sha256};

use super::datasets::CLASSES;
use super::error::IdxError;
use super::gzip::Decoded;
use crate::io::kind::{FileKind, sniff};
use crate::io::text::hex;

/// Height and width of every image.
pub const SIDE: usize = 28;

/// Number of pixels of an image.
pub const PIXELS: usize = SIDE * SIDE;

/// The pixels of an image, row by row: 0 is background, 255 is the brightest value.
pub type Image = [u8; PIXELS];

/// Maximum number of images or labels in a file, which bounds memory to 196 MB. EMNIST digits, the largest data set in
/// this format, has 240,000 training images.
pub const MAX_ITEMS: u32 = 250_000;

/// Number of bytes to decompress while another thread hashes the previous chunk. A chunk fits in the cache.
const CHUNK_BYTES: usize = 1 << 18;

/// Magic number of a file of images.
pub(super) const IMAGES: u32 = 0x0803;

/// Magic number of a file of labels.
pub(super) const LABELS: u32 = 0x0801;

/// Reads an image file. Returns the images and the SHA-256 of the decompressed bytes.
///
/// # Errors
/// Returns an error unless the file is a complete, valid IDX file of at least one image of 28x28 pixels.
pub fn read_images<R: BufRead + Send>(bytes: Decoded<R>) -> Result<(Vec<Image>, String), IdxError> {
    read_items(bytes, "images", IMAGES, [SIDE as u32; 2])
}

/// Reads a label file. Returns the labels and the SHA-256 of the decompressed bytes.
///
/// # Errors
/// Returns an error unless the file is a complete, valid IDX file of at least one label, and all labels are 0 to 9.
pub fn read_labels<R: BufRead + Send>(bytes: Decoded<R>) -> Result<(Vec<u8>, String), IdxError> {
    let (labels, digest) = read_items::<R, 1, 0>(bytes, "labels", LABELS, [])?;
    let labels = labels.into_flattened();
    match labels.iter().position(|label| usize::from(*label) >= CLASSES) {
        None => Ok((labels, digest)),
        Some(index) => {
            let label = labels[index];
            let classes = labels.iter().collect::<BTreeSet<_>>().len();
            Err(IdxError::Unsupported(format!(
                "has label {label} at index {index}, expected 0 to 9 (ten classes), found {classes} classes"
            )))
        }
    }
}

/// Describes a valid IDX file with another type of values or another number of dimensions, for example the labels of QMNIST.
/// Returns `None` if `magic` does not start such a file.
fn other_kind(magic: u32, expected: u32) -> Option<String> {
    let [0, 0, values, dimensions @ 1..=4] = magic.to_be_bytes() else {
        return None;
    };
    let values = match values {
        0x08 => "bytes",
        0x09 => "signed bytes",
        0x0B => "16-bit integers",
        0x0C => "32-bit integers",
        0x0D => "32-bit floats",
        0x0E => "64-bit floats",
        _ => return None,
    };
    let expected = expected.to_be_bytes()[3];
    Some(format!("{values} with {dimensions} dimensions, expected bytes with {expected}"))
}

fn damaged<T>(problem: String) -> Result<T, IdxError> {
    Err(IdxError::Damaged(problem))
}

/// Reads items of `N` bytes each, which have `D` dimensions of these `sizes`. The file must end after the last item.
///
/// `magic` is the number at the start of the file. It consists of the type of the values, 8 for unsigned bytes, and the
/// number of dimensions.
fn read_items<R: BufRead + Send, const N: usize, const D: usize>(
    mut bytes: Decoded<R>,
    kind: &'static str,
    magic: u32,
    sizes: [u32; D],
) -> Result<(Vec<[u8; N]>, String), IdxError> {
    // Magic number, number of items, sizes of an item.
    let mut header = [[0; 4]; 4];
    let header = &mut header[..2 + D];
    let found = bytes.fill(header.as_flattened_mut())?;
    let number = |index: usize| u32::from_be_bytes(header[index]);
    if found < 4 || number(0) != magic {
        // The start of a file identifies most file types.
        let mut start = vec![0; 1024];
        let length = bytes.fill(&mut start).unwrap_or_default();
        let start = [&header.as_flattened()[..found], &start[..length]].concat();
        match sniff(&start) {
            Some(FileKind::IdxFile) | None => {}
            Some(found) => return Err(IdxError::Other { wanted: kind, found }),
        }
    }
    if found >= 4 && number(0) != magic {
        let found = number(0);
        let problem = format!(
            "is not an IDX file of {kind}: magic number {found:#010x}, expected {magic:#010x}"
        );
        return match other_kind(found, magic) {
            // The file has labels instead of images, or the reverse.
            Some(_) if [LABELS, IMAGES].contains(&found) => damaged(problem),
            Some(other) => Err(IdxError::Unsupported(format!("{problem}: {other}"))),
            None => damaged(problem),
        };
    }
    let header_bytes = header.as_flattened().len();
    if found < header_bytes {
        return damaged(format!(
            "truncated: expected an IDX header of {header_bytes} bytes, found {found}"
        ));
    }
    let count = number(1);
    let found: [u32; D] = std::array::from_fn(|dimension| number(2 + dimension));
    if found != sizes {
        let [found, expected] = [found, sizes].map(|sizes| sizes.map(|n| n.to_string()).join("x"));
        let problem = format!("has {kind} of {found} pixels, expected {expected}");
        return Err(IdxError::Unsupported(problem));
    }
    if count == 0 {
        return damaged(format!("holds no {kind}"));
    }
    if count > MAX_ITEMS {
        return damaged(format!(
            "the header declares {count} {kind}, more than the limit of {MAX_ITEMS}"
        ));
    }
    let promised = header_bytes as u64 + u64::from(count) * N as u64;
    let max_output_bytes = bytes.max_output_bytes();
    if promised > max_output_bytes {
        return damaged(format!(
            "truncated: the header declares {promised} bytes, but the file can hold at most {max_output_bytes}"
        ));
    }

    let mut hasher = Sha256::new_with_prefix(header.as_flattened());
    let count = count as usize;
    let mut items: Vec<[u8; N]> = Vec::new();
    items.try_reserve_exact(count).map_err(|cause| IdxError::Memory(promised, cause))?;
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
                "truncated: the header declares {promised} bytes, but the file holds {found}"
            ));
        }
    }
    // Reading past the last item also makes the gzip decoder compare the checksum.
    if bytes.fill(&mut [0])? > 0 {
        return damaged(format!(
            "trailing bytes: the file holds more than the {promised} bytes that its header declares"
        ));
    }
    hasher.update(items[hashed..].as_flattened());
    Ok((items, hex(&hasher.finalize())))
}

//! The records of zip files without compression, encryption and comments.

use std::ops::Range;

use super::{Fault, FaultKind};
use crate::io::text::quoted;

const END_BYTES: usize = 22;
const END64_BYTES: usize = 56;
const LOCATOR_BYTES: usize = 20;

/// The number of the compression method Deflate, which almost all compressed zip files use.
const DEFLATE: usize = 8;

/// Maximum length of an entry name that PyTorch can read.
const MAX_NAME_BYTES: usize = 511;

/// An entry of a zip file.
pub(super) struct Entry<'a> {
    pub(super) name: &'a str,
    pub(super) content: &'a [u8],
    /// The checksum, or 0 in a file without checksums.
    pub(super) crc: usize,
}

pub(super) fn checksum(content: &[u8]) -> usize {
    let mut crc = flate2::Crc::new();
    crc.update(content);
    crc.sum() as usize
}

pub(super) fn malformed(what: &str) -> Fault {
    Fault::malformed(format!("not a valid PyTorch zip file: {what}"))
}

/// Returns the number of entries in the directory and its byte range, which ends at the end-of-directory records.
pub(super) fn directory(bytes: &[u8]) -> Result<(usize, Range<usize>), Fault> {
    let cut = || malformed("truncated, or bytes after the end");
    // The four zero bytes are disk numbers, because an archive could span several floppy disks. The last number in the
    // record is the length of a comment that follows the record. There must be no comment.
    let (mut rest, end) = split_end(bytes, END_BYTES, b"PK\x05\x06\0\0\0\0").ok_or_else(cut)?;
    if number(end, 20, 2) != Some(0) {
        return Err(cut());
    }
    let numbers = [(8, 2), (10, 2), (12, 4), (16, 4)].map(|(at, width)| number(end, at, width));
    if let Some((before, locator)) = split_end(rest, LOCATOR_BYTES, b"PK\x06\x07") {
        // The size of the rest of the record follows its signature.
        let has_size = |record| number(record, 4, 8) == Some(END64_BYTES - 12);
        let is_equal = |record| numbers == [24, 32, 40, 48].map(|at| number(record, at, 8));
        // The disk numbers, and the number of disks.
        let is_one_disk = |record| {
            let disks = [number(record, 16, 8), number(locator, 4, 4), number(locator, 16, 4)];
            disks == [Some(0), Some(0), Some(1)]
        };
        match split_end(before, END64_BYTES, b"PK\x06\x06") {
            Some((before, record))
                if has_size(record)
                    && is_equal(record)
                    && is_one_disk(record)
                    && number(locator, 8, 8) == Some(before.len()) =>
            {
                rest = before;
            }
            _ => return Err(malformed("conflicting end-of-directory records")),
        }
    }
    let [here, entries, size, start] = numbers.map(Option::unwrap_or_default);
    if here != entries || start.checked_add(size) != Some(rest.len()) {
        return Err(malformed("the directory is not at the end"));
    }
    Ok((entries, start..rest.len()))
}

/// Splits off the last `length` bytes. Returns both parts, or `None` if the second does not start with `start`.
fn split_end<'a>(bytes: &'a [u8], length: usize, start: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let (before, end) = bytes.split_at(bytes.len().checked_sub(length)?);
    end.starts_with(start).then_some((before, end))
}

/// Parses the first entry of `directory`. Returns the entry and the rest of the directory.
///
/// The entry must start at or after `end`, the end of the previous entries in `bytes`. `end` is then set to the end of
/// this entry.
pub(super) fn entry<'a>(
    bytes: &'a [u8],
    directory: &'a [u8],
    end: &mut usize,
) -> Result<(Entry<'a>, &'a [u8]), Fault> {
    let cut = || malformed("truncated entry");
    let number_at = |at, width| number(directory, at, width).ok_or_else(cut);
    if !directory.starts_with(b"PK\x01\x02") {
        return Err(malformed("the directory has fewer entries than declared"));
    }
    let (flags, method, crc) = (number_at(8, 2)?, number_at(10, 2)?, number_at(16, 4)?);
    let (packed, size, start) = (number_at(20, 4)?, number_at(24, 4)?, number_at(42, 4)?);
    let (name_bytes, extra, comment) = (number_at(28, 2)?, number_at(30, 2)?, number_at(32, 2)?);
    if name_bytes > MAX_NAME_BYTES {
        return Err(malformed(&format!("an entry name has more than {MAX_NAME_BYTES} bytes")));
    }
    let rest = directory.get(46 + name_bytes + extra + comment..).ok_or_else(cut)?;
    let name = &directory[46..46 + name_bytes];
    // Flag bit 3 means that the sizes are repeated after the content, and bit 11 that the name is UTF-8. All other bits
    // change the meaning of the content.
    if flags & !0x0808 == 0 && method == DEFLATE {
        let what = "the zip file is compressed, unlike the files that PyTorch writes";
        return Err(Fault::new(FaultKind::Compressed, what));
    }
    if flags & !0x0808 != 0 || method != 0 || packed != size {
        return Err(malformed("an entry is compressed or encrypted"));
    }
    // Bit 0x10 of the external attributes marks a DOS directory, for which PyTorch returns uninitialised memory.
    if number_at(34, 2)? != 0 || number_at(38, 4)? & 0x10 != 0 {
        return Err(malformed("an entry is marked as a directory or as being on another disk"));
    }
    if start < *end || (*end == 0 && start != 0) {
        return Err(malformed("overlapping entries, or bytes before the first entry"));
    }
    let local = bytes.get(start..).ok_or_else(cut)?;
    let local_name = number(local, 26, 2).ok_or_else(cut)?;
    let content = start + 30 + local_name + number(local, 28, 2).ok_or_else(cut)?;
    if !local.starts_with(b"PK\x03\x04") || local.get(30..30 + local_name) != Some(name) {
        return Err(malformed("an entry does not match its directory record"));
    }
    *end = content.checked_add(size).ok_or_else(cut)?;
    let content = bytes.get(content..*end).ok_or_else(cut)?;
    let name =
        std::str::from_utf8(name).map_err(|_| malformed("an entry name is not valid UTF-8"))?;
    if name.ends_with('/') && size > 0 {
        return Err(malformed(&format!("{} is a directory with content", quoted(name))));
    }
    Ok((Entry { name, content, crc }, rest))
}

/// Reads a little-endian number of `width` bytes at offset `at`.
fn number(bytes: &[u8], at: usize, width: usize) -> Option<usize> {
    let digits = bytes.get(at..at + width)?.iter().rev();
    digits
        .copied()
        .try_fold(0_usize, |number, digit| number.checked_mul(256)?.checked_add(digit.into()))
}

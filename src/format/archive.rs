//! A strict reader of the zip files that PyTorch writes. Ambiguous files are rejected.
//!
//! ```text
//! entries from byte 0 | directory | zip64 end of directory | zip64 locator | end of directory
//! ```
//!
//! Entries are stored uncompressed in one directory, and their names are distinct. Zip libraries accept much more, such
//! as bytes before the first entry. They also accept duplicate names, but each library reads a different one of the
//! duplicate entries, so two programs could read different models from the same file. The layout is specified in
//! PKWARE's APPNOTE.TXT, section 4.3.

use std::collections::HashSet;
use std::ops::Range;

use super::{Fault, FaultKind};
use crate::io::text::quoted;

const END_BYTES: usize = 22;
const END64_BYTES: usize = 56;
const LOCATOR_BYTES: usize = 20;

/// The number of the compression method Deflate, which almost all compressed zip files use.
const DEFLATE: usize = 8;

/// The entries of a zip file, named without their common directory.
pub(super) struct Archive<'a> {
    entries: Vec<Entry<'a>>,
}

struct Entry<'a> {
    name: &'a str,
    content: &'a [u8],
    /// The checksum, or 0 in a file without checksums.
    crc: usize,
}

impl<'a> Archive<'a> {
    /// Parses a zip file and verifies the checksums of all entries.
    ///
    /// PyTorch writes 0 for every checksum after `torch.serialization.set_crc32_options(False)`.
    ///
    /// # Errors
    /// Returns an error if the layout differs from the one above in any way, or if a checksum is wrong.
    pub(super) fn new(bytes: &'a [u8]) -> Result<Self, Fault> {
        let (count, range) = directory(bytes)?;
        let mut rest = &bytes[range.clone()];
        let mut entries = Vec::new();
        let mut end = 0;
        for _ in 0..count {
            let (entry, after) = entry(bytes, rest, &mut end)?;
            entries.push(entry);
            rest = after;
        }
        let has_checksums = entries.iter().any(|entry: &Entry<'_>| entry.crc != 0);
        let is_wrong = |entry: &&Entry<'_>| checksum(entry.content) != entry.crc;
        if let Some(entry) = entries.iter().find(|entry| has_checksums && is_wrong(entry)) {
            return Err(Fault::malformed(format!("{}: checksum mismatch", quoted(entry.name))));
        }
        if !rest.is_empty() || end > range.start {
            return Err(malformed("the zip directory does not match the zip entries"));
        }
        let first = entries.first().and_then(|first| first.name.split_once('/'));
        let Some((directory, _)) = first else {
            return Err(Fault::not_lenet("data.pkl is missing"));
        };
        let mut names = HashSet::new();
        for entry in &mut entries {
            let inner = entry.name.strip_prefix(directory);
            let Some(inner) = inner.and_then(|name| name.strip_prefix('/')) else {
                return Err(malformed("the entries are in several directories"));
            };
            // PyTorch's reader ignores the case of entry names.
            if !names.insert(inner.to_ascii_lowercase()) {
                return Err(Fault::not_lenet(format!("duplicate entry {}", quoted(entry.name))));
            }
            entry.name = inner;
        }
        Ok(Self { entries })
    }

    /// Returns the content of an entry, or `None` if it does not exist.
    ///
    /// # Errors
    /// Returns an error if the entry has more than `limit` bytes.
    pub(super) fn read(&self, name: &str, limit: usize) -> Result<Option<&'a [u8]>, Fault> {
        let Some(entry) = self.entries.iter().find(|entry| entry.name == name) else {
            return Ok(None);
        };
        if entry.content.len() > limit {
            let what = format!("{} has more than {limit} bytes", quoted(name));
            return Err(Fault::malformed(what));
        }
        Ok(Some(entry.content))
    }
}

fn checksum(content: &[u8]) -> usize {
    let mut crc = flate2::Crc::new();
    crc.update(content);
    crc.sum() as usize
}

fn malformed(what: &str) -> Fault {
    Fault::malformed(format!("not a valid PyTorch zip file: {what}"))
}

/// Returns the number of entries in the directory and its byte range, which ends at the end-of-directory records.
fn directory(bytes: &[u8]) -> Result<(usize, Range<usize>), Fault> {
    let cut = || malformed("truncated, or bytes after the end");
    // The four zero bytes are disk numbers, because an archive could span several floppy disks. The last number in the
    // record is the length of a comment that follows the record. There must be no comment.
    let (mut rest, end) = split_end(bytes, END_BYTES, b"PK\x05\x06\0\0\0\0").ok_or_else(cut)?;
    if number(end, 20, 2) != Some(0) {
        return Err(cut());
    }
    let numbers = [(8, 2), (10, 2), (12, 4), (16, 4)].map(|(at, width)| number(end, at, width));
    if let Some((before, locator)) = split_end(rest, LOCATOR_BYTES, b"PK\x06\x07") {
        let is_equal = |record| numbers == [24, 32, 40, 48].map(|at| number(record, at, 8));
        // The disk numbers, and the number of disks.
        let is_one_disk = |record| {
            let disks = [number(record, 16, 8), number(locator, 4, 4), number(locator, 16, 4)];
            disks == [Some(0), Some(0), Some(1)]
        };
        match split_end(before, END64_BYTES, b"PK\x06\x06") {
            Some((before, record))
                if is_equal(record)
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
fn entry<'a>(
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
    Ok((Entry { name, content, crc }, rest))
}

/// Reads a little-endian number of `width` bytes at offset `at`.
fn number(bytes: &[u8], at: usize, width: usize) -> Option<usize> {
    let digits = bytes.get(at..at + width)?.iter().rev();
    digits
        .copied()
        .try_fold(0_usize, |number, digit| number.checked_mul(256)?.checked_add(digit.into()))
}

#[cfg(test)]
#[path = "../../tests/common/zip.rs"]
mod zip;

#[cfg(test)]
mod tests {
    use super::zip::zipped;
    use super::*;

    fn error_of(bytes: &[u8]) -> String {
        match Archive::new(bytes) {
            Ok(_) => panic!("the file is accepted"),
            Err(fault) => fault.to_string(),
        }
    }

    #[test]
    fn sizes_and_checksums_are_checked() {
        let mut bytes = zipped(&[("m/data.pkl", b"pickle"), ("m/data/0", b"1234")]);
        let archive = Archive::new(&bytes).unwrap();
        assert_eq!(archive.read("data.pkl", 6).unwrap(), Some(&b"pickle"[..]));
        assert_eq!(archive.read("data/1", 6).unwrap(), None);
        let long = archive.read("data/0", 3).unwrap_err();
        assert!(long.to_string().contains("more than 3 bytes"), "{long}");
        let at = bytes.windows(4).position(|window| window == b"1234");
        bytes[at.unwrap()] ^= 1;
        assert!(error_of(&bytes).contains("\"m/data/0\": checksum mismatch"));
        // Checksums may be absent from all entries, but not from a single one.
        let records: Vec<_> =
            (0..bytes.len() - 4).filter(|at| bytes[*at..].starts_with(b"PK\x01\x02")).collect();
        bytes[records[1]..][16..20].fill(0);
        assert!(error_of(&bytes).contains("checksum mismatch"));
        bytes[records[0]..][16..20].fill(0);
        assert!(Archive::new(&bytes).is_ok());
        bytes[records[1] + 38] |= 0x10;
        assert!(error_of(&bytes).contains("marked as a directory"));
        bytes[records[1] + 38] = 0;
        bytes[records[1] + 34] = 1;
        assert!(error_of(&bytes).contains("on another disk"));
    }

    #[test]
    fn ambiguous_files_are_rejected() {
        let valid = zipped(&[("m/data.pkl", b"one"), ("m/datA.pkx", b"two")]);
        assert!(Archive::new(&valid).is_ok());
        let renamed = |to: &[u8]| {
            let mut bytes = valid.clone();
            for at in 0..bytes.len() - 10 {
                if bytes[at..].starts_with(b"m/datA.pkx") {
                    bytes[at..at + 10].copy_from_slice(to);
                }
            }
            error_of(&bytes)
        };
        assert!(renamed(b"m/data.pkl").contains("duplicate entry"));
        assert!(renamed(b"m/DATA.pkl").contains("duplicate entry"));
        assert!(renamed(b"n/datA.pkx").contains("several directories"));
        assert!(error_of(&[b"#", &valid[..]].concat()).contains("zip file"));
        assert!(error_of(&[&valid[..], b"#"].concat()).contains("after the end"));
        let twice = [&valid[..], &valid[..]].concat();
        assert!(error_of(&twice).contains("not at the end"));
    }

    #[test]
    fn optional_fields_are_skipped() {
        let bytes = zipped(&[("m/data.pkl", b"one"), ("m/data/0", b"1234")]);
        let at = bytes.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
        // Add an extra field of five bytes and a comment of two bytes to the first record of the directory.
        let mut with_fields = [&bytes[..at + 56], b"extra##", &bytes[at + 56..]].concat();
        with_fields[at + 30] = 5;
        with_fields[at + 32] = 2;
        // The end record states the size of the directory.
        let size_at = with_fields.len() - 10;
        with_fields[size_at] += 7;
        let archive = Archive::new(&with_fields).unwrap();
        assert_eq!(archive.read("data/0", 4).unwrap(), Some(&b"1234"[..]));
    }

    #[test]
    fn compression_and_encryption_are_reported() {
        let bytes = zipped(&[("m/data.pkl", b"pickle")]);
        let at = bytes.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
        let changed = |offset: usize, value: u8| {
            let mut bytes = bytes.clone();
            bytes[at + offset] = value;
            Archive::new(&bytes).err().unwrap()
        };
        assert_eq!(changed(10, 8).kind(), FaultKind::Compressed);
        // Another method than Deflate, and an encrypted entry.
        for fault in [changed(10, 14), changed(8, 1)] {
            let message = fault.to_string();
            assert!(message.ends_with("an entry is compressed or encrypted"), "{message}");
        }
    }
}

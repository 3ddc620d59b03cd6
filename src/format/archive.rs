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

use super::Fault;
use super::zip_layout::{Entry, checksum, directory, entry, malformed};
use crate::io::text::quoted;

/// The entries of a zip file, named without their common directory.
pub(super) struct Archive<'a> {
    entries: Vec<Entry<'a>>,
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
            // PyTorch ignores the case of entry names.
            if !names.insert(inner.to_ascii_lowercase()) {
                return Err(Fault::not_lenet(format!("duplicate entry {}", quoted(entry.name))));
            }
            entry.name = inner;
        }
        Ok(Self { entries })
    }

    /// Returns the content of an entry, or `None` if it does not exist. As in PyTorch, the case of the name is ignored.
    ///
    /// # Errors
    /// Returns an error if the entry has more than `limit` bytes.
    pub(super) fn read(&self, name: &str, limit: usize) -> Result<Option<&'a [u8]>, Fault> {
        let Some(entry) = self.entries.iter().find(|entry| entry.name.eq_ignore_ascii_case(name))
        else {
            return Ok(None);
        };
        if entry.content.len() > limit {
            let what = format!("{} has more than {limit} bytes", quoted(name));
            return Err(Fault::malformed(what));
        }
        Ok(Some(entry.content))
    }
}

#[cfg(test)]
#[path = "../../tests/common/zip.rs"]
mod zip;

#[cfg(test)]
mod tests {
    use super::super::FaultKind;
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
    fn entry_names_ignore_case() {
        let bytes = zipped(&[("m/data.pkl", b"pickle"), ("m/BYTEORDER", b"big")]);
        let archive = Archive::new(&bytes).unwrap();
        assert_eq!(archive.read("byteorder", 16).unwrap(), Some(&b"big"[..]));
    }

    /// For these entries, PyTorch returns uninitialised memory, or no content.
    #[test]
    fn unreadable_names_are_rejected() {
        let directory = |content| zipped(&[("m/data.pkl", b"one"), ("m/data/1/", content)]);
        assert!(Archive::new(&directory(b"")).is_ok());
        assert!(error_of(&directory(b"1")).contains("\"m/data/1/\" is a directory with content"));
        let name = |length: usize| format!("m/{}", "x".repeat(length - 2));
        assert!(Archive::new(&zipped(&[(&name(511), b"1")])).is_ok());
        assert!(error_of(&zipped(&[(&name(512), b"1")])).contains("name has more than 511 bytes"));
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

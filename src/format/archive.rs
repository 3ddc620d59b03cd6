//! A zip file as PyTorch writes it, read so strictly that it can have one meaning only.
//!
//! ```text
//! entries, the first at byte 0 | directory | end of directory, 64 bits | its locator | end of directory
//! ```
//!
//! Entries are stored, not compressed, each with one name, all in one folder. A zip library takes much more: bytes
//! before the first entry, names that are there twice, of which each reader picks its own. Two programs then read two
//! models from one file. The layout is that of PKWARE's APPNOTE.TXT, 4.3.

use std::collections::HashSet;

use super::Fault;
use crate::io::text::quoted;

const END_BYTES: usize = 22;
const END64_BYTES: usize = 56;
const LOCATOR_BYTES: usize = 20;

/// The entries of an archive, named without their common folder.
pub(super) struct Archive<'a> {
    entries: Vec<Entry<'a>>,
}

struct Entry<'a> {
    name: &'a str,
    content: &'a [u8],
    crc: u32,
}

impl<'a> Archive<'a> {
    /// # Errors
    /// If `bytes` are laid out in any other way.
    pub(super) fn new(bytes: &'a [u8]) -> Result<Self, Fault> {
        let directory = directory(bytes)?;
        let mut rest = directory.bytes;
        let mut entries = Vec::new();
        let mut end = 0;
        for _ in 0..directory.entries {
            let (entry, after) = entry(bytes, rest, &mut end)?;
            entries.push(entry);
            rest = after;
        }
        if !rest.is_empty() || end > directory.start {
            return Err(malformed("its directory and its entries disagree"));
        }
        let folder = entries.first().and_then(|first| first.name.split_once('/'));
        let Some((folder, _)) = folder else {
            return Err(Fault::Missing("data.pkl".to_owned()));
        };
        let mut names = HashSet::new();
        for entry in &mut entries {
            let inner = entry.name.strip_prefix(folder);
            let Some(inner) = inner.and_then(|name| name.strip_prefix('/')) else {
                return Err(malformed("its entries are in several folders"));
            };
            // PyTorch's own reader takes small letters and capitals for the same.
            if !names.insert(inner.to_ascii_lowercase()) {
                return Err(Fault::Duplicate(quoted(entry.name)));
            }
            entry.name = inner;
        }
        Ok(Self { entries })
    }

    /// The content of the entry `name`, if it is there.
    ///
    /// # Errors
    /// If it has more than `limit` bytes, or other bytes than its checksum says.
    pub(super) fn read(&self, name: &str, limit: usize) -> Result<Option<&'a [u8]>, Fault> {
        let Some(entry) = self.entries.iter().find(|entry| entry.name == name) else {
            return Ok(None);
        };
        if entry.content.len() > limit {
            let name = quoted(name);
            return Err(Fault::Malformed(format!("{name} has more than {limit} bytes")));
        }
        let mut crc = flate2::Crc::new();
        crc.update(entry.content);
        match crc.sum() == entry.crc {
            true => Ok(Some(entry.content)),
            false => Err(Fault::Malformed(format!("{}: its checksum is wrong", quoted(name)))),
        }
    }
}

fn malformed(what: &str) -> Fault {
    Fault::Malformed(format!("not a sound zip file of PyTorch: {what}"))
}

struct Directory<'a> {
    bytes: &'a [u8],
    start: usize,
    entries: usize,
}

/// Finds the directory, which ends where its end records begin.
fn directory(bytes: &[u8]) -> Result<Directory<'_>, Fault> {
    let cut = || malformed("it is cut short, or has bytes after its end");
    let (rest, end) =
        bytes.split_at_checked(bytes.len().saturating_sub(END_BYTES)).ok_or_else(cut)?;
    // Disks of this kind were floppies: there is one, number 0. Behind it all could stand a comment.
    if !end.starts_with(b"PK\x05\x06\0\0\0\0") || u16_at(end, 20) != Some(0) {
        return Err(cut());
    }
    let [here, entries] = [8, 10].map(|at| u16_at(end, at).unwrap_or_default());
    let [size, start] = [12, 16].map(|at| u32_at(end, at).unwrap_or_default());
    let mut rest = rest;
    if let Some((before, locator)) = split_end(rest, LOCATOR_BYTES, b"PK\x06\x07") {
        let same = |record: &[u8]| {
            let numbers = [24, 32, 40, 48].map(|at| u64_at(record, at));
            numbers == [here.into(), entries.into(), size.into(), start.into()].map(Some)
        };
        let record = split_end(before, END64_BYTES, b"PK\x06\x06");
        match record {
            Some((before, record))
                if same(record) && u64_at(locator, 8) == Some(before.len() as u64) =>
            {
                rest = before;
            }
            _ => return Err(malformed("it has two ends that disagree")),
        }
    }
    let (start, size) = (start as usize, size as usize);
    if here != entries || start.checked_add(size) != Some(rest.len()) {
        return Err(malformed("its directory is not at its end"));
    }
    Ok(Directory { bytes: &rest[start..], start, entries: entries.into() })
}

/// The last `length` of `bytes`, if they begin so, and what is before them.
fn split_end<'a>(bytes: &'a [u8], length: usize, begin: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let (before, end) = bytes.split_at(bytes.len().checked_sub(length)?);
    end.starts_with(begin).then_some((before, end))
}

/// The entry that `directory` begins with, in `bytes` behind those that end at `end`, and the rest of the directory.
fn entry<'a>(
    bytes: &'a [u8],
    directory: &'a [u8],
    end: &mut usize,
) -> Result<(Entry<'a>, &'a [u8]), Fault> {
    let cut = || malformed("an entry is cut short");
    let field = |at| u16_at(directory, at).map(usize::from).ok_or_else(cut);
    let number = |at| u32_at(directory, at).ok_or_else(cut);
    if !directory.starts_with(b"PK\x01\x02") {
        return Err(malformed("its directory has fewer entries than it says"));
    }
    let (flags, method) = (field(8)?, field(10)?);
    let (crc, packed, size) = (number(16)?, number(20)? as usize, number(24)? as usize);
    let (name_bytes, extra, comment) = (field(28)?, field(30)?, field(32)?);
    let start = number(42)? as usize;
    let rest = directory.get(46 + name_bytes + extra + comment..).ok_or_else(cut)?;
    let name = &directory[46..46 + name_bytes];
    // Bit 3: sizes behind the content too; bit 11: a name in UTF-8. Others change what the content means.
    if flags & !0x0808 != 0 || method != 0 || packed != size {
        return Err(malformed("an entry is compressed or encrypted"));
    }
    if start < *end || (*end == 0 && start != 0) {
        return Err(malformed("its entries overlap, or something is before them"));
    }
    let local = bytes.get(start..).ok_or_else(cut)?;
    let lengths = [26, 28].map(|at| u16_at(local, at).map(usize::from));
    let [Some(local_name), Some(local_extra)] = lengths else {
        return Err(cut());
    };
    let content = start + 30 + local_name + local_extra;
    if !local.starts_with(b"PK\x03\x04") || local.get(30..30 + local_name) != Some(name) {
        return Err(malformed("an entry is not what its directory says"));
    }
    *end = content.checked_add(size).ok_or_else(cut)?;
    let content = bytes.get(content..*end).ok_or_else(cut)?;
    let name = std::str::from_utf8(name).map_err(|_| malformed("a name is not in UTF-8"))?;
    Ok((Entry { name, content, crc }, rest))
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

#[cfg(test)]
#[path = "../../tests/common/zip.rs"]
mod zip;

#[cfg(test)]
mod tests {
    use super::zip::zipped;
    use super::*;

    fn refusal(bytes: &[u8]) -> String {
        match Archive::new(bytes) {
            Ok(_) => panic!("it is read"),
            Err(fault) => fault.to_string(),
        }
    }

    #[test]
    fn entries_are_found_without_their_folder_and_checked() {
        let mut bytes = zipped(&[("m/data.pkl", b"pickle"), ("m/data/0", b"1234")]);
        let archive = Archive::new(&bytes).unwrap();
        assert_eq!(archive.read("data.pkl", 6).unwrap(), Some(&b"pickle"[..]));
        assert_eq!(archive.read("data/1", 6).unwrap(), None);
        let long = archive.read("data/0", 3).unwrap_err();
        assert!(long.to_string().contains("more than 3 bytes"), "{long}");
        let at = bytes.windows(4).position(|window| window == b"1234");
        bytes[at.unwrap()] ^= 1;
        let wrong = Archive::new(&bytes).unwrap().read("data/0", 4).unwrap_err();
        assert!(wrong.to_string().contains("checksum"), "{wrong}");
    }

    #[test]
    fn a_file_that_two_readers_could_read_differently_is_refused() {
        let sound = zipped(&[("m/data.pkl", b"one"), ("m/datA.pkx", b"two")]);
        assert!(Archive::new(&sound).is_ok());
        let renamed = |to: &[u8]| {
            let mut bytes = sound.clone();
            for at in 0..bytes.len() - 10 {
                if bytes[at..].starts_with(b"m/datA.pkx") {
                    bytes[at..at + 10].copy_from_slice(to);
                }
            }
            refusal(&bytes)
        };
        assert!(renamed(b"m/data.pkl").contains("there twice"));
        assert!(renamed(b"m/DATA.pkl").contains("there twice"));
        assert!(renamed(b"n/datA.pkx").contains("several folders"));
        assert!(refusal(&[b"#", &sound[..]].concat()).contains("zip file"));
        assert!(refusal(&[&sound[..], b"#"].concat()).contains("after its end"));
        let twice = [&sound[..], &sound[..]].concat();
        assert!(refusal(&twice).contains("not at its end"));
    }
}

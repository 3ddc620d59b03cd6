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
use std::ops::Range;

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
    crc: usize,
}

impl<'a> Archive<'a> {
    /// Refuses `bytes` that are laid out in any other way.
    pub(super) fn new(bytes: &'a [u8]) -> Result<Self, Fault> {
        let (count, place) = directory(bytes)?;
        let mut rest = &bytes[place.clone()];
        let mut entries = Vec::new();
        let mut end = 0;
        for _ in 0..count {
            let (entry, after) = entry(bytes, rest, &mut end)?;
            entries.push(entry);
            rest = after;
        }
        if !rest.is_empty() || end > place.start {
            return Err(malformed("its directory and its entries disagree"));
        }
        let folder = entries.first().and_then(|first| first.name.split_once('/'));
        let Some((folder, _)) = folder else {
            return Err(Fault::not_lenet("data.pkl is missing"));
        };
        let mut names = HashSet::new();
        for entry in &mut entries {
            let inner = entry.name.strip_prefix(folder);
            let Some(inner) = inner.and_then(|name| name.strip_prefix('/')) else {
                return Err(malformed("its entries are in several folders"));
            };
            // PyTorch's own reader takes small letters and capitals for the same.
            if !names.insert(inner.to_ascii_lowercase()) {
                return Err(Fault::not_lenet(format!("{} is there twice", quoted(entry.name))));
            }
            entry.name = inner;
        }
        Ok(Self { entries })
    }

    /// The content of the entry `name`, if it is there; refused with more than `limit` bytes, or a wrong checksum.
    pub(super) fn read(&self, name: &str, limit: usize) -> Result<Option<&'a [u8]>, Fault> {
        let Some(entry) = self.entries.iter().find(|entry| entry.name == name) else {
            return Ok(None);
        };
        if entry.content.len() > limit {
            let what = format!("{} has more than {limit} bytes", quoted(name));
            return Err(Fault::malformed(what));
        }
        let mut crc = flate2::Crc::new();
        crc.update(entry.content);
        match crc.sum() as usize == entry.crc {
            true => Ok(Some(entry.content)),
            false => Err(Fault::malformed(format!("{}: its checksum is wrong", quoted(name)))),
        }
    }
}

fn malformed(what: &str) -> Fault {
    Fault::malformed(format!("not a sound zip file of PyTorch: {what}"))
}

/// How many entries the directory has, and where it lies: it ends where its end records begin.
fn directory(bytes: &[u8]) -> Result<(usize, Range<usize>), Fault> {
    let cut = || malformed("it is cut short, or has bytes after its end");
    // Disks of this kind were floppies: there is one, number 0. Behind it all could stand a comment.
    let (mut rest, end) = split_end(bytes, END_BYTES, b"PK\x05\x06\0\0\0\0").ok_or_else(cut)?;
    if number(end, 20, 2) != Some(0) {
        return Err(cut());
    }
    let numbers = [(8, 2), (10, 2), (12, 4), (16, 4)].map(|(at, width)| number(end, at, width));
    if let Some((before, locator)) = split_end(rest, LOCATOR_BYTES, b"PK\x06\x07") {
        let same = |record| numbers == [24, 32, 40, 48].map(|at| number(record, at, 8));
        match split_end(before, END64_BYTES, b"PK\x06\x06") {
            Some((before, record))
                if same(record) && number(locator, 8, 8) == Some(before.len()) =>
            {
                rest = before;
            }
            _ => return Err(malformed("it has two ends that disagree")),
        }
    }
    let [here, entries, size, start] = numbers.map(Option::unwrap_or_default);
    if here != entries || start.checked_add(size) != Some(rest.len()) {
        return Err(malformed("its directory is not at its end"));
    }
    Ok((entries, start..rest.len()))
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
    let number_at = |at, width| number(directory, at, width).ok_or_else(cut);
    if !directory.starts_with(b"PK\x01\x02") {
        return Err(malformed("its directory has fewer entries than it says"));
    }
    let (flags, method, crc) = (number_at(8, 2)?, number_at(10, 2)?, number_at(16, 4)?);
    let (packed, size, start) = (number_at(20, 4)?, number_at(24, 4)?, number_at(42, 4)?);
    let (name_bytes, extra, comment) = (number_at(28, 2)?, number_at(30, 2)?, number_at(32, 2)?);
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
    let local_name = number(local, 26, 2).ok_or_else(cut)?;
    let content = start + 30 + local_name + number(local, 28, 2).ok_or_else(cut)?;
    if !local.starts_with(b"PK\x03\x04") || local.get(30..30 + local_name) != Some(name) {
        return Err(malformed("an entry is not what its directory says"));
    }
    *end = content.checked_add(size).ok_or_else(cut)?;
    let content = bytes.get(content..*end).ok_or_else(cut)?;
    let name = std::str::from_utf8(name).map_err(|_| malformed("a name is not in UTF-8"))?;
    Ok((Entry { name, content, crc }, rest))
}

/// The little-endian number of `width` bytes at `at`.
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

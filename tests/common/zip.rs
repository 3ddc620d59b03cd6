//! Zip files of uncompressed entries, for tests of their readers.

use flate2::Crc;

/// Returns a zip file of these entries, each of which is a name and its content.
pub fn zipped(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut file, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in entries {
        let mut crc = Crc::new();
        crc.update(content);
        let size = (content.len() as u32).to_le_bytes();
        // The facts: version 2.0, no flags, stored; midnight of 1 January 1980; CRC, sizes, length of the name, no extra field.
        let mut facts = b"\x14\0\0\0\0\0\0\0\x21\0".to_vec();
        facts.extend(crc.sum().to_le_bytes());
        facts.extend([size, size].concat());
        facts.extend((name.len() as u16).to_le_bytes());
        facts.extend([0; 2]);
        let offset = (file.len() as u32).to_le_bytes();
        file.extend([&b"PK\x03\x04"[..], &facts, name.as_bytes(), content].concat());
        // The zeros mean: no comment, first disk, no attributes.
        directory.extend([&b"PK\x01\x02\x14\0"[..], &facts, &[0; 10], &offset].concat());
        directory.extend(name.as_bytes());
    }
    let count = (entries.len() as u16).to_le_bytes();
    let (start, size) = (file.len() as u32, directory.len() as u32);
    file.extend(directory);
    file.extend([&b"PK\x05\x06\0\0\0\0"[..], &count, &count].concat());
    file.extend([size.to_le_bytes(), start.to_le_bytes()].concat());
    file.extend([0; 2]);
    file
}

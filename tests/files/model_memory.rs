//! Reading the largest and the most nested model files needs bounded memory.

use std::path::Path;

use lenet::format;

use super::untrusted_models::read;
use super::zip::zipped;
use super::{assert_memory_is_bounded, lock_memory};

#[test]
fn doubling_pickle_needs_bounded_memory() {
    // Each round pairs the previous value with itself. If the reader copied values, the last one would have 2^4000 leaves.
    let rounds = b"h\0h\0\x86q\0".repeat(4000);
    let pickle = [b"\x80\x02)q\0", &rounds[..], b"."].concat();
    read("m.pt", &zipped(&[("m/data.pkl", &pickle)]));
    assert_memory_is_bounded();
}

#[test]
fn oversized_entries_are_rejected() {
    let large = vec![b'('; 2 << 20];
    let content = zipped(&[("m/data.pkl", &large)]);
    let error = format::decode(Path::new("m.pt"), &content).unwrap_err();
    assert!(error.to_string().contains("\"data.pkl\" has more than 1048576 bytes"), "{error}");
}

#[test]
fn largest_headers_need_bounded_memory() {
    let _lock = lock_memory();
    let limit = usize::try_from(format::MAX_FILE_BYTES).unwrap();
    // The first two files have as many tensors as fit in a header of 1 MB, and as many entries as fit in a zip directory
    // of 16 MB.
    let mut header = String::from("{");
    for index in 0..(1 << 20) / 52 {
        header +=
            &format!("\"{index:05}\":{{\"dtype\":\"I8\",\"shape\":[0],\"data_offsets\":[0,0]}},");
    }
    header.truncate((1 << 20) - 2);
    header.truncate(header.rfind(",\"").unwrap());
    header.push('}');
    let length = header.len() as u64;
    read("m.safetensors", &[&length.to_le_bytes()[..], header.as_bytes()].concat());

    let entries = (limit - 200) / 50;
    read("m.pt", &zip_directory(entries));
    read("m.mpk", &vec![0x91; limit]);
    assert_memory_is_bounded();
}

/// The largest files that pass the limit on their size have as many values as possible.
#[test]
fn largest_structures_need_bounded_memory() {
    let _lock = lock_memory();
    let limit = (1 << 20) - 2000;
    for value in [b"\xc0".as_slice(), b"\xa0", b"\x80", b"\x90", b"\x91\xc0", b"\x81\xa0\xc0"] {
        let count = limit / value.len();
        let list =
            [b"\xdd".as_slice(), &(count as u32).to_be_bytes(), &value.repeat(count)].concat();
        read("m.mpk", &[b"\x83\xa8metadata\x80\xa2_b\x90\xa4item", &list[..]].concat());
    }
    for value in
        [b"}".as_slice(), b")", b"]", b"N", b"N\x85", b"(t", b"}q\0", b"K\0", b"U\0", b"cm\nn\n"]
    {
        let pickle = [b"\x80\x02(", &value.repeat(limit / value.len())[..], b"t."].concat();
        read("m.pt", &zipped(&[("m/data.pkl", &pickle)]));
    }
    // Dictionaries with many entries that refer to one large dictionary.
    let many = b"(".iter().copied().chain(b"h\0N".repeat(100_000));
    let dict: Vec<u8> = b"\x80\x02X\x01\0\0\0aq\x000}q\x01".iter().copied().chain(many).collect();
    let pickle = [&dict[..], b"u0}(", &b"h\0h\x01".repeat(100_000), b"u."].concat();
    read("m.pt", &zipped(&[("m/data.pkl", &pickle)]));

    let entry = |index: usize| {
        let entry = b"\xa3edtypecF32eshape\x80ldata_offsets\x82\x00\x00";
        [b"\x65", format!("{index:05}").as_bytes(), entry].concat()
    };
    let count = limit / entry(0).len();
    let entries: Vec<u8> = (0..count).flat_map(entry).collect();
    let metadata = [b"\xa1gtensors\xb9", &(count as u16).to_be_bytes()[..], &entries].concat();
    let length = (metadata.len() as u32).to_le_bytes();
    read("m.bpk", &[b"NRUB\x01\0", &length[..], &metadata].concat());
    assert_memory_is_bounded();
}

/// Builds a zip64 file with one entry, which the directory lists `count` times under different names.
fn zip_directory(count: usize) -> Vec<u8> {
    let local = [&b"PK\x03\x04\x14\0"[..], &[0; 20], b"\x04\0\0\0data.pkl"].concat();
    let mut content = local.clone();
    let start = content.len() as u64;
    for index in 0..count {
        content.extend(b"PK\x01\x02\x14\0\x14\0");
        content.extend([0; 20]);
        content.extend(b"\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
        // Each entry has a different name of four bytes.
        content.extend((0..4).map(|digit| b'0' + (index >> (6 * digit) & 63) as u8));
    }
    let directory = content.len() as u64 - start;
    let end = content.len() as u64;
    content.extend(b"PK\x06\x06");
    content.extend(44_u64.to_le_bytes());
    content.extend(b"\x2d\0\x2d\0\0\0\0\0\0\0\0\0");
    for number in [count as u64, count as u64, directory, start] {
        content.extend(number.to_le_bytes());
    }
    content.extend(b"PK\x06\x07\0\0\0\0");
    content.extend(end.to_le_bytes());
    content.extend(b"\x01\0\0\0PK\x05\x06\0\0\0\0");
    content.extend([0xff; 12]);
    content.extend([0, 0]);
    content
}

//! Readers of model files meet damaged, invented and malicious files: each is refused or read, none panics, and
//! none takes memory beyond the file's own size.

use std::path::Path;
use std::sync::LazyLock;

use lenet::format::{self, Format, ModelFile};
use lenet::model::{TENSORS, Weights};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::zip::zipped;
use super::{alone, check_memory, interop};

/// A model file of weights that are all different, and of notes.
static SOUND_FILE: LazyLock<ModelFile> = LazyLock::new(|| {
    let mut file = ModelFile::from(Weights::zeros());
    for (index, value) in file.weights.values_mut().iter_mut().enumerate() {
        *value = index as f32 / 1024.0;
    }
    for note in ["seed", "recipe", "a \"quoted\"\nnote", "epoch"] {
        file.metadata.insert(note.to_owned(), "ü".to_owned());
    }
    file
});

/// A sound file of each format that is read, as its name and content.
static SOUND: LazyLock<[(&str, Vec<u8>); 3]> = LazyLock::new(|| {
    [
        ("m.mpk", format::encode(Format::Mpk, &SOUND_FILE).unwrap()),
        ("m.safetensors", format::encode(Format::Safetensors, &SOUND_FILE).unwrap()),
        ("m.pt", std::fs::read(interop("lenet.pt")).unwrap()),
    ]
});

/// Reads `content`. Whatever it is, weights that come out are finite, and a refusal is one line that names the file.
fn read(name: &str, content: &[u8]) -> Option<Weights> {
    match format::decode(Path::new(name), content) {
        Ok(file) => {
            assert_eq!(file.weights.first_non_finite(), None);
            Some(file.weights)
        }
        Err(error) => {
            let message = error.to_string();
            assert!(message.starts_with(name), "{message}");
            assert!(message.len() < 600 && !message.contains(char::is_control), "{message:?}");
            assert!(error.hint().is_some(), "{message}");
            None
        }
    }
}

/// Positions in a file of `length` bytes, most of them near its two ends, where its structure is.
fn position(length: usize) -> impl Strategy<Value = usize> {
    prop_oneof![0..length.min(1500), 0..length, length.saturating_sub(1500)..length]
}

/// Bytes that are lengths, markers or opcodes somewhere, and any others.
fn byte() -> impl Strategy<Value = u8> {
    prop_oneof![
        prop::sample::select(vec![0, 1, 0x7f, 0x80, 0xc0, 0xc6, 0xdb, 0xdd, 0xdf, 0xff]),
        prop::sample::select(b"(){}.tuRQqhKMJXcb\"[],:".to_vec()),
        any::<u8>(),
    ]
}

/// A tensor of a safetensors header: right, nearly right, or not at all.
fn header_entry() -> impl Strategy<Value = (String, Value)> {
    let name = prop_oneof![
        9 => prop::sample::select(TENSORS.map(|spec| spec.name.to_owned()).to_vec()),
        1 => prop::collection::vec(any::<char>(), 0..900).prop_map(String::from_iter),
    ];
    let dtype = prop::sample::select(vec!["F32", "F64", "I8", "F4", "BOOL", "nothing"]);
    let size = prop_oneof![0..300_u64, any::<u64>()];
    let shape = prop::collection::vec(size.clone(), 0..5);
    (name, dtype, shape, size.clone(), size).prop_map(|(name, dtype, shape, start, end)| {
        (name, json!({"dtype": dtype, "shape": shape, "data_offsets": [start, end]}))
    })
}

/// A key of a Burn record as its bytes.
fn record_key() -> impl Strategy<Value = Vec<u8>> {
    let keys = [
        "metadata", "float", "version", "item", "_b", "conv1", "conv2", "fc1", "fc3", "weight",
        "bias", "stride", "padding", "id", "param", "bytes", "shape", "dtype",
    ];
    prop::sample::select(keys.to_vec())
        .prop_map(|key| [&[0xa0 | key.len() as u8], key.as_bytes()].concat())
}

/// Pieces of pickles: whole instructions, so that many sequences of them run for a while.
fn pickle() -> impl Strategy<Value = Vec<u8>> {
    let pieces: Vec<&[u8]> = vec![
        b"}", b"(", b")", b"t", b"u", b"s", b"R", b"Q", b"b", b"N", b"\x88", b"\x85", b"\x86",
        b"\x87", b"\x94", b"\x93", b"q\0", b"h\0", b"q\x01", b"h\x01", b"j\0\0\0\0", b"K\x06",
        b"M\0\x01", b"J\xff\xff\xff\xff", b"J\xff\xff\xff\x7f", b"X\x01\0\0\0s",
        b"X\x0a\0\0\0conv1.bias", b"\x8c\x07storage", b"X\xff\xff\xff\xff",
        b"ccollections\nOrderedDict\n", b"ctorch._utils\n_rebuild_tensor_v2\n",
        b"ctorch._utils\n_rebuild_parameter\n", b"ctorch\nFloatStorage\n", b"cos\nsystem\n",
        // A storage, and all of a tensor.
        b"(X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\0sX\x03\0\0\0cpuK\x06tQ",
        b"ctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\nFloatStorage\n\
          X\x01\0\0\0sX\x03\0\0\0cpuK\x06tQK\0K\x06\x85K\x01\x85\x89ccollections\nOrderedDict\n)RtR",
    ];
    prop::collection::vec(prop::sample::select(pieces), 1..60).prop_map(|pieces| {
        let body = pieces.concat();
        [b"\x80\x02", &body[..], b"."].concat()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn files_with_changed_bytes_are_read_or_refused(
        format in 0..3_usize,
        changes in prop::collection::vec((any::<prop::sample::Index>(), byte()), 1..8),
        anywhere in any::<bool>(),
    ) {
        let (name, content) = &SOUND[format];
        let mut content = content.clone();
        for (index, value) in changes {
            let length = if anywhere { content.len() } else { 1500 };
            let at = index.index(length);
            // The zip directory of a .pt is at its end.
            let at = if value & 1 == 1 { at } else { content.len() - 1 - at };
            content[at] = value;
        }
        read(name, &content);
    }

    #[test]
    fn files_with_a_piece_cut_out_or_put_in_are_refused(
        format in 0..3_usize,
        (from, to) in (position(178_000), position(178_000)),
        cut in any::<bool>(),
    ) {
        let (name, content) = &SOUND[format];
        let (from, to) = (from.min(to), from.max(to));
        let changed = if cut {
            [&content[..from], &content[to..]].concat()
        } else {
            [&content[..to], &content[from..]].concat()
        };
        // The zip format allows bytes before and between entries: a .pt may still be whole.
        if *name != "m.pt" && from != to {
            prop_assert_eq!(read(name, &changed), None);
        } else {
            read(name, &changed);
        }
    }

    #[test]
    fn invented_bytes_are_refused(format in 0..3_usize, content in prop::collection::vec(byte(), 0..400)) {
        let (name, _) = SOUND[format];
        prop_assert_eq!(read(name, &content), None);
        let start = [b"\x83\xa8metadata".as_slice(), b"\x40\0\0\0\0\0\0\0{", b"PK\x03\x04data.pkl"][format];
        prop_assert_eq!(read(name, &[start, &content].concat()), None);
    }

    #[test]
    fn invented_safetensors_headers_are_refused(entries in prop::collection::vec(header_entry(), 0..12)) {
        let header = Value::Object(entries.into_iter().collect()).to_string();
        let length = header.len() as u64;
        let content = [&length.to_le_bytes()[..], header.as_bytes(), &[0; 2000]].concat();
        prop_assert_eq!(read("m.safetensors", &content), None);
    }

    #[test]
    fn records_with_a_key_exchanged_are_refused(from in record_key(), to in record_key(), nth in 0..20_usize) {
        let (name, content) = &SOUND[0];
        let found = content.windows(from.len()).enumerate().filter(|(_, window)| *window == from);
        let places: Vec<usize> = found.map(|(at, _)| at).collect();
        let at = places[nth % places.len()];
        let changed = [&content[..at], &to, &content[at + from.len()..]].concat();
        prop_assert_eq!(read(name, &changed).is_some(), from == to);
    }

    #[test]
    fn invented_pickles_are_refused(pickle in pickle()) {
        let content = zipped(&[("m/data.pkl", &pickle), ("m/data/s", &[0; 24])]);
        prop_assert_eq!(read("m.pt", &content), None);
    }
}

#[test]
fn files_that_end_early_or_go_on_after_their_end_are_refused() {
    for (name, content) in &*SOUND {
        // Every length among the first and last bytes, a sample of the others.
        let ends = (0..2000).chain(content.len() - 2000..content.len());
        for length in ends.chain((2000..content.len()).step_by(97)) {
            assert_eq!(read(name, &content[..length]), None, "{name}, {length}");
        }
        let longer = [&content[..], &[0]].concat();
        assert_eq!(read(name, &longer), None, "{name}");
    }
}

#[test]
fn a_file_holds_what_was_written_and_equal_files_are_equal_bytes() {
    for (name, content) in &SOUND[..2] {
        let file = format::decode(Path::new(name), content).unwrap();
        assert_eq!(file.weights, SOUND_FILE.weights, "{name}");
        if *name == "m.safetensors" {
            assert_eq!(file, *SOUND_FILE);
        }
        let format = Format::from_path(Path::new(name)).unwrap();
        assert_eq!(format::encode(format, &SOUND_FILE).unwrap(), *content, "{name}");
    }
}

#[test]
fn a_pickle_that_doubles_itself_takes_no_memory() {
    // Each round makes a pair of the last pair: 2^4000 leaves to whoever copies them.
    let rounds = b"h\0h\0\x86q\0".repeat(4000);
    let pickle = [b"\x80\x02)q\0", &rounds[..], b"."].concat();
    read("m.pt", &zipped(&[("m/data.pkl", &pickle)]));
    check_memory();
}

#[test]
fn entries_larger_than_they_may_be_are_refused() {
    let large = vec![b'('; 2 << 20];
    let content = zipped(&[("m/data.pkl", &large)]);
    let error = format::decode(Path::new("m.pt"), &content).unwrap_err();
    assert!(error.to_string().contains("\"data.pkl\" has more than 65536 bytes"), "{error}");
}

#[test]
fn headers_and_directories_of_the_largest_size_take_bounded_memory() {
    let _alone = alone();
    let limit = usize::try_from(format::MAX_FILE_BYTES).unwrap();
    // As many tensors as a header of one megabyte may list, as many entries as a directory of 16 holds.
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
    check_memory();
}

/// A zip64 file of one entry that its directory lists `count` times under different names.
fn zip_directory(count: usize) -> Vec<u8> {
    let local = [&b"PK\x03\x04\x14\0"[..], &[0; 20], b"\x04\0\0\0data.pkl"].concat();
    let mut content = local.clone();
    let start = content.len() as u64;
    for index in 0..count {
        content.extend(b"PK\x01\x02\x14\0\x14\0");
        content.extend([0; 20]);
        content.extend(b"\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
        // Four bytes of name, different for each.
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

//! Model files that are corrupt, random or malicious: each is rejected, or read with finite weights. Reading never panics.

use std::path::Path;
use std::sync::LazyLock;

use lenet::format::{self, Format, FormatError, ModelFile};
use lenet::model::{TENSORS, Weights};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::interop;
use super::zip::zipped;

/// A model file with metadata and with a different value for each weight.
static MODEL: LazyLock<ModelFile> = LazyLock::new(|| {
    let mut file = ModelFile::from(Weights::zeros());
    for (index, value) in file.weights.values_mut().iter_mut().enumerate() {
        *value = index as f32 / 1024.0;
    }
    file.metadata.insert("format".to_owned(), "pt".to_owned());
    for key in ["seed", "recipe", "a \"quoted\"\nkey", "epoch"] {
        file.metadata.insert(key.to_owned(), "ü".to_owned());
    }
    file
});

/// A valid file of each readable format, as name and content.
static VALID: LazyLock<[(&str, Vec<u8>); 4]> = LazyLock::new(|| {
    [
        ("m.mpk", format::encode(Format::Mpk, &MODEL).unwrap()),
        ("m.bpk", format::encode(Format::Bpk, &MODEL).unwrap()),
        ("m.safetensors", format::encode(Format::Safetensors, &MODEL).unwrap()),
        ("m.pt", std::fs::read(interop("lenet.pt")).unwrap()),
    ]
});

/// Reads `content`. Asserts that the weights are finite, or that the error is a single line that starts with the file name.
pub(super) fn read(name: &str, content: &[u8]) -> Option<Weights> {
    match format::decode(Path::new(name), content) {
        Ok(file) => {
            assert_eq!(file.weights.first_non_finite(), None);
            Some(file.weights)
        }
        Err(error) => {
            let message = error.to_string();
            assert!(message.starts_with(name), "{message}");
            assert!(message.len() < 600 && !message.contains(char::is_control), "{message:?}");
            // Invalid content must not be reported as an I/O error, the only kind of error for which the program has no hint.
            assert!(!matches!(error, FormatError::File(_)), "{message}");
            None
        }
    }
}

/// Returns a strategy for positions in a file of `length` bytes. Most are near both ends, where the structure is.
fn position(length: usize) -> impl Strategy<Value = usize> {
    prop_oneof![0..length.min(1500), 0..length, length.saturating_sub(1500)..length]
}

/// Returns a strategy for bytes, with a preference for lengths, markers and opcodes of the formats.
fn byte() -> impl Strategy<Value = u8> {
    prop_oneof![
        prop::sample::select(vec![0, 1, 0x7f, 0x80, 0xc0, 0xc6, 0xdb, 0xdd, 0xdf, 0xff]),
        prop::sample::select(b"(){}.tuRQqhKMJXcb\"[],:".to_vec()),
        any::<u8>(),
    ]
}

/// Returns a strategy for entries of a safetensors header: valid, almost valid or invalid.
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

/// Returns a strategy for the encoded keys of a Burn record.
fn record_key() -> impl Strategy<Value = Vec<u8>> {
    let keys = [
        "metadata", "float", "version", "item", "_b", "conv1", "conv2", "fc1", "fc3", "weight",
        "bias", "stride", "padding", "id", "param", "bytes", "shape", "dtype",
    ];
    prop::sample::select(keys.to_vec())
        .prop_map(|key| [&[0xa0 | key.len() as u8], key.as_bytes()].concat())
}

/// Returns a strategy for pickles that consist of complete instructions, so that the reader executes many of them for a while.
fn pickle() -> impl Strategy<Value = Vec<u8>> {
    let pieces: Vec<&[u8]> = vec![
        b"}", b"(", b")", b"t", b"u", b"s", b"R", b"Q", b"b", b"N", b"\x88", b"\x85", b"\x86",
        b"\x87", b"\x94", b"\x93", b"q\0", b"h\0", b"q\x01", b"h\x01", b"j\0\0\0\0", b"K\x06",
        b"M\0\x01", b"J\xff\xff\xff\xff", b"J\xff\xff\xff\x7f", b"X\x01\0\0\0s",
        b"X\x0a\0\0\0conv1.bias", b"\x8c\x07storage", b"X\xff\xff\xff\xff",
        b"ccollections\nOrderedDict\n", b"ctorch._utils\n_rebuild_tensor_v2\n",
        b"ctorch._utils\n_rebuild_parameter\n", b"ctorch\nFloatStorage\n", b"cos\nsystem\n",
        b"]", b"0", b"2", b"a", b"e", b"l", b"d", b"\x81", b"\x8f", b"\x90", b"G\0\0\0\0\0\0\0\0", b"X\x05\0\0\0model",
        // A storage, and a complete tensor.
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
    fn changed_bytes_never_panic(
        format in 0..4_usize,
        changes in prop::collection::vec((any::<prop::sample::Index>(), byte()), 1..8),
        anywhere in any::<bool>(),
    ) {
        let (name, content) = &VALID[format];
        let mut content = content.clone();
        for (index, value) in changes {
            let length = if anywhere { content.len() } else { 1500 };
            let at = index.index(length);
            // Some positions count from the end of the file, where the zip directory of a .pt file is.
            let at = if value & 1 == 1 { at } else { content.len() - 1 - at };
            content[at] = value;
        }
        read(name, &content);
    }

    #[test]
    fn removed_or_repeated_parts_are_rejected(
        format in 0..4_usize,
        (from, to) in (position(178_000), position(178_000)),
        cut in any::<bool>(),
    ) {
        let (name, content) = &VALID[format];
        let (from, to) = (from.min(to), from.max(to));
        let changed = if cut {
            [&content[..from], &content[to..]].concat()
        } else {
            [&content[..to], &content[from..]].concat()
        };
        // The zip format allows bytes between entries, so a .pt file may still be valid.
        if *name != "m.pt" && from != to {
            prop_assert_eq!(read(name, &changed), None);
        } else {
            read(name, &changed);
        }
    }

    #[test]
    fn random_bytes_are_rejected(format in 0..4_usize, content in prop::collection::vec(byte(), 0..400)) {
        let (name, _) = VALID[format];
        prop_assert_eq!(read(name, &content), None);
        let start = [b"\x83\xa8metadata".as_slice(), b"NRUB\x01\0", b"\x40\0\0\0\0\0\0\0{", b"PK\x03\x04data.pkl"][format];
        prop_assert_eq!(read(name, &[start, &content].concat()), None);
    }

    #[test]
    fn random_safetensors_headers_are_rejected(entries in prop::collection::vec(header_entry(), 0..12)) {
        let header = Value::Object(entries.into_iter().collect()).to_string();
        let length = header.len() as u64;
        let content = [&length.to_le_bytes()[..], header.as_bytes(), &[0; 2000]].concat();
        prop_assert_eq!(read("m.safetensors", &content), None);
    }

    #[test]
    fn replaced_record_key_changes_nothing(from in record_key(), to in record_key(), nth in 0..20_usize) {
        let (name, content) = &VALID[0];
        let found = content.windows(from.len()).enumerate().filter(|(_, window)| *window == from);
        let positions: Vec<usize> = found.map(|(at, _)| at).collect();
        let at = positions[nth % positions.len()];
        let changed = [&content[..at], &to, &content[at + from.len()..]].concat();
        // A renamed field is accepted if it has no parameter, or if the shapes identify all parameters.
        if let Some(weights) = read(name, &changed) {
            prop_assert_eq!(&weights, &MODEL.weights);
        }
    }

    #[test]
    fn random_pickles_are_rejected(pickle in pickle()) {
        let content = zipped(&[("m/data.pkl", &pickle), ("m/data/s", &[0; 24]), ("m/version", b"3")]);
        prop_assert_eq!(read("m.pt", &content), None);
    }
}

#[test]
fn truncated_or_extended_files_are_rejected() {
    for (name, content) in &*VALID {
        // Try every length near both ends, and a sample of the others.
        let ends = (0..2000).chain(content.len() - 2000..content.len());
        for length in ends.chain((2000..content.len()).step_by(97)) {
            assert_eq!(read(name, &content[..length]), None, "{name}, {length}");
        }
        let longer = [&content[..], &[0]].concat();
        assert_eq!(read(name, &longer), None, "{name}");
    }
}

#[test]
fn files_round_trip() {
    for (name, content) in &VALID[..3] {
        let file = format::decode(Path::new(name), content).unwrap();
        assert_eq!(file.weights, MODEL.weights, "{name}");
        if *name == "m.safetensors" {
            assert_eq!(file, *MODEL);
        }
        let format = Format::from_path(Path::new(name)).unwrap();
        assert_eq!(format::encode(format, &MODEL).unwrap(), *content, "{name}");
    }
}

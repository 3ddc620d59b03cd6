//! Tests model files from other programs: each is read with the same bits as in that program, or rejected with its file type.
//!
//! `interop/pickles` holds the pickles of files that PyTorch wrote with the weights of `lenet.pt`. `interop/run` tests such
//! files from the current version of PyTorch.

use std::fs;
use std::path::Path;

use burn::tensor::{bf16, f16};
use lenet::format::{self, Fault, FaultKind, FormatError, ModelFile, to_torch};
use lenet::io::FileKind;
use lenet::model::Weights;

use super::interop;
use super::zip::zipped;

/// The weights of `lenet.pt`.
fn lenet() -> Weights {
    format::read(&interop("lenet.pt")).unwrap().weights
}

pub(super) fn pickle(name: &str) -> Vec<u8> {
    fs::read(interop("pickles").join(format!("{name}.pkl"))).unwrap()
}

/// Returns a PyTorch file with this pickle and the weights of `lenet.pt`, whose values are encoded by `value`.
fn torch_file<const N: usize>(pickle: &[u8], value: impl Fn(f32) -> [u8; N]) -> Vec<u8> {
    torch_file_with(pickle, value, &[("m/version", b"3\n")])
}

/// Returns such a file with these entries in addition.
pub(super) fn torch_file_with<const N: usize>(
    pickle: &[u8],
    value: impl Fn(f32) -> [u8; N],
    more: &[(&str, &[u8])],
) -> Vec<u8> {
    let storages =
        to_torch(&lenet()).map(|values| values.iter().flat_map(|x| value(*x)).collect::<Vec<u8>>());
    // The optimizer of a checkpoint has storages of the same sizes.
    let names: Vec<_> = (0..20).map(|index| format!("m/data/{index}")).collect();
    let mut entries: Vec<(&str, &[u8])> = vec![("m/data.pkl", pickle)];
    entries.extend(
        names.iter().zip(storages.iter().cycle()).map(|(name, bytes)| (name.as_str(), &**bytes)),
    );
    entries.extend(more);
    zipped(&entries)
}

pub(super) fn decode(bytes: &[u8]) -> Result<ModelFile, FormatError> {
    format::decode(Path::new("net"), bytes)
}

pub(super) fn fault(bytes: &[u8]) -> Fault {
    match decode(bytes).unwrap_err() {
        FormatError::Content { fault, .. } => fault,
        error => panic!("{error}"),
    }
}

/// Replaces the only occurrence of `from`.
fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let found: Vec<_> = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(from)).collect();
    let [at] = found[..] else { panic!("found {} times", found.len()) };
    [&bytes[..at], to, &bytes[at + from.len()..]].concat()
}

#[test]
fn checkpoints_and_other_names_are_read() {
    for (name, expected) in [
        ("dataparallel", &["dropped the prefix \"module.\" of the tensor names"][..]),
        (
            "lightning",
            &[
                "used the weights under the key \"state_dict\"",
                "dropped the prefix \"model.\" of the tensor names",
            ],
        ),
        ("checkpoint", &["used the weights under the key \"model_state_dict\""]),
        (
            "sequential",
            &[
                "matched the tensors by their shapes: \"0.weight\" is conv1.weight, \"3.weight\" is conv2.weight, \
              \"7.weight\" is fc1.weight, \"9.weight\" is fc2.weight, \"11.weight\" is fc3.weight",
            ],
        ),
    ] {
        let file = decode(&torch_file(&pickle(name), f32::to_le_bytes)).unwrap();
        assert_eq!(file.notes, expected, "{name}");
        assert_eq!(file.weights, lenet(), "{name}");
    }
}

#[test]
fn prefixed_safetensors_are_read() {
    let bytes = fs::read(interop("lenet.safetensors")).unwrap();
    let length = u64::from_le_bytes(*bytes.first_chunk().unwrap()) as usize;
    let header = std::str::from_utf8(&bytes[8..8 + length]).unwrap();
    let header = header.replace("\"conv", "\"_orig_mod.conv").replace("\"fc", "\"_orig_mod.fc");
    let length = header.len() as u64;
    let renamed = [&length.to_le_bytes()[..], header.as_bytes(), &bytes[bytes.len() - 177_704..]];
    let file = decode(&renamed.concat()).unwrap();
    assert_eq!(file.notes, ["dropped the prefix \"_orig_mod.\" of the tensor names"]);
    assert_eq!(file.weights, lenet());
}

#[test]
fn other_precisions_are_read() {
    let with_type = |name: &[u8]| replaced(&pickle("checkpoint"), b"FloatStorage", name);
    let doubles = torch_file(&with_type(b"DoubleStorage"), |x| f64::from(x).to_le_bytes());
    let file = decode(&doubles).unwrap();
    assert_eq!(file.weights, lenet());
    assert_eq!(file.notes[1..], ["converted 64-bit numbers to 32 bits"]);

    let halves = torch_file(&with_type(b"HalfStorage"), |x| f16::from_f32(x).to_le_bytes());
    let (half, lenet) = (decode(&halves).unwrap().weights, lenet());
    assert!(
        half.values().iter().zip(lenet.values()).all(|(a, b)| *a == f16::from_f32(*b).to_f32())
    );
    let brain = torch_file(&with_type(b"BFloat16Storage"), |x| bf16::from_f32(x).to_le_bytes());
    let brain = decode(&brain).unwrap().weights;
    assert!(
        brain.values().iter().zip(lenet.values()).all(|(a, b)| *a == bf16::from_f32(*b).to_f32())
    );

    let integers = torch_file(&with_type(b"IntStorage"), |x| (x as i32).to_le_bytes());
    let fault = fault(&integers);
    assert!(fault.to_string().contains("found \"IntStorage\""), "{fault}");
}

#[test]
fn unusable_checkpoints_are_rejected() {
    let of = |name: &str, from: &[u8], to: &[u8]| {
        fault(&torch_file(&replaced(&pickle(name), from, to), f32::to_le_bytes))
    };
    let counters = fault(&torch_file(&pickle("thop"), f32::to_le_bytes));
    assert_eq!(counters.to_string(), "\"total_ops\" is a single number, not a tensor of LeNet");
    assert_eq!(counters.kind(), FaultKind::ExtraTensors);
    let unknown = of("checkpoint", b"model_state_dict", b"weights_of_mine_");
    assert!(
        unknown
            .to_string()
            .starts_with("a checkpoint without weights under a known key; its keys: \"epoch\", "),
        "{unknown}"
    );
    assert_eq!((unknown.kind(), unknown.key()), (FaultKind::Checkpoint, Some("weights_of_mine_")));
    // Two known keys hold the same dictionary.
    let plain = pickle("dataparallel");
    let body = &plain[2..plain.len() - 1];
    let both = [b"\x80\x02}(X\x05\0\0\0model", body, b"X\x03\0\0\0ema", body, b"u."].concat();
    let both = fault(&torch_file(&both, f32::to_le_bytes));
    assert_eq!(
        both.to_string(),
        "a checkpoint with weights under several keys: \"model\", \"ema\""
    );
    assert_eq!((both.kind(), both.key()), (FaultKind::Checkpoint, Some("model")));
    // A module, alone and under a known key.
    let module = b"cmy_net\nNet\n)\x81}X\x01\0\0\0aK\x01sb".as_slice();
    let alone = fault(&zipped(&[("m/data.pkl", &[b"\x80\x02", module, b"."].concat())]));
    let keyed = [b"\x80\x02}X\x05\0\0\0model", module, b"s."].concat();
    let keyed = fault(&zipped(&[("m/data.pkl", &keyed)]));
    for (fault, key) in [(alone, None), (keyed, Some("model"))] {
        let expected = "the file contains a Python object instead of its weights: \"my_net.Net\"";
        assert_eq!((fault.to_string().as_str(), fault.key()), (expected, key));
        assert_eq!(fault.kind(), FaultKind::PickledModule);
    }
}

#[test]
fn pickled_dictionary_subclass_is_reported() {
    let subclass = b"\x80\x02cmy_net\nState\n)\x81(X\x01\0\0\0aK\x01X\x01\0\0\0bK\x02u.";
    let fault = fault(&zipped(&[("m/data.pkl", subclass)]));
    let expected = "the file contains a Python object instead of its weights: \"my_net.State\"";
    assert_eq!((fault.to_string().as_str(), fault.kind()), (expected, FaultKind::PickledModule));
}

#[test]
fn checksums_may_be_absent() {
    let mut bytes = fs::read(interop("lenet.pt")).unwrap();
    let is_record = |at: &usize| bytes[*at..].starts_with(b"PK\x01\x02");
    let records: Vec<_> = (0..bytes.len()).filter(is_record).collect();
    assert_eq!(records.len(), 16);
    for record in records {
        bytes[record + 16..record + 20].fill(0);
        // Only some entries have no checksum.
        let is_last = !bytes[record + 46..].windows(4).any(|window| window == b"PK\x01\x02");
        assert_eq!(decode(&bytes).is_ok(), is_last, "{record}");
    }
    assert_eq!(decode(&bytes).unwrap().weights, lenet());
    // Without checksums, the entries that PyTorch parses are checked.
    let version = ("m/version", b"3\n".as_slice());
    for (entries, expected) in [
        (&[("m/version", b"11\n".as_slice())][..], "version is \"11\\n\""),
        (&[("m/VERSION", b"99")], "version is \"99\""),
        (&[version, ("m/.data/version", b"99")], ".data/version is \"99\""),
        (&[], "version is missing"),
        (&[version, ("m/.storage_alignment", b"FB")], ".storage_alignment is \"FB\""),
        (
            &[version, ("m/.data/serialization_id", b"\xff")],
            ".data/serialization_id is not valid UTF-8",
        ),
    ] {
        let file = torch_file_with(&pickle("sequential"), f32::to_le_bytes, entries);
        assert_eq!(fault(&file).to_string(), expected);
    }
    let newer = [("m/.data/version", b"6".as_slice()), ("m/version", b"99")];
    assert!(decode(&torch_file_with(&pickle("sequential"), f32::to_le_bytes, &newer)).is_ok());
}

/// PyTorch rejects these files or returns uninitialised memory.
#[test]
fn damaged_zip_structure_is_rejected() {
    let original = fs::read(interop("lenet.pt")).unwrap();
    for (at, value, expected) in [
        (1197, 0x3b, "\"lenet/.storage_alignment\": checksum mismatch"),
        (180_052, 0x19, "\"lenet/version\": checksum mismatch"),
        (180_576, 0x10, "an entry is marked as a directory or as being on another disk"),
        (180_634, 0x10, "an entry is marked as a directory or as being on another disk"),
        (181_255, 0x2d, "conflicting end-of-directory records"),
        (181_267, 1, "conflicting end-of-directory records"),
        (181_326, 0x10, "conflicting end-of-directory records"),
        (180_750, 0x10, "an entry is marked as a directory or as being on another disk"),
    ] {
        let mut bytes = original.clone();
        bytes[at] = value;
        let fault = fault(&bytes).to_string();
        assert!(fault.ends_with(expected), "{fault}");
    }
}

#[test]
fn other_file_types_are_reported() {
    let cases: [(&[u8], FileKind); 8] = [
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 181349\n",
            FileKind::GitLfsPointer,
        ),
        (b"<!DOCTYPE html>\n<html>", FileKind::Page("an HTML page")),
        (b"", FileKind::Empty),
        (
            &zipped(&[
                ("a/data.pkl", b"}."),
                ("a/code/__torch__/net.py", b""),
                ("a/constants.pkl", b")"),
            ]),
            FileKind::TorchScript,
        ),
        (
            &zipped(&[("metadata.json", b"{}"), ("config.json", b"{}"), ("model.weights.h5", b"")]),
            FileKind::Keras,
        ),
        (&zipped(&[("conv1.npy", b"")]), FileKind::NumpyArchive),
        (b"\x89HDF\r\n\x1a\n\0", FileKind::Hdf5),
        (b"{\"metadata\": {}, \"weight_map\": {}}", FileKind::ShardIndex),
    ];
    for (content, expected) in cases {
        for name in ["m.mpk", "m.bpk", "m.safetensors", "m.pt", "m.onnx", "m"] {
            match format::decode(Path::new(name), content).unwrap_err() {
                FormatError::NotAModel { found, .. } => assert_eq!(found, expected),
                error => panic!("{error}"),
            }
        }
    }
}

#[test]
fn model_in_directory_is_found() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    assert_eq!(format::locate(directory.path()).unwrap(), directory.path());
    fs::write(path("saved_model.pb"), "").unwrap();
    let error = format::locate(directory.path()).unwrap_err().to_string();
    assert!(
        error.ends_with("saved_model.pb is not a lenet model: found a TensorFlow SavedModel"),
        "{error}"
    );
    for name in ["pytorch_model.bin", "model.safetensors"] {
        fs::write(path(name), "").unwrap();
        assert_eq!(format::locate(directory.path()).unwrap(), path(name));
    }
}

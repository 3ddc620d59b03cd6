//! PyTorch files, written by `interop/make_torch.py`: state dicts of LeNet are read, and other files are rejected.

use std::path::Path;

use lenet::format::{self, FaultKind, FormatError};

use super::interop;
use super::zip::zipped;

#[test]
fn state_dict_matches_safetensors() {
    let safetensors = format::read(&interop("lenet.safetensors")).unwrap();
    assert_eq!(safetensors.metadata["made by"], "make_torch.py");
    let torch = format::read(&interop("lenet.pt")).unwrap();
    assert_eq!(torch.weights, safetensors.weights);
}

#[test]
fn tensor_views_are_read() {
    // The views have offsets, strides and gaps.
    let plain = format::read(&interop("lenet.pt")).unwrap();
    let views = format::read(&interop("views.pt")).unwrap();
    assert_eq!(views, plain);
}

#[test]
fn other_torch_files_are_rejected() {
    let cases = [
        ("checkpoint.pt", "its keys: \"epoch\", \"state_dict\"", FaultKind::Checkpoint),
        ("module.pt", "\"torch.nn.modules.linear.Linear\"", FaultKind::PickledModule),
        ("tensor.pt", "no dictionary", FaultKind::NotStateDict),
        ("double.pt", "conv1.weight is missing", FaultKind::NotLeNet),
        ("shape.pt", "conv1.bias: expected shape [6], found [2, 3]", FaultKind::NotLeNet),
        ("incomplete.pt", "conv1.weight is missing", FaultKind::NotLeNet),
        ("negative.pt", "negated or conjugated", FaultKind::View),
        ("sequential.pt", "\"0.weight\" is not a tensor of LeNet", FaultKind::NotLeNet),
    ];
    for (name, expected, kind) in cases {
        let error = format::read(&interop(name)).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        let FormatError::Content { fault, .. } = error else { panic!("{error}") };
        assert_eq!(fault.kind(), kind, "{name}");
    }
    let legacy = format::read(&interop("legacy.pt")).unwrap_err().to_string();
    assert!(legacy.ends_with("found a PyTorch file in the pre-1.6 format"), "{legacy}");
}

#[test]
fn big_endian_file_is_rejected() {
    let bytes = zipped(&[("m/data.pkl", b"}."), ("m/byteorder", b"big")]);
    let error = format::decode(Path::new("big.pt"), &bytes).unwrap_err();
    assert!(error.to_string().contains("not little-endian"), "{error}");
    let FormatError::Content { fault, .. } = error else { panic!("{error}") };
    assert_eq!(fault.kind(), FaultKind::BigEndian);
    // PyTorch ignores the case of entry names.
    let bytes = zipped(&[("m/data.pkl", b"}."), ("m/ByteOrder", b"big")]);
    let error = format::decode(Path::new("big.pt"), &bytes).unwrap_err();
    assert!(error.to_string().contains("not little-endian"), "{error}");
    // A little-endian file with the same dictionary is rejected only because the dictionary is empty.
    let bytes = zipped(&[("m/data.pkl", b"}."), ("m/byteorder", b"little")]);
    let error = format::decode(Path::new("little.pt"), &bytes).unwrap_err();
    assert!(error.to_string().contains("conv1.weight is missing"), "{error}");
}

#[test]
fn corrupt_bytes_are_detected_by_checksum() {
    let original = std::fs::read(interop("lenet.pt")).unwrap();
    let weights = format::read(&interop("lenet.pt")).unwrap().weights;
    let mut bytes = original.clone();
    for at in (0..original.len()).step_by(271) {
        bytes[at] ^= 0x10;
        // A changed padding byte has no effect, so the file may still be readable.
        if let Ok(file) = format::decode(Path::new("lenet.pt"), &bytes) {
            assert_eq!(file.weights, weights, "byte {at}");
        }
        bytes[at] = original[at];
    }
}

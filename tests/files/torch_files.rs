//! Files that PyTorch wrote (`interop/make_torch.py`) are read, or refused by name.

use std::path::Path;

use lenet::format::{self, FormatError};

use super::interop;
use super::zip::zipped;

#[test]
fn a_state_dict_has_the_same_weights_as_its_safetensors() {
    let safetensors = format::read(&interop("lenet.safetensors")).unwrap();
    assert_eq!(safetensors.metadata["made by"], "make_torch.py");
    let torch = format::read(&interop("lenet.pt")).unwrap();
    assert_eq!(torch.weights, safetensors.weights);
}

#[test]
fn views_with_offsets_strides_and_gaps_are_gathered() {
    let plain = format::read(&interop("lenet.pt")).unwrap();
    let views = format::read(&interop("views.pt")).unwrap();
    assert_eq!(views, plain);
}

#[test]
fn what_is_not_the_state_dict_of_lenet_is_refused_by_name() {
    let cases = [
        ("checkpoint.pt", "\"epoch\" is not a tensor", "net.state_dict()"),
        ("module.pt", "\"torch.nn.modules.linear.Linear\"", "net.state_dict()"),
        ("tensor.pt", "no dictionary", "net.state_dict()"),
        ("legacy.pt", "before 1.6", "torch.save(torch.load(path), path)"),
        ("double.pt", "conv1.bias: type is \"DoubleStorage\"", "32-bit"),
        ("shape.pt", "conv1.bias: shape is [2, 3], expected [6]", "conv1"),
        ("incomplete.pt", "conv1.weight is missing", "conv1"),
        ("negative.pt", "negated, conjugated", "resolve_neg()"),
        ("sequential.pt", "\"0.weight\" is not a part of LeNet", "conv1"),
    ];
    for (name, expected, hint) in cases {
        let error = format::read(&interop(name)).unwrap_err();
        assert!(matches!(error, FormatError::Content { .. }), "{error}");
        assert!(error.to_string().contains(expected), "{error}");
        assert!(error.hint().unwrap().contains(hint), "{name}: {:?}", error.hint());
    }
}

#[test]
fn numbers_in_another_byte_order_are_refused() {
    let bytes = zipped(&[("m/data.pkl", b"}."), ("m/byteorder", b"big")]);
    let error = format::decode(Path::new("big.pt"), &bytes).unwrap_err();
    assert!(error.to_string().contains("not little-endian"), "{error}");
    assert!(error.hint().unwrap().contains("x86 or ARM"), "{error}");
    // In this order it is the dictionary that is looked at, which is empty.
    let bytes = zipped(&[("m/data.pkl", b"}."), ("m/byteorder", b"little")]);
    let error = format::decode(Path::new("little.pt"), &bytes).unwrap_err();
    assert!(error.to_string().contains("conv1.weight is missing"), "{error}");
}

#[test]
fn every_damaged_byte_of_a_storage_is_found_by_its_checksum() {
    let original = std::fs::read(interop("lenet.pt")).unwrap();
    let weights = format::read(&interop("lenet.pt")).unwrap().weights;
    let mut bytes = original.clone();
    for at in (0..original.len()).step_by(271) {
        bytes[at] ^= 0x10;
        // Some bytes are padding.
        if let Ok(file) = format::decode(Path::new("lenet.pt"), &bytes) {
            assert_eq!(file.weights, weights, "byte {at}");
        }
        bytes[at] = original[at];
    }
}

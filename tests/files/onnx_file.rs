//! The ONNX file that is written is the one that ONNX's own checker, ONNX Runtime and tract have accepted.

use lenet::format::{self, Format};

use super::interop;

/// If the writer is changed: convert `lenet.pt` to `lenet.onnx` anew, and run `check_onnx.py` and the crate `tract`.
#[test]
fn the_weights_of_pytorch_become_the_graph_that_other_programs_have_checked() {
    let file = format::read(&interop("lenet.pt")).unwrap();
    let checked = std::fs::read(interop("lenet.onnx")).unwrap();
    assert!(format::encode(Format::Onnx, &file).unwrap() == checked);
}

#[test]
fn notes_are_appended_as_properties() {
    let mut file = format::read(&interop("lenet.pt")).unwrap();
    file.metadata.insert("seed".to_owned(), "42".to_owned());
    let checked = std::fs::read(interop("lenet.onnx")).unwrap();
    let noted = format::encode(Format::Onnx, &file).unwrap();
    // Field 14 of the model: field 1 is the key, field 2 the value.
    let property = b"\x72\x0a\x0a\x04seed\x12\x0242";
    assert!(noted == [&checked[..], property].concat());
}

#[test]
fn a_graph_is_not_read() {
    let error = format::read(&interop("lenet.onnx")).unwrap_err();
    assert!(error.to_string().contains("only written"), "{error}");
}

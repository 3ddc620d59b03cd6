//! What is not a model file is refused with a message that says what it is; ONNX files are written and not read.

use std::fs::{self, File};
use std::path::Path;

use lenet::format::{self, Format, ModelFile};
use lenet::model::Weights;

use super::interop;

fn message(name: &str, content: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, content).unwrap();
    let error = format::read(&path).unwrap_err();
    assert!(error.hint().is_some(), "{error}");
    let message = error.to_string();
    assert!(message.contains(name), "{message}");
    message
}

#[test]
fn other_kinds_of_file_are_named() {
    let cases: [(&str, &[u8], &str); 6] = [
        ("m.mpk", b"", "it is empty"),
        ("m.mpk", b"\x89PNG\r\n\x1a\n....", "it is a PNG image"),
        ("m.safetensors", b"\x1f\x8b\x08....", "it is a gzip file"),
        ("m.pt", b"PK\x03\x04....word/document.xml", "it is a zip file"),
        ("m.bin", b"some text", "neither its ending nor its content is known"),
        ("m.mpk", b"some text", "invalid type: integer"),
    ];
    for (name, content, expected) in cases {
        let message = message(name, content);
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn the_content_decides_where_the_ending_is_unknown() {
    let file = ModelFile::from(Weights::zeros());
    let bytes = format::encode(Format::Safetensors, &file).unwrap();
    let record = format::encode(Format::Mpk, &file).unwrap();
    for name in ["model", "model.bin", "model.v1", "MODEL.SafeTensors"] {
        assert_eq!(format::decode(Path::new(name), &bytes).unwrap(), file, "{name}");
    }
    assert_eq!(format::decode(Path::new("model"), &record).unwrap(), file);
    let torch = fs::read(interop("lenet.pt")).unwrap();
    format::decode(Path::new("model"), &torch).unwrap();
    let error = format::decode(Path::new("model.mpk"), &bytes).unwrap_err();
    assert_eq!(error.to_string(), "model.mpk is a safetensors file under another ending");
    assert_eq!(error.hint().unwrap(), "rename it to end in .safetensors");
}

#[test]
fn what_is_no_regular_file_or_too_large_is_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let large = folder.path().join("large.mpk");
    File::create(&large).unwrap().set_len(20 << 30).unwrap();
    let message = |path: &Path| format::read(path).unwrap_err().to_string();
    assert!(message(&large).contains("21474836480 bytes"));
    assert!(message(folder.path()).contains("is a folder"));
    let missing = message(&folder.path().join("missing.mpk"));
    assert!(missing.starts_with("cannot read"), "{missing}");
    #[cfg(unix)]
    assert!(message(Path::new("/dev/zero")).contains("is a device"));
}

#[test]
fn a_format_that_is_only_read_or_an_unknown_ending_is_not_written() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["m.pt", "m.bin", "m"] {
        let path = folder.path().join(name);
        let error = format::write(&path, &Weights::zeros().into()).unwrap_err();
        assert!(error.hint().unwrap().contains("safetensors"), "{error}");
        assert!(!path.exists());
    }
}

// ONNX: what is written is what ONNX's own checker, ONNX Runtime and tract have accepted.

/// If the writer is changed: convert `lenet.pt` to `lenet.onnx` anew, and run `check_onnx.py` and the crate `tract`.
#[test]
fn the_weights_of_pytorch_become_the_graph_that_other_programs_have_checked() {
    let file = format::read(&interop("lenet.pt")).unwrap();
    let checked = fs::read(interop("lenet.onnx")).unwrap();
    assert!(format::encode(Format::Onnx, &file).unwrap() == checked);
}

#[test]
fn notes_are_appended_as_properties() {
    let mut file = format::read(&interop("lenet.pt")).unwrap();
    file.metadata.insert("seed".to_owned(), "42".to_owned());
    let checked = fs::read(interop("lenet.onnx")).unwrap();
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

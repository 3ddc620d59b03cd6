//! Model files: formats are detected, other files are rejected with a message, and ONNX files are written but not read.

use std::fs::{self, File};
use std::path::Path;

use lenet::format::{self, Format, FormatError, ModelFile};
use lenet::model::Weights;

use super::interop;

fn read_error(name: &str, content: &[u8]) -> String {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(name);
    fs::write(&path, content).unwrap();
    let error = format::read(&path).unwrap_err();
    let message = error.to_string();
    assert!(message.contains(name), "{message}");
    message
}

#[test]
fn error_names_actual_file_type() {
    let cases: [(&str, &[u8], &str); 6] = [
        ("m.mpk", b"", "found an empty file"),
        ("m.mpk", b"\x89PNG\r\n\x1a\n....", "found a PNG image"),
        ("m.safetensors", b"\x1f\x8b\x08....", "found a gzip file"),
        ("m.pt", b"PK\x03\x04....word/document.xml", "found an Office document"),
        ("m.bin", b"\x81\xa4text", "unknown extension and unknown content"),
        ("m.mpk", b"some text", "found a short text"),
    ];
    for (name, content, expected) in cases {
        let message = read_error(name, content);
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn unknown_extension_falls_back_to_content() {
    let mut file = ModelFile::from(Weights::zeros());
    file.metadata.insert("format".to_owned(), "pt".to_owned());
    let bytes = format::encode(Format::Safetensors, &file).unwrap();
    let record = format::encode(Format::Mpk, &file).unwrap();
    for name in ["model", "model.bin", "model.v1", "MODEL.SafeTensors"] {
        assert_eq!(format::decode(Path::new(name), &bytes).unwrap(), file, "{name}");
    }
    assert_eq!(format::decode(Path::new("model"), &record).unwrap().weights, file.weights);
    let torch = fs::read(interop("lenet.pt")).unwrap();
    format::decode(Path::new("model"), &torch).unwrap();
    let error = format::decode(Path::new("model.mpk"), &bytes).unwrap_err();
    assert_eq!(
        error.to_string(),
        "model.mpk has the wrong extension: its content is a safetensors file"
    );
}

#[test]
fn special_and_oversized_files_are_rejected() {
    let directory = tempfile::tempdir().unwrap();
    let large = directory.path().join("large.mpk");
    File::create(&large).unwrap().set_len(20 << 30).unwrap();
    let message = |path: &Path| format::read(path).unwrap_err().to_string();
    assert!(message(&large).contains("found 21474836480"));
    assert!(message(directory.path()).contains("found a directory"));
    let missing = message(&directory.path().join("missing.mpk"));
    assert!(missing.starts_with("cannot read"), "{missing}");
    #[cfg(unix)]
    assert!(message(Path::new("/dev/zero")).contains("found a device"));
}

#[test]
fn unwritable_formats_are_rejected() {
    let directory = tempfile::tempdir().unwrap();
    for name in ["m.pt", "m.bin", "m"] {
        let path = directory.path().join(name);
        let error = format::write(&path, &Weights::zeros().into()).unwrap_err();
        assert!(!matches!(error, FormatError::File(_)), "{error}");
        assert!(!path.exists());
    }
}

// ONNX

/// Compares the written file with `lenet.onnx`, which ONNX's checker, ONNX Runtime and tract have accepted.
///
/// After a change of the writer, convert `lenet.pt` to `lenet.onnx` again, then run `check_onnx.py` and the crate `tract`.
#[test]
fn onnx_export_matches_reference_file() {
    let file = format::read(&interop("lenet.pt")).unwrap();
    let checked = fs::read(interop("lenet.onnx")).unwrap();
    assert!(format::encode(Format::Onnx, &file).unwrap() == checked);
}

#[test]
fn onnx_metadata_becomes_properties() {
    let mut file = format::read(&interop("lenet.pt")).unwrap();
    file.metadata.insert("seed".to_owned(), "42".to_owned());
    let checked = fs::read(interop("lenet.onnx")).unwrap();
    let with_metadata = format::encode(Format::Onnx, &file).unwrap();
    // Field 14 of the model holds a key (field 1) and a value (field 2).
    let property = b"\x72\x0a\x0a\x04seed\x12\x0242";
    assert!(with_metadata == [&checked[..], property].concat());
}

#[test]
fn onnx_is_not_read() {
    let error = format::read(&interop("lenet.onnx")).unwrap_err();
    assert!(error.to_string().contains("only be written"), "{error}");
}

//! Tests that `lenet convert` keeps weights and metadata, and leaves existing files unchanged if it fails.

use std::fs;

use serde_json::Value;

use super::{DATA, TestDir};

const INTEROP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop");

/// Returns the metadata in the header of a .safetensors file.
fn metadata(dir: &TestDir, name: &str) -> serde_json::Value {
    let bytes = dir.read(name);
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header: serde_json::Value = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
    header["__metadata__"].clone()
}

#[test]
fn weights_round_trip_through_every_format() {
    let dir = TestDir::empty();
    let steps = [
        (format!("{INTEROP}/lenet.pt"), "a.mpk"),
        ("a.mpk".to_owned(), "b.safetensors"),
        ("b.safetensors".to_owned(), "c.mpk"),
    ];
    for (input, target) in steps {
        let output = dir.run(&format!("convert {input} {target} --json")).ok();
        let document = output.json();
        assert_eq!(document["schema"], 1);
        assert_eq!(document["input"], input);
        assert_eq!(document["output"], target);
        let extension = target.rsplit('.').next().unwrap();
        assert_eq!(document["format"], extension);
    }
    assert_eq!(dir.digest("a.mpk"), dir.digest("c.mpk"));
}

#[test]
fn converted_models_have_equal_metrics() {
    let dir = TestDir::empty();
    let source = format!("{INTEROP}/lenet.pt");
    for name in ["m.mpk", "m.safetensors"] {
        dir.run(&format!("convert {source} {name}")).ok();
    }
    let eval = |model: &str| {
        let output = dir.run(&format!("eval {model} --data {DATA} --limit 500 --json"));
        let mut document = output.json();
        // The note about the missing description of the model names the file.
        document.as_object_mut().unwrap().remove("warnings");
        document
    };
    let expected = eval(&source);
    assert_eq!(expected["samples"], 500);
    assert_eq!(eval("m.mpk"), expected);
    assert_eq!(eval("m.safetensors"), expected);
}

#[test]
fn onnx_export_matches_reference_plus_metadata() {
    let dir = TestDir::empty();
    let output = dir.run(&format!("convert {INTEROP}/lenet.pt m.onnx")).ok();
    assert!(output.stdout().starts_with("saved m.onnx\n"));
    assert!(output.stdout().contains("lenet.pt; the ONNX graph itself was not executed"));
    let checked = fs::read(format!("{INTEROP}/lenet.onnx")).unwrap();
    let written = dir.read("m.onnx");
    // The metadata follows the graph. tests/interop/check_onnx.py runs the checked graph in ONNX Runtime.
    assert!(written.starts_with(&checked));
    let metadata = String::from_utf8_lossy(&written[checked.len()..]).into_owned();
    assert!(
        metadata.contains("raw pixels, 0 to 255") && metadata.contains("Ankle boot"),
        "{metadata}"
    );
}

#[test]
fn run_metadata_is_copied() {
    let dir = TestDir::new();
    dir.train("--epochs 2 --seed 7 -o m.mpk");
    let record = dir.json("m.json");
    let output = dir.run("convert m.mpk m.safetensors").ok();
    assert!(output.stdout().contains("metadata: recipe classic, seed 7, test accuracy 0."));
    let metadata = metadata(&dir, "m.safetensors");
    assert_eq!((&metadata["seed"], &metadata["recipe"]), (&"7".into(), &"classic".into()));
    assert_eq!(metadata["epochs"], "2");
    assert_eq!(metadata["test_accuracy"], record["test"]["accuracy"].to_string());
    let name = "t10k-labels-idx1-ubyte";
    assert_eq!(metadata[&format!("sha256.{name}")], record["data"][name]);
    // The data set is unknown, so its classes have numbers for names.
    assert_eq!(
        (&metadata["classes"], &metadata["dataset"]),
        (&"0,1,2,3,4,5,6,7,8,9".into(), &Value::Null)
    );

    // A second conversion keeps the metadata. A .mpk file has none.
    dir.run("convert m.safetensors m.onnx");
    let onnx = dir.read("m.onnx");
    assert!(String::from_utf8_lossy(&onnx).contains("test_accuracy"));
    dir.run("convert m.safetensors again.mpk").ok();
    assert_eq!(dir.digest("again.mpk"), dir.digest("m.mpk"));
}

#[test]
fn invalid_run_record_is_not_copied() {
    let dir = TestDir::new();
    dir.train("--epochs 1 -o m.mpk");
    dir.write("m.json", "{\"schema\":1}");
    let output = dir.run("convert m.mpk m.safetensors").ok();
    assert!(output.stderr().starts_with("warning: ignoring m.json: not a lenet run record"));
    assert!(metadata(&dir, "m.safetensors")["seed"].is_null());
}

#[test]
fn convert_keeps_existing_file_without_force() {
    let dir = TestDir::empty();
    dir.write("m.mpk", "precious");
    let args = format!("convert {INTEROP}/lenet.pt m.mpk");
    dir.run(&args).assert_error(1, "m.mpk already exists", "--force");
    assert_eq!(dir.read("m.mpk"), b"precious");
    dir.run(&format!("{args} --force")).ok();
    dir.run("convert m.mpk m.mpk --force").ok();
}

#[test]
fn failed_conversion_writes_nothing() {
    let dir = TestDir::empty();
    let source = format!("{INTEROP}/lenet.pt");
    let run = |args: String| dir.run(&args);
    run(format!("convert {source} m")).assert_error(
        1,
        "does not have a model file extension",
        ".onnx",
    );
    run(format!("convert {source} m.pt")).assert_error(
        1,
        "m.pt: a PyTorch file can only be read",
        "load_state_dict",
    );
    run(format!("convert {INTEROP}/lenet.onnx m.mpk")).assert_error(
        1,
        "only be written",
        "converted from",
    );
    run(format!("convert {source} none/m.mpk")).assert_error(1, "none/m.mpk", "directory");
    run("convert nothing.mpk m.mpk".to_owned()).assert_error(1, "nothing.mpk", "lenet train");
    run(format!("convert {INTEROP}/incomplete.pt m.mpk")).assert_error(1, "missing", "");
    run("convert m.mpk".to_owned()).assert_error(2, "required", "");
    assert_eq!(dir.files(), [] as [&str; 0]);
}

#[test]
fn hub_directory_is_checked_before_replacing() {
    let dir = TestDir::new();
    dir.train("--epochs 1 -o a.mpk");
    dir.train("--epochs 1 --seed 2 -o b.mpk");
    dir.run("convert a.mpk hub/").ok();
    let names = ["model.safetensors", "model.onnx", "config.json", "README.md"];
    let read = || names.map(|name| std::fs::read(dir.path("hub").join(name)).ok());
    let old = read();
    // Under some of these file size limits, only the first file could be written.
    let mut failed = 0;
    for blocks in (0..170).step_by(20).chain(170..200) {
        let limit = format!("ulimit -f {blocks}");
        let output = dir.run_in_shell(&limit, "convert b.mpk hub/ --force");
        if output.code() == 0 {
            break;
        }
        output.assert_error(1, "File too large", "ulimit -f");
        assert!(read() == old, "{blocks} blocks");
        failed += 1;
    }
    assert!(failed > 10 && read() != old, "{failed}");
    // A directory that has the name of one of the files.
    let old = read();
    dir.remove("hub/config.json");
    dir.create_dir("hub/config.json");
    let output = dir.run("convert a.mpk hub/ --force");
    output.assert_error(1, "hub/config.json: expected a file, found a directory", "");
    assert!([0, 1, 3].iter().all(|index| read()[*index] == old[*index]));
}

//! Tests models from other programs on the command line: the numbers of correct predictions, the notes and the hints.

use std::fs;

use super::{DATA, TestDir};

const INTEROP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop");

const LFS_POINTER: &str =
    "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 181349\n";

#[test]
fn other_models_have_known_accuracy() {
    let dir = TestDir::empty();
    for (name, correct, loss) in [
        ("lenet.pt", 7834, 0.5479),
        ("half.pt", 7834, 0.5479),
        ("compact_half.mpk", 8985, 0.2803),
        ("model.bpk", 8983, 0.2803),
    ] {
        let output = dir.run(&format!("eval {INTEROP}/{name} --data {DATA} --json")).ok();
        let document = output.json();
        assert_eq!(document["correct"], correct, "{name}");
        let difference = document["loss"].as_f64().unwrap() - loss;
        assert!(difference.abs() < 1e-4, "{name}: {difference}");
        // The only note is about the activations, the pooling and the pixel scaling, which none of these files describes.
        assert_eq!(output.stderr().lines().count(), 1, "{name}: {}", output.stderr());
    }
}

#[test]
fn assumptions_are_noted_once() {
    let dir = TestDir::empty();
    let bytes = fs::read(format!("{INTEROP}/lenet.safetensors")).unwrap();
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header = String::from_utf8(bytes[8..8 + length].to_vec()).unwrap();
    let header = header.replace("\"conv", "\"module.conv").replace("\"fc", "\"module.fc");
    let length = (header.len() as u64).to_le_bytes();
    let content = [&length[..], header.as_bytes(), &bytes[bytes.len() - 177_704..]].concat();
    fs::write(dir.path("net.safetensors"), content).unwrap();
    let note = "note: net.safetensors: dropped the prefix \"module.\" of the tensor names";
    for args in ["convert net.safetensors m.mpk", "predict net.safetensors --data data --index 0"] {
        let output = dir.run(&args.replace("--data data", &format!("--data {DATA}"))).ok();
        assert_eq!(output.stderr().matches(note).count(), 1, "{}", output.stderr());
    }
}

#[test]
fn burnpack_round_trip_keeps_weights() {
    let dir = TestDir::empty();
    dir.run(&format!("convert {INTEROP}/lenet.pt m.mpk")).ok();
    let output = dir.run("convert m.mpk m.bpk").ok();
    assert!(output.stdout().ends_with("bit-identical to those read from m.mpk\n"));
    dir.run("convert m.mpk again.bpk").ok();
    assert_eq!(dir.digest("m.bpk"), dir.digest("again.bpk"));
    dir.run("convert m.bpk back.mpk").ok();
    assert_eq!(dir.digest("m.mpk"), dir.digest("back.mpk"));
}

#[test]
fn directory_is_read_by_every_command() {
    let dir = TestDir::empty();
    dir.run(&format!("convert {INTEROP}/lenet.pt hub/")).ok();
    let eval = |model: &str| {
        dir.run(&format!("eval {model} --data {DATA} --limit 200")).ok().stdout().to_owned()
    };
    assert_eq!(eval("hub/"), eval("hub/model.safetensors"));
    dir.run(&format!("predict hub --data {DATA} --index 0")).ok();
    dir.run("convert hub m.mpk").ok();
    dir.run(&format!("report hub --data {DATA} --limit 200")).ok();
    dir.create_dir("empty");
    dir.run("eval empty").assert_error(1, "expected a file, found a directory", "model file");
}

#[test]
fn other_files_have_specific_hints() {
    let dir = TestDir::empty();
    for name in ["m.mpk", "m.pt", "m.safetensors", "m.bpk", "p.png"] {
        dir.write(name, LFS_POINTER);
    }
    for args in
        ["eval m.mpk", "eval m.pt", "eval m.safetensors", "eval m.bpk", "convert m.mpk n.mpk"]
    {
        dir.run(args).assert_error(1, "found a Git LFS pointer", "git lfs pull");
    }
    let model = format!("{INTEROP}/lenet.pt");
    dir.run(&format!("predict {model} p.png")).assert_error(
        1,
        "found a Git LFS pointer",
        "git lfs pull",
    );
    dir.run(&format!("predict {model} {model}")).assert_error(
        1,
        "found a PyTorch file",
        "model first",
    );
    dir.create_dir("data");
    for name in ["train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"] {
        dir.write(&format!("data/{name}-ubyte"), LFS_POINTER);
    }
    dir.run(&format!("eval {model} --data data")).assert_error(
        1,
        "t10k-images-idx3-ubyte: is not an IDX file of images: found a Git LFS pointer",
        "git lfs pull",
    );
    dir.write("m.mpk", "<!doctype html><title>lenet/model.mpk at main</title>");
    dir.run("eval m.mpk").assert_error(1, "found an HTML page", "download");
    dir.run(&format!("eval {DATA}/t10k-images-idx3-ubyte.gz")).assert_error(
        1,
        "a gzip file",
        "gunzip -k",
    );
}

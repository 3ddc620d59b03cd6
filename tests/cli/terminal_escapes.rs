//! Terminal escape sequences in file names, file contents and server responses are never printed, so that a terminal
//! cannot interpret them.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;

use serde_json::json;

use super::server::{Response, Server};
use super::{CommandOutput, TestDir, fetch};

/// A window title, a bell, an 8-bit escape sequence, and lines that imitate an error and a hint.
pub(super) const MALICIOUS: &str = "e\u{1b}]0;X\u{7}\u{9b}31m\u{7f}\nerror: x\rhint: y\u{202e}";

/// Asserts that `output` contains no control characters except newlines, no change of text direction and no fake error.
pub(super) fn assert_clean(output: &CommandOutput, context: &str) {
    for (stream, text) in [("stdout", output.stdout()), ("stderr", output.stderr())] {
        let is_unsafe = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!text.contains(is_unsafe), "{context}: {stream}: {text:?}");
        assert!(!text.contains("\nerror: x"), "{context}: {stream}: {text}");
    }
}

fn run(dir: &TestDir, args: &str, name: &str) -> CommandOutput {
    let mut command = dir.lenet(args);
    CommandOutput::of(command.arg(name))
}

#[test]
fn file_names_are_escaped() {
    let dir = TestDir::new();
    dir.train("--epochs 1 -o m.mpk");
    let model = format!("{MALICIOUS}.mpk");
    for (args, name) in [
        ("eval --any-dataset", MALICIOUS),
        ("predict m.mpk", MALICIOUS),
        ("convert m.mpk", MALICIOUS),
        ("convert m.mpk", &model),
        ("report --any-dataset", &model),
        ("report --any-dataset m.mpk --force -o", &model),
        ("train --any-dataset --epochs 1 -o", &model),
        ("train --any-dataset --epochs 1 --like", MALICIOUS),
        ("train --any-dataset --epochs 1 -o n.mpk --tensorboard", MALICIOUS),
        ("data verify --data", MALICIOUS),
        ("data show --any-dataset --png", MALICIOUS),
        ("doctor --data", MALICIOUS),
        ("completions", MALICIOUS),
        ("", MALICIOUS),
        ("train --epochs", MALICIOUS),
        ("train", &format!("--{MALICIOUS}")),
    ] {
        assert_clean(&run(&dir, args, name), args);
    }
    let picture = dir.path(&format!("{MALICIOUS}.png"));
    fs::copy(concat!(env!("CARGO_MANIFEST_DIR"), "/data/predict.png"), &picture).unwrap();
    let predicted = run(&dir, "predict m.mpk", picture.to_str().unwrap()).ok();
    assert_clean(&predicted, "predict");
    // JSON output contains the exact name.
    let predicted = run(&dir, "predict m.mpk --json", picture.to_str().unwrap());
    assert_clean(&predicted, "predict --json");
    let source = &predicted.json()["predictions"][0]["source"];
    assert_eq!(source.as_str(), picture.to_str());
    let odd = OsStr::from_bytes(b"\x9b\xff\x1b.mpk");
    let output = CommandOutput::of(dir.lenet("eval").arg(odd));
    assert_clean(&output, "a name that is not Unicode");
}

#[test]
fn file_contents_are_escaped() {
    let dir = TestDir::new();
    dir.train("--epochs 1 -o m.mpk");
    // Metadata of a safetensors file
    let mut file = lenet::format::read(&dir.path("m.mpk")).unwrap();
    for key in ["recipe", "seed", "test_accuracy"] {
        file.metadata.insert(key.to_owned(), MALICIOUS.to_owned());
    }
    lenet::format::write(&dir.path("s.safetensors"), &file).unwrap();
    let output = dir.run("convert s.safetensors t.safetensors").ok();
    assert!(output.stdout().contains("metadata: "), "{}", output.stdout());
    assert_clean(&output, "metadata");
    assert_eq!(
        lenet::format::read(&dir.path("t.safetensors")).unwrap().metadata["recipe"],
        MALICIOUS
    );
    // Run records
    let record = dir.json("m.json");
    for (pointer, value) in [
        ("/settings/recipe/name", json!(MALICIOUS)),
        ("/settings/backend", json!(MALICIOUS)),
        ("/device", json!(MALICIOUS)),
        ("/settings/keep", json!(MALICIOUS)),
        ("/settings/recipe/schedule", json!({ MALICIOUS: 1 })),
    ] {
        let mut malicious = record.clone();
        *malicious.pointer_mut(pointer).unwrap() = value;
        dir.write("m.json", malicious.to_string());
        for args in [
            "train --any-dataset --epochs 1 --like m.json -o l.mpk --force",
            "report m.mpk --any-dataset --force",
            "convert m.mpk u.safetensors --force",
        ] {
            assert_clean(&dir.run(args), pointer);
        }
    }
}

#[test]
fn server_responses_are_escaped() {
    let server = Server::start(|_| Response::redirect("http://\u{1b}]0;X\u{7}\u{9b}/"));
    let dir = fetch::incomplete_dataset();
    let args = format!("--data d --mirror {}", server.url());
    assert_clean(&fetch::run(&dir, &args), "location");
}

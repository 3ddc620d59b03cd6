//! Nothing from outside speaks to the terminal: file names, texts in files and words of servers are shown, not obeyed.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;

use serde_json::json;

use super::server::{Response, Server};
use super::{CommandOutput, TestDir, fetch};

/// A title for the window, a bell, the eight-bit form of an escape, and a line that looks like ours.
const EVIL: &str = "e\u{1b}]0;X\u{7}\u{9b}31m\u{7f}\nerror: x\rhint: y\u{202e}";

/// Asserts that a terminal would obey nothing in it but line ends.
fn assert_clean(output: &CommandOutput, what: &str) {
    for (stream, text) in [("stdout", output.stdout()), ("stderr", output.stderr())] {
        let obeyed = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!text.contains(obeyed), "{what}: {stream}: {text:?}");
        assert!(!text.contains("\nerror: x"), "{what}: {stream}: {text}");
    }
}

fn run(dir: &TestDir, words: &str, name: &str) -> CommandOutput {
    let mut command = dir.lenet(words);
    CommandOutput::of(command.arg(name))
}

#[test]
fn file_names_are_escaped() {
    let dir = TestDir::new();
    dir.train("--epochs 1 -o m.mpk");
    let model = format!("{EVIL}.mpk");
    for (words, name) in [
        ("eval --any-dataset", EVIL),
        ("predict m.mpk", EVIL),
        ("convert m.mpk", EVIL),
        ("convert m.mpk", &model),
        ("report --any-dataset", &model),
        ("report --any-dataset m.mpk --force -o", &model),
        ("train --any-dataset --epochs 1 -o", &model),
        ("train --any-dataset --epochs 1 --like", EVIL),
        ("train --any-dataset --epochs 1 -o n.mpk --tensorboard", EVIL),
        ("data verify --data", EVIL),
        ("data show --any-dataset --png", EVIL),
        ("doctor --data", EVIL),
        ("completions", EVIL),
        ("", EVIL),
        ("train --epochs", EVIL),
        ("train", &format!("--{EVIL}")),
    ] {
        assert_clean(&run(&dir, words, name), words);
    }
    let picture = dir.path(&format!("{EVIL}.png"));
    fs::copy(concat!(env!("CARGO_MANIFEST_DIR"), "/data/predict.png"), &picture).unwrap();
    let predicted = run(&dir, "predict m.mpk", picture.to_str().unwrap()).ok();
    assert_clean(&predicted, "predict");
    // JSON says exactly what the name is.
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
    // Notes of a safetensors file.
    let mut file = lenet::format::read(&dir.path("m.mpk")).unwrap();
    for key in ["recipe", "seed", "test_accuracy"] {
        file.metadata.insert(key.to_owned(), EVIL.to_owned());
    }
    lenet::format::write(&dir.path("s.safetensors"), &file).unwrap();
    let output = dir.run("convert s.safetensors t.safetensors").ok();
    assert!(output.stdout().contains("noted in it"), "{}", output.stdout());
    assert_clean(&output, "notes");
    assert_eq!(lenet::format::read(&dir.path("t.safetensors")).unwrap().metadata["recipe"], EVIL);
    // Records.
    let record = dir.json("m.json");
    for (pointer, value) in [
        ("/settings/recipe/name", json!(EVIL)),
        ("/settings/backend", json!(EVIL)),
        ("/device", json!(EVIL)),
        ("/settings/keep", json!(EVIL)),
        ("/settings/recipe/schedule", json!({ EVIL: 1 })),
    ] {
        let mut forged = record.clone();
        *forged.pointer_mut(pointer).unwrap() = value;
        dir.write("m.json", forged.to_string());
        for words in [
            "train --any-dataset --epochs 1 --like m.json -o l.mpk --force",
            "report m.mpk --any-dataset --force",
            "convert m.mpk u.safetensors --force",
        ] {
            assert_clean(&dir.run(words), pointer);
        }
    }
}

#[test]
fn server_responses_are_escaped() {
    let server = Server::start(|_, _| Response::moved("http://\u{1b}]0;X\u{7}\u{9b}/"));
    let dir = fetch::incomplete_dataset();
    let words = format!("--data d --retries 0 --mirror {}", server.url());
    assert_clean(&fetch::run(&dir, &words), "location");
}

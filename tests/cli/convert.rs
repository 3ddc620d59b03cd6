//! `lenet convert`.

use std::fs;

use serde_json::Value;

use super::{DATA, Place};

const INTEROP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop");

/// The notes in the header of a .safetensors file.
fn notes(place: &Place, name: &str) -> serde_json::Value {
    let bytes = place.read(name);
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header: serde_json::Value = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
    header["__metadata__"].clone()
}

#[test]
fn weights_go_round_through_every_format_bit_for_bit() {
    let place = Place::empty();
    let steps = [
        (format!("{INTEROP}/lenet.pt"), "a.mpk"),
        ("a.mpk".to_owned(), "b.safetensors"),
        ("b.safetensors".to_owned(), "c.mpk"),
    ];
    for (input, output) in steps {
        let ran = place.run(&format!("convert {input} {output} --json")).ok();
        let document = ran.document();
        assert_eq!(document["schema"], 1);
        assert_eq!(document["input"], input);
        assert_eq!(document["output"], output);
        let ending = output.rsplit('.').next().unwrap();
        assert_eq!(document["format"], ending);
    }
    assert_eq!(place.digest("a.mpk"), place.digest("c.mpk"));
}

#[test]
fn what_pytorch_trained_has_the_same_figures_in_every_format() {
    let place = Place::empty();
    let source = format!("{INTEROP}/lenet.pt");
    for name in ["m.mpk", "m.safetensors"] {
        place.run(&format!("convert {source} {name}")).ok();
    }
    let eval = |model: &str| {
        let ran = place.run(&format!("eval {model} --data {DATA} --limit 500 --json"));
        ran.stdout().to_owned()
    };
    let expected = eval(&source);
    assert!(expected.contains("\"samples\":500"), "{expected}");
    assert_eq!(eval("m.mpk"), expected);
    assert_eq!(eval("m.safetensors"), expected);
}

#[test]
fn onnx_is_the_graph_that_was_checked_with_notes_behind_it() {
    let place = Place::empty();
    let ran = place.run(&format!("convert {INTEROP}/lenet.pt m.onnx")).ok();
    assert!(ran.stdout().starts_with("saved m.onnx\n"));
    assert!(ran.stdout().contains("bit for bit; the graph around them is not run here"));
    let checked = fs::read(format!("{INTEROP}/lenet.onnx")).unwrap();
    let written = place.read("m.onnx");
    assert!(written.starts_with(&checked));
    let notes = String::from_utf8_lossy(&written[checked.len()..]).into_owned();
    assert!(notes.contains("raw pixels, 0 to 255") && notes.contains("Ankle boot"), "{notes}");
}

#[test]
fn what_is_known_of_the_training_travels_along() {
    let place = Place::new();
    place.train("--epochs 2 --seed 7 -o m.mpk");
    let record = place.json("m.json");
    let ran = place.run("convert m.mpk m.safetensors").ok();
    assert!(ran.stdout().contains("noted in it: recipe classic, seed 7, test accuracy 0."));
    let notes = notes(&place, "m.safetensors");
    assert_eq!((&notes["seed"], &notes["recipe"]), (&"7".into(), &"classic".into()));
    assert_eq!(notes["epochs"], "2");
    assert_eq!(notes["test_accuracy"], record["test"]["accuracy"].to_string());
    let name = "t10k-labels-idx1-ubyte";
    assert_eq!(notes[&format!("sha256.{name}")], record["data"][name]);
    // The data set is unknown, so its classes have numbers for names.
    assert_eq!(
        (&notes["classes"], &notes["dataset"]),
        (&"0,1,2,3,4,5,6,7,8,9".into(), &Value::Null)
    );

    // They stay while there is room for them, and never speak of another model.
    place.run("convert m.safetensors m.onnx");
    let onnx = place.read("m.onnx");
    assert!(String::from_utf8_lossy(&onnx).contains("test_accuracy"));
    place.run("convert m.safetensors again.mpk").ok();
    assert_eq!(place.digest("again.mpk"), place.digest("m.mpk"));
}

#[test]
fn a_record_that_is_none_is_told_of_and_goes_without() {
    let place = Place::new();
    place.train("--epochs 1 -o m.mpk");
    place.write("m.json", "{\"schema\":1}");
    let ran = place.run("convert m.mpk m.safetensors").ok();
    assert!(ran.stderr().starts_with("warning: ignoring m.json: not a record"));
    assert!(notes(&place, "m.safetensors")["seed"].is_null());
}

#[test]
fn a_file_that_exists_is_replaced_only_if_asked() {
    let place = Place::empty();
    place.write("m.mpk", "precious");
    let words = format!("convert {INTEROP}/lenet.pt m.mpk");
    place.run(&words).assert_error(1, "m.mpk exists already", "--force");
    assert_eq!(place.read("m.mpk"), b"precious");
    place.run(&format!("{words} --force")).ok();
    place.run("convert m.mpk m.mpk --force").ok();
}

#[test]
fn what_cannot_be_read_or_written_is_refused_and_leaves_nothing() {
    let place = Place::empty();
    let source = format!("{INTEROP}/lenet.pt");
    let run = |words: String| place.run(&words);
    run(format!("convert {source} m")).assert_error(1, "no ending", ".onnx");
    run(format!("convert {source} m.pt")).assert_error(
        1,
        "m.pt: a PyTorch file can only be read",
        "load_state_dict",
    );
    run(format!("convert {INTEROP}/lenet.onnx m.mpk")).assert_error(1, "only be written", ".mpk");
    run(format!("convert {source} none/m.mpk")).assert_error(1, "none/m.mpk", "folder");
    run("convert nothing.mpk m.mpk".to_owned()).assert_error(1, "nothing.mpk", "lenet train");
    run(format!("convert {INTEROP}/incomplete.pt m.mpk")).assert_error(1, "missing", "");
    run("convert m.mpk".to_owned()).assert_error(2, "required", "");
    assert_eq!(place.files(), [] as [&str; 0]);
}

//! The data set that a model was trained on: its class names in all output, and the note about measuring on other data.

use std::fs;

use serde_json::{Value, json};

use super::{CommandOutput, DATA, TRAINED, TestDir, common};

const CLOTHES: [&str; 3] = ["T-shirt/top", "Pullover", "Ankle boot"];

impl TestDir {
    /// Replaces `part` of the run record `model.json`.
    fn edit_record(&self, part: &str, value: Value) {
        let mut record = self.json("model.json");
        record[part] = value;
        self.write("model.json", record.to_string());
    }

    /// Writes a picture of class 3 of the small data set.
    fn save_picture(&self) {
        let pixels = common::image(3, 9);
        image::GrayImage::from_vec(28, 28, pixels).unwrap().save(self.path("a.png")).unwrap();
    }

    /// Returns the names of all classes as `predict` prints them for a picture, sorted by label.
    fn picture_classes(&self, model: &str) -> Vec<String> {
        let output = self.run(&format!("predict {model} a.png --invert no --top 10 --json")).ok();
        let top = output.json()["predictions"][0]["top"].clone();
        let mut top: Vec<(u64, String)> = serde_json::from_value::<Vec<Value>>(top)
            .unwrap()
            .iter()
            .map(|class| {
                (class["label"].as_u64().unwrap(), class["class"].as_str().unwrap().to_owned())
            })
            .collect();
        top.sort();
        top.into_iter().map(|(_, class)| class).collect()
    }
}

fn digits() -> Vec<String> {
    (0..10).map(|label| label.to_string()).collect()
}

/// Returns the notes and warnings about models on standard error.
fn notes(output: &CommandOutput) -> Vec<&str> {
    // These models were trained too briefly to learn anything, which causes another warning.
    let is_about_learning =
        |line: &str| ["has not learned", "near chance"].iter().any(|text| line.contains(text));
    let lines = output.stderr().lines().filter(|line| !is_about_learning(line));
    lines.filter(|line| line.contains("trained on") || line.starts_with("warning")).collect()
}

#[test]
fn unknown_data_set_has_numbered_classes() {
    let dir = TestDir::new();
    dir.save_picture();
    dir.train("--epochs 1 --recipe tuned");
    dir.train("--epochs 1 --seed 2 -o b.mpk");
    let record = dir.json("model.json");
    assert_eq!(record["dataset"], json!({ "name": null, "classes": digits() }));
    let report = "report model.mpk --any-dataset";
    for (words, expected) in [
        ("data show --any-dataset", "\n9         18"),
        ("eval model.mpk --any-dataset", "\n9            "),
        ("predict model.mpk --any-dataset --index 1 --top 10", "\n  7             "),
        ("compare model.mpk b.mpk --any-dataset", "\n9            "),
        (report, "saved model.html"),
    ] {
        let output = dir.run(words).ok();
        assert!(output.stdout().contains(expected), "no {expected:?} in {}", output.stdout());
        assert!(
            CLOTHES.iter().all(|class| !output.stdout().contains(class)),
            "{}",
            output.stdout()
        );
        assert_eq!(notes(&output), [] as [&str; 0], "{words}");
    }
    assert_eq!(dir.picture_classes("model.mpk"), digits());
    let page = dir.read_text("model.html");
    assert!(page.contains("<th scope=\"row\">9</th>"), "the classes are numbers");
    assert!(CLOTHES.iter().all(|class| !page.contains(class)) && !page.contains("Fashion-MNIST"));
    assert!(!page.contains("flipped") && page.contains("shifted by up to 1 pixel"));
}

#[test]
fn fashion_mnist_is_named_everywhere() {
    let dir = TestDir::new();
    dir.save_picture();
    dir.run(&format!("train --data {DATA} --limit 300 --epochs 1 --recipe tuned")).ok();
    let dataset = dir.json("model.json")["dataset"].clone();
    assert_eq!(
        (&dataset["name"], &dataset["classes"][9]),
        (&"Fashion-MNIST".into(), &"Ankle boot".into())
    );
    assert_eq!(dir.picture_classes("model.mpk")[9], "Ankle boot");
    dir.run("convert model.mpk hub/").ok();
    let card = dir.read_text("hub/README.md");
    assert!(card.contains("trained on Fashion-MNIST.") && card.contains("model-index"), "{card}");
    assert!(card.contains("| Data set | Fashion-MNIST |"), "{card}");
    assert_eq!(dir.json("hub/config.json")["dataset"], "Fashion-MNIST");
    let page = || {
        dir.run(&format!("report model.mpk --data {DATA} --limit 100 --force")).ok();
        dir.read_text("model.html")
    };
    let report = page();
    assert!(report.contains("<th scope=\"row\">Data set</th><td>Fashion-MNIST</td>"));
    assert!(report.contains("flipped in every second epoch (except Sandal, Sneaker, Ankle boot)"));

    // Run records of earlier versions contain only the digests of the data set. The program recognises the data set by them.
    let mut record = dir.json("model.json");
    record.as_object_mut().unwrap().remove("dataset").unwrap();
    dir.write("model.json", record.to_string());
    assert_eq!(page(), report);
}

#[test]
fn mismatched_data_set_prints_note() {
    let dir = TestDir::new();
    dir.train("--epochs 1");
    dir.train("--epochs 1 --seed 2 -o b.mpk");
    let commands = |options: &str| {
        [
            "eval model.mpk",
            "predict model.mpk --index 1",
            "report model.mpk --force",
            "compare model.mpk b.csv",
        ]
        .map(|words| dir.run(&format!("{words} {options}")).ok())
    };
    dir.write("b.csv", "epoch,accuracy,loss\n0,0.5,1\n");
    let unknown =
        format!("note: model.mpk was trained on an unknown data set, but {DATA} is Fashion-MNIST");
    for output in commands(&format!("--data {DATA} --limit 20")) {
        assert_eq!(notes(&output), [&unknown]);
    }
    // The run record of a model that was trained on MNIST.
    let digests = json!({
        "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    });
    dir.edit_record("data", digests);
    for output in commands("--any-dataset") {
        let expected = "note: model.mpk was trained on MNIST, but data is an unknown data set";
        assert_eq!(notes(&output), [expected]);
    }
    // Another data set of the same form, which is unknown too.
    dir.create_dir("other");
    common::write_dataset(&dir.path("other"), 100, 30);
    let output = dir.run("eval b.mpk --any-dataset --data other").ok();
    assert_eq!(notes(&output), ["note: b.mpk was not trained on the data set in other"]);
    // A model without a run record causes no note, because its data set is unknown.
    let output = dir.run(&format!("eval {TRAINED} --any-dataset")).ok();
    assert_eq!(notes(&output), [] as [&str; 0]);
}

#[test]
fn class_names_are_stored_in_models() {
    let dir = TestDir::new();
    dir.save_picture();
    dir.train("--epochs 1");
    // The data set is unknown to this version. A later version, which does, could have written these names.
    let names = ["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"];
    dir.edit_record("dataset", json!({ "name": "KMNIST", "classes": names }));
    dir.run("convert model.mpk m.safetensors").ok();
    dir.run("convert model.mpk m.onnx").ok();
    assert!(String::from_utf8_lossy(&dir.read("m.onnx")).contains("o,ki,su,tsu,na,ha,ma,ya,re,wo"));
    dir.run("convert m.safetensors hub/").ok();
    assert_eq!(dir.json("hub/config.json")["label2id"]["wo"], 9);
    for model in ["model.mpk", "m.safetensors", "hub/model.safetensors"] {
        assert_eq!(dir.picture_classes(model), names, "{model}");
    }
    let output = dir.run(&format!("eval m.safetensors --data {DATA} --limit 9")).ok();
    let expected =
        format!("note: m.safetensors was trained on KMNIST, but {DATA} is Fashion-MNIST");
    assert_eq!(notes(&output), [expected]);

    // `train` also writes the class names to model files.
    dir.train("--epochs 1 -o n.safetensors");
    fs::remove_file(dir.path("n.safetensors.json")).unwrap();
    assert_eq!(dir.picture_classes("n.safetensors"), digits());
    assert_eq!(dir.picture_classes(TRAINED)[9], "Ankle boot");
}

#[test]
fn record_with_invalid_names_is_ignored() {
    let dir = TestDir::new();
    dir.save_picture();
    dir.train("--epochs 1");
    for invalid in ["\u{1b}[31m", "a\nerror: b", "", &"x".repeat(100)] {
        let mut classes = digits();
        classes[3] = invalid.to_owned();
        dir.edit_record("dataset", json!({ "name": null, "classes": classes }));
        let output = dir.run("predict model.mpk a.png").ok();
        output.assert_stderr_contains("warning: ignoring model.json: not a lenet run record");
        let is_ours = |line: &str| line.starts_with("note: ") || line.starts_with("warning: ");
        assert!(
            !output.stderr().contains('\u{1b}') && output.stderr().lines().all(is_ours),
            "{}",
            output.stderr()
        );
    }
    dir.edit_record("dataset", json!({ "name": null, "classes": ["0"] }));
    dir.run("predict model.mpk a.png").ok().assert_stderr_contains("warning: ignoring model.json");
}

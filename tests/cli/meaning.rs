//! Tests models that may be misinterpreted: files without a description of the training, models that have not learned, and the
//! images that were held out for validation.

use std::fs;

use serde_json::Value;

use super::{CommandOutput, DATA, TestDir};

const INTEROP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop");
/// The model of PyTorch's tutorial on TensorBoard, which has ReLU activations and another pixel scaling. PyTorch measures an
/// accuracy of 0.8498.
const TUTORIAL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop/tutorial.pt");

const ASSUMED: &str = "has no record of how it was trained; assuming sigmoid activations, max-pooling and raw pixels (0 to 255)";
const SUSPICION: &str = "may differ from the assumed one";

fn warnings(output: &CommandOutput) -> String {
    output.json()["warnings"].to_string()
}

#[test]
fn unknown_model_has_note_and_warning() {
    let dir = TestDir::empty();
    let eval = dir.run(&format!("eval {TUTORIAL} --data {DATA} --json")).ok();
    assert_eq!(eval.json()["accuracy"], 0.1);
    let indices: Vec<_> = (0..20).map(|index| index.to_string()).collect();
    let predict = format!("predict {TUTORIAL} --data {DATA} --json --index {}", indices.join(","));
    for (output, symptom) in [
        (&eval, "the model predicts Shirt for 9869 of 10000 images"),
        (&dir.run(&predict).ok(), "the model predicts the same class for every image"),
    ] {
        for text in [ASSUMED, symptom, SUSPICION] {
            assert!(warnings(output).contains(text), "{text}: {}", warnings(output));
        }
        assert_eq!(output.stderr().matches("note: ").count(), 1, "{}", output.stderr());
        assert_eq!(output.stderr().matches("warning: ").count(), 1, "{}", output.stderr());
    }
    let report = dir.run(&format!("report {TUTORIAL} --data {DATA} -o page.html")).ok();
    report.assert_stderr_contains(ASSUMED);
    report.assert_stderr_contains(SUSPICION);
    let page = dir.read_text("page.html");
    assert_eq!(page.matches("Warning:").count(), 2, "what is assumed, and that it fails");
    let convert = dir.run(&format!("convert {TUTORIAL} m.safetensors --json")).ok();
    assert!(warnings(&convert).contains(ASSUMED));
    // The converted file has the same note as the original.
    assert!(warnings(&dir.run("convert m.safetensors m.onnx --json")).contains(ASSUMED));
}

#[test]
fn uniform_predictions_cause_warning() {
    let dir = TestDir::empty();
    let names: Vec<_> = (0..12).map(|number| format!("{number}.png")).collect();
    for (number, name) in names.iter().enumerate() {
        let bright = |x: u32, y: u32| (x / 4 + y / 4) as usize % 12 == number || x.abs_diff(14) < 4;
        let picture = image::GrayImage::from_fn(28, 28, |x, y| {
            image::Luma([if bright(x, y) { 200 } else { 0 }])
        });
        picture.save(dir.path(name)).unwrap();
    }
    let many = dir.run(&format!("predict {TUTORIAL} --json {}", names.join(" "))).ok();
    assert!(
        warnings(&many).contains("it predicts the same class for 12 of 12 pictures"),
        "{}",
        warnings(&many)
    );
    let few = dir.run(&format!("predict {TUTORIAL} --json {}", names[..9].join(" "))).ok();
    assert!(!warnings(&few).contains("same class"), "{}", warnings(&few));
}

#[test]
fn recorded_data_set_needs_no_option() {
    let dir = TestDir::new();
    dir.train("--epochs 1 -o m.mpk");
    dir.train("--epochs 1 -o n.mpk --seed 2");
    for args in ["eval m.mpk", "predict m.mpk --index 1", "report m.mpk", "compare m.mpk n.mpk"] {
        let output = dir.run(args).ok();
        assert!(!output.stderr().contains("data set"), "{args}: {}", output.stderr());
    }
    assert!(dir.run("compare m.mpk n.mpk").stdout().contains("McNemar"));
    // The files of the same directory are no longer those that the model was trained on.
    super::common::write_dataset(&dir.path("data"), 200, 30);
    for args in ["eval m.mpk", "predict m.mpk --index 1"] {
        dir.run(args).assert_error(1, "not Fashion-MNIST", "--any-dataset");
    }
}

#[test]
fn described_models_need_no_note() {
    let dir = TestDir::new();
    dir.train("--epochs 1 -o m.mpk");
    dir.train("--epochs 1 -o n.safetensors");
    dir.run("convert m.mpk c.safetensors").ok();
    dir.remove("n.safetensors.json");
    for model in ["m.mpk", "n.safetensors", "c.safetensors"] {
        let output = dir.run(&format!("eval {model} --any-dataset"));
        assert!(!output.stderr().contains("no record of how"), "{model}: {}", output.stderr());
    }
    // A .mpk file has no metadata, so without a run record, nothing describes it.
    fs::copy(dir.path("m.mpk"), dir.path("copy.mpk")).unwrap();
    dir.run("eval copy.mpk --any-dataset").assert_stderr_contains(ASSUMED);
}

#[test]
fn untrained_model_is_reported() {
    let dir = TestDir::with_images(300, 100);
    dir.train("--epochs 1 -o a.mpk");
    dir.train("--epochs 1 -o b.mpk --seed 2");
    let compare = dir.run("compare a.mpk b.mpk --any-dataset --json").ok();
    for name in ["a.mpk: ", "b.mpk: "] {
        assert!(warnings(&compare).contains(name), "{}", warnings(&compare));
    }
    assert!(warnings(&compare).contains("it has not learned"));
    let eval = dir.run("eval a.mpk --any-dataset --json").ok();
    assert!(warnings(&eval).contains("it has not learned"), "{}", warnings(&eval));
    let picture = concat!(env!("CARGO_MANIFEST_DIR"), "/data/predict.png");
    let predict = dir.run(&format!("predict a.mpk {picture} --json")).ok();
    assert!(
        warnings(&predict).contains("the test accuracy in its run record is 0.1"),
        "{}",
        warnings(&predict)
    );
    dir.train("--epochs 24 --batch-size 4 -o good.mpk");
    let good = dir.run("eval good.mpk --any-dataset --json").ok();
    assert!(!warnings(&good).contains("learned"), "{}", warnings(&good));
}

#[test]
fn card_claims_only_what_is_recorded() {
    let dir = TestDir::new();
    for model in ["tutorial.pt", "lenet.safetensors"] {
        dir.run(&format!("convert {INTEROP}/{model} hub/ --force")).ok();
        let card = dir.read_text("hub/README.md");
        for claim in ["trained by", "datasets:", "Fashion", "accuracy", "license", "burn"] {
            assert!(!card.contains(claim), "{model}: {claim}: {card}");
        }
        assert!(card.contains("There is no record of how it was trained."), "{card}");
        assert_eq!(dir.json("hub/config.json")["dataset"], Value::Null);
    }
    // The record confirms the data set, but a test on other images does not confirm an accuracy on the test images of that data
    // set.
    dir.run(&format!("train --data {DATA} --limit 320 --epochs 1 -o m.mpk")).ok();
    dir.run("convert m.mpk hub/ --force").ok();
    let card = dir.read_text("hub/README.md");
    assert!(
        card.contains("trained by `lenet`")
            && card.contains("datasets: [\"zalando-datasets/fashion_mnist\"]")
    );
}

#[test]
fn card_shows_record_text_literally() {
    let dir = TestDir::new();
    dir.train("--epochs 1 -o m.mpk");
    let mut record = dir.json("m.json");
    record["device"] = "http://example.org ~~x~~ @user &copy; a|b".into();
    record["settings"]["recipe"]["name"] = "www.example.org".into();
    dir.write("m.json", record.to_string());
    dir.run("convert m.mpk hub/").ok();
    let card = dir.read_text("hub/README.md");
    assert!(card.contains(r"`http://example.org ~~x~~ @user &copy; a\|b, "), "{card}");
    assert!(card.contains("`www.example.org`"), "{card}");
    let text: String = card.split('`').step_by(2).collect();
    for markup in ["http://example", "www.", "~~", "@user", "&copy;"] {
        assert!(!text.contains(markup), "{markup}: {card}");
    }
}

/// Returns loss and accuracy of `eval --split validation`.
fn validation(dir: &TestDir, args: &str) -> (f64, f64) {
    let document =
        dir.run(&format!("eval {args} --split validation --data {DATA} --json")).ok().json();
    (document["loss"].as_f64().unwrap(), document["accuracy"].as_f64().unwrap())
}

#[test]
fn validation_images_come_from_run_record() {
    let dir = TestDir::empty();
    for (name, options) in [
        ("st", "--stratified --limit 3000"),
        ("few", "--validation-split 0.05 --limit 4000"),
        ("all", "--stratified"),
    ] {
        let output =
            dir.run(&format!("train {options} --epochs 1 --data {DATA} -o {name}.mpk --json")).ok();
        let epoch = &output.events()[1];
        let recorded =
            (epoch["val_loss"].as_f64().unwrap(), epoch["val_accuracy"].as_f64().unwrap());
        assert_eq!(validation(&dir, &format!("{name}.mpk")), recorded, "{name}");
        assert_eq!(validation(&dir, &format!("{name}.mpk {options}")), recorded, "{name}");
    }
    let eval = |args: &str| dir.run(&format!("eval {args} --data {DATA} --json"));
    // Options override the record, with a note.
    let output = eval("few.mpk --split validation --validation-split 0.1");
    assert_eq!(output.json()["samples"], 400);
    let note = "few.mpk was trained with --validation-split 0.05 --limit 4000; with --validation-split 0.1 --limit 4000, it may \
                have been trained on some of the held-out images";
    assert!(warnings(&output).contains(note), "{}", warnings(&output));
    assert_eq!(eval("few.mpk --split train").json()["samples"], 3800);
    assert_eq!(
        eval("few.mpk").json()["samples"],
        10_000,
        "the test images do not depend on the run"
    );
    // `predict` chooses the same images.
    let predict = |args: &str| {
        let output = dir.run(&format!(
            "predict st.mpk --split validation --index 0,1,2,3,4,5 --data {DATA} --json {args}"
        ));
        let predictions = output.ok().json()["predictions"].clone();
        predictions
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["true_label"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(predict(""), predict("--stratified --limit 3000 --validation-split 0.1"));
    // Without the record, the default is assumed.
    dir.remove("few.json");
    let output = eval("few.mpk --split validation");
    assert_eq!(output.json()["samples"], 6000);
    assert!(
        warnings(&output)
            .contains("few.mpk has no run record; its validation images are assumed to be")
    );
    let typed = eval("few.mpk --split validation --validation-split 0.05");
    assert!(!warnings(&typed).contains("no run record"), "{}", warnings(&typed));
}

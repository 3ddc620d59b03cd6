//! Tests that `lenet eval` computes the metrics that Keras and `lenet train` compute, and rejects invalid input.

use super::{DATA, TRAINED, TestDir};

#[test]
fn eval_matches_keras_metrics() {
    let dir = TestDir::empty();
    let output = dir.run(&format!("eval {TRAINED} --data {DATA} --json"));
    let document = output.json();
    assert_eq!(document["correct"], 6678);
    assert_eq!((&document["schema"], &document["split"]), (&1.into(), &"test".into()));
    assert!((document["loss"].as_f64().unwrap() - 0.908_820_6).abs() <= 1e-5);
    assert_eq!(document["confusion"][4][2], 517);
    let coat = &document["classes"][4];
    assert_eq!((&coat["name"], &coat["support"]), (&"Coat".into(), &1000.into()));
    assert_eq!(coat["recall"], 0.116);

    let output = dir.run(&format!("eval {TRAINED} --data {DATA} --split validation --json"));
    assert_eq!(output.json()["correct"], 4026);
    assert_eq!(output.json()["samples"], 6000);
}

#[test]
fn text_contains_totals_classes_and_confusion() {
    let dir = TestDir::empty();
    let output = dir.run(&format!("eval {TRAINED} --data {DATA}"));
    let text = output.stdout();
    assert!(
        text.starts_with("test  10000 samples  loss: 0.9088  accuracy: 0.6678  correct: 6678\n")
    );
    assert!(text.contains("\nAnkle boot      0.8847    0.9590    0.9203     1000\n"), "{text}");
    assert!(text.contains(
        "\n4 Coat             0     0   517   127   116     0   233     0     7     0\n"
    ));
}

#[test]
fn eval_matches_metrics_from_training() {
    let dir = TestDir::new();
    let events = dir.train("--epochs 2 --json").events();
    let eval = dir.run("eval model.mpk --any-dataset --json").json();
    assert_eq!(eval["loss"], events[3]["loss"]);
    assert_eq!(eval["correct"], events[3]["correct"]);
    let train = dir.run("eval model.mpk --any-dataset --split train --json").json();
    assert_eq!(train["samples"], 180);
    let validation = &dir.run("eval model.mpk --any-dataset --split validation --json").json();
    assert_eq!(validation["loss"], events[2]["val_loss"]);
}

#[test]
fn low_accuracy_exits_with_status_3() {
    let dir = TestDir::empty();
    let output = dir.run(&format!("eval {TRAINED} --data {DATA} --limit 100 --min-accuracy 0.99"));
    assert_eq!(output.code(), 3);
    assert!(output.stdout().starts_with("test  100 samples"));
    output.assert_stderr_contains("\nerror: accuracy 0.");
    let output = dir.run(&format!("eval {TRAINED} --data {DATA} --limit 100 --min-accuracy 0.5"));
    assert_eq!(output.code(), 0);
}

#[test]
fn eval_rejects_invalid_model() {
    let dir = TestDir::empty();
    dir.run("eval nothing.mpk").assert_error(1, "nothing.mpk", "lenet train");
    dir.write("empty.mpk", []);
    dir.run("eval empty.mpk").assert_error(1, "empty.mpk is not a lenet model", "");
}

#[test]
fn empty_split_is_usage_error() {
    let dir = TestDir::new();
    dir.train("--epochs 1 --validation-split 0");
    let output = dir.run("eval model.mpk --any-dataset --split validation --validation-split 0");
    output.assert_error(2, "no validation images", "");
}

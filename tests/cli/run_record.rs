//! The run record, the checkpoint and the model: they are matched by SHA-256, and the record reproduces the model.

use std::fs;

use serde_json::json;

use super::TestDir;

#[test]
fn resume_keeps_mismatched_model() {
    let dir = TestDir::new();
    dir.train("--epochs 1 -o v.mpk");
    dir.train("--epochs 1 --seed 9 -o other.mpk");
    let first_epoch = dir.read("v.mpk");
    fs::copy(dir.path("other.mpk"), dir.path("v.mpk")).unwrap();
    let output = dir.try_train("--resume --epochs 2 -o v.mpk");
    output.assert_error(1, "v.mpk is not the model that this training run saved", "--force");
    assert_eq!(dir.digest("v.mpk"), dir.digest("other.mpk"));
    dir.train("--resume --epochs 2 -o v.mpk --force");
    dir.train("--epochs 2 -o straight.mpk");
    let straight = dir.digest("straight.mpk");
    assert_eq!(dir.digest("v.mpk"), straight);
    // --resume accepts a missing model and the model of the checkpoint, but not an older model of the same run.
    dir.train("--epochs 1 -o w.mpk");
    dir.train("--resume --epochs 2 -o w.mpk");
    dir.write("w.mpk", first_epoch);
    let output = dir.try_train("--resume --epochs 2 -o w.mpk");
    output.assert_error(1, "w.mpk is not the model", "--force");
    dir.remove("w.mpk");
    dir.train("--resume --epochs 2 -o w.mpk");
    assert_eq!(dir.digest("w.mpk"), straight);
}

#[test]
fn record_and_checkpoint_store_model_digest() {
    let dir = TestDir::new();
    dir.train("--epochs 2 -o m.mpk");
    let expected = dir.digest("m.mpk");
    assert_eq!(dir.json("m.json")["model_sha256"], json!(expected));
    assert_eq!(super::interruptions::saved_checkpoint(&dir).record.model_sha256, Some(expected));
}

#[test]
fn report_and_convert_detect_mismatched_record() {
    let dir = TestDir::new();
    dir.train("--epochs 1 -o m.mpk");
    dir.train("--epochs 1 --seed 9 -o other.mpk");
    fs::copy(dir.path("other.mpk"), dir.path("m.mpk")).unwrap();
    let report = dir.run("report m.mpk --any-dataset");
    let convert = dir.run("convert m.mpk m.safetensors");
    for output in [report, convert] {
        assert_eq!(output.code(), 0, "{}", output.stderr());
        assert!(
            output.stderr().contains("m.json") && output.stderr().contains("another model"),
            "{}",
            output.stderr()
        );
    }
    let page = dir.read_text("m.html");
    assert!(!page.contains("seed 42"));
    let metadata = lenet::format::read(&dir.path("m.safetensors")).unwrap().metadata;
    assert!(!metadata.contains_key("seed"), "{metadata:?}");
}

#[test]
fn resume_rejects_fewer_epochs_than_done() {
    let dir = TestDir::new();
    dir.train("--epochs 3 -o m.mpk");
    let before = dir.read("m.json");
    let output = dir.try_train("--resume --epochs 1 -o m.mpk");
    output.assert_error(
        1,
        "the run already has 3 epochs, more than the requested 1",
        "use --epochs 4 or more",
    );
    assert!(dir.read("m.json") == before);
    dir.train("--like m.json -o again.mpk");
    assert_eq!(dir.digest("again.mpk"), dir.digest("m.mpk"));
}

#[test]
fn like_option_warns_of_different_model() {
    let dir = TestDir::new();
    dir.train("--epochs 1 -o m.mpk");
    let output = dir.train("--like m.json -o same.mpk");
    assert!(!output.stderr().contains("will not reproduce"), "{}", output.stderr());
    let record = dir.json("m.json");
    for (key, value, message) in [
        ("test", json!(null), "the original run did not finish"),
        ("lenet", json!("0.0.9"), "the original run used lenet 0.0.9"),
        ("device", json!("CPU (mmx)"), "the original run used CPU (mmx)"),
        ("data", json!({}), "the original run used another data set"),
    ] {
        let mut other = record.clone();
        other[key] = value;
        dir.write("m.json", other.to_string());
        let output = dir.train("--like m.json -o n.mpk --force");
        let note = format!("note: this run will not reproduce the original model: {message}\n");
        output.assert_stderr_contains(&note);
    }
}

#[test]
fn record_settings_are_validated() {
    let dir = TestDir::new();
    dir.train("--epochs 1 -o m.mpk");
    let record = dir.json("m.json");
    let big = json!(1_000_000_000_000_u64);
    // This is a sample. tests/files/untrusted_checkpoints.rs covers all settings, which go through the same validation.
    for (pointer, value, message) in [
        ("/settings/epochs", big.clone(), "number of epochs: 1000000000000"),
        ("/settings/batch_size", big, "batch size"),
        ("/settings/recipe/momentum", json!(1), "momentum: 1"),
        ("/settings/recipe/schedule", json!({"linear": {"warm_up": -1}}), "warm-up: -1"),
        ("/epochs/0/loss", json!(1e308), "metrics"),
        ("/epochs/0/epoch", json!(2), "metrics"),
        ("/epochs/0/seconds", json!(-1), "metrics"),
        ("/epochs/0/accuracy", json!(-0.5), "metrics"),
        ("/epochs/0/val_accuracy", json!(1.5), "metrics"),
        ("/epochs/0/accuracy", json!(-0.0), "metrics"),
        ("/schema", json!(99), "schema 99, but this version reads schema 1"),
        ("/test/accuracy", json!(2), "metrics"),
        ("/test/accuracy", json!(0.999), "metrics"),
        ("/test/samples", json!(0), "metrics"),
        ("/test/loss", json!(-1), "metrics"),
    ] {
        let mut invalid = record.clone();
        *invalid.pointer_mut(pointer).unwrap() = value;
        dir.write("b.json", invalid.to_string());
        let output = dir.try_train("--like b.json --tensorboard tb -o n.mpk");
        output.assert_error(1, message, "");
        dir.write("m.json", invalid.to_string());
        let output = dir.run("report m.mpk --any-dataset --force").ok();
        output.assert_stderr_contains(message);
        let page = dir.read_text("m.html");
        assert!(!page.contains("NaN"));
    }
}

#[test]
fn like_option_reproduces_model() {
    let dir = TestDir::new();
    dir.train("--recipe tuned --epochs 2 --seed 5 --batch-size 16 --stratified -o a.mpk");
    dir.train("--like a.json -o b.mpk");
    assert_eq!(dir.digest("b.mpk"), dir.digest("a.mpk"));
    assert_eq!(dir.json("b.json")["settings"], dir.json("a.json")["settings"]);

    dir.train("--like a.json --seed 6 --epochs 1 -o c.mpk");
    let mut settings = dir.json("a.json")["settings"].clone();
    settings["seed"] = json!(6);
    settings["epochs"] = json!(1);
    assert_eq!(dir.json("c.json")["settings"], settings);
}

#[test]
fn like_option_rejects_invalid_records() {
    let dir = TestDir::new();
    dir.train("--epochs 1 -o a.mpk");
    let assert_rejected = |record: &str, reason: &str| {
        let output = dir.try_train(&format!("--like {record} -o b.mpk"));
        output.assert_error(1, &format!("cannot use the settings of {record}: "), "");
        output.assert_stderr_contains(reason);
        assert!(!dir.path("b.mpk").exists());
    };
    assert_rejected("none.json", "No such file");
    assert_rejected("data", "expected a file, found a directory");
    assert_rejected("a.mpk", "not a lenet run record");
}

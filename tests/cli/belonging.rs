//! A model knows its training: what does not belong together is told, and a record trains its model again.

use std::fs;

use serde_json::json;

use super::Place;

#[test]
fn a_model_that_is_not_the_states_is_not_replaced_by_going_on() {
    let place = Place::new();
    place.train("--epochs 1 -o v.mpk");
    place.train("--epochs 1 --seed 9 -o other.mpk");
    let ours = place.read("v.mpk");
    fs::copy(place.path("other.mpk"), place.path("v.mpk")).unwrap();
    let ran = place.try_train("--resume --epochs 2 -o v.mpk");
    ran.assert_error(1, "v.mpk is not the model that this training saved", "--force");
    assert_eq!(place.digest("v.mpk"), place.digest("other.mpk"));
    place.train("--resume --epochs 2 -o v.mpk --force");
    place.train("--epochs 2 -o straight.mpk");
    let straight = place.digest("straight.mpk");
    assert_eq!(place.digest("v.mpk"), straight);
    // Its own model and none at all are no obstacle; one of an earlier moment is.
    place.train("--epochs 1 -o w.mpk");
    place.train("--resume --epochs 2 -o w.mpk");
    place.write("w.mpk", ours);
    let ran = place.try_train("--resume --epochs 2 -o w.mpk");
    ran.assert_error(1, "w.mpk is not the model", "--force");
    place.remove("w.mpk");
    place.train("--resume --epochs 2 -o w.mpk");
    assert_eq!(place.digest("w.mpk"), straight);
}

#[test]
fn record_and_state_hold_the_digest_of_the_model() {
    let place = Place::new();
    place.train("--epochs 2 -o m.mpk");
    let expected = place.digest("m.mpk");
    assert_eq!(place.json("m.json")["model_sha256"], json!(expected));
    assert_eq!(super::kills::saved(&place).record.model_sha256, Some(expected));
}

#[test]
fn report_and_convert_say_when_model_and_record_do_not_belong_together() {
    let place = Place::new();
    place.train("--epochs 1 -o m.mpk");
    place.train("--epochs 1 --seed 9 -o other.mpk");
    fs::copy(place.path("other.mpk"), place.path("m.mpk")).unwrap();
    let report = place.run("report m.mpk --any-dataset");
    let convert = place.run("convert m.mpk m.safetensors");
    for ran in [report, convert] {
        assert_eq!(ran.code(), 0, "{}", ran.stderr());
        let words = "m.json";
        assert!(
            ran.stderr().contains(words) && ran.stderr().contains("another model"),
            "{}",
            ran.stderr()
        );
    }
    let page = place.text("report.html");
    assert!(!page.contains("seed 42"));
    let notes = lenet::format::read(&place.path("m.safetensors")).unwrap().metadata;
    assert!(!notes.contains_key("seed"), "{notes:?}");
}

#[test]
fn a_training_with_fewer_epochs_than_are_done_is_not_gone_on_with() {
    let place = Place::new();
    place.train("--epochs 3 -o m.mpk");
    let before = place.read("m.json");
    let ran = place.try_train("--resume --epochs 1 -o m.mpk");
    ran.assert_error(1, "3 epochs are done, more than 1", "");
    assert!(place.read("m.json") == before);
    place.train("--like m.json -o again.mpk");
    assert_eq!(place.digest("again.mpk"), place.digest("m.mpk"));
}

#[test]
fn a_record_that_cannot_be_repeated_here_says_why() {
    let place = Place::new();
    place.train("--epochs 1 -o m.mpk");
    let ran = place.train("--like m.json -o same.mpk");
    assert!(!ran.stderr().contains("left another model"), "{}", ran.stderr());
    let record = place.json("m.json");
    for (key, value, words) in [
        ("test", json!(null), "it was not finished"),
        ("lenet", json!("0.0.9"), "it was of lenet 0.0.9"),
        ("device", json!("CPU (mmx)"), "it ran on CPU (mmx)"),
        ("data", json!({}), "it had another data set"),
    ] {
        let mut other = record.clone();
        other[key] = value;
        place.write("m.json", other.to_string());
        let ran = place.train("--like m.json -o n.mpk --force");
        let told = format!("left another model than this one will: {words}\n");
        ran.assert_says(&told);
    }
}

#[test]
fn what_the_command_line_refuses_a_record_may_not_hold() {
    let place = Place::new();
    place.train("--epochs 1 -o m.mpk");
    let record = place.json("m.json");
    let big = json!(1_000_000_000_000_u64);
    // Of the settings some: what a state may not hold, tests/files/untrusted_checkpoints.rs shows, is checked by the same.
    for (pointer, value, words) in [
        ("/settings/epochs", big.clone(), "number of epochs of 1000000000000"),
        ("/settings/batch_size", big, "batch size"),
        ("/settings/recipe/momentum", json!(1), "momentum of 1"),
        ("/settings/recipe/schedule", json!({"linear": {"warm_up": -1}}), "warm-up of -1"),
        ("/epochs/0/loss", json!(1e308), "figures"),
        ("/epochs/0/epoch", json!(2), "figures"),
        ("/epochs/0/seconds", json!(-1), "figures"),
        ("/epochs/0/accuracy", json!(-0.5), "figures"),
        ("/epochs/0/val_accuracy", json!(1.5), "figures"),
        ("/test/accuracy", json!(2), "figures"),
        ("/test/loss", json!(-1), "figures"),
    ] {
        let mut forged = record.clone();
        *forged.pointer_mut(pointer).unwrap() = value;
        place.write("b.json", forged.to_string());
        let ran = place.try_train("--like b.json --tensorboard tb -o n.mpk");
        ran.assert_error(1, words, "");
        place.write("m.json", forged.to_string());
        let ran = place.run("report m.mpk --any-dataset --force").ok();
        ran.assert_says(words);
        let page = place.text("report.html");
        assert!(!page.contains("NaN"));
    }
}

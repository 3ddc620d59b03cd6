//! `lenet train --like` and `--stratified`: settings that come from elsewhere, images of all classes in proportion.

use serde_json::json;

use super::{DATA, TestDir};

#[test]
fn a_record_is_enough_to_train_the_same_model_again() {
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
fn what_is_no_record_is_refused() {
    let dir = TestDir::new();
    dir.train("--epochs 1 -o a.mpk");
    let refused = |record: &str, why: &str| {
        let output = dir.try_train(&format!("--like {record} -o b.mpk"));
        let what = format!("cannot take the settings of {record}: ");
        output.assert_error(1, &what, "");
        output.assert_stderr_contains(why);
        assert!(!dir.path("b.mpk").exists());
    };
    refused("none.json", "No such file");
    refused("data", "expected a file, found a directory");
    refused("a.mpk", "not a record of lenet train");
}

#[test]
fn stratified_validation_images_are_of_all_classes_alike() {
    let dir = TestDir::empty();
    let counts = |words: &str| {
        let output = dir.run(&format!("data show --split validation --data {DATA} --json {words}"));
        let split = &output.json()["splits"][0];
        let classes = split["classes"].as_array().unwrap().clone();
        classes.iter().map(|class| class["count"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(counts("--stratified"), [600; 10]);
    let last = counts("");
    assert_eq!(last.iter().sum::<u64>(), 6000);
    assert_ne!(last, [600; 10]);
}

#[test]
fn eval_finds_the_validation_images_of_a_stratified_training() {
    let dir = TestDir::empty();
    let output =
        dir.run(&format!("train --stratified --epochs 1 --limit 2000 --data {DATA} --json")).ok();
    let epoch = output.events()[1].clone();
    let eval = |words: &str| {
        let output = dir.run(&format!(
            "eval model.mpk --split validation --limit 2000 --data {DATA} --json {words}"
        ));
        output.json()["loss"].as_f64().unwrap()
    };
    let expected = epoch["val_loss"].as_f64().unwrap();
    assert!((eval("--stratified") - expected).abs() < 1e-6);
    assert!((eval("") - expected).abs() > 1e-4);
}

//! `--stratified`: the validation split contains every class in proportion.

use super::{DATA, TestDir};

#[test]
fn stratified_validation_split_is_balanced() {
    let dir = TestDir::empty();
    let counts = |args: &str| {
        let output = dir.run(&format!("data show --split validation --data {DATA} --json {args}"));
        let split = &output.json()["splits"][0];
        let classes = split["classes"].as_array().unwrap().clone();
        classes.iter().map(|class| class["count"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(counts("--stratified"), [600; 10]);
    let default = counts("");
    assert_eq!(default.iter().sum::<u64>(), 6000);
    assert_ne!(default, [600; 10]);
}

#[test]
fn eval_matches_stratified_validation_loss() {
    let dir = TestDir::empty();
    let output =
        dir.run(&format!("train --stratified --epochs 1 --limit 2000 --data {DATA} --json")).ok();
    let epoch = output.events()[1].clone();
    let eval = |args: &str| {
        let output = dir.run(&format!(
            "eval model.mpk --split validation --limit 2000 --data {DATA} --json {args}"
        ));
        output.json()["loss"].as_f64().unwrap()
    };
    let expected = epoch["val_loss"].as_f64().unwrap();
    // The split comes from the run record, unless options select another one.
    assert!((eval("--stratified") - expected).abs() < 1e-6);
    assert!((eval("") - expected).abs() < 1e-6);
    dir.remove("model.json");
    assert!((eval("") - expected).abs() > 1e-4);
}

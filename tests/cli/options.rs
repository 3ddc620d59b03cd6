//! Option values: what is refused, and where a value comes from. The limits of each are tested in `src/cli/values.rs`.

use super::{CommandOutput, TestDir};

#[test]
fn impossible_values_are_wrong_usage_and_nothing_is_written() {
    let dir = TestDir::new();
    for words in [
        "--epochs 0",
        "--epochs -1",
        "--batch-size 60001",
        "--threads 10000",
        "--lr nan",
        "--lr -1",
        "--momentum 1",
        "--validation-split 1",
        "--limit 0",
        "--patience 0",
        "--seed -1",
        "--min-accuracy 1.5",
        "--backend gpu",
        "--recipe old",
        "--keep all",
        "--frobnicate",
        "--epochs",
    ] {
        let output = dir.try_train(words);
        assert_eq!(output.code(), 2, "{words}: {}", output.stderr());
        assert!(output.stderr().starts_with("error: "), "{words}: {}", output.stderr());
    }
    let output = dir.run("train --any-dataset --resume model.mpk");
    assert!(
        output.code() == 2 && output.stderr().contains("use -o to choose the model file"),
        "{}",
        output.stderr()
    );
    assert_eq!(dir.files(), [] as [&str; 0]);
    assert_eq!(dir.run("trian").code(), 2);
}

#[test]
fn conflict_shows_subcommand_usage() {
    let dir = TestDir::empty();
    for (args, usage) in [
        ("train --seeds 1..3 --seed 4", "Usage: lenet train [OPTIONS]"),
        ("eval m.mpk --stratified", "Usage: lenet eval [OPTIONS] <MODEL>"),
        ("data show --split test --stratified", "Usage: lenet data show [OPTIONS]"),
    ] {
        let output = dir.run(args);
        let has_usage = output.stderr().lines().any(|line| line == usage);
        assert!(output.code() == 2 && has_usage, "{args}: {}", output.stderr());
    }
}

#[test]
fn a_split_that_leaves_no_training_image_is_wrong_usage() {
    let dir = TestDir::new();
    let output = dir.try_train("--limit 1 --validation-split 0.9999999");
    output.assert_error(2, "leaves none to train with", "--validation-split");
}

#[test]
fn a_flag_wins_over_the_environment_and_that_over_the_default() {
    let dir = TestDir::new();
    let seed = |words: &str, variable: Option<&str>| {
        let mut command = dir.lenet(&format!("train --any-dataset --epochs 1 --json {words}"));
        if let Some(value) = variable {
            command.env("LENET_SEED", value);
        }
        CommandOutput::of(&mut command).json()["seed"].as_u64().unwrap()
    };
    assert_eq!(seed("", None), 42);
    assert_eq!(seed("", Some("7")), 7);
    assert_eq!(seed("--seed 9", Some("7")), 9);
    assert_eq!(seed("--seed 18446744073709551615", None), u64::MAX);
}

#[test]
fn an_unknown_cpu_level_is_an_error_that_names_the_known_ones() {
    let dir = TestDir::new();
    let at = |level: &str| {
        let mut command = dir.lenet("train --any-dataset --epochs 1 --json --force");
        CommandOutput::of(command.env("LENET_SIMD", level))
    };
    at("mmx").assert_error(1, "LENET_SIMD", "scalar");
    assert_eq!(at("scalar").json()["device"], "CPU (scalar)");
    // As without the variable.
    assert!(at("").json()["device"].as_str().unwrap().starts_with("CPU ("));
}

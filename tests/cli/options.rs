//! Options: invalid values, options without effect, and the environment variables that set defaults. The unit
//! tests of `src/cli/args/values.rs` cover the limits of each value.

use super::{CommandOutput, TestDir};

#[test]
fn invalid_values_are_usage_errors() {
    let dir = TestDir::new();
    for args in [
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
        let output = dir.try_train(args);
        assert_eq!(output.code(), 2, "{args}: {}", output.stderr());
        assert!(output.stderr().starts_with("error: "), "{args}: {}", output.stderr());
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
fn split_without_training_images_is_rejected() {
    let dir = TestDir::new();
    let output = dir.try_train("--limit 1 --validation-split 0.9999999");
    output.assert_error(2, "leaves no images for training", "--validation-split");
}

#[test]
fn flag_overrides_variable_overrides_default() {
    let dir = TestDir::new();
    let seed = |args: &str, variable: Option<&str>| {
        let mut command = dir.lenet(&format!("train --any-dataset --epochs 1 --json {args}"));
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
fn unknown_instruction_set_is_rejected() {
    let dir = TestDir::new();
    let train_with = |level: &str| {
        let mut command = dir.lenet("train --any-dataset --epochs 1 --json --force");
        CommandOutput::of(command.env("LENET_SIMD", level))
    };
    train_with("mmx").assert_error(1, "LENET_SIMD", "scalar");
    assert_eq!(train_with("scalar").json()["device"], "CPU (scalar)");
    // An empty variable counts as unset.
    assert!(train_with("").json()["device"].as_str().unwrap().starts_with("CPU ("));
}

#[test]
fn options_without_effect_are_rejected() {
    let dir = TestDir::new();
    for (args, error) in [
        ("train --any-dataset --keep best --validation-split 0", "the validation split is empty"),
        ("train --any-dataset --patience 2 --limit 5", "the validation split is empty"),
        (
            "train --any-dataset --stratified --validation-split 0",
            "--stratified has no effect with --validation-split 0",
        ),
        ("train --any-dataset --json -q", "cannot be used with"),
        ("train --any-dataset --seeds 1..2 --resume", "--resume has no effect with --seeds"),
        ("train --any-dataset --seeds 1..2 --force", "--force has no effect with --seeds"),
        (
            "eval m.mpk --validation-split 0.2",
            "--validation-split has no effect without --split train",
        ),
        (
            "eval m.mpk --split test --stratified",
            "--stratified has no effect without --split train",
        ),
        (
            "predict m.mpk --index 1 --stratified",
            "--stratified has no effect without --split train",
        ),
        (
            "predict m.mpk a.png --validation-split 0.2",
            "--validation-split has no effect without --split train",
        ),
        ("predict m.mpk a.png --data data", "--data has no effect without --index"),
        ("predict m.mpk a.png --limit 5", "--limit has no effect without --index"),
        ("data show --split test --validation-split 0.2", "has no effect without --split train"),
        ("data show --force", "--png"),
        ("compare a.json b.json --force", "--output"),
        (
            "compare a.json b.json --records-only --threads 1",
            "--threads has no effect with --records-only",
        ),
    ] {
        let output = dir.run(args);
        output.assert_error(2, "", "");
        assert!(output.stderr().contains(error), "{args}: {}", output.stderr());
    }
    assert_eq!(dir.files(), [] as [&str; 0]);
    // A variable without effect is accepted, because it may be meant for another command. An option overrides a
    // conflicting variable.
    for args in
        ["train --any-dataset --epochs 1 --seeds 1..2", "data show --any-dataset --split test"]
    {
        let mut command = dir.lenet(args);
        command.env("LENET_SEED", "7").env("LENET_VALIDATION_SPLIT", "0.2");
        let output = CommandOutput::of(&mut command);
        assert_eq!(output.code(), 0, "{args}: {}", output.stderr());
    }
}

#[test]
fn value_errors_name_their_source() {
    let dir = TestDir::new();
    for (args, error) in [
        ("--epochs -1", "invalid value '-1' for '--epochs <N>': expected an integer from 1 to"),
        (
            "--lr -1",
            "invalid value '-1' for '--lr <RATE>': expected a number from 1.2e-38 to 3.4e38",
        ),
        (
            "--lr 1e-40",
            "invalid value '1e-40' for '--lr <RATE>': expected a number from 1.2e-38 to 3.4e38",
        ),
        ("--limit 0", "for '--limit <N>': expected an integer from 1 to 18446744073709551615"),
        ("--seed x", "for '--seed <N>': expected an integer from 0 to 18446744073709551615"),
    ] {
        let output = dir.run(&format!("train {args}"));
        assert!(output.code() == 2 && output.stderr().contains(error), "{}", output.stderr());
    }
    let output = CommandOutput::of(dir.lenet("train --lr 0.5").env("LENET_EPOCHS", "x"));
    output.assert_stderr_contains("'x' for 'LENET_EPOCHS'");
    let output = CommandOutput::of(dir.lenet("train --epochs=y").env("LENET_EPOCHS", "1"));
    output.assert_stderr_contains("'y' for '--epochs <N>'");
    dir.train("--epochs 1 -o m.mpk");
    dir.run("eval m.json").assert_error(1, "m.json is not a lenet model", "next to it: m.mpk");
    let help = dir.run("help train");
    assert!(help.code() == 0 && help.stdout().contains("--epochs"), "{}", help.stdout());
}

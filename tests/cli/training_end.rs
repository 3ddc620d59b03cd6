//! How a training ended is said: early, with other weights than the last, or with nothing learnt.

use serde_json::Value;

use super::{CommandOutput, TestDir};

fn end(events: &[Value]) -> &Value {
    let mut ends = events.iter().filter(|event| event["event"] == "test");
    ends.next().unwrap()
}

/// A rate that lets the loss jump about, so that patience ends soon.
const RESTLESS: &str = "--epochs 40 --patience 1 --keep best --lr 3";

#[test]
fn a_training_that_patience_ends_says_so_everywhere_and_goes_on_as_advised() {
    let dir = TestDir::new();
    let output = dir.train(&format!("{RESTLESS} -o m.mpk --json"));
    let events = output.events();
    let (end, record) = (end(&events), dir.json("m.json"));
    let (done, kept) = (end["epochs_done"].as_u64().unwrap(), &end["kept_epoch"]);
    assert!(done < 40, "{end}");
    assert_eq!(kept, done - 1, "{end}");
    for found in [end, &record] {
        assert_eq!(found["stop_reason"], "patience");
        assert_eq!(&found["kept_epoch"], kept);
    }
    let said = format!(
        "note: stopped after epoch {done} of 40: the validation loss did not improve for 1 epoch; \
         go on with --resume and a larger --patience\n\
         note: the model has the weights of epoch {kept}, of the best validation loss\n"
    );
    output.assert_stderr_contains(&said);
    // Again, and in text.
    let again = dir.train(&format!("{RESTLESS} -o m.mpk --resume"));
    again.assert_stderr_contains(&said);
    assert!(!again.stderr().contains("--epochs"), "{}", again.stderr());
    let on = dir.train("--patience 40 -o m.mpk --resume --json");
    let events = on.events();
    assert_eq!(self::end(&events)["stop_reason"], "epochs");
    assert_eq!(self::end(&events)["epochs_done"], 40);
    assert_eq!(dir.json("m.json")["stop_reason"], "epochs");
    // Of each seed too.
    let seeds = dir.train(&format!("{RESTLESS} --seeds 42 --json"));
    let row = &seeds.events()[1];
    assert_eq!((&row["stop_reason"], &row["epochs_done"]), (&"patience".into(), &done.into()));
    seeds.assert_stderr_contains("(seed 42)");
}

#[test]
fn a_training_that_collapsed_is_warned_of_and_a_sound_one_is_not() {
    let dir = TestDir::with_images(2000, 200);
    for rate in ["50", "1e30"] {
        let output = dir.train(&format!("--epochs 2 --json --lr {rate} -o m.mpk --force"));
        assert_eq!(end(&output.events())["collapsed"], true);
        assert_eq!(dir.json("m.json")["test"]["collapsed"], true);
        let rate = rate.parse::<f64>().unwrap();
        let warning = format!("use a learning rate below {rate} (--lr)");
        output.assert_stderr_contains(&warning);
    }
    let sound = dir.train("--epochs 2 --recipe tuned --json");
    assert_eq!(end(&sound.events())["collapsed"], false);
    assert_eq!(sound.stderr().matches("warning").count(), 0, "{}", sound.stderr());
}

#[test]
fn a_name_that_was_not_asked_for_is_said_at_the_start() {
    let dir = TestDir::new();
    let first = dir.train("--epochs 1 --json");
    assert_eq!(first.json()["output"], "model.mpk");
    assert!(!first.stderr().contains("is taken"));
    let second = dir.train("--epochs 1 --json");
    assert_eq!(second.json()["output"], "model-2.mpk");
    let said = "note: model.mpk is taken, this model goes to model-2.mpk\n";
    second.assert_stderr_contains(said);
}

#[test]
fn options_without_effect_are_wrong_usage() {
    let dir = TestDir::new();
    for (words, error) in [
        ("train --any-dataset --keep best --validation-split 0", "there are none"),
        ("train --any-dataset --patience 2 --limit 5", "there are none"),
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
        let output = dir.run(words);
        output.assert_error(2, "", "");
        assert!(output.stderr().contains(error), "{words}: {}", output.stderr());
    }
    assert_eq!(dir.files(), [] as [&str; 0]);
    // A variable may be meant for another command, and what is typed comes before it.
    for words in
        ["train --any-dataset --epochs 1 --seeds 1..2", "data show --any-dataset --split test"]
    {
        let mut command = dir.lenet(words);
        command.env("LENET_SEED", "7").env("LENET_VALIDATION_SPLIT", "0.2");
        let output = CommandOutput::of(&mut command);
        assert_eq!(output.code(), 0, "{words}: {}", output.stderr());
    }
}

#[test]
fn wrong_values_are_called_by_the_name_that_they_came_under() {
    let dir = TestDir::new();
    for (words, error) in [
        ("--epochs -1", "invalid value '-1' for '--epochs <N>': expected an integer from 1 to"),
        ("--lr -1", "invalid value '-1' for '--lr <RATE>': expected a number above 0"),
        ("--seed x", "for '--seed <N>': expected an integer from 0 to 18446744073709551615"),
    ] {
        let output = dir.run(&format!("train {words}"));
        assert!(output.code() == 2 && output.stderr().contains(error), "{}", output.stderr());
    }
    let output = CommandOutput::of(dir.lenet("train --lr 0.5").env("LENET_EPOCHS", "x"));
    output.assert_stderr_contains("'x' for 'LENET_EPOCHS'");
    let output = CommandOutput::of(dir.lenet("train --epochs=y").env("LENET_EPOCHS", "1"));
    output.assert_stderr_contains("'y' for '--epochs <N>'");
    dir.train("--epochs 1 -o m.mpk");
    dir.run("eval m.json").assert_error(1, "m.json is not a lenet model", "beside it is m.mpk");
    let help = dir.run("help train");
    assert!(help.code() == 0 && help.stdout().contains("--epochs"), "{}", help.stdout());
}

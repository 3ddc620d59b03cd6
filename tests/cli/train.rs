//! `lenet train`: output, files and exit status.

use super::{DATA, TestDir};

#[test]
fn train_prints_epochs_and_saves_files() {
    let dir = TestDir::new();
    let output = dir.train("--epochs 2");
    let lines: Vec<_> = output.stdout().lines().collect();
    assert_eq!(lines.len(), 6, "{lines:?}");
    assert_eq!(lines[0], "Train on 180 samples, validate on 20 samples");
    let setup = "unknown data set  recipe: classic  seed: 42  device: CPU  model: model.mpk";
    assert_eq!(lines[1], setup);
    for (line, start) in lines[2..4].iter().zip(["Epoch 1/2  ", "Epoch 2/2  "]) {
        assert!(line.starts_with(start), "{line}");
        for word in ["s/sample", "  loss: ", "  accuracy: ", "  val_loss: ", "  val_accuracy: "] {
            assert!(line.contains(word), "no {word:?} in {line}");
        }
    }
    assert!(lines[4].starts_with("test  loss: ") && lines[4].contains("  accuracy: "));
    assert_eq!(lines[5], "saved model.mpk");
    assert_eq!(dir.files(), ["model.json", "model.mpk", "model.state"]);
}

#[test]
fn one_epoch_learns_fashion_mnist() {
    let dir = TestDir::empty();
    let events = dir.run(&format!("train --epochs 1 --data {DATA} --json")).ok().events();
    assert_eq!(
        (&events[0]["train_samples"], &events[2]["samples"]),
        (&54_000.into(), &10_000.into())
    );
    assert!(events[1]["accuracy"].as_f64().unwrap() >= 0.35, "{}", events[1]);
    assert!(events[2]["accuracy"].as_f64().unwrap() >= 0.6, "{}", events[2]);
}

#[test]
fn events_and_run_record_agree() {
    let dir = TestDir::new();
    let events = dir.train("--epochs 2 --json --seed 9").events();
    let names: Vec<_> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(names, ["start", "epoch", "epoch", "test", "saved"]);
    let start = &events[0];
    assert_eq!((&start["schema"], &start["seed"]), (&1.into(), &9.into()));
    assert_eq!((&start["train_samples"], &start["validation_samples"]), (&180.into(), &20.into()));
    assert_eq!((&start["recipe"], &start["backend"]), (&"classic".into(), &"ndarray".into()));
    for (number, epoch) in events[1..3].iter().enumerate() {
        assert_eq!((&epoch["epoch"], &epoch["epochs"]), (&(number + 1).into(), &2.into()));
        for key in ["seconds", "loss", "accuracy", "val_loss", "val_accuracy"] {
            assert!(epoch[key].as_f64().is_some_and(|value| value > 0.0), "{key} of {epoch}");
        }
    }
    assert_eq!(events[3]["samples"], 40);
    let accuracy = events[3]["correct"].as_f64().unwrap() / 40.0;
    assert_eq!(events[3]["accuracy"].as_f64().unwrap(), accuracy);
    assert_eq!(events[4]["path"], "model.mpk");
    let record = dir.json("model.json");
    assert_eq!(record["settings"]["epochs"], 2);
    assert_eq!(record["settings"]["recipe"]["learning_rate"], 0.9);
    assert_eq!(record["epochs"].as_array().unwrap().len(), 2);
    assert_eq!(record["epochs"][1]["val_loss"], events[2]["val_loss"]);
    assert_eq!(record["test"]["correct"], events[3]["correct"]);
    assert_eq!(record["kept_epoch"], 2);
    assert_eq!(record["data"]["t10k-labels-idx1-ubyte"].as_str().unwrap().len(), 64);
}

#[test]
fn repeated_command_keeps_first_model() {
    let dir = TestDir::new();
    dir.train("--epochs 1");
    let first = dir.digest("model.mpk");
    assert!(dir.train("--epochs 1 --seed 1").stdout().ends_with("saved model-2.mpk\n"));
    assert!(dir.train("--epochs 1 --seed 2").stdout().ends_with("saved model-3.mpk\n"));
    assert_eq!(dir.digest("model.mpk"), first);

    let rejected = dir.try_train("--epochs 1 --seed 3 -o model.mpk");
    rejected.assert_error(1, "model.mpk already exists", "--force");
    assert_eq!(dir.digest("model.mpk"), first);
    dir.train("--epochs 1 --seed 3 -o model.mpk --force");
    assert_ne!(dir.digest("model.mpk"), first);
}

#[test]
fn model_is_saved_at_given_path() {
    let dir = TestDir::new();
    for name in ["m", "m.bin", "m.v1", "m.v2", "m.MPK"] {
        let output = dir.train(&format!("--epochs 1 -o {name}"));
        assert!(output.stdout().ends_with(&format!("saved {name}\n")));
        assert!(dir.path(name).is_file(), "{name}");
        dir.run(&format!("eval --any-dataset {name}")).ok();
    }
}

#[test]
fn any_batch_size_is_accepted() {
    // With size 7 the last batch of the 180 images is smaller. Size 60,000 is larger than the data set.
    let dir = TestDir::new();
    for size in [1, 7, 180, 60_000] {
        dir.train(&format!("--epochs 1 --batch-size {size} -o {size}.mpk"));
    }
}

#[test]
fn missing_validation_split_omits_validation_metrics() {
    let dir = TestDir::new();
    let output = dir.train("--epochs 1 --validation-split 0");
    assert!(output.stdout().starts_with("Train on 200 samples\n"));
    assert!(!output.stdout().contains("val_"));
    let events = dir.train("--epochs 1 --validation-split 0 --json").events();
    assert!(events[1]["val_loss"].is_null());
}

#[test]
fn threads_option_sets_thread_count() {
    let dir = TestDir::new();
    let cores = std::thread::available_parallelism().unwrap().get();
    for threads in [1, 3, cores + 1] {
        let args = format!("--epochs 1 --threads {threads} --force -o m.mpk --json");
        let output = dir.train(&args);
        assert_eq!(output.json()["threads"], threads);
        let has_note = output.stderr().contains("note: --threads");
        assert_eq!(has_note, threads > cores, "{}", output.stderr());
    }
}

#[test]
fn low_accuracy_still_saves_model() {
    let dir = TestDir::new();
    let output = dir.try_train("--epochs 1 --min-accuracy 1");
    assert_eq!(output.code(), 3, "{}", output.stderr());
    output.assert_stderr_contains("\nerror: accuracy 0.");
    assert!(dir.path("model.mpk").is_file());
    dir.train("--epochs 1 --min-accuracy 0");
}

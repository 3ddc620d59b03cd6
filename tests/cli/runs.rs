//! Tests `lenet runs`, and the options for running many jobs in a batch system.

use super::TestDir;

#[test]
fn sweep_is_listed_and_sorted() {
    let dir = TestDir::new();
    std::fs::create_dir_all(dir.path("sweep/deep")).unwrap();
    for (seed, rate) in [(1, "0.5"), (2, "0.9")] {
        dir.train(&format!("--epochs 1 --lr {rate} --seed {seed} -o sweep/deep/m-{{seed}}.mpk"));
    }
    dir.train("--epochs 1 --momentum 0.5 -o third.safetensors");
    let runs = dir.run("runs --json").json();
    let runs = runs["runs"].as_array().unwrap();
    let names: Vec<_> = runs.iter().map(|run| run["run"].as_str().unwrap()).collect();
    assert_eq!(names, ["sweep/deep/m-1.json", "sweep/deep/m-2.json", "third.safetensors.json"]);
    assert_eq!(runs[0]["settings"]["learning_rate"], 0.5);
    assert_eq!(runs[2]["settings"]["momentum"], 0.5);
    assert!(runs[0]["settings"].get("batch_size").is_none(), "all runs have the same batch size");
    for (run, record) in runs.iter().zip(names) {
        let record = dir.json(record);
        assert_eq!(run["test_accuracy"], record["test"]["accuracy"]);
        assert_eq!(run["val_loss"], record["epochs"][0]["val_loss"]);
        assert_eq!((&run["epochs"], &run["ended"]), (&1.into(), &"all epochs".into()));
    }

    let best = dir.run("runs sweep --best 1 --json").json();
    let accuracy = |run: &serde_json::Value| run["val_accuracy"].as_f64().unwrap();
    assert_eq!(best["runs"].as_array().unwrap().len(), 1);
    assert_eq!(accuracy(&best["runs"][0]), accuracy(&runs[0]).max(accuracy(&runs[1])));
    let csv = dir.run("runs sweep --csv --sort learning_rate");
    let header = "run,seed,recipe,learning_rate,epochs,test_accuracy,test_loss,val_accuracy,val_loss,seconds,ended\n";
    assert!(csv.stdout().starts_with(header), "{}", csv.stdout());
    let epochs = dir.run("runs third.safetensors --per-epoch --csv");
    let lines: Vec<_> = epochs.stdout().lines().collect();
    assert_eq!(lines[0], "run,seed,recipe,epoch,seconds,loss,accuracy,val_loss,val_accuracy");
    let loss = dir.json("third.safetensors.json")["epochs"][0]["loss"].to_string();
    assert!(lines.len() == 2 && lines[1].split(',').nth(5) == Some(&loss), "{lines:?}");
    dir.run("runs --sort rate").assert_error(2, "no such column; expected one of", "");
    let text = dir.run("runs sweep third.safetensors");
    assert_eq!(text.stdout().lines().count(), 4, "{}", text.stdout());
}

#[test]
fn broken_records_are_reported() {
    let dir = TestDir::new();
    dir.run("runs").assert_error(1, "no training runs in .", "run records");
    dir.train("--epochs 1 -o m.mpk");
    dir.write("other.json", "{\"name\": \"not a run\"}");
    dir.write("m-2.json", "{\"schema\": 1, \"lenet\": \"0.2.0\"");
    std::os::unix::fs::symlink(".", dir.path("loop")).unwrap();
    let output = dir.run("runs");
    assert_eq!(output.stdout().lines().count(), 2, "{}", output.stdout());
    let warning = "warning: skipping m-2.json: not a lenet run record";
    assert!(output.stderr().starts_with(warning), "{}", output.stderr());
    assert_eq!(output.stderr().lines().count(), 1);
    dir.run("runs m-2.json").assert_error(1, "no training runs", "run records");
    dir.run("runs missing").assert_error(1, "no training runs", "run records");
}

#[test]
fn epochs_need_little_memory() {
    let dir = TestDir::new();
    dir.train("--epochs 1 -o m.mpk");
    let mut record = dir.json("m.json");
    let epochs: Vec<_> = (1..=100_000)
        .map(|epoch| {
            let mut found = record["epochs"][0].clone();
            found["epoch"] = epoch.into();
            found
        })
        .collect();
    record["settings"]["epochs"] = epochs.len().into();
    record["epochs"] = epochs.into();
    dir.write("m.json", record.to_string());
    for options in ["--json", "--csv", ""] {
        let output = dir.run_in_shell("ulimit -v 400000", &format!("runs --per-epoch {options}"));
        assert!(output.ok().stdout().len() > 5_000_000, "{options}");
    }
}

#[test]
fn seed_replaces_placeholder_in_paths() {
    let dir = TestDir::new();
    let mut command =
        dir.lenet("train --any-dataset --epochs 1 -o m-{seed}.mpk --tensorboard tb-{seed}");
    assert!(command.env("LENET_SEED", "3").status().unwrap().success());
    assert!(dir.path("m-3.mpk").is_file() && dir.path("tb-3/train").is_dir());
    assert_eq!(dir.json("m-3.json")["settings"]["seed"], 3);
    // The seed comes from the record, or is the default.
    dir.train("--like m-3.json -o again-{seed}.mpk");
    dir.train("--epochs 1 -o m-{seed}.mpk");
    assert!(dir.path("again-3.mpk").is_file() && dir.path("m-42.mpk").is_file());
    let resumed = dir.train("--epochs 2 --resume -o m-{seed}.mpk --seed 3");
    assert!(resumed.stdout().contains("m-3.mpk"), "{}", resumed.stdout());
    assert_eq!(dir.json("m-3.json")["restarts"], 1);
}

#[test]
fn set_changes_recipe_values() {
    let dir = TestDir::new();
    dir.train("--epochs 1 --recipe tuned --set muon.weight_decay=0.05 --set gain=2 -o m.mpk");
    let recipe = dir.json("m.json")["settings"]["recipe"].clone();
    assert_eq!(recipe["muon"]["weight_decay"], 0.05);
    assert_eq!(recipe["gain"], 2.0);
    let typed = |set: &str| dir.try_train(&format!("--epochs 1 -o n.mpk --set {set}"));
    typed("weigth_decay=1").assert_error(2, "no such value; expected one of", "");
    typed("momentum=1.5").assert_error(2, "invalid momentum: 1.5", "");
    typed("gain=big").assert_error(2, "--set gain=big", "");
    typed("gain").assert_error(2, "expected KEY=VALUE", "");
    assert!(!dir.path("n.mpk").exists());
}

#[test]
fn time_limit_saves_and_resumes() {
    let dir = TestDir::with_images(500, 40);
    let train = "train --any-dataset --batch-size 1 -o m.mpk --json";
    let stopped = dir.run(&format!("{train} --epochs 100000 --max-time 1s"));
    assert_eq!(stopped.code(), 4);
    for line in ["error: stopped at the time limit\n", "resume with: lenet train"] {
        assert!(stopped.stderr().contains(line), "{}", stopped.stderr());
    }
    let events = stopped.events();
    assert_eq!(events.last().unwrap()["event"], "stopped");
    let done = dir.json("m.json")["epochs"].as_array().unwrap().len();
    let resumed = dir.run(&format!("{train} --resume --epochs {}", done + 1)).events();
    assert_eq!(resumed[0]["epochs_done"], done);
    assert_eq!(dir.json("m.json")["restarts"], 1);
    dir.try_train("--max-time 5").assert_error(2, "expected a time of at least a second", "");
}

#[test]
fn seeds_have_own_tensorboard_directories() {
    let dir = TestDir::new();
    dir.train("--seeds 1,2 --epochs 1 --tensorboard tb");
    dir.train("--seeds 3 --epochs 1 --tensorboard tb-{seed}");
    for run in ["tb/seed-1", "tb/seed-2", "tb-3"] {
        for part in ["train", "validation"] {
            let files = std::fs::read_dir(dir.path(run).join(part)).unwrap();
            assert_eq!(files.count(), 1, "{run}/{part}");
        }
    }
}

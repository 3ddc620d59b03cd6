//! Interrupted runs with `--tensorboard`: curves of earlier runs are kept until new ones replace them, and the suggested commands
//! complete the runs.

use std::fs;
use std::thread::sleep;
use std::time::Duration;

use super::TestDir;
use super::hints::{interrupt_when, run_shell, suggested_command};

/// Returns the number of event files below `dir`.
fn event_files(dir: &TestDir, name: &str) -> usize {
    let parts = ["train", "validation"].map(|part| dir.path(name).join(part));
    parts.iter().flat_map(|part| fs::read_dir(part).into_iter().flatten()).count()
}

#[test]
fn interrupted_first_epoch_keeps_curves() {
    let dir = TestDir::with_images(3000, 40);
    dir.train("--epochs 1 --limit 100 -o old.mpk --tensorboard tb");
    let old = fs::read_dir(dir.path("tb/train")).unwrap().next().unwrap().unwrap().path();
    // The names of event files contain the second in which the run started.
    sleep(Duration::from_millis(1100));
    // An epoch with this recipe and batch size takes seconds.
    let args = "train --any-dataset --recipe tuned --batch-size 1 --epochs 1 -o m.mpk --tensorboard tb --force";
    let output = interrupt_when(&dir, args, || dir.path("tb/.lenet.lock").exists());
    assert_eq!(event_files(&dir, "tb"), 2, "{}", output.stderr());
    assert!(old.exists());
    let hint = suggested_command(&output);
    run_shell(&dir, &hint).ok();
    assert_eq!(event_files(&dir, "tb"), 2, "{hint}");
    assert!(!old.exists(), "{hint}");
}

#[test]
fn interrupted_seeds_complete_their_curves() {
    let dir = TestDir::with_images(1000, 40);
    let args = "train --any-dataset --epochs 20 --batch-size 1 --seeds 1..4 --tensorboard tb";
    let output = interrupt_when(&dir, args, || event_files(&dir, "tb/seed-1") > 0);
    let hint = suggested_command(&output);
    run_shell(&dir, &hint).ok();
    for seed in 1..=4 {
        assert_eq!(event_files(&dir, &format!("tb/seed-{seed}")), 2, "{hint}");
    }
    // The hint of a repeated command works, too.
    dir.run(args).assert_error(1, "tb/seed-1/train already exists", "overwrite it with --force");
    dir.run(&format!("{args} --force --limit 100")).ok();
}

#[test]
fn directories_of_all_seeds_are_claimed() {
    let dir = TestDir::with_images(1000, 40);
    let args = "train --any-dataset --epochs 100 --batch-size 1 --seeds 1..9 --tensorboard tb";
    // The last seeds wait for the first ones.
    let other = "train --any-dataset --epochs 1 --seeds 9 --tensorboard tb";
    interrupt_when(&dir, args, || {
        let is_claimed = dir.path("tb/seed-9/.lenet.lock").exists();
        if is_claimed {
            dir.run(other).assert_error(1, "another training run is writing tb/seed-9", "wait");
        }
        is_claimed
    });
}

#[test]
fn hint_after_force_completes_seeds() {
    let dir = TestDir::with_images(1000, 40);
    dir.train("--seeds 1..4 --epochs 1 --limit 100 -o s-{seed}.mpk");
    let args =
        "train --any-dataset --seeds 1..4 --epochs 50 --lr 0.5 --batch-size 1 -o s-{seed}.mpk";
    let is_started = || dir.json("s-1.json")["settings"]["batch_size"] == 1;
    let output = interrupt_when(&dir, &format!("{args} --force"), is_started);
    let hint = suggested_command(&output);
    assert!(hint.contains(" --resume && lenet train ") && hint.ends_with("--force"), "{hint}");
    run_shell(&dir, &hint).ok();
    for seed in 1..=4 {
        let record = dir.json(&format!("s-{seed}.json"));
        assert_eq!(record["settings"]["recipe"]["learning_rate"], 0.5, "{hint}");
        assert_eq!(record["epochs"].as_array().unwrap().len(), 50, "{hint}");
    }
}

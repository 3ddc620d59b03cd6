//! Locks on output files: two processes cannot write the same model, and the lock of a killed process is ignored.

use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use lenet::format;

use super::{CommandOutput, PATIENCE, TestDir};

/// A training run that holds the lock of its output until it is killed.
struct LockHolder<'a>(&'a TestDir, Child);

impl<'a> LockHolder<'a> {
    /// Starts a training run and waits for its first saved model.
    fn start(dir: &'a TestDir, args: &str) -> Self {
        let mut command =
            dir.lenet(&format!("train --any-dataset --epochs 100000 --batch-size 1 -q {args}"));
        let child = command.stderr(Stdio::null()).spawn().unwrap();
        let begin = Instant::now();
        while !dir.files().iter().any(|name| name.ends_with(".mpk")) {
            assert!(begin.elapsed() < PATIENCE);
            sleep(Duration::from_millis(5));
        }
        Self(dir, child)
    }

    fn kill(mut self) {
        self.1.kill().unwrap();
        self.1.wait().unwrap();
        let has_lock = |dir: &TestDir| dir.files().iter().any(|name| name.ends_with(".lock"));
        assert!(has_lock(self.0), "a killed run cannot remove its lock");
    }
}

#[test]
fn train_rejects_locked_output() {
    let dir = TestDir::new();
    let holder = LockHolder::start(&dir, "-o m.mpk");
    for args in ["", "--force", "--resume"] {
        let output = dir.try_train(&format!("--epochs 1 -o m.mpk {args}"));
        output.assert_error(1, "another training run is writing m.mpk", "-o");
    }
    // The outputs `m` and `m.mpk` have the same checkpoint, m.state.
    let output = dir.try_train("--epochs 1 -o m --force");
    output.assert_error(1, "another training run is writing m", "-o");
    dir.train("--epochs 1 -o other.mpk");
    holder.kill();
    dir.train("--epochs 1 -o m.mpk --force");
    assert_eq!(
        dir.files(),
        ["m.json", "m.mpk", "m.state", "other.json", "other.mpk", "other.state"]
    );
}

#[test]
fn runs_through_two_symlinks_collide() {
    let dir = TestDir::new();
    for link in ["a.mpk", "b.mpk"] {
        std::os::unix::fs::symlink("shared.mpk", dir.path(link)).unwrap();
    }
    // Each run has its own lock, because the lock is next to the given path.
    let mut holder = LockHolder::start(&dir, "--force -o a.mpk");
    let second = dir.try_train("--epochs 20 --seed 2 --force -o b.mpk");
    if second.code() == 0 {
        // The first run finds the other model at its next save.
        assert_eq!(holder.1.wait().unwrap().code(), Some(1));
    } else {
        second.assert_stderr_contains("b.mpk is not the model that this training run saved");
        holder.1.kill().unwrap();
        holder.1.wait().unwrap();
    }
    format::read(&dir.path("shared.mpk")).unwrap();
}

#[test]
fn default_output_skips_existing_names() {
    let dir = TestDir::new();
    // The first run writes model.mpk.
    let holder = LockHolder::start(&dir, "");
    for name in ["model-2.mpk", "model-3.mpk"] {
        let output = dir.train("--epochs 1");
        assert!(output.stdout().ends_with(&format!("saved {name}\n")));
    }
    holder.kill();
    // A name is also skipped if only its checkpoint or its run record exists, or if it is a directory.
    dir.write("model-4.state", "");
    dir.write("model-5.json", "mine");
    dir.create_dir("model-6.mpk");
    let output = dir.train("--epochs 1");
    assert!(output.stdout().ends_with("saved model-7.mpk\n"), "{}", output.stdout());
    assert_eq!(dir.read("model-5.json"), b"mine");
}

#[test]
fn simultaneous_starts_train_once() {
    // If two runs with the same output start at once, exactly one of them fails, and the model file is intact.
    let dir = TestDir::new();
    for round in 0..25 {
        let start = || {
            let args = format!("train --any-dataset --epochs 1 -q -o {round}.mpk");
            let mut command = dir.lenet(&args);
            let piped = command.stdout(Stdio::piped()).stderr(Stdio::piped());
            piped.spawn().unwrap()
        };
        let runs = [start(), start()].map(|child| CommandOutput(child.wait_with_output().unwrap()));
        let rejected: Vec<_> = runs.iter().filter(|output| output.code() != 0).collect();
        assert_eq!(rejected.len(), 1, "round {round}");
        let stderr = rejected[0].stderr();
        assert!(
            stderr.contains("another training run is writing") || stderr.contains("already exists"),
            "{stderr}"
        );
        format::read(&dir.path(&format!("{round}.mpk"))).unwrap();
    }
}

#[test]
fn train_keeps_existing_files_without_force() {
    let dir = TestDir::new();
    dir.train("--epochs 1 -o m.mpk");
    let run = |args: &str| dir.try_train(&format!("--epochs 2 {args}"));
    run("-o m.mpk").assert_error(1, "m.mpk already exists", "--resume");
    // The outputs `m` and `m.mpk` have the same checkpoint and run record.
    run("-o m").assert_error(1, "m.state already exists", "--resume");
    dir.remove("m.state");
    run("-o m.mpk").assert_error(1, "m.mpk already exists", "--force");
    let resumed = run("-o m.mpk --resume");
    resumed.assert_error(1, "m.mpk exists, but there is no checkpoint to resume from", "--force");
    dir.write("n.json", "mine");
    run("-o n.mpk").assert_error(1, "n.json already exists", "--force");
    assert_eq!(dir.read("n.json"), b"mine");
    // A checkpoint without its model is enough to resume. A run that is killed between the two writes leaves
    // these files.
    dir.train("--epochs 1 -o k.mpk");
    dir.remove("k.mpk");
    run("-o k.mpk").assert_error(1, "k.state already exists", "--resume");
    assert_eq!(run("-o k.mpk --resume").code(), 0);
    assert!(dir.path("k.mpk").is_file());
}

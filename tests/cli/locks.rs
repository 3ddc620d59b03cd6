//! Two trainings and one output: the second is refused, whatever name it uses, and a dead one is no obstacle.

use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use lenet::format;

use super::{CommandOutput, TestDir};

/// A training that goes on until it is killed, here already past its claim.
struct Holder<'a>(&'a TestDir, Child);

impl<'a> Holder<'a> {
    fn of(dir: &'a TestDir, args: &str) -> Self {
        let mut command =
            dir.lenet(&format!("train --any-dataset --epochs 100000 --batch-size 1 -q {args}"));
        let child = command.stderr(Stdio::null()).spawn().unwrap();
        let begin = Instant::now();
        while !dir.files().iter().any(|name| name.ends_with(".mpk")) {
            assert!(begin.elapsed() < Duration::from_secs(20));
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
    let holder = Holder::of(&dir, "-o m.mpk");
    for words in ["", "--force", "--resume"] {
        let output = dir.try_train(&format!("--epochs 1 -o m.mpk {words}"));
        output.assert_error(1, "another training is writing m.mpk", "-o");
    }
    // `m` is another model, but its state would be m.state too.
    let output = dir.try_train("--epochs 1 -o m --force");
    output.assert_error(1, "another training is writing m", "-o");
    dir.train("--epochs 1 -o other.mpk");
    holder.kill();
    dir.train("--epochs 1 -o m.mpk --force");
    assert_eq!(
        dir.files(),
        ["m.json", "m.mpk", "m.state", "other.json", "other.mpk", "other.state"]
    );
}

#[test]
fn default_output_skips_existing_names() {
    let dir = TestDir::new();
    let holder = Holder::of(&dir, "");
    for name in ["model-2.mpk", "model-3.mpk"] {
        let output = dir.train("--epochs 1");
        assert!(output.stdout().ends_with(&format!("saved {name}\n")));
    }
    holder.kill();
    // What is taken by any file, be it only a state or a folder, is left alone.
    dir.write("model-4.state", "");
    dir.write("model-5.json", "mine");
    dir.create_dir("model-6.mpk");
    let output = dir.train("--epochs 1");
    assert!(output.stdout().ends_with("saved model-7.mpk\n"), "{}", output.stdout());
    assert_eq!(dir.read("model-5.json"), b"mine");
}

#[test]
fn simultaneous_starts_train_once() {
    let dir = TestDir::new();
    for round in 0..25 {
        let start = || {
            let words = format!("train --any-dataset --epochs 1 -q -o {round}.mpk");
            let mut command = dir.lenet(&words);
            let piped = command.stdout(Stdio::piped()).stderr(Stdio::piped());
            piped.spawn().unwrap()
        };
        let runs = [start(), start()].map(|child| CommandOutput(child.wait_with_output().unwrap()));
        let refused: Vec<_> = runs.iter().filter(|output| output.code() != 0).collect();
        assert_eq!(refused.len(), 1, "round {round}");
        let stderr = refused[0].stderr();
        assert!(
            stderr.contains("another training is writing") || stderr.contains("exists already"),
            "{stderr}"
        );
        format::read(&dir.path(&format!("{round}.mpk"))).unwrap();
    }
}

#[test]
fn train_keeps_existing_files_without_force() {
    let dir = TestDir::new();
    dir.train("--epochs 1 -o m.mpk");
    let run = |words: &str| dir.try_train(&format!("--epochs 2 {words}"));
    run("-o m.mpk").assert_error(1, "m.mpk exists already", "--resume");
    // `m` would have the same state and record.
    run("-o m").assert_error(1, "m.state exists already", "--resume");
    dir.remove("m.state");
    run("-o m.mpk").assert_error(1, "m.mpk exists already", "--force");
    let resumed = run("-o m.mpk --resume");
    resumed.assert_error(1, "m.mpk exists, but no saved state to go on from", "--force");
    dir.write("n.json", "mine");
    run("-o n.mpk").assert_error(1, "n.json exists already", "--force");
    assert_eq!(dir.read("n.json"), b"mine");
    // A state without its model, as after a kill between the two, is enough to go on from.
    dir.train("--epochs 1 -o k.mpk");
    dir.remove("k.mpk");
    run("-o k.mpk").assert_error(1, "k.state exists already", "--resume");
    assert_eq!(run("-o k.mpk --resume").code(), 0);
    assert!(dir.path("k.mpk").is_file());
}

//! Trainings that are stopped or killed at any moment and gone on with: at every moment the files are whole, and
//! in the end the weights are, bit for bit, those of a training that nothing befell.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use lenet::format;
use lenet::train::Checkpoint;
use serde_json::Value;

use super::{CommandOutput, TestDir};

/// An epoch of the 500 images of [`dir_with_500_images`] takes about 50 ms. The momentum puts velocities into the state.
pub(super) const TRAIN: &str = "train --any-dataset --batch-size 1 --momentum 0.5 -o m.mpk";

pub(super) fn dir_with_500_images() -> TestDir {
    TestDir::with_images(500, 40)
}

/// Numbers that look like random and are the same in every run (splitmix64).
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn millis(&mut self, below: u64) -> Duration {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Duration::from_millis((z ^ (z >> 31)) % below)
    }
}

/// A program that runs.
pub(super) struct RunningCommand {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl RunningCommand {
    pub(super) fn start(dir: &TestDir, words: &str) -> Self {
        let mut command = dir.lenet(words);
        let piped = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self { child, lines }
    }

    /// Waits for a line that starts so.
    pub(super) fn wait_for(&mut self, start: &str) {
        let mut line = String::new();
        while !line.starts_with(start) {
            line.clear();
            assert!(self.lines.read_line(&mut line).unwrap() > 0, "no {start:?}");
        }
    }

    /// Starts a training and waits until it trains.
    pub(super) fn start_training(dir: &TestDir, words: &str) -> Self {
        let mut running = Self::start(dir, words);
        running.wait_for("Train on ");
        running
    }

    pub(super) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status();
        assert!(sent.unwrap().success());
    }

    pub(super) fn wait(mut self) -> CommandOutput {
        let mut rest = Vec::new();
        self.lines.read_to_end(&mut rest).unwrap();
        let mut output = self.child.wait_with_output().unwrap();
        output.stdout = rest;
        CommandOutput(output)
    }
}

pub(super) fn saved_checkpoint(dir: &TestDir) -> Checkpoint {
    Checkpoint::decode(&dir.read("m.state")).unwrap()
}

/// Asserts that whatever is there of the three files is whole, and that nothing else is but locks and scratch
/// files. Returns the number of scratch files.
pub(super) fn assert_files_intact(dir: &TestDir) -> usize {
    let names = dir.files();
    for name in &names {
        match name.as_str() {
            "m.mpk" => drop(format::read(&dir.path(name)).unwrap()),
            "m.state" => drop(saved_checkpoint(dir)),
            "m.json" => drop(dir.json(name)),
            _ => assert!(name.starts_with(".lenet-") || name == ".m.state.lock", "{names:?}"),
        }
    }
    names.iter().filter(|name| name.starts_with(".lenet-")).count()
}

/// The epochs of a record without how long they took.
pub(super) fn epochs(dir: &TestDir, name: &str) -> Value {
    let mut epochs = dir.json(name)["epochs"].take();
    for epoch in epochs.as_array_mut().unwrap() {
        epoch["seconds"].take();
    }
    epochs
}

/// Goes on with the training `words` for one more epoch, and asserts that its files are then those of a training
/// of as many epochs that nothing befell. Returns the number of epochs and the digest.
pub(super) fn assert_matches_uninterrupted_run(dir: &TestDir, words: &str) -> (usize, String) {
    let count = saved_checkpoint(dir).record.epochs.len() + 1;
    let ends = |words: &str| {
        dir.run(&format!("{words} --epochs {count}")).ok();
    };
    ends(&format!("{words} --resume"));
    assert_eq!(dir.files(), ["m.json", "m.mpk", "m.state"]);
    ends(&words.replace("m.mpk", "straight.mpk"));
    let ours = dir.digest("m.mpk");
    assert_eq!(ours, dir.digest("straight.mpk"));
    assert_eq!(epochs(dir, "m.json"), epochs(dir, "straight.json"));
    (count, ours)
}

#[test]
fn resume_after_sigkill_is_bit_identical() {
    let dir = dir_with_500_images();
    let mut random = Random(20);
    let mut scratch_files = 0;
    for _ in 0..20 {
        // Every run but the first goes on with one that was killed: twenty deep.
        let mut command = dir.lenet(&format!("{TRAIN} --resume --epochs 100000 -q"));
        let mut child = command.stderr(Stdio::null()).spawn().unwrap();
        let end = Instant::now() + random.millis(400);
        while Instant::now() < end {
            assert_files_intact(&dir);
            sleep(Duration::from_millis(5));
        }
        child.kill().unwrap();
        let output = CommandOutput(child.wait_with_output().unwrap());
        assert_eq!(output.code(), -9, "it ran until it was killed");
        scratch_files += assert_files_intact(&dir);
    }
    let (count, digest) = assert_matches_uninterrupted_run(&dir, TRAIN);
    assert!(count > 1, "an epoch was done between two kills");
    println!("{count} epochs, 20 kills, {scratch_files} of them in a write: {digest}");
}

#[test]
fn seed_alone_determines_weights() {
    let dir = dir_with_500_images();
    let words = "train --any-dataset --batch-size 3 --seed 7";
    let run = |name: &str, more: &str| {
        dir.run(&format!("{words} --epochs 8 -o {name} {more}")).ok();
        dir.digest(name)
    };
    let interrupted =
        RunningCommand::start_training(&dir, &format!("{words} --epochs 100000 -o m.mpk"));
    sleep(Duration::from_millis(30));
    interrupted.signal("INT");
    assert_eq!(interrupted.wait().code(), 130);
    let stopped = saved_checkpoint(&dir);
    assert!(stopped.record.epochs.len() < 8, "stopped too late");
    let runs = [
        ("the first run", run("first.mpk", "")),
        ("the second run", run("second.mpk", "")),
        ("1 thread", run("one.mpk", "--threads 1")),
        ("2 threads", run("two.mpk", "--threads 2")),
        ("3 threads", run("three.mpk", "--threads 3")),
        ("a run stopped and resumed", run("m.mpk", "--resume")),
    ];
    for (name, digest) in &runs {
        println!("{digest}  {name}");
    }
    assert!(runs.iter().all(|(_, digest)| *digest == runs[0].1), "{runs:?}");
    println!(
        "the stop was in epoch {}, batch {}",
        stopped.record.epochs.len() + 1,
        stopped.sums.batches
    );
}

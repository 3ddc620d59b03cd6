//! Runs that are killed or interrupted at random times and resumed. The files are intact at all times, and the final
//! weights are bit-identical to those of an uninterrupted run. `signals.rs` shares the helpers.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use lenet::format;
use lenet::train::Checkpoint;
use serde_json::Value;

use super::{CommandOutput, TestDir};

/// A run in [`dir_with_500_images`], where an epoch takes about 50 ms. With momentum, the checkpoint also holds velocities.
pub(super) const TRAIN: &str = "train --any-dataset --batch-size 1 --momentum 0.5 -o m.mpk";

pub(super) fn dir_with_500_images() -> TestDir {
    TestDir::with_images(500, 40)
}

/// A random number generator with a fixed seed (splitmix64).
pub(super) struct Random(pub(super) u64);

impl Random {
    /// Returns a random number of milliseconds below `below`.
    pub(super) fn millis(&mut self, below: u64) -> Duration {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Duration::from_millis((z ^ (z >> 31)) % below)
    }
}

/// A running `lenet` command.
pub(super) struct RunningCommand {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl RunningCommand {
    pub(super) fn start(dir: &TestDir, args: &str) -> Self {
        let mut command = dir.lenet(args);
        let piped = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self { child, lines }
    }

    /// Reads standard output up to a line that starts with `start`.
    pub(super) fn wait_for(&mut self, start: &str) {
        let mut line = String::new();
        while !line.starts_with(start) {
            line.clear();
            assert!(self.lines.read_line(&mut line).unwrap() > 0, "no {start:?}");
        }
    }

    /// Starts a training run and waits for its first line of output.
    pub(super) fn start_training(dir: &TestDir, args: &str) -> Self {
        let mut running = Self::start(dir, args);
        running.wait_for("Train on ");
        running
    }

    /// Sends the signal `name`, for example `INT`.
    pub(super) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let status = Command::new("kill").args(["-s", name, &id]).status();
        assert!(status.unwrap().success());
    }

    /// Waits for the command to exit and returns its output, without the lines that `wait_for` has read.
    pub(super) fn wait(mut self) -> CommandOutput {
        let mut rest = Vec::new();
        self.lines.read_to_end(&mut rest).unwrap();
        let mut output = self.child.wait_with_output().unwrap();
        output.stdout = rest;
        CommandOutput(output)
    }
}

/// Reads the checkpoint m.state.
pub(super) fn saved_checkpoint(dir: &TestDir) -> Checkpoint {
    Checkpoint::decode(&dir.read("m.state")).unwrap()
}

/// Asserts that the model, the checkpoint and the run record are intact if they exist, and that all other files are locks
/// or temporary files. Returns the number of temporary files.
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

/// Returns the epochs of a run record without their durations.
pub(super) fn epochs(dir: &TestDir, name: &str) -> Value {
    let mut epochs = dir.json(name)["epochs"].take();
    for epoch in epochs.as_array_mut().unwrap() {
        epoch["seconds"].take();
    }
    epochs
}

/// Resumes the run `args` for one more epoch and asserts that model and epochs equal those of an uninterrupted run.
/// Returns the number of epochs and the digest of the model.
pub(super) fn assert_matches_uninterrupted_run(dir: &TestDir, args: &str) -> (usize, String) {
    let count = saved_checkpoint(dir).record.epochs.len() + 1;
    dir.run(&format!("{args} --resume --epochs {count}")).ok();
    assert_eq!(dir.files(), ["m.json", "m.mpk", "m.state"]);
    let uninterrupted = args.replace("m.mpk", "straight.mpk");
    dir.run(&format!("{uninterrupted} --epochs {count}")).ok();
    let digest = dir.digest("m.mpk");
    assert_eq!(digest, dir.digest("straight.mpk"));
    assert_eq!(epochs(dir, "m.json"), epochs(dir, "straight.json"));
    (count, digest)
}

#[test]
fn resume_after_sigkill_is_bit_identical() {
    let dir = dir_with_500_images();
    let mut random = Random(20);
    let mut temporary_files = 0;
    let has_epoch =
        || dir.path("m.state").exists() && !saved_checkpoint(&dir).record.epochs.is_empty();
    // On a busy machine, it takes more kills until a run completes an epoch.
    let mut kills = 0;
    while kills < 20 || !has_epoch() {
        kills += 1;
        assert!(kills < 500, "no run completed an epoch");
        // Every run resumes the run that was killed in the previous round.
        let mut command = dir.lenet(&format!("{TRAIN} --resume --epochs 100000 -q"));
        let mut child = command.stderr(Stdio::null()).spawn().unwrap();
        let end = Instant::now() + random.millis(400);
        while Instant::now() < end {
            assert_files_intact(&dir);
            sleep(Duration::from_millis(5));
        }
        child.kill().unwrap();
        let output = CommandOutput(child.wait_with_output().unwrap());
        assert_eq!(output.code(), -9, "it exited before it was killed");
        temporary_files += assert_files_intact(&dir);
    }
    let (count, digest) = assert_matches_uninterrupted_run(&dir, TRAIN);
    println!("{count} epochs, {kills} kills, {temporary_files} of them during a write: {digest}");
}

#[test]
fn seed_alone_determines_weights() {
    // Neither the number of threads nor an interruption changes a bit.
    let dir = dir_with_500_images();
    let args = "train --any-dataset --batch-size 3 --seed 7";
    let interrupted =
        RunningCommand::start_training(&dir, &format!("{args} --epochs 100000 -o m.mpk"));
    sleep(Duration::from_millis(30));
    interrupted.signal("INT");
    assert_eq!(interrupted.wait().code(), 130);
    let checkpoint = saved_checkpoint(&dir);
    let epochs = checkpoint.record.epochs.len() + 2;
    let run = |name: &str, more: &str| {
        dir.run(&format!("{args} --epochs {epochs} -o {name} {more}")).ok();
        dir.digest(name)
    };
    let runs = [
        ("the first run", run("first.mpk", "")),
        ("the second run", run("second.mpk", "")),
        ("1 thread", run("one.mpk", "--threads 1")),
        ("2 threads", run("two.mpk", "--threads 2")),
        ("3 threads", run("three.mpk", "--threads 3")),
        ("an interrupted and resumed run", run("m.mpk", "--resume")),
    ];
    for (name, digest) in &runs {
        println!("{digest}  {name}");
    }
    assert!(runs.iter().all(|(_, digest)| *digest == runs[0].1), "{runs:?}");
    println!(
        "interrupted in epoch {}, batch {}",
        checkpoint.record.epochs.len() + 1,
        checkpoint.sums.batches
    );
}

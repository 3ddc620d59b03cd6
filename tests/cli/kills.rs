//! Trainings that are stopped or killed at any moment and gone on with: at every moment the files are whole, and
//! in the end the weights are, bit for bit, those of a training that nothing befell.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use lenet::format;
use lenet::train::Saved;
use serde_json::Value;

use super::{Place, Ran, digest};

/// An epoch of the 500 images of [`place`] takes about 50 ms. The momentum puts velocities into the state.
const TRAIN: &str = "train --any-dataset --batch-size 1 --momentum 0.5 -o m.mpk";

fn place() -> Place {
    Place::with_images(500, 40)
}

/// Numbers that look like chance and are the same in every run (splitmix64).
struct Chance(u64);

impl Chance {
    fn millis(&mut self, below: u64) -> Duration {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Duration::from_millis((z ^ (z >> 31)) % below)
    }
}

/// A program that runs.
struct Running {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Running {
    fn start(place: &Place, words: &str) -> Self {
        let mut command = place.lenet(words);
        let piped = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self { child, lines }
    }

    /// Waits for a line that starts so.
    fn wait_for(&mut self, start: &str) {
        let mut line = String::new();
        while !line.starts_with(start) {
            line.clear();
            assert!(self.lines.read_line(&mut line).unwrap() > 0, "no {start:?}");
        }
    }

    /// Starts a training and waits until it trains.
    fn training(place: &Place, words: &str) -> Self {
        let mut running = Self::start(place, words);
        running.wait_for("Train on ");
        running
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status();
        assert!(sent.unwrap().success());
    }

    fn end(mut self) -> Ran {
        let mut rest = Vec::new();
        self.lines.read_to_end(&mut rest).unwrap();
        let mut output = self.child.wait_with_output().unwrap();
        output.stdout = rest;
        Ran(output)
    }
}

fn saved(place: &Place) -> Saved {
    Saved::decode(&fs::read(place.path("m.state")).unwrap()).unwrap()
}

/// Asserts that whatever is there of the three files is whole, and that nothing else is but locks and scratch
/// files. Returns the number of scratch files.
fn check_whole(place: &Place) -> usize {
    let names = place.files();
    for name in &names {
        match name.as_str() {
            "m.mpk" => drop(format::read(&place.path(name)).unwrap()),
            "m.state" => drop(saved(place)),
            "m.json" => drop(place.json(name)),
            _ => assert!(
                name.starts_with(".lenet-") || name == ".m.state.lock",
                "{names:?}"
            ),
        }
    }
    names
        .iter()
        .filter(|name| name.starts_with(".lenet-"))
        .count()
}

/// The epochs of a record without how long they took.
fn epochs(place: &Place, name: &str) -> Value {
    let mut epochs = place.json(name)["epochs"].take();
    for epoch in epochs.as_array_mut().unwrap() {
        epoch["seconds"].take();
    }
    epochs
}

/// Goes on with the training `words` for one more epoch, and asserts that its files are then those of a training
/// of as many epochs that nothing befell. Returns the number of epochs and the digest.
fn assert_as_if_nothing_had_happened(place: &Place, words: &str) -> (usize, String) {
    let count = saved(place).state.history.len() + 1;
    let ends = |words: &str| {
        let ran = place.run(&format!("{words} --epochs {count}"));
        assert_eq!(ran.code(), 0, "{}", ran.stderr());
    };
    ends(&format!("{words} --resume"));
    assert_eq!(place.files(), ["m.json", "m.mpk", "m.state"]);
    ends(&words.replace("m.mpk", "straight.mpk"));
    let ours = digest(&place.path("m.mpk"));
    assert_eq!(ours, digest(&place.path("straight.mpk")));
    assert_eq!(epochs(place, "m.json"), epochs(place, "straight.json"));
    (count, ours)
}

#[test]
fn twenty_kills_in_one_training_leave_whole_files_and_cost_no_bit() {
    let place = place();
    let mut chance = Chance(20);
    let mut scratch_files = 0;
    for _ in 0..20 {
        // Every run but the first goes on with one that was killed: twenty deep.
        let mut command = place.lenet(&format!("{TRAIN} --resume --epochs 100000 -q"));
        let mut child = command.stderr(Stdio::null()).spawn().unwrap();
        let end = Instant::now() + chance.millis(400);
        while Instant::now() < end {
            check_whole(&place);
            sleep(Duration::from_millis(5));
        }
        child.kill().unwrap();
        let output = Ran(child.wait_with_output().unwrap());
        assert_eq!(output.code(), -9, "it ran until it was killed");
        scratch_files += check_whole(&place);
    }
    let (count, digest) = assert_as_if_nothing_had_happened(&place, TRAIN);
    assert!(count > 1, "an epoch was done between two kills");
    println!("{count} epochs, 20 kills, {scratch_files} of them in a write: {digest}");
}

#[test]
fn signals_in_mid_epoch_end_it_within_two_seconds_and_cost_no_bit() {
    // The last runs, with one batch an epoch and much to validate, are mostly hit in the validation.
    let place = place();
    let mostly_validation = Place::with_images(8000, 40);
    let validating = TRAIN.replace("--batch-size 1", "--batch-size 400 --validation-split 0.95");
    let mut chance = Chance(2);
    for (place, words) in [(&place, TRAIN), (&mostly_validation, validating.as_str())] {
        let (mut before, mut in_mid_epoch) = ((0, 0), 0);
        for round in 0..20 {
            let (signal, status, name) = match round % 2 {
                0 => ("INT", 130, "Ctrl-C"),
                _ => ("TERM", 143, "SIGTERM"),
            };
            let run = Running::training(place, &format!("{words} --resume --epochs 100000"));
            sleep(chance.millis(100));
            let begin = Instant::now();
            run.signal(signal);
            let ran = run.end();
            assert!(
                begin.elapsed() < Duration::from_secs(2),
                "{:?}",
                begin.elapsed()
            );
            assert_eq!(ran.code(), status, "{}", ran.stderr());
            let stderr = ran.stderr();
            let message = format!(
                "error: stopped by {name}\n\
                 hint: everything is saved; go on with: lenet train --resume -o m.mpk\n"
            );
            assert!(stderr.ends_with(&message), "{stderr}");
            assert_eq!(place.files(), ["m.json", "m.mpk", "m.state"]);
            check_whole(place);
            let state = saved(place).state;
            let now = (state.history.len(), state.sums.batches);
            // A run may end in the validation that it began with.
            assert!(now >= before, "nothing is lost: {now:?} after {before:?}");
            before = now;
            in_mid_epoch += usize::from(now.1 > 0);
        }
        assert!(in_mid_epoch >= 10, "only {in_mid_epoch} of 20 in mid-epoch");
        let (count, digest) = assert_as_if_nothing_had_happened(place, words);
        println!("{count} epochs, 20 signals, {in_mid_epoch} in mid-epoch: {digest}");
    }
}

#[test]
fn a_signal_in_the_last_evaluation_is_heeded_and_the_training_kept() {
    let place = Place::with_images(50, 10_000);
    let mut run = Running::start(
        &place,
        "train --any-dataset --threads 1 --epochs 2 -o m.mpk",
    );
    run.wait_for("Epoch 2/2");
    run.signal("INT");
    let ran = run.end();
    assert_eq!(ran.code(), 130, "{}", ran.stderr());
    assert!(ran.stderr().contains("lenet train --resume -o m.mpk"));
    assert_eq!(saved(&place).state.history.len(), 2);
    let ran = place.run("train --any-dataset --resume -o m.mpk");
    assert_eq!(ran.code(), 0, "{}", ran.stderr());
    assert!(ran.stdout().contains("\ntest  loss: "), "{}", ran.stdout());
}

#[test]
fn a_signal_at_any_moment_of_the_start_leaves_nothing_or_whole_files() {
    for delay in (0..40).step_by(2) {
        let place = place();
        let run = Running::start(&place, &format!("{TRAIN} --epochs 100000"));
        sleep(Duration::from_millis(delay));
        let begin = Instant::now();
        run.signal("TERM");
        let ran = run.end();
        assert!(
            begin.elapsed() < Duration::from_secs(2),
            "{:?}",
            begin.elapsed()
        );
        // Before the program listens, the signal does what it does to any program.
        assert!(
            [143, -15].contains(&ran.code()),
            "{}: {}",
            ran.code(),
            ran.stderr()
        );
        check_whole(&place);
        assert_eq!(
            ran.code() == 143,
            place.path("m.state").exists(),
            "{}",
            ran.stderr()
        );
    }
}

#[test]
fn a_second_signal_ends_it_at_once() {
    // On a busy machine the first may be dealt with, state and all, before another thread is given the second.
    let at_once = (0..20).any(|_| {
        let place = place();
        let run = Running::training(&place, &format!("{TRAIN} --epochs 100000"));
        let state = || {
            fs::metadata(place.path("m.state"))
                .and_then(|found| found.modified())
                .ok()
        };
        // Both signals wait until the program goes on, so that no batch is done between them.
        run.signal("STOP");
        run.signal("INT");
        run.signal("TERM");
        let before = state();
        run.signal("CONT");
        let begin = Instant::now();
        let ran = run.end();
        assert!(
            begin.elapsed() < Duration::from_secs(1),
            "{:?}",
            begin.elapsed()
        );
        assert!([130, 143].contains(&ran.code()), "{}", ran.code());
        check_whole(&place);
        let saved = ran.stderr().contains("saved");
        assert!(saved || state() == before, "it was saved without a word");
        !saved
    });
    assert!(at_once, "the second signal never ended it");
}

/// Whether this test was started by nohup or the like, which the program then inherits.
fn hangups_are_ignored() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored.is_some_and(|mask| u64::from_str_radix(mask.trim(), 16).unwrap() & 1 == 1)
}

#[test]
fn a_hangup_kills_and_a_pause_does_nothing_and_neither_costs_a_bit() {
    let place = place();
    let run = Running::training(&place, &format!("{TRAIN} --epochs 100000"));
    sleep(Duration::from_millis(300));
    run.signal("HUP");
    let ended_by = if hangups_are_ignored() {
        sleep(Duration::from_millis(100));
        run.signal("KILL");
        -9
    } else {
        -1
    };
    assert_eq!(run.end().code(), ended_by);
    check_whole(&place);
    let run = Running::training(&place, &format!("{TRAIN} --epochs 100000 --resume"));
    run.signal("STOP");
    sleep(Duration::from_millis(50));
    run.signal("CONT");
    sleep(Duration::from_millis(50));
    run.signal("TERM");
    assert_eq!(run.end().code(), 143);
    assert_as_if_nothing_had_happened(&place, TRAIN);
}

#[test]
fn one_seed_is_one_digest_over_runs_thread_counts_and_an_interruption() {
    let place = place();
    let words = "train --any-dataset --batch-size 3 --seed 7";
    let run = |name: &str, more: &str| {
        let ran = place.run(&format!("{words} --epochs 8 -o {name} {more}"));
        assert_eq!(ran.code(), 0, "{}", ran.stderr());
        digest(&place.path(name))
    };
    let interrupted = Running::training(&place, &format!("{words} --epochs 100000 -o m.mpk"));
    sleep(Duration::from_millis(30));
    interrupted.signal("INT");
    assert_eq!(interrupted.end().code(), 130);
    let stopped = saved(&place).state;
    assert!(stopped.history.len() < 8, "stopped too late");
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
    assert!(
        runs.iter().all(|(_, digest)| *digest == runs[0].1),
        "{runs:?}"
    );
    println!(
        "the stop was in epoch {}, batch {}",
        stopped.history.len() + 1,
        stopped.sums.batches
    );
}

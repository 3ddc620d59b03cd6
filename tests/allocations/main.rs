//! Tests allocation failures: every command runs many times, and in each run a different allocation fails. The command then
//! either succeeds with the usual output, reports an error, or aborts. In each case, every file is old or new, and the next run
//! works and removes the remaining temporary files.
//!
//! Run with `cargo test --release --test allocations`. It tries a sample of the allocations, or all of them if the variable
//! `LENET_TEST_ALLOCATIONS` is `all`, which takes hours.
//!
//! The test program contains `lenet` with a special allocator, and starts itself to run a command.
#![allow(clippy::unwrap_used)]

mod allocator;
#[path = "../common/commands.rs"]
mod commands;
#[path = "../common/mod.rs"]
mod common;
#[path = "../../src/main.rs"]
mod program;

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output};
use std::{env, fs};

use allocator::{COUNT_TO, FAIL_AT};
use commands::{COMMANDS, assert_commands_are_complete, untimed, write_pictures};
use lenet::train::{Checkpoint, RunRecord};
use tempfile::TempDir;

/// The number of allocations per command to test, unless all are tested.
const SAMPLES: usize = 40;

fn main() -> ExitCode {
    let number = |name| env::var(name).ok().map(|value: String| value.parse::<usize>().unwrap());
    if let Some(fail_at) = number(FAIL_AT) {
        allocator::fail_at(fail_at);
        let status = program::main();
        if let Some(path) = env::var_os(COUNT_TO) {
            fs::write(path, allocator::count().to_string()).unwrap();
        }
        return status;
    }
    assert_commands_are_complete();
    let place = Place::new();
    let more = [("train", "train --any-dataset --resume --epochs 2 --limit 64 -q -o m.mpk")];
    let mut total = Counts::default();
    for (name, args) in COMMANDS.iter().chain(&more) {
        // `doctor` measures for a second.
        let samples = if *name == "doctor" { SAMPLES / 10 } else { SAMPLES };
        let counts = place.fail_each(args, samples);
        println!("{counts:?}  {args}");
        total.add(&counts);
    }
    println!("{total:?}  in total");
    assert!(total.aborted > 0 && total.reported > 0);
    ExitCode::SUCCESS
}

/// How runs with a failed allocation ended.
#[derive(Debug, Default)]
struct Counts {
    allocations: usize,
    aborted: usize,
    reported: usize,
    succeeded: usize,
}

impl Counts {
    fn add(&mut self, other: &Self) {
        self.allocations += other.allocations;
        self.aborted += other.aborted;
        self.reported += other.reported;
        self.succeeded += other.succeeded;
    }
}

/// Files by their path.
type Files = BTreeMap<PathBuf, Vec<u8>>;

/// Creates a directory with the files that the commands need.
struct Place {
    dir: TempDir,
    data: TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self { dir: tempfile::tempdir().unwrap(), data: tempfile::tempdir().unwrap() };
        common::write_dataset(place.data.path(), 80, 20);
        write_pictures(place.dir.path());
        for (seed, name) in [(1, "m.mpk"), (2, "n.mpk")] {
            let args =
                format!("train --any-dataset --epochs 1 --limit 64 -q --seed {seed} -o {name}");
            assert!(place.run(&args, 0).status.success());
        }
        place
    }

    /// Runs a command whose allocation number `fail_at`, counted from 1, fails.
    fn run(&self, args: &str, fail_at: usize) -> Output {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(args.split(' ')).current_dir(self.dir.path());
        command.env("LENET_DATA_DIR", self.data.path()).env("LENET_THREADS", "1");
        command.env("LENET_SEED", "3").env("HOME", self.data.path());
        command.env(FAIL_AT, fail_at.to_string());
        command.env(COUNT_TO, self.data.path().join("count"));
        command.output().unwrap()
    }

    /// Runs `args` with a failed allocation, for a sample of its allocations.
    fn fail_each(&self, args: &str, samples: usize) -> Counts {
        let begin = self.files();
        // A run that replaces the files of an earlier run writes the same content again.
        let usual = self.run(args, 0);
        let allocations = fs::read_to_string(self.data.path().join("count")).unwrap();
        let allocations: usize = allocations.parse().unwrap();
        let new = self.files();
        let mut counts = Counts { allocations, ..Counts::default() };
        for fail_at in sample(allocations, samples) {
            self.restore(&begin);
            let output = self.run(args, fail_at);
            let stderr = String::from_utf8_lossy(&output.stderr);
            let context = format!("{args}: allocation {fail_at}: {stderr}");
            let is_usual = untimed(&output.stdout) == untimed(&usual.stdout);
            match (output.status.code(), output.status.signal()) {
                (code, None) if code == usual.status.code() && is_usual => counts.succeeded += 1,
                (Some(1), None) => {
                    counts.reported += 1;
                    assert!(stderr.contains("error: "), "{context}");
                }
                (None, Some(6)) => {
                    counts.aborted += 1;
                    assert!(stderr.contains("memory allocation of "), "{context}");
                }
                end => panic!("{context}: {end:?}"),
            }
            let left = self.files();
            for (path, bytes) in left.iter().filter(|(path, _)| !is_left_over(path)) {
                let is_known =
                    begin.get(path) == Some(bytes) || is_same(path, new.get(path), bytes);
                assert!(is_known, "{context}: {} is neither old nor new", path.display());
            }
            let kept = begin.keys().all(|path| left.contains_key(path) || !new.contains_key(path));
            assert!(kept, "{context}: a file is lost");
            if left != begin {
                // The next run is not blocked, and removes temporary files and the lock.
                let again = self.run(args, 0);
                assert_eq!(again.status.code(), usual.status.code(), "{context}");
                let left: Vec<_> = self.files().into_keys().collect();
                assert!(left.iter().eq(new.keys()), "{context}: {left:?}");
            }
        }
        self.restore(&begin);
        counts
    }

    fn files(&self) -> Files {
        let mut files = Files::new();
        let mut directories = vec![PathBuf::new()];
        while let Some(directory) = directories.pop() {
            for entry in fs::read_dir(self.dir.path().join(&directory)).unwrap().flatten() {
                let path = directory.join(entry.file_name());
                match entry.file_type().unwrap().is_dir() {
                    true => directories.push(path),
                    false => drop(files.insert(path, fs::read(entry.path()).unwrap())),
                }
            }
        }
        files
    }

    /// Restores `files`, and removes all other files.
    fn restore(&self, files: &Files) {
        for (path, bytes) in self.files() {
            if files.get(&path) != Some(&bytes) {
                fs::remove_file(self.dir.path().join(path)).unwrap();
            }
        }
        for (path, bytes) in files {
            let path = self.dir.path().join(path);
            if !path.exists() {
                fs::write(path, bytes).unwrap();
            }
        }
    }
}

/// Returns the allocations that fail: the first ones, and others at regular intervals.
fn sample(allocations: usize, samples: usize) -> Vec<usize> {
    match env::var("LENET_TEST_ALLOCATIONS").as_deref() {
        Ok("all") => (1..=allocations).collect(),
        _ => {
            let step = allocations.div_ceil(samples).max(1);
            let spread = (samples / 3 + 1..=allocations).step_by(step);
            (1..=allocations.min(samples / 3)).chain(spread).collect()
        }
    }
}

/// Returns whether this file, a temporary file or a lock, may remain after a command was killed.
fn is_left_over(path: &Path) -> bool {
    path.file_name().unwrap().as_encoded_bytes().starts_with(b".")
}

/// Returns whether a run that writes `new` may also write `found`. Some files contain times, and a run saves several checkpoints.
fn is_same(path: &Path, new: Option<&Vec<u8>>, found: &[u8]) -> bool {
    let extension = path.extension().unwrap_or_default();
    let Some(new) = new else { return false };
    match extension.to_str().unwrap() {
        "state" => Checkpoint::decode(found).is_ok(),
        "html" => new.len().abs_diff(found.len()) < 100 && found.ends_with(&new[new.len() - 20..]),
        "json" if new != found => RunRecord::decode(found).is_ok(),
        _ => new == found,
    }
}

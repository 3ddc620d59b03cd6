//! The program from outside: what is typed, what comes out, what is left on the disk.
//!
//! On Unix: there are signals, a shell's limits, pipes and devices as files, and its words for an error.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;

mod advice;
mod attacks;
mod belonging;
mod claims;
mod compare;
mod convert;
mod data;
mod data_faults;
mod datasets;
mod doctor;
mod documents;
mod endings;
mod environment;
mod eval;
mod fetch;
mod fetch_faults;
mod folder;
mod gpu;
mod kills;
mod like;
mod limits;
mod options;
mod outputs;
mod pages;
mod predict;
mod report;
mod resume;
mod schema;
mod seeds;
mod server;
mod shapes;
mod signals;
mod streams;
mod tensorboard;
mod terminal;
mod train;
#[cfg(target_os = "linux")]
mod window;

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

const LENET: &str = env!("CARGO_BIN_EXE_lenet");

/// A model that Keras trained, and Fashion-MNIST itself.
const TRAINED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/goldens/trained.safetensors");
const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data");

/// A folder to run in, with a small data set in `data/`, which the program finds by itself.
struct Place {
    dir: TempDir,
}

impl Place {
    /// With 200 training and 40 test images.
    fn new() -> Self {
        Self::with_images(200, 40)
    }

    /// With so many training and test images.
    fn with_images(train: usize, test: usize) -> Self {
        let place = Self::empty();
        place.make_folder("data");
        common::write_dataset(&place.path("data"), train, test);
        place
    }

    /// With no data set.
    fn empty() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The program, in this folder, with these words behind its name, and nothing of the caller's settings.
    fn lenet(&self, words: &str) -> Command {
        self.command(Path::new(LENET), words)
    }

    /// The program as a user for whom permissions count: for root none does.
    fn unprivileged_lenet(&self, words: &str) -> Command {
        const NOBODY: u32 = 65534;
        if !self.is_roots() {
            return self.lenet(words);
        }
        // A copy here, as nobody may not go to every folder of a build.
        let program = self.path("data/lenet");
        if !program.exists() {
            // By another process: were the copy open for writing here, a child that another test forks at that
            // moment would hold it open too, and it could not be executed ("text file busy").
            let copied = Command::new("cp").args([LENET.as_ref(), program.as_os_str()]).status();
            assert!(copied.unwrap().success());
            self.set_mode("", 0o777);
        }
        let mut command = self.command(&program, words);
        command.uid(NOBODY).gid(NOBODY);
        command
    }

    fn is_roots(&self) -> bool {
        fs::metadata(self.dir.path()).unwrap().uid() == 0
    }

    fn command(&self, program: &Path, words: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.dir.path()).args(words.split_whitespace());
        for name in ["LENET_DATA_DIR", "LENET_SEED", "LENET_EPOCHS", "XDG_CACHE_HOME"] {
            command.env_remove(name);
        }
        command.env("HOME", self.dir.path());
        command
    }

    /// Runs the program to its end behind these commands of a shell, as in `ulimit -f 100`.
    fn run_after(&self, shell: &str, words: &str) -> Ran {
        Ran::of(&mut behind(shell, &self.lenet(words)))
    }

    /// Runs the program to its end.
    fn run(&self, words: &str) -> Ran {
        Ran::of(&mut self.lenet(words))
    }

    /// Runs `train` on the small data set with these further words.
    fn try_train(&self, words: &str) -> Ran {
        self.run(&format!("train --any-dataset {words}"))
    }

    /// The same; it must succeed.
    #[track_caller]
    fn train(&self, words: &str) -> Ran {
        self.try_train(words).ok()
    }

    /// Names of the files here, but for the data set's.
    fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.dir.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.filter(|name| name != "data").collect();
        names.sort();
        names
    }
    fn make_pipe(&self, name: &str) {
        let made = Command::new("mkfifo").arg(self.path(name)).status();
        assert!(made.unwrap().success());
    }
    fn set_mode(&self, name: &str, mode: u32) {
        fs::set_permissions(self.path(name), Permissions::from_mode(mode)).unwrap();
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    fn text(&self, name: &str) -> String {
        String::from_utf8(self.read(name)).unwrap()
    }

    fn json(&self, name: &str) -> Value {
        serde_json::from_slice(&self.read(name)).unwrap()
    }

    /// The SHA-256 of a file, in hexadecimal digits.
    fn digest(&self, name: &str) -> String {
        Sha256::digest(self.read(name)).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).unwrap();
    }

    fn remove(&self, name: &str) {
        fs::remove_file(self.path(name)).unwrap();
    }

    fn make_folder(&self, name: &str) {
        fs::create_dir(self.path(name)).unwrap();
    }
}

/// The program, behind these commands of a shell.
fn behind(shell: &str, lenet: &Command) -> Command {
    // Not `sh`: where that is dash, its `ulimit` knows no `-u`.
    let mut command = Command::new("bash");
    command.args(["-c", &format!("{shell}; exec \"$0\" \"$@\"")]);
    command.arg(lenet.get_program()).args(lenet.get_args());
    command.current_dir(lenet.get_current_dir().unwrap());
    for (name, value) in lenet.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command
}

/// What a finished run left.
struct Ran(Output);

/// Runs `command`, which must end within ten seconds: what waits at a pipe never would.
fn run_in_time(mut command: Command) -> Ran {
    let piped = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().unwrap();
    let begin = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if begin.elapsed() > Duration::from_secs(10) {
            child.kill().unwrap();
        }
        sleep(Duration::from_millis(5));
    }
    let ran = Ran(child.wait_with_output().unwrap());
    assert_ne!(ran.code(), -9, "it hung: {command:?}");
    ran
}

impl Ran {
    /// Runs `command` to its end.
    fn of(command: &mut Command) -> Self {
        Self(command.output().unwrap())
    }

    /// Itself, which must have succeeded.
    #[track_caller]
    fn ok(self) -> Self {
        assert_eq!(self.code(), 0, "{}", self.stderr());
        self
    }

    /// The exit status; a signal that ended it, as its negative number.
    fn code(&self) -> i32 {
        let status = self.0.status;
        status.code().unwrap_or_else(|| -status.signal().unwrap())
    }

    fn stdout(&self) -> &str {
        std::str::from_utf8(&self.0.stdout).unwrap()
    }

    fn stderr(&self) -> &str {
        std::str::from_utf8(&self.0.stderr).unwrap()
    }

    /// Standard output as one JSON document a line.
    fn events(&self) -> Vec<Value> {
        self.stdout().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The one JSON document on standard output, or the first of them.
    fn document(&self) -> Value {
        self.events().swap_remove(0)
    }

    /// Asserts that these words are on standard error.
    #[track_caller]
    fn assert_says(&self, words: &str) {
        assert!(self.stderr().contains(words), "no {words:?} in {}", self.stderr());
    }

    /// Asserts that it failed as a well-behaved program fails: this status, nothing on standard output, one
    /// line of error and at most one of hint, each with these words in it.
    #[track_caller]
    fn assert_error(&self, code: i32, error: &str, hint: &str) {
        let stderr = self.stderr();
        assert_eq!(self.code(), code, "{stderr}");
        assert_eq!(self.stdout(), "", "{stderr}");
        let found = stderr.lines().find(|line| line.starts_with("error: ")).unwrap_or_default();
        assert!(found.contains(error), "no {error:?} in {stderr}");
        let found = stderr.lines().find(|line| line.starts_with("hint: ")).unwrap_or_default();
        assert!(found.contains(hint), "no {hint:?} in {stderr}");
        assert!(!stderr.contains("panicked") && !stderr.contains("internal error"), "{stderr}");
    }
}

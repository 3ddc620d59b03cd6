//! End-to-end tests: each runs the `lenet` program and checks its output, its exit status and its files.
//!
//! They run on Unix only, because they use signals, `ulimit`, named pipes, device files and Unix error messages.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

#[path = "../common/commands.rs"]
mod commands;
#[path = "../common/mod.rs"]
mod common;

#[cfg(target_os = "linux")]
mod clocks;
mod compare;
mod compare_inputs;
mod convert;
mod data;
mod data_faults;
mod data_layouts;
mod datasets;
mod doctor;
mod documents;
mod environment;
mod environment_tables;
mod eval;
mod fetch;
mod fetch_faults;
mod foreign_models;
mod gpu;
mod help_pages;
mod hints;
mod hugging_face;
mod interruptions;
mod locks;
mod meaning;
mod options;
mod outputs;
mod pictures;
#[cfg(feature = "ndarray")]
mod plain_burn;
mod predict;
mod report;
mod resource_limits;
mod resume;
mod run_record;
mod runs;
mod schema;
mod seeds;
mod server;
mod shapes;
mod signals;
mod snapshots;
mod stratified;
mod streams;
mod symlink_attacks;
mod tensorboard;
mod tensorboard_dir;
mod terminal_escapes;
#[cfg(target_os = "linux")]
mod terminal_width;
mod tls;
mod train;
mod training_end;

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

/// A model trained by Keras.
const TRAINED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/goldens/trained.safetensors");
/// The directory that contains Fashion-MNIST.
const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data");

/// A temporary working directory for the program. The subdirectory `data` holds a small data set, which the program
/// finds without `--data`.
struct TestDir {
    root: TempDir,
}

impl TestDir {
    /// Creates a directory with 200 training and 40 test images.
    fn new() -> Self {
        Self::with_images(200, 40)
    }

    /// Creates a directory with `train` training and `test` test images.
    fn with_images(train: usize, test: usize) -> Self {
        let dir = Self::empty();
        dir.create_dir("data");
        common::write_dataset(&dir.path("data"), train, test);
        dir
    }

    /// Creates a directory without a data set.
    fn empty() -> Self {
        Self { root: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// Returns a command that runs the program in this directory. `args` are separated by spaces. The command does not
    /// inherit the environment variables that configure the program.
    fn lenet(&self, args: &str) -> Command {
        self.command(Path::new(LENET), args)
    }

    /// Returns the same command for an unprivileged user if the tests run as root, because root ignores permissions.
    fn unprivileged_lenet(&self, args: &str) -> Command {
        const NOBODY: u32 = 65534;
        if !self.is_owned_by_root() {
            return self.lenet(args);
        }
        // Use a copy of the program, because that user may lack access to the build directory.
        let program = self.path("data/lenet");
        if !program.exists() {
            // Let `cp` write the copy. If this process wrote it, a child forked by another test could inherit the open
            // file, and running the copy would fail with "text file busy".
            let copied = Command::new("cp").args([LENET.as_ref(), program.as_os_str()]).status();
            assert!(copied.unwrap().success());
            self.set_mode("", 0o777);
        }
        let mut command = self.command(&program, args);
        command.uid(NOBODY).gid(NOBODY);
        command
    }

    fn is_owned_by_root(&self) -> bool {
        fs::metadata(self.root.path()).unwrap().uid() == 0
    }

    fn command(&self, program: &Path, args: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.root.path()).args(args.split_whitespace());
        for name in
            ["LENET_DATA_DIR", "LENET_SEED", "LENET_EPOCHS", "XDG_CACHE_HOME", "SSL_CERT_FILE"]
        {
            command.env_remove(name);
        }
        command.env("HOME", self.root.path());
        command
    }

    /// Runs the program in a shell after the commands in `setup`, for example `ulimit -f 100`.
    fn run_in_shell(&self, setup: &str, args: &str) -> CommandOutput {
        CommandOutput::of(&mut in_shell(setup, &self.lenet(args)))
    }

    /// Runs the program.
    fn run(&self, args: &str) -> CommandOutput {
        CommandOutput::of(&mut self.lenet(args))
    }

    /// Runs `lenet train` on the small data set.
    fn try_train(&self, args: &str) -> CommandOutput {
        self.run(&format!("train --any-dataset {args}"))
    }

    /// Runs `lenet train` on the small data set and asserts that it succeeds.
    #[track_caller]
    fn train(&self, args: &str) -> CommandOutput {
        self.try_train(args).ok()
    }

    /// Returns the sorted names of all files and directories except `data`.
    fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.root.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.filter(|name| name != "data").collect();
        names.sort();
        names
    }

    fn create_fifo(&self, name: &str) {
        let status = Command::new("mkfifo").arg(self.path(name)).status();
        assert!(status.unwrap().success());
    }

    fn set_mode(&self, name: &str, mode: u32) {
        fs::set_permissions(self.path(name), Permissions::from_mode(mode)).unwrap();
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    fn read_text(&self, name: &str) -> String {
        String::from_utf8(self.read(name)).unwrap()
    }

    fn json(&self, name: &str) -> Value {
        serde_json::from_slice(&self.read(name)).unwrap()
    }

    /// Returns the SHA-256 of a file in hexadecimal digits.
    fn digest(&self, name: &str) -> String {
        Sha256::digest(self.read(name)).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).unwrap();
    }

    fn remove(&self, name: &str) {
        fs::remove_file(self.path(name)).unwrap();
    }

    fn create_dir(&self, name: &str) {
        fs::create_dir(self.path(name)).unwrap();
    }
}

/// Returns a command that runs `lenet` in a shell after the commands in `setup`.
fn in_shell(setup: &str, lenet: &Command) -> Command {
    // `sh` may be dash, whose `ulimit` lacks `-u`.
    let mut command = Command::new("bash");
    command.args(["-c", &format!("{setup}; exec \"$0\" \"$@\"")]);
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

/// The output and the exit status of a finished command.
struct CommandOutput(Output);

/// Runs `command` and asserts that it exits within ten seconds. A command that blocks on a pipe would not.
fn run_with_timeout(mut command: Command) -> CommandOutput {
    let piped = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().unwrap();
    let begin = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if begin.elapsed() > Duration::from_secs(10) {
            child.kill().unwrap();
        }
        sleep(Duration::from_millis(5));
    }
    let output = CommandOutput(child.wait_with_output().unwrap());
    assert_ne!(output.code(), -9, "it hung: {command:?}");
    output
}

impl CommandOutput {
    /// Runs `command`.
    fn of(command: &mut Command) -> Self {
        Self(command.output().unwrap())
    }

    /// Asserts that the command succeeded and returns its output.
    #[track_caller]
    fn ok(self) -> Self {
        assert_eq!(self.code(), 0, "{}", self.stderr());
        self
    }

    /// Returns the exit status, or the negative number of the signal that ended the command.
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

    /// Parses standard output as JSON Lines.
    fn events(&self) -> Vec<Value> {
        self.stdout().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Returns the JSON value on the first line of standard output.
    fn json(&self) -> Value {
        self.events().swap_remove(0)
    }

    #[track_caller]
    fn assert_stderr_contains(&self, text: &str) {
        assert!(self.stderr().contains(text), "no {text:?} in {}", self.stderr());
    }

    /// Asserts that the command exited with `code`, printed nothing on standard output and did not panic, and that its
    /// `error:` line contains `error` and its `hint:` line contains `hint`.
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

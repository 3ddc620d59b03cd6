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
mod fetch_mnist;
mod foreign_models;
mod gpu;
mod help_pages;
mod hints;
mod hugging_face;
mod import;
mod interrupted_curves;
mod interruptions;
mod locks;
mod meaning;
mod options;
mod outputs;
mod overwritten_inputs;
mod pictures;
#[cfg(feature = "ndarray")]
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
mod test_dir;
mod tls;
mod train;
mod training_end;

use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;
use test_dir::{TestDir, in_shell};

const LENET: &str = env!("CARGO_BIN_EXE_lenet");

/// A model trained by Keras.
const TRAINED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/goldens/trained.safetensors");
/// The time after which the program is considered to hang. It is long, because other programs may use the processor.
const PATIENCE: Duration = Duration::from_secs(100);
/// The directory that contains Fashion-MNIST.
const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data");

/// The output and the exit status of a finished command.
struct CommandOutput(Output);

/// Runs `command` and asserts that it does not hang. A command that blocks on a pipe would hang.
fn run_with_timeout(mut command: Command) -> CommandOutput {
    let piped = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().unwrap();
    let begin = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if begin.elapsed() > PATIENCE {
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

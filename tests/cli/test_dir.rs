//! A working directory for a test, and commands that run `lenet` in it.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::{CommandOutput, LENET, common};

/// A temporary working directory for the program. The subdirectory `data` holds a small data set, which the program
/// finds without `--data`.
pub struct TestDir {
    pub root: TempDir,
}

impl TestDir {
    /// Creates a directory with 200 training and 40 test images.
    pub fn new() -> Self {
        Self::with_images(200, 40)
    }

    /// Creates a directory with `train` training and `test` test images.
    pub fn with_images(train: usize, test: usize) -> Self {
        let dir = Self::empty();
        dir.create_dir("data");
        common::write_dataset(&dir.path("data"), train, test);
        dir
    }

    /// Creates a directory without a data set.
    pub fn empty() -> Self {
        Self { root: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// Returns a command that runs the program in this directory. `args` are separated by spaces. The command does not
    /// inherit the environment variables that configure the program.
    pub fn lenet(&self, args: &str) -> Command {
        self.command(Path::new(LENET), args)
    }

    /// Returns the same command for an unprivileged user if the tests run as root, because root ignores permissions.
    pub fn unprivileged_lenet(&self, args: &str) -> Command {
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

    pub fn is_owned_by_root(&self) -> bool {
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
    pub fn run_in_shell(&self, setup: &str, args: &str) -> CommandOutput {
        CommandOutput::of(&mut in_shell(setup, &self.lenet(args)))
    }

    /// Runs the program.
    pub fn run(&self, args: &str) -> CommandOutput {
        CommandOutput::of(&mut self.lenet(args))
    }

    /// Runs `lenet train` on the small data set.
    pub fn try_train(&self, args: &str) -> CommandOutput {
        self.run(&format!("train --any-dataset {args}"))
    }

    /// Runs `lenet train` on the small data set and asserts that it succeeds.
    #[track_caller]
    pub fn train(&self, args: &str) -> CommandOutput {
        self.try_train(args).ok()
    }

    /// Returns the sorted names of all files and directories except `data`.
    pub fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.root.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.filter(|name| name != "data").collect();
        names.sort();
        names
    }

    pub fn create_fifo(&self, name: &str) {
        let status = Command::new("mkfifo").arg(self.path(name)).status();
        assert!(status.unwrap().success());
    }

    pub fn set_mode(&self, name: &str, mode: u32) {
        fs::set_permissions(self.path(name), Permissions::from_mode(mode)).unwrap();
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    pub fn read_text(&self, name: &str) -> String {
        String::from_utf8(self.read(name)).unwrap()
    }

    pub fn json(&self, name: &str) -> Value {
        serde_json::from_slice(&self.read(name)).unwrap()
    }

    /// Returns the SHA-256 of a file in hexadecimal digits.
    pub fn digest(&self, name: &str) -> String {
        Sha256::digest(self.read(name)).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).unwrap();
    }

    pub fn remove(&self, name: &str) {
        fs::remove_file(self.path(name)).unwrap();
    }

    pub fn create_dir(&self, name: &str) {
        fs::create_dir(self.path(name)).unwrap();
    }
}

/// Returns a command that runs `lenet` in a shell after the commands in `setup`.
pub fn in_shell(setup: &str, lenet: &Command) -> Command {
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

//! A directory in which the program runs under strace, and in which the files after a simulated power loss are created.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

use super::crash_states::{CALLS, Crashes, crashes};
use super::test_dir::stderr;
use super::{LENET, common};

/// Files by their path, or `None` for a directory.
pub(crate) type Files = BTreeMap<PathBuf, Option<Vec<u8>>>;

/// A directory for the files of the program, and a small data set elsewhere.
pub(crate) struct CrashDir {
    pub(crate) work: TempDir,
    data: TempDir,
}

impl CrashDir {
    pub(crate) fn new() -> Self {
        let dir = Self { work: tempfile::tempdir().unwrap(), data: tempfile::tempdir().unwrap() };
        common::write_dataset(dir.data.path(), 40, 10);
        dir
    }

    fn command(&self, program: &str, args: &str) -> Command {
        let mut command = Command::new(program);
        command.args(args.split_whitespace()).current_dir(self.work.path());
        command.env("LENET_DATA_DIR", self.data.path()).env("LENET_THREADS", "1");
        command
    }

    pub(crate) fn lenet(&self, args: &str) -> Output {
        self.command(LENET, args).output().unwrap()
    }

    /// Runs the program and asserts that it succeeds.
    pub(crate) fn succeed(&self, args: &str) {
        let output = self.lenet(args);
        assert!(output.status.success(), "{args}: {}", stderr(&output));
    }

    /// Restores `files`, and removes all other files.
    pub(crate) fn restore(&self, files: &Files) {
        for entry in fs::read_dir(self.work.path()).unwrap().flatten() {
            match entry.file_type().unwrap().is_dir() {
                true => fs::remove_dir_all(entry.path()).unwrap(),
                false => fs::remove_file(entry.path()).unwrap(),
            }
        }
        for (path, content) in files {
            let path = self.work.path().join(path);
            match content {
                Some(content) => fs::write(path, content).unwrap(),
                None => fs::create_dir(path).unwrap(),
            }
        }
    }

    pub(crate) fn files(&self) -> Files {
        let mut files = Files::new();
        let mut directories = vec![PathBuf::new()];
        while let Some(directory) = directories.pop() {
            for entry in fs::read_dir(self.work.path().join(&directory)).unwrap().flatten() {
                let path = directory.join(entry.file_name());
                let is_directory = entry.file_type().unwrap().is_dir();
                files
                    .insert(path.clone(), (!is_directory).then(|| fs::read(entry.path()).unwrap()));
                directories.extend(is_directory.then_some(path));
            }
        }
        files
    }

    /// Runs `args` on the files `before`, and returns the possible states after a crash during or after this run.
    pub(crate) fn crashes(&self, before: &Files, args: &str) -> Crashes {
        self.restore(before);
        let log = self.data.path().join("log");
        let strace =
            format!("-f -xx -s 99999999 -e trace={CALLS} -o {} {LENET} {args}", log.display());
        let output = self.command("strace", &strace).output().unwrap();
        assert!(output.status.success(), "{args}: {}", stderr(&output));
        crashes(self.work.path(), before, &fs::read_to_string(log).unwrap())
    }

    /// Runs `args` and asserts that in every state each of `files` is absent, if it did not exist before, or complete: old or
    /// new. After the run has ended, each is new. A model card may be absent during the run.
    pub(crate) fn assert_old_or_new(&self, before: &Files, args: &str, files: &[&str]) -> Crashes {
        let crashes = self.crashes(before, args);
        let after = self.files();
        for name in files {
            let [old, new] =
                [before, &after].map(|files| files.get(Path::new(name)).cloned().flatten());
            for state in &crashes.states {
                let context = format!("{args}: {name}: {:?}", state.keys());
                let found = crashes.content(state, name);
                let is_new = found == new.as_deref();
                let is_old = found == old.as_deref() || found.is_none() && *name == "hub/README.md";
                assert!(is_old || is_new, "{context}: neither old nor new");
                assert!(is_new || !crashes.last.contains(state), "{context}: lost after the end");
            }
        }
        println!("{args}: {} states", crashes.states.len());
        crashes
    }
}

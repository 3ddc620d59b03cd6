//! The directory in which runs fail, and checks of its files.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use lenet::format;
use lenet::train::Checkpoint;
use tempfile::TempDir;

use super::{FILES, LENET, TRAIN, common};

/// A temporary directory with a small data set in `data` and the files of a finished training run in `old`.
pub(crate) struct TestDir(TempDir);

impl TestDir {
    pub(crate) fn new() -> Self {
        let dir = Self(tempfile::tempdir().unwrap());
        for name in ["data", "old"] {
            fs::create_dir(dir.path().join(name)).unwrap();
        }
        common::write_dataset(&dir.path().join("data"), 40, 10);
        let trained = dir.run(LENET, &format!("{TRAIN} --seed 1"));
        assert!(trained.status.success(), "{trained:?}");
        for name in FILES {
            fs::rename(dir.path().join(name), dir.path().join("old").join(name)).unwrap();
        }
        dir
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Runs `program` in the directory. `args` are separated by spaces.
    pub(crate) fn run(&self, program: &str, args: &str) -> Output {
        let mut command = Command::new(program);
        command.args(args.split_whitespace());
        command.env("LENET_DATA_DIR", self.path().join("data"));
        command.current_dir(self.path()).output().unwrap()
    }

    /// Restores the old files and removes all others.
    pub(crate) fn restore(&self) {
        for name in self.names() {
            fs::remove_file(self.path().join(name)).unwrap();
        }
        for name in FILES {
            fs::copy(self.path().join("old").join(name), self.path().join(name)).unwrap();
        }
    }

    /// Restores the old files, then trains with `--force` under strace, which injects faults according to `injection`.
    /// Returns the run's output and the number of injected faults.
    pub(crate) fn train_with(&self, injection: &str) -> (Output, usize) {
        self.restore();
        let call = injection.split(':').next().unwrap();
        let args = format!(
            "-f -o old/log -e trace={call} -e inject={injection} {LENET} {TRAIN} --seed 2 --force"
        );
        let output = self.run("strace", &args);
        let log = self.log();
        let injected = log.matches("(INJECTED)").count() + log.matches("--- SIGKILL").count();
        let killed = log.contains("+++ killed by SIGKILL");
        (output, injected.max(usize::from(killed)))
    }

    /// Reads the log of strace.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.path().join("old/log")).unwrap()
    }

    /// Returns the sorted names of all files except `data` and `old`.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.filter(|name| name != "data" && name != "old").collect();
        names.sort();
        names
    }

    /// Asserts that the three files exist and are intact. Each may be the old or the new version.
    pub(crate) fn assert_files_intact(&self, context: &str) {
        FILES.iter().for_each(|name| assert_file_intact(&self.path().join(name), context));
    }
}

/// Asserts that a model, a checkpoint or a run record is intact.
pub(crate) fn assert_file_intact(path: &Path, context: &str) {
    let bytes = fs::read(path).unwrap_or_else(|error| panic!("{context}: {path:?}: {error}"));
    let problem = match path.extension().unwrap().to_str().unwrap() {
        "mpk" => format::decode(path, &bytes).err().map(|error| error.to_string()),
        "state" => Checkpoint::decode(&bytes).err(),
        _ => match serde_json::from_slice::<serde_json::Value>(&bytes) {
            Ok(record) => (record["schema"] != 1).then(|| record.to_string()),
            Err(error) => Some(error.to_string()),
        },
    };
    assert_eq!(problem, None, "{context}: {path:?}");
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

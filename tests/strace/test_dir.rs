//! A folder in which trainings fail, and what its files must be afterwards.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use lenet::format;
use lenet::train::Checkpoint;
use tempfile::TempDir;

use super::{FILES, LENET, TRAIN, common};

/// A folder with a small data set and, in `old`, the files of a finished training.
pub(crate) struct TestDir(TempDir);

impl TestDir {
    pub(crate) fn new() -> Self {
        let dir = Self(tempfile::tempdir().unwrap());
        for folder in ["data", "old"] {
            fs::create_dir(dir.path().join(folder)).unwrap();
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

    pub(crate) fn run(&self, program: &str, words: &str) -> Output {
        let mut command = Command::new(program);
        command.args(words.split_whitespace());
        command.env("LENET_DATA_DIR", self.path().join("data"));
        command.current_dir(self.path()).output().unwrap()
    }

    /// Puts the old files back and removes all others.
    pub(crate) fn restore(&self) {
        for name in self.names() {
            fs::remove_file(self.path().join(name)).unwrap();
        }
        for name in FILES {
            fs::copy(self.path().join("old").join(name), self.path().join(name)).unwrap();
        }
    }

    /// Trains over the old files under strace with this injection; the output, and how often it was injected.
    pub(crate) fn train_with(&self, injection: &str) -> (Output, usize) {
        self.restore();
        let call = injection.split(':').next().unwrap();
        let words = format!(
            "-f -o old/log -e trace={call} -e inject={injection} {LENET} {TRAIN} --seed 2 --force"
        );
        let output = self.run("strace", &words);
        let log = self.log();
        let injected = log.matches("(INJECTED)").count() + log.matches("--- SIGKILL").count();
        let killed = log.contains("+++ killed by SIGKILL");
        (output, injected.max(usize::from(killed)))
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.path().join("old/log")).unwrap()
    }

    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.filter(|name| name != "data" && name != "old").collect();
        names.sort();
        names
    }

    /// Asserts that each of the three files is there and whole, the old one or one of the new training.
    pub(crate) fn assert_files_intact(&self, what: &str) {
        FILES.iter().for_each(|name| assert_file_intact(&self.path().join(name), what));
    }
}

/// Asserts that a file of a training is whole.
pub(crate) fn assert_file_intact(path: &Path, what: &str) {
    let bytes = fs::read(path).unwrap_or_else(|error| panic!("{what}: {path:?}: {error}"));
    let problem = match path.extension().unwrap().to_str().unwrap() {
        "mpk" => format::decode(path, &bytes).err().map(|error| error.to_string()),
        "state" => Checkpoint::decode(&bytes).err(),
        _ => match serde_json::from_slice::<serde_json::Value>(&bytes) {
            Ok(record) => (record["schema"] != 1).then(|| record.to_string()),
            Err(error) => Some(error.to_string()),
        },
    };
    assert_eq!(problem, None, "{what}: {path:?}");
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

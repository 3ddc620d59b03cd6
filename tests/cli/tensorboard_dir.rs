//! Tests the directory of `lenet train --tensorboard`: one run at a time writes to it, and old files are removed only after new
//! ones were written.

use std::fs;
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::{PATIENCE, TestDir};

/// Returns the names and the contents of all files in `runs/train` and `runs/validation`.
fn event_files(dir: &TestDir) -> Vec<(String, Vec<u8>)> {
    let dirs = ["runs/train", "runs/validation"].map(|name| dir.path(name));
    // A directory is missing until the run has started.
    let entries = dirs.iter().flat_map(|dir| fs::read_dir(dir).into_iter().flatten());
    let mut files: Vec<_> = entries
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.display().to_string(), fs::read(path).unwrap()))
        .collect();
    files.sort();
    files
}

#[test]
fn failed_run_keeps_event_files() {
    let dir = TestDir::new();
    dir.train("--epochs 2 -o m.mpk --tensorboard runs");
    let before = event_files(&dir);
    assert_eq!(before.len(), 2);
    dir.write("bad.json", "{}");
    for (args, code) in [
        ("--keep best --validation-split 0", 2),
        ("--validation-split 0.9999999 --limit 1", 2),
        ("--data nowhere", 1),
        ("--like bad.json", 1),
        ("-o missing/m.mpk", 1),
    ] {
        let output = dir.try_train(&format!("--epochs 1 --tensorboard runs --force {args}"));
        assert_eq!(output.code(), code, "{args}: {}", output.stderr());
        assert_eq!(event_files(&dir), before, "{args}");
    }
    // At the end of its first epoch, a run replaces them, including a validation file if it writes none itself.
    dir.train("--epochs 1 --seed 5 --validation-split 0 --tensorboard runs --force -o n.mpk");
    let after = event_files(&dir);
    assert!(after.len() == 1 && !before.contains(&after[0]), "{after:?}");
}

#[test]
fn directory_accepts_one_run_only() {
    let dir = TestDir::new();
    let args = "train --any-dataset --epochs 100000 --batch-size 1 -q -o a.mpk --tensorboard runs";
    let mut first = dir.lenet(args).stderr(Stdio::null()).spawn().unwrap();
    let begin = Instant::now();
    // Only look at the names, because a temporary file may disappear before it can be read.
    let has_events = || {
        let entries = fs::read_dir(dir.path("runs/train")).into_iter().flatten().flatten();
        entries
            .map(|entry| entry.file_name())
            .any(|name| !name.as_encoded_bytes().starts_with(b"."))
    };
    while !has_events() {
        assert!(begin.elapsed() < PATIENCE);
        sleep(Duration::from_millis(5));
    }
    for force in ["", "--force"] {
        let output = dir.try_train(&format!("--epochs 1 -o b.mpk --tensorboard runs {force}"));
        output.assert_error(1, "another training run is writing runs", "--tensorboard");
    }
    assert!(!dir.path("b.mpk").exists());
    first.kill().unwrap();
    first.wait().unwrap();
    dir.train("--epochs 1 -o b.mpk --tensorboard runs --force");
    assert_eq!(event_files(&dir).len(), 2);
    assert!(!dir.path("runs/.lenet.lock").exists());
}

#[test]
fn simultaneous_runs_do_not_mix() {
    for round in 0..10 {
        let dir = TestDir::new();
        let start = |seed: u32| {
            let args = format!(
                "train --any-dataset --epochs 2 --seed {seed} -q -o {seed}.mpk --tensorboard runs"
            );
            dir.lenet(&args).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
        };
        let codes = [start(1), start(2)]
            .map(|child| child.wait_with_output().unwrap().status.code().unwrap());
        assert!(codes == [0, 1] || codes == [1, 0], "round {round}: {codes:?}");
        assert_eq!(event_files(&dir).len(), 2, "round {round}");
    }
}

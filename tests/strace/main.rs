//! Fault injection: each system call of a training run fails once, or kills the program. Afterwards each
//! file must be intact, in its old or its new version.
//!
//! Run with `cargo test --release --test strace` on Linux, with strace and permission to mount. strace injects the
//! faults, and a small tmpfs serves as the full disk.
#![allow(clippy::unwrap_used)]

#[path = "../common/commands.rs"]
mod commands;
#[path = "../common/mod.rs"]
mod common;
mod crash_dir;
mod crash_states;
mod disks;
mod open_files;
mod places;
mod power_loss;
#[allow(dead_code, reason = "the end-to-end tests use more of it")]
#[path = "../cli/server.rs"]
mod server;
mod test_dir;

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use lenet::train::Checkpoint;
use test_dir::{TestDir, stderr};

const LENET: &str = env!("CARGO_BIN_EXE_lenet");

/// The files of a training run with the output `m.mpk`.
const FILES: [&str; 3] = ["m.json", "m.mpk", "m.state"];

/// A training run with one thread, so that the n-th system call is the same in every run.
const TRAIN: &str = "train --any-dataset --threads 1 --epochs 2 -o m.mpk";

/// Repeats a run with `failure` injected into its n-th system call `call`, for n = 1, 2, .. until a run makes fewer than n such
/// calls. Returns how many runs failed and how many succeeded despite the failure.
fn fail_each(dir: &TestDir, call: &str, failure: &str) -> (usize, usize) {
    let (mut failed, mut survived) = (0, 0);
    for n in 1.. {
        let injection = format!("{call}:{failure}:when={n}");
        let (output, injected) = dir.train_with(&injection);
        let stderr = stderr(&output);
        if injected == 0 {
            assert!(output.status.success(), "{injection}: {stderr}");
            break;
        }
        match output.status.code() {
            Some(0) => survived += 1,
            Some(1) => {
                failed += 1;
                assert!(stderr.contains("error: "), "{injection}: {stderr}");
            }
            // The dynamic loader failed before the program started.
            Some(127) if stderr.contains("error while loading shared libraries") => failed += 1,
            code => panic!("{injection}: status {code:?}: {stderr}"),
        }
        // The standard library panics if it cannot close a directory. Any other panic is a bug.
        let is_bug = stderr.contains("internal error") && !stderr.contains("during closedir");
        assert!(!is_bug, "{injection}: {stderr}");
        dir.assert_files_intact(&injection);
        let names = dir.names();
        // A file whose deletion failed remains. A lock file that could not be locked remains too, because it may belong
        // to another process. An unlocked lock file blocks no later run.
        let may_remain = call.starts_with("unlink") || call == "flock";
        assert!(names == FILES || may_remain, "{injection}: unexpected files: {names:?}");
    }
    println!("{call} {failure}: {failed} runs failed, {survived} succeeded");
    (failed, survived)
}

#[test]
fn failed_signal_handler_prevents_training() {
    let dir = TestDir::new();
    let mut rejected = 0;
    for n in 1.. {
        let (output, injected) = dir.train_with(&format!("rt_sigaction:error=EINVAL:when={n}"));
        if injected == 0 {
            break;
        }
        // The standard library and the C library also install handlers, and may abort the process if they cannot. Only the
        // calls of the program itself cause this error.
        if stderr(&output).contains("error: cannot listen for signals: Invalid argument") {
            assert_eq!(output.status.code(), Some(1), "{n}");
            dir.assert_files_intact(&format!("rt_sigaction {n}"));
            rejected += 1;
        }
    }
    // The program makes one or two calls for each of its three signals.
    assert!((3..=6).contains(&rejected), "{rejected}");
}

#[test]
fn failed_write_keeps_files_intact() {
    let dir = TestDir::new();
    for failure in ["error=ENOSPC", "error=EIO", "error=EDQUOT", "retval=1"] {
        let (failed, _) = fail_each(&dir, "write", failure);
        // The program writes three files after each of the two epochs, and three at the end.
        assert!(failed >= 9, "{failure}: {failed}");
    }
    // The program repeats a write that a signal has interrupted.
    let (failed, survived) = fail_each(&dir, "write", "error=EINTR");
    assert!(failed == 0 && survived >= 9, "{failed} {survived}");
}

#[test]
fn failed_flush_keeps_files_intact() {
    let dir = TestDir::new();
    for failure in ["error=EIO", "error=ENOSPC"] {
        let (failed, _) = fail_each(&dir, "fsync", failure);
        assert!(failed >= 18, "{failure}: {failed}");
    }
    // Some network file systems cannot flush, so the program ignores these errors.
    for failure in ["error=EINVAL", "error=ENOSYS", "error=EOPNOTSUPP"] {
        let (failed, survived) = fail_each(&dir, "fsync", failure);
        assert!(failed == 0 && survived >= 18, "{failure}: {failed} {survived}");
    }
}

#[test]
fn failed_rename_keeps_files_intact() {
    let dir = TestDir::new();
    for failure in ["error=EACCES", "error=EXDEV", "error=EIO"] {
        let calls = ["rename", "renameat", "renameat2"];
        let failed: usize = calls.map(|call| fail_each(&dir, call, failure).0).iter().sum();
        assert!(failed >= 9, "{failure}: {failed}");
    }
}

#[test]
fn failed_open_or_lock_keeps_files() {
    let dir = TestDir::new();
    for failure in ["error=EMFILE", "error=EACCES", "error=ENOSPC"] {
        let (failed, _) = fail_each(&dir, "openat", failure);
        assert!(failed >= 9, "{failure}: {failed}");
    }
    fail_each(&dir, "close", "error=EIO");
    fail_each(&dir, "flock", "error=EIO");
    fail_each(&dir, "flock", "error=ENOLCK");
    fail_each(&dir, "unlink", "error=EIO");
}

#[test]
fn kill_at_any_call_is_recoverable() {
    let dir = TestDir::new();
    dir.restore();
    let uninterrupted = dir.run(LENET, &format!("{TRAIN} --seed 2 --force"));
    assert!(uninterrupted.status.success());
    let expected = fs::read(dir.path().join("m.mpk")).unwrap();
    let calls = ["openat", "flock", "write", "fsync", "renameat", "rename", "close", "unlink"];
    let mut kills = 0;
    for call in calls {
        for n in 1.. {
            let injection = format!("{call}:signal=SIGKILL:when={n}");
            let (output, injected) = dir.train_with(&injection);
            if injected == 0 {
                assert!(output.status.success(), "{injection}");
                break;
            }
            // strace ends like the traced program: if SIGKILL kills the program, SIGKILL also ends strace.
            assert_eq!(output.status.signal(), Some(9), "{injection}: {output:?}");
            kills += 1;
            dir.assert_files_intact(&injection);
            let bytes = fs::read(dir.path().join("m.state")).unwrap();
            let checkpoint = Checkpoint::decode(&bytes).unwrap();
            if checkpoint.record.settings.seed == 2 {
                let resumed = dir.run(LENET, &format!("{TRAIN} --resume"));
                assert!(resumed.status.success(), "{injection}: {}", stderr(&resumed));
                assert_eq!(fs::read(dir.path().join("m.mpk")).unwrap(), expected, "{injection}");
            } else {
                // The program was killed before it saved anything. The remaining files do not block a new run.
                let again = dir.run(LENET, &format!("{TRAIN} --seed 2 --force"));
                assert!(again.status.success(), "{injection}: {}", stderr(&again));
                assert_eq!(fs::read(dir.path().join("m.mpk")).unwrap(), expected, "{injection}");
            }
            assert_eq!(dir.names(), FILES, "{injection}: temporary files remain");
        }
    }
    println!("{kills} kills, one at each call to {calls:?}");
    assert!(kills >= 60, "{kills}");
}

#[test]
fn long_epoch_is_saved_periodically() {
    let dir = TestDir::new();
    common::write_dataset(&dir.path().join("data"), 40_000, 10);
    // With the slowest kernels, the epoch takes 50 s on a Zen 5.
    let args =
        "train --any-dataset --threads 1 --recipe tuned --batch-size 1 --epochs 1 -q -o long.mpk";
    let mut command = Command::new(LENET);
    command.args(args.split(' ')).env("LENET_DATA_DIR", dir.path().join("data"));
    command.env("LENET_SIMD", "scalar");
    let mut child = command.current_dir(dir.path()).spawn().unwrap();
    let begin = Instant::now();
    let state = dir.path().join("long.state");
    while !state.exists() && begin.elapsed() < Duration::from_secs(60) {
        sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let checkpoint = Checkpoint::decode(&fs::read(state).unwrap()).unwrap();
    assert!(checkpoint.record.epochs.is_empty(), "the epoch took less than {:?}", begin.elapsed());
    let seconds = checkpoint.sums.seconds;
    println!("the first save contains {seconds} s of training");
    assert!((9.9..15.0).contains(&seconds), "{seconds}");
}

#[test]
fn files_are_flushed_before_rename() {
    // `power_loss.rs` has the states that this order leaves. This test checks that each file is written, flushed and renamed
    // and its directory flushed, in this order, because the OS guarantees durability only then.
    let dir = TestDir::new();
    dir.restore();
    let traced = "openat,write,pwrite64,writev,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,ftruncate,truncate";
    let args = format!("-f -y -o old/log -e trace={traced} {LENET} {TRAIN} --seed 2 --force");
    assert!(dir.run("strace", &args).status.success());
    let log = dir.log();
    let lines: Vec<&str> = log.lines().collect();
    let mut renames = 0;
    for (at, line) in lines.iter().enumerate() {
        let Some(rename) = line.find("rename") else {
            continue;
        };
        let paths: Vec<&str> = line[rename..].split('"').skip(1).step_by(2).collect();
        let [temporary, target] = paths[..] else { panic!("{line}") };
        // Before training, the program renames one temporary file to another, to find out whether that works.
        if target.contains(".lenet-") {
            continue;
        }
        let temporary = temporary.rsplit('/').next().unwrap();
        assert!(temporary.starts_with(".lenet-") && FILES.contains(&target), "{line}");
        renames += 1;
        let before: Vec<&&str> =
            lines[..at].iter().filter(|line| line.contains(temporary)).collect();
        let [open, writes @ .., flush] = &before[..] else { panic!("{before:?}") };
        assert!(open.contains("openat(") && open.contains("O_CREAT|O_EXCL"), "{open}");
        assert!(
            !writes.is_empty() && writes.iter().all(|line| line.contains(" write(")),
            "{writes:?}"
        );
        assert!(flush.contains(" fsync("), "{flush}");
        // The program flushes the directory before it writes any other file.
        let [open, flush, ..] = lines[at + 1..] else { panic!("{line} is the last") };
        assert!(open.contains("openat(") && open.contains("O_RDONLY"), "{open}");
        let directory = dir.path().file_name().unwrap().to_str().unwrap();
        assert!(flush.contains(" fsync(") && flush.contains(&format!("{directory}>")), "{flush}");
    }
    assert_eq!(renames, 9, "three files after each epoch and at the end");
    for line in &lines {
        let modifications = ["O_TRUNC", "O_WRONLY", "O_RDWR", "unlink", "truncate("];
        let is_target = FILES.iter().any(|name| line.contains(&format!("\"{name}\"")));
        let modifies = modifications.iter().any(|call| line.contains(call));
        assert!(!(is_target && modifies), "an output file is modified in place: {line}");
    }
}

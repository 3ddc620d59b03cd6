//! System calls that fail, one after the other, and a kill at each: the old files or the new ones are there, whole.
//!
//! `cargo test --release --test strace`, on Linux with strace and the right to mount. A system call is made to fail by
//! strace's injection; the disk that fills up is a small tmpfs.
#![allow(clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;
mod disks;
mod test_dir;

use std::fs;
use std::os::unix::process::ExitStatusExt;

use lenet::train::Checkpoint;
use test_dir::{TestDir, stderr};

const LENET: &str = env!("CARGO_BIN_EXE_lenet");

/// The files of a training to `m.mpk`.
const FILES: [&str; 3] = ["m.json", "m.mpk", "m.state"];

/// One training whose calls all come from one thread, so that they can be counted.
const TRAIN: &str = "train --any-dataset --threads 1 --epochs 2 -o m.mpk";

/// Lets the n-th call of this name fail in this way, for n = 1, 2, .. until a training makes no so many calls.
/// Returns how many runs failed and how many did without the call.
fn fail_each(dir: &TestDir, call: &str, failure: &str) -> (usize, usize) {
    let (mut failed, mut survived) = (0, 0);
    for n in 1.. {
        let what = format!("{call}:{failure}:when={n}");
        let (output, injected) = dir.train_with(&what);
        let stderr = stderr(&output);
        if injected == 0 {
            assert!(output.status.success(), "{what}: {stderr}");
            break;
        }
        match output.status.code() {
            Some(0) => survived += 1,
            Some(1) => {
                failed += 1;
                assert!(stderr.contains("error: "), "{what}: {stderr}");
            }
            // The system's loader, before there is a program, or the program before it runs.
            Some(127) if stderr.contains("error while loading shared libraries") => failed += 1,
            code => panic!("{what}: status {code:?}: {stderr}"),
        }
        // The standard library takes a folder that cannot be closed for a bug.
        let is_bug = stderr.contains("internal error") && !stderr.contains("during closedir");
        assert!(!is_bug, "{what}: {stderr}");
        dir.assert_files_intact(&what);
        let names = dir.names();
        // What cannot be removed stays; and so does a lock that cannot be had, as it may be another's. A lock file
        // that nobody holds blocks nobody.
        let may_stay = call.starts_with("unlink") || call == "flock";
        assert!(names == FILES || may_stay, "{what} leaves {names:?}");
    }
    println!("{call} {failure}: {failed} runs failed as they should, {survived} did without");
    (failed, survived)
}

#[test]
fn failed_signal_handler_prevents_training() {
    let dir = TestDir::new();
    let mut refused = 0;
    for n in 1.. {
        let (output, injected) = dir.train_with(&format!("rt_sigaction:error=EINVAL:when={n}"));
        if injected == 0 {
            break;
        }
        // Other handlers are the standard library's, which ends a process that cannot have them, and C's.
        if stderr(&output).contains("error: cannot listen for signals: Invalid argument") {
            assert_eq!(output.status.code(), Some(1), "{n}");
            dir.assert_files_intact(&format!("rt_sigaction {n}"));
            refused += 1;
        }
    }
    // For each of two signals, one or two calls.
    assert!((2..=4).contains(&refused), "{refused}");
}

#[test]
fn failed_write_keeps_files_intact() {
    let dir = TestDir::new();
    for failure in ["error=ENOSPC", "error=EIO", "error=EDQUOT", "retval=1"] {
        let (failed, _) = fail_each(&dir, "write", failure);
        // Three files after each of two epochs and three at the end.
        assert!(failed >= 9, "{failure}: {failed}");
    }
    // A call that was interrupted is made again.
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
    // Some network file systems cannot flush folders: that alone is no failure.
    let (failed, survived) = fail_each(&dir, "fsync", "error=EINVAL");
    assert!(failed >= 9 && survived >= 9, "{failed} {survived}");
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
    let straight = dir.run(LENET, &format!("{TRAIN} --seed 2 --force"));
    assert!(straight.status.success());
    let expected = fs::read(dir.path().join("m.mpk")).unwrap();
    let calls = ["openat", "flock", "write", "fsync", "renameat", "rename", "close", "unlink"];
    let mut kills = 0;
    for call in calls {
        for n in 1.. {
            let what = format!("{call}:signal=SIGKILL:when={n}");
            let (output, injected) = dir.train_with(&what);
            if injected == 0 {
                assert!(output.status.success(), "{what}");
                break;
            }
            // strace ends as what it traces does.
            assert_eq!(output.status.signal(), Some(9), "{what}: {output:?}");
            kills += 1;
            dir.assert_files_intact(&what);
            let state = Checkpoint::decode(&fs::read(dir.path().join("m.state")).unwrap()).unwrap();
            if state.record.settings.seed == 2 {
                let resumed = dir.run(LENET, &format!("{TRAIN} --resume"));
                assert!(resumed.status.success(), "{what}: {}", stderr(&resumed));
                assert_eq!(fs::read(dir.path().join("m.mpk")).unwrap(), expected, "{what}");
            } else {
                // Killed before anything was saved: a new run is not kept from its work by what is left.
                let again = dir.run(LENET, &format!("{TRAIN} --seed 2 --force"));
                assert!(again.status.success(), "{what}: {}", stderr(&again));
                assert_eq!(fs::read(dir.path().join("m.mpk")).unwrap(), expected, "{what}");
            }
            assert_eq!(dir.names(), FILES, "{what}: what a killed run left is swept");
        }
    }
    println!("{kills} kills, one at each of these calls: {calls:?}");
    assert!(kills >= 60, "{kills}");
}

/// This does not show what a loss of power leaves, but that the calls are made which the system's promises are about.
#[test]
fn files_are_flushed_before_rename() {
    let dir = TestDir::new();
    dir.restore();
    let traced = "openat,write,pwrite64,writev,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,ftruncate,truncate";
    let words = format!("-f -y -o old/log -e trace={traced} {LENET} {TRAIN} --seed 2 --force");
    assert!(dir.run("strace", &words).status.success());
    let log = dir.log();
    let lines: Vec<&str> = log.lines().collect();
    let mut renames = 0;
    for (at, line) in lines.iter().enumerate() {
        let Some(rename) = line.find("rename") else {
            continue;
        };
        let paths: Vec<&str> = line[rename..].split('"').skip(1).step_by(2).collect();
        let [scratch, target] = paths[..] else { panic!("{line}") };
        let scratch = scratch.rsplit('/').next().unwrap();
        assert!(scratch.starts_with(".lenet-") && FILES.contains(&target), "{line}");
        renames += 1;
        let before: Vec<&&str> = lines[..at].iter().filter(|line| line.contains(scratch)).collect();
        let [open, writes @ .., flush] = &before[..] else { panic!("{before:?}") };
        assert!(open.contains("openat(") && open.contains("O_CREAT|O_EXCL"), "{open}");
        assert!(
            !writes.is_empty() && writes.iter().all(|line| line.contains(" write(")),
            "{writes:?}"
        );
        assert!(flush.contains(" fsync("), "{flush}");
        // Nothing else is written before the folder is flushed.
        let [open, flush, ..] = lines[at + 1..] else { panic!("{line} is the last") };
        assert!(open.contains("openat(") && open.contains("O_RDONLY"), "{open}");
        let folder = dir.path().file_name().unwrap().to_str().unwrap();
        assert!(flush.contains(" fsync(") && flush.contains(&format!("{folder}>")), "{flush}");
    }
    assert_eq!(renames, 9, "three files after each epoch and at the end");
    for line in &lines {
        let harms = ["O_TRUNC", "O_WRONLY", "O_RDWR", "unlink", "truncate("];
        let target = FILES.iter().any(|name| line.contains(&format!("\"{name}\"")));
        let harmed = harms.iter().any(|harm| line.contains(harm));
        assert!(!(target && harmed), "a file itself is touched: {line}");
    }
}

//! System calls that fail, one after the other, and a kill at each: the old files or the new ones are there, whole.
//!
//! `cargo test --release --features strace-tests --test strace`, on Linux with strace and the right to mount. A
//! system call is made to fail by strace's injection; the disk that fills up is a small tmpfs.
#![allow(clippy::unwrap_used)]

mod common;

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Output};

use lenet::format;
use lenet::train::Saved;
use tempfile::TempDir;

const LENET: &str = env!("CARGO_BIN_EXE_lenet");

/// The files of a training to `m.mpk`.
const FILES: [&str; 3] = ["m.json", "m.mpk", "m.state"];

/// One training whose calls all come from one thread, so that they can be counted.
const TRAIN: &str = "train --any-dataset --threads 1 --epochs 2 -o m.mpk";

/// A folder with a small data set and, in `old`, the files of a finished training.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        for folder in ["data", "old"] {
            fs::create_dir(place.path().join(folder)).unwrap();
        }
        common::write_dataset(&place.path().join("data"), 40, 10);
        let trained = place.run(LENET, &format!("{TRAIN} --seed 1"));
        assert!(trained.status.success(), "{trained:?}");
        for name in FILES {
            fs::rename(place.path().join(name), place.path().join("old").join(name)).unwrap();
        }
        place
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn run(&self, program: &str, words: &str) -> Output {
        let mut command = Command::new(program);
        command.args(words.split_whitespace());
        command.env("LENET_DATA_DIR", self.path().join("data"));
        command.current_dir(self.path()).output().unwrap()
    }

    /// Puts the old files back and removes all others.
    fn restore(&self) {
        for name in self.names() {
            fs::remove_file(self.path().join(name)).unwrap();
        }
        for name in FILES {
            fs::copy(self.path().join("old").join(name), self.path().join(name)).unwrap();
        }
    }

    /// Trains over the old files under strace with this injection; the output, and how often it was injected.
    fn train_with(&self, injection: &str) -> (Output, usize) {
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

    fn log(&self) -> String {
        fs::read_to_string(self.path().join("old/log")).unwrap()
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names
            .filter(|name| name != "data" && name != "old")
            .collect();
        names.sort();
        names
    }

    /// Asserts that each of the three files is there and whole, the old one or one of the new training.
    fn check_whole(&self, what: &str) {
        FILES
            .iter()
            .for_each(|name| check_whole(&self.path().join(name), what));
    }
}

/// Asserts that a file of a training is whole.
fn check_whole(path: &Path, what: &str) {
    let bytes = fs::read(path).unwrap_or_else(|error| panic!("{what}: {path:?}: {error}"));
    let problem = match path.extension().unwrap().to_str().unwrap() {
        "mpk" => format::decode(path, &bytes)
            .err()
            .map(|error| error.to_string()),
        "state" => Saved::decode(&bytes).err(),
        _ => match serde_json::from_slice::<serde_json::Value>(&bytes) {
            Ok(record) => (record["schema"] != 1).then(|| record.to_string()),
            Err(error) => Some(error.to_string()),
        },
    };
    assert_eq!(problem, None, "{what}: {path:?}");
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Lets the n-th call of this name fail in this way, for n = 1, 2, .. until a training makes no so many calls.
/// Returns how many runs failed and how many did without the call.
fn fail_each(place: &Place, call: &str, failure: &str) -> (usize, usize) {
    let (mut failed, mut survived) = (0, 0);
    for n in 1.. {
        let what = format!("{call}:{failure}:when={n}");
        let (output, injected) = place.train_with(&what);
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
        place.check_whole(&what);
        let names = place.names();
        // What cannot be removed stays; and so does a lock that cannot be had, as it may be another's. A lock file
        // that nobody holds blocks nobody.
        let may_stay = call.starts_with("unlink") || call == "flock";
        assert!(names == FILES || may_stay, "{what} leaves {names:?}");
    }
    println!("{call} {failure}: {failed} runs failed as they should, {survived} did without");
    (failed, survived)
}

#[test]
fn each_write_that_fails_leaves_the_old_files_or_the_new() {
    let place = Place::new();
    for failure in ["error=ENOSPC", "error=EIO", "error=EDQUOT", "retval=1"] {
        let (failed, _) = fail_each(&place, "write", failure);
        // Three files after each of two epochs and three at the end.
        assert!(failed >= 9, "{failure}: {failed}");
    }
    // A call that was interrupted is made again.
    let (failed, survived) = fail_each(&place, "write", "error=EINTR");
    assert!(failed == 0 && survived >= 9, "{failed} {survived}");
}

#[test]
fn each_flush_that_fails_leaves_the_old_files_or_the_new() {
    let place = Place::new();
    for failure in ["error=EIO", "error=ENOSPC"] {
        let (failed, _) = fail_each(&place, "fsync", failure);
        assert!(failed >= 18, "{failure}: {failed}");
    }
    // Some network file systems cannot flush folders: that alone is no failure.
    let (failed, survived) = fail_each(&place, "fsync", "error=EINVAL");
    assert!(failed >= 9 && survived >= 9, "{failed} {survived}");
}

#[test]
fn each_rename_that_fails_leaves_the_old_files_or_the_new() {
    let place = Place::new();
    for failure in ["error=EACCES", "error=EXDEV", "error=EIO"] {
        let calls = ["rename", "renameat", "renameat2"];
        let failed: usize = calls
            .map(|call| fail_each(&place, call, failure).0)
            .iter()
            .sum();
        assert!(failed >= 9, "{failure}: {failed}");
    }
}

#[test]
fn each_open_close_and_lock_that_fails_leaves_the_old_files_or_the_new() {
    let place = Place::new();
    for failure in ["error=EMFILE", "error=EACCES", "error=ENOSPC"] {
        let (failed, _) = fail_each(&place, "openat", failure);
        assert!(failed >= 9, "{failure}: {failed}");
    }
    fail_each(&place, "close", "error=EIO");
    fail_each(&place, "flock", "error=EIO");
    fail_each(&place, "flock", "error=ENOLCK");
    fail_each(&place, "unlink", "error=EIO");
}

#[test]
fn a_kill_at_each_call_leaves_whole_files_from_which_the_same_weights_come() {
    let place = Place::new();
    place.restore();
    let straight = place.run(LENET, &format!("{TRAIN} --seed 2 --force"));
    assert!(straight.status.success());
    let expected = fs::read(place.path().join("m.mpk")).unwrap();
    let calls = [
        "openat", "flock", "write", "fsync", "renameat", "rename", "close", "unlink",
    ];
    let mut kills = 0;
    for call in calls {
        for n in 1.. {
            let what = format!("{call}:signal=SIGKILL:when={n}");
            let (output, injected) = place.train_with(&what);
            if injected == 0 {
                assert!(output.status.success(), "{what}");
                break;
            }
            // strace ends as what it traces does.
            assert_eq!(output.status.signal(), Some(9), "{what}: {output:?}");
            kills += 1;
            place.check_whole(&what);
            let state = Saved::decode(&fs::read(place.path().join("m.state")).unwrap()).unwrap();
            if state.settings.seed == 2 {
                let resumed = place.run(LENET, &format!("{TRAIN} --resume"));
                assert!(resumed.status.success(), "{what}: {}", stderr(&resumed));
                assert_eq!(
                    fs::read(place.path().join("m.mpk")).unwrap(),
                    expected,
                    "{what}"
                );
            } else {
                // Killed before anything was saved: a new run is not kept from its work by what is left.
                let again = place.run(LENET, &format!("{TRAIN} --seed 2 --force"));
                assert!(again.status.success(), "{what}: {}", stderr(&again));
                assert_eq!(
                    fs::read(place.path().join("m.mpk")).unwrap(),
                    expected,
                    "{what}"
                );
            }
            assert_eq!(
                place.names(),
                FILES,
                "{what}: what a killed run left is swept"
            );
        }
    }
    println!("{kills} kills, one at each of these calls: {calls:?}");
    assert!(kills >= 60, "{kills}");
}

/// This does not show what a loss of power leaves, but that the calls are made which the system's promises are about.
#[test]
fn a_file_is_written_flushed_renamed_and_its_folder_flushed_in_this_order() {
    let place = Place::new();
    place.restore();
    let traced = "openat,write,pwrite64,writev,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,ftruncate,truncate";
    let words = format!("-f -y -o old/log -e trace={traced} {LENET} {TRAIN} --seed 2 --force");
    assert!(place.run("strace", &words).status.success());
    let log = place.log();
    let lines: Vec<&str> = log.lines().collect();
    let mut renames = 0;
    for (at, line) in lines.iter().enumerate() {
        let Some(rename) = line.find("rename") else {
            continue;
        };
        let paths: Vec<&str> = line[rename..].split('"').skip(1).step_by(2).collect();
        let [scratch, target] = paths[..] else {
            panic!("{line}")
        };
        let scratch = scratch.rsplit('/').next().unwrap();
        assert!(
            scratch.starts_with(".lenet-") && FILES.contains(&target),
            "{line}"
        );
        renames += 1;
        let before: Vec<&&str> = lines[..at]
            .iter()
            .filter(|line| line.contains(scratch))
            .collect();
        let [open, writes @ .., flush] = &before[..] else {
            panic!("{before:?}")
        };
        assert!(
            open.contains("openat(") && open.contains("O_CREAT|O_EXCL"),
            "{open}"
        );
        assert!(
            !writes.is_empty() && writes.iter().all(|line| line.contains(" write(")),
            "{writes:?}"
        );
        assert!(flush.contains(" fsync("), "{flush}");
        // Nothing else is written before the folder is flushed.
        let [open, flush, ..] = lines[at + 1..] else {
            panic!("{line} is the last")
        };
        assert!(
            open.contains("openat(") && open.contains("O_RDONLY"),
            "{open}"
        );
        let folder = place.path().file_name().unwrap().to_str().unwrap();
        assert!(
            flush.contains(" fsync(") && flush.contains(&format!("{folder}>")),
            "{flush}"
        );
    }
    assert_eq!(renames, 9, "three files after each epoch and at the end");
    for line in &lines {
        let harms = ["O_TRUNC", "O_WRONLY", "O_RDWR", "unlink", "truncate("];
        let target = FILES
            .iter()
            .any(|name| line.contains(&format!("\"{name}\"")));
        let harmed = harms.iter().any(|harm| line.contains(harm));
        assert!(!(target && harmed), "a file itself is touched: {line}");
    }
}

/// Runs `script` where the folder `disk` is a file system of its own of `size` bytes; then copies it to `out`.
fn on_small_disk(place: &Place, size: &str, script: &str) -> Output {
    for folder in ["old/disk", "old/out"] {
        let _ = fs::remove_dir_all(place.path().join(folder));
        fs::create_dir(place.path().join(folder)).unwrap();
    }
    let script = format!(
        "mount -t tmpfs -o size={size} tmpfs old/disk || exit 99; \
         {script}; status=$?; cp -a old/disk/. old/out || exit 98; exit $status"
    );
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", &script]).arg(LENET);
    command.env("LENET_DATA_DIR", place.path().join("data"));
    command.env("LENET", LENET);
    let output = command.current_dir(place.path()).output().unwrap();
    let status = output.status.code();
    assert!(
        status != Some(99) && status != Some(98),
        "{}",
        stderr(&output)
    );
    output
}

#[test]
fn on_a_disk_that_is_full_the_old_files_stay_as_they_were() {
    let place = Place::new();
    let names = |folder: &str| {
        let entries = fs::read_dir(place.path().join(folder)).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let train = "\"$LENET\" train --any-dataset --epochs 1 -q -o old/disk/m.mpk --force";
    // Without old files, from no room at all to where the state fits and the model does not.
    let mut kilobytes_enough = 0;
    for kilobytes in (4..1000).step_by(60) {
        let output = on_small_disk(&place, &format!("{kilobytes}k"), train);
        if output.status.success() {
            kilobytes_enough = kilobytes;
            break;
        }
        let stderr = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{kilobytes}k: {stderr}");
        assert!(
            stderr.contains("No space left on device"),
            "{kilobytes}k: {stderr}"
        );
        assert!(
            stderr.contains("hint: free some space"),
            "{kilobytes}k: {stderr}"
        );
        // With room for the files of the first saving and not for those of the second beside them, the first stay.
        for name in names("old/out") {
            check_whole(
                &place.path().join("old/out").join(name),
                &format!("{kilobytes}k"),
            );
        }
    }
    assert!(kilobytes_enough > 500, "{kilobytes_enough}");
    // With old files: they take 540 kB, and the new ones need room beside them.
    let (mut failed, mut replaced) = (0, false);
    for kilobytes in (560..1100).step_by(40) {
        let script = format!("cp old/m.* old/disk || exit 97; {train}");
        let output = on_small_disk(&place, &format!("{kilobytes}k"), &script);
        assert_eq!(names("old/out"), FILES, "{kilobytes}k");
        let is_old = |name: &str| {
            let read = |folder: &str| fs::read(place.path().join(folder).join(name)).unwrap();
            read("old/out") == read("old")
        };
        if output.status.success() {
            replaced = FILES.iter().all(|name| !is_old(name));
            break;
        }
        assert_eq!(
            output.status.code(),
            Some(1),
            "{kilobytes}k: {}",
            stderr(&output)
        );
        assert!(stderr(&output).contains("No space left on device"));
        assert!(FILES.iter().all(|name| is_old(name)), "{kilobytes}k");
        failed += 1;
    }
    assert!(failed >= 5 && replaced, "{failed} {replaced}");
}

#[test]
fn a_disk_that_is_read_only_is_refused_before_the_training() {
    let place = Place::new();
    let script = "mount -o remount,ro old/disk || exit 99; \
                  \"$LENET\" train --any-dataset -o old/disk/m.mpk";
    let output = on_small_disk(&place, "1m", script);
    let stderr = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(
        stderr.contains("Read-only file system") && stderr.contains("hint: "),
        "{stderr}"
    );
    assert!(output.stdout.is_empty());
}

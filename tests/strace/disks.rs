//! Full and read-only disks.

use std::fs;
use std::process::{Command, Output};

use super::test_dir::{TestDir, assert_file_intact, stderr};
use super::{FILES, LENET};

/// Mounts a file system of `size` bytes at `old/disk`, runs `script`, and copies the content of the disk to `old/out`.
fn on_small_disk(dir: &TestDir, size: &str, script: &str) -> Output {
    for name in ["old/disk", "old/out"] {
        let _ = fs::remove_dir_all(dir.path().join(name));
        fs::create_dir(dir.path().join(name)).unwrap();
    }
    let script = format!(
        "mount -t tmpfs -o size={size} tmpfs old/disk || exit 99; \
         {script}; status=$?; cp -a old/disk/. old/out || exit 98; exit $status"
    );
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", &script]).arg(LENET);
    command.env("LENET_DATA_DIR", dir.path().join("data"));
    command.env("LENET", LENET);
    let output = command.current_dir(dir.path()).output().unwrap();
    let status = output.status.code();
    assert!(status != Some(99) && status != Some(98), "{}", stderr(&output));
    output
}

/// Every command that writes files, with its output on the disk.
const COMMANDS: [&str; 11] = [
    "train --any-dataset -o old/disk/m.mpk",
    "train --any-dataset -o ok.mpk --force --tensorboard old/disk/runs",
    "train --any-dataset -o ok.mpk --force --tensorboard old/disk/new",
    "train --any-dataset --seeds 1..2 -o old/disk/{seed}.mpk",
    "convert old/m.mpk old/disk/m.onnx",
    "convert old/m.mpk old/disk/hub/",
    "report old/m.mpk --any-dataset -o old/disk/r.html",
    "compare old/m.mpk old/m.json --records-only -o old/disk/c.html",
    "data show --any-dataset --png old/disk/s.png",
    "data fetch --mirror http://127.0.0.1:1 --data old/disk/data",
    "man --dir old/disk/man",
];

#[test]
fn full_disk_keeps_old_files() {
    let dir = TestDir::new();
    let names = |directory: &str| {
        let entries = fs::read_dir(dir.path().join(directory)).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let train = "\"$LENET\" train --any-dataset --epochs 1 -o old/disk/m.mpk --force";
    // First without old files. The sizes range from a disk without any space, through one with room for the checkpoint but
    // not for the model, to a sufficient one.
    let mut sufficient_kilobytes = 0;
    for kilobytes in (4..1000).step_by(60) {
        let output = on_small_disk(&dir, &format!("{kilobytes}k"), train);
        if output.status.success() {
            sufficient_kilobytes = kilobytes;
            break;
        }
        let stderr = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{kilobytes}k: {stderr}");
        assert!(stderr.contains("No space left on device"), "{kilobytes}k: {stderr}");
        assert!(stderr.contains("hint: free some space"), "{kilobytes}k: {stderr}");
        assert!(output.stdout.is_empty(), "{kilobytes}k: training started");
        // If the first save fits on the disk and the second does not, the files of the first save remain intact.
        for name in names("old/out") {
            assert_file_intact(&dir.path().join("old/out").join(name), &format!("{kilobytes}k"));
        }
    }
    assert!(sufficient_kilobytes > 500, "{sufficient_kilobytes}");
    // Then with old files, which occupy 540 kB. The disk must have room for old and new files at once, because the program
    // writes a new file before it replaces the old one.
    let (mut failed, mut replaced) = (0, false);
    for kilobytes in (560..1100).step_by(40) {
        let script = format!("cp old/m.* old/disk || exit 97; {train}");
        let output = on_small_disk(&dir, &format!("{kilobytes}k"), &script);
        assert_eq!(names("old/out"), FILES, "{kilobytes}k");
        let is_old = |name: &str| {
            let read = |directory: &str| fs::read(dir.path().join(directory).join(name)).unwrap();
            read("old/out") == read("old")
        };
        if output.status.success() {
            replaced = FILES.iter().all(|name| !is_old(name));
            break;
        }
        assert_eq!(output.status.code(), Some(1), "{kilobytes}k: {}", stderr(&output));
        assert!(stderr(&output).contains("No space left on device"));
        assert!(FILES.iter().all(|name| is_old(name)), "{kilobytes}k");
        failed += 1;
    }
    assert!(failed >= 5 && replaced, "{failed} {replaced}");
}

#[test]
fn every_command_reports_full_disk() {
    let dir = TestDir::new();
    for command in COMMANDS {
        let script =
            format!("head -c 100000 /dev/zero > old/disk/full 2> /dev/null; \"$LENET\" {command}");
        let output = on_small_disk(&dir, "8k", &script);
        let stderr = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{command}: {stderr}");
        // `data fetch` creates its temporary file, but then no mirror answers.
        if !command.contains("fetch") {
            assert!(stderr.contains("No space left on device"), "{command}: {stderr}");
            assert!(stderr.contains("hint: free some space"), "{command}: {stderr}");
            assert!(!String::from_utf8_lossy(&output.stdout).contains("Epoch"), "{command}");
        }
        let mut find = Command::new("find");
        let found = find.arg(dir.path().join("old/out")).args(["-type", "f"]).output().unwrap();
        let remain = String::from_utf8(found.stdout).unwrap();
        let is_own = |line: &&str| line.contains("/.lenet-") || line.contains(".lock");
        assert_eq!(remain.lines().find(is_own), None, "{command}");
    }
}

#[test]
fn read_only_disk_is_rejected() {
    let dir = TestDir::new();
    for command in COMMANDS {
        let script = format!(
            "mkdir -p old/disk/runs/train old/disk/runs/validation || exit 97; \
             mount -o remount,ro old/disk || exit 99; \"$LENET\" {command}"
        );
        let output = on_small_disk(&dir, "1m", &script);
        let stderr = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{command}: {stderr}");
        assert!(stderr.contains("Read-only file system"), "{command}: {stderr}");
        assert!(stderr.contains("hint: "), "{command}: {stderr}");
        assert!(output.stdout.is_empty(), "{command}");
    }
}
